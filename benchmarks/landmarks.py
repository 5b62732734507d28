"""The finders of the 68 points side by side: dlib's predictor and the network of our own.

- Hand: neutral faces whose points were placed by hand, found by the HOG detector. Both finders against the
  places that any scheme has in common, and against the drawn contours (where along a contour a point lies is
  a matter of the scheme). In inter-ocular distances.
- Shut lips: how far apart each finder sets the inner lips of those faces whose lips are shut.
- Box: the same faces with the box moved as detectors and trackers move it: how far a point wanders.
- Clips: real videos, followed: second difference of each point from frame to frame; the box that the points
  imply against the detector's.
- Smiles: how far the two differ on other faces, beside what they differ on neutral ones; how wide mouths
  are, and how far apart the lips of open ones, for each.
- AUs: smiling against neutral photographs, scored by a model (--model, or the embedded one).
- Animated: faces of a store of `au train landmarks` (--animated FOLDER), whose points are exact: how well the
  opening of mouth and eyes, the width of the mouth and the height of the brows follow, as correlations,
  for which it does not matter what a scheme calls its points.
- Time: one face on one core.

    python benchmarks/landmarks.py FACES CLIPS [--people test] [--network FILE.onnx] [--sheet FILE.png]
        [--out RESULT.json]

``--network`` measures another network as "own" than the one that the package carries.

FACES holds london/, canada/, congress/ and points189.npz. The test people are for one final measurement.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

import cv2
import numpy as np

from actionunits.detect.backends import load_backend
from actionunits.experiments.embedded.measure import real_faces, smile_scores
from actionunits.experiments.embedded.people import find_people
from actionunits.experiments.embedded.pictures import jittered_box
from actionunits.experiments.embedded.recipe import load_embedded_recipe
from actionunits.experiments.embedded.rule import smile_by_points
from actionunits.experiments.landmarks.hand_points import CONTOURS, SAME_PLACE, from_hand, read_hand_points
from actionunits.experiments.landmarks.pictures import STORED_EYES_PX, load_pictures
from actionunits.faces import landmarks as landmarks_module
from actionunits.faces.align import inter_ocular_distance
from actionunits.faces.batch import collate
from actionunits.faces.detect import HogDetector
from actionunits.faces.finders import LANDMARKS
from actionunits.faces.landmarks import face_box_from, find_landmarks
from actionunits.faces.point_network import PointNetwork
from actionunits.faces.track import FaceTracker
from actionunits.faces.video import open_source, read_picture
from actionunits.facs.motion import lip_gap
from actionunits.facs.points import POINT_PARTS
from actionunits.records import Face, Landmarks
from actionunits.synthesis.degrade import degrade

#: Contour of the template -> points of the 68 that lie on it.
ON_CONTOUR = {
    "jaw": range(17), "right brow": range(17, 22), "left brow": range(22, 27),
    "right upper lid": range(36, 40), "left upper lid": range(42, 46),
    "right lower lid": (36, 39, 40, 41), "left lower lid": (42, 45, 46, 47),
    "outer lips": range(48, 60), "mouth line": range(60, 68),
}  # fmt: skip
#: A drawn gap of the lips, in inter-ocular distances, below which they are shut.
SHUT_BELOW = 0.02
LIPS = {
    "outer lips": (87, 88, 89, 90, 91, 92, 93, 108, 107, 106, 105, 104, 87),
    "mouth line": (87, 94, 95, 96, 97, 98, 93),
}


def from_line(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """f64[N], distance of points from a polyline f64[M,2]."""
    start, step = line[:-1], np.diff(line, axis=0)
    along = ((points[:, None] - start) * step).sum(2) / (step**2).sum(1)
    nearest = start + np.clip(along, 0, 1)[..., None] * step
    return np.linalg.norm(points[:, None] - nearest, axis=2).min(1)


def found_faces(paths: Sequence[Path]) -> dict[str, tuple[np.ndarray, Face]]:
    """Grey picture and largest face of each file that shows one."""
    detector, found = HogDetector(), {}
    for path in paths:
        grey = read_picture(path).grey
        faces = detector.find(grey)
        if faces:
            found[f"{path.parent.name}/{path.name}"] = grey, faces[0]
    return found


def against_hand(faces: dict, hand: dict) -> dict:
    """Mean error of each finder: at common places by part, and from the contours."""
    same, lines = {by: [] for by in LANDMARKS}, {by: [] for by in LANDMARKS}
    for name, (grey, face) in faces.items():
        true = from_hand(hand[name])
        unit = inter_ocular_distance(Landmarks(true))
        for by in LANDMARKS:
            points = find_landmarks(grey, face, by).points
            same[by].append(np.linalg.norm(points - true, axis=1) / unit)
            lines[by].append(
                [
                    from_line(
                        points[list(on)], hand[name][list({**CONTOURS, **LIPS}[line])].astype(float)
                    ).mean()
                    / unit
                    for line, on in ON_CONTOUR.items()
                ]
            )
    result = {}
    for by in LANDMARKS:
        at, line = np.array(same[by]), np.array(lines[by]).mean(0)
        parts = {part: [p for p in members if p in SAME_PLACE] for part, members in POINT_PARTS.items()}
        result[by] = {
            "common places": float(at[:, list(SAME_PLACE)].mean()),
            "common places, worst face": float(at[:, list(SAME_PLACE)].mean(1).max()),
            "all 68 (our definition)": float(at.mean()),
            "by part": {part: float(at[:, p].mean()) for part, p in parts.items() if p},
            "from the contour": dict(zip(ON_CONTOUR, line.tolist(), strict=True)),
        }
    return {"faces": len(faces), **result}


def shut_lips(faces: dict, hand: dict) -> dict:
    """How far apart each finder sets the inner lips of faces whose lips are shut by the drawn contour."""
    result: dict = {by: {} for by in LANDMARKS}
    for name, (grey, face) in faces.items():
        if lip_gap(from_hand(hand[name])) < SHUT_BELOW:
            for by in LANDMARKS:
                result[by][name] = lip_gap(find_landmarks(grey, face, by).points)
    return {
        by: {
            "faces": len(gaps),
            "mean size": float(np.abs(list(gaps.values())).mean()),
            "the widest": {name: round(gaps[name], 3) for name in sorted(gaps, key=lambda n: -gaps[n])[:3]},
        }
        for by, gaps in result.items()
    }


def box_wander(faces: dict, tries: int = 8) -> dict:
    """Deviation of a point over boxes that are off as a detector's are."""
    result = {by: [] for by in LANDMARKS}
    for grey, face in faces.values():
        rng = np.random.default_rng(0)
        boxes = [Face(jittered_box(face.box, rng), 1.0) for _ in range(tries)]
        for by in LANDMARKS:
            points = np.array([find_landmarks(grey, box, by).points for box in boxes])
            unit = inter_ocular_distance(Landmarks(points[0]))
            result[by].append(np.sqrt(points.var(0).sum(-1)).mean() / unit)
    return {by: float(np.mean(values)) for by, values in result.items()}


def on_clips(clips: Sequence[Path], most: int) -> dict:
    """Jitter, how much the clips' frames have a face, and the box from the points against the detector's."""
    detector, result = HogDetector(), {}
    for by in LANDMARKS:
        jitter, level, frames, seen, off, steps = [], [], 0, 0, [], []
        for clip in clips[:most]:
            tracker = FaceTracker(detector, keep="largest", landmarks=by)
            track = []
            for frame in open_source(clip):
                faces = tracker.update(frame)
                frames, seen = frames + 1, seen + bool(faces)
                track.append(faces[0].landmarks.points if faces else np.full((68, 2), np.nan, np.float32))
                if faces and frame.index % 15 == 0:
                    box = detector.check(frame.grey, faces[0].face.box)
                    if box is not None:
                        implied, side = face_box_from(faces[0].landmarks), box.box[2] - box.box[0]
                        middle = (implied[:2] + implied[2:] - box.box[:2] - box.box[2:]) / 2 / side
                        off.append([*middle, np.log((implied[2] - implied[0]) / side)])
            points = np.array(track, np.float64)
            unit = np.nanmedian([inter_ocular_distance(Landmarks(np.float32(p))) for p in points])
            second = np.linalg.norm(points[2:] - 2 * points[1:-1] + points[:-2], axis=2) / unit
            steps.append(np.nanmean(np.linalg.norm(np.diff(points, axis=0), axis=2)) / unit)
            jitter.append(np.nanmean(second))
            level.append(np.nanmedian(second))
        result[by] = {
            "second difference, mean": float(np.mean(jitter)),
            "second difference, median": float(np.mean(level)),
            "first difference, mean": float(np.mean(steps)),
            "frames with a face": seen / frames,
            "box off the detector's: x, y, log size": np.mean(off, 0).round(4).tolist(),
        }
    return result


def differences(neutral: dict, others: dict[str, dict]) -> dict:
    """Mean distance of the two finders' points after taking out what they differ by on neutral faces."""

    def off(grey: np.ndarray, face: Face) -> np.ndarray:
        own, other = (find_landmarks(grey, face, by) for by in LANDMARKS)
        return (own.points - other.points) / inter_ocular_distance(other)

    usual = np.mean([off(*each) for each in neutral.values()], axis=0)
    result = {}
    for name, faces in {"neutral": neutral, **others}.items():
        size = np.linalg.norm(np.array([off(*each) for each in faces.values()]) - usual, axis=2)
        result[name] = {
            "faces": len(faces),
            "mean": float(size.mean()),
            "90 % of faces below": float(np.quantile(size.mean(1), 0.9)),
            **{part: float(size[:, list(p)].mean()) for part, p in POINT_PARTS.items()},
            **mouths(faces),
        }
    return result


def mouths(faces: dict) -> dict:
    """The mouth, own beside dlib's: its width, the gap of its lips, and the smile by points.

    The gap's ratio is of those where dlib's is above .1.
    """

    def of(points: np.ndarray) -> tuple[float, float, float]:
        width = np.linalg.norm(points[54] - points[48]) / inter_ocular_distance(Landmarks(points))
        return lip_gap(points), float(width), smile_by_points(points)

    own, other = (
        np.array([of(find_landmarks(*each, by).points) for each in faces.values()]) for by in ("own", "dlib")
    )
    wide = other[:, 0] > 0.1
    ratio = own[wide, 0].mean() / other[wide, 0].mean() if wide.any() else np.nan
    same = [float(np.corrcoef(own[:, k], other[:, k])[0, 1]) for k in range(3)]
    return {
        "open mouths": int(wide.sum()),
        "own gap of the lips over dlib's, open mouths": float(ratio),
        "own width of the mouth over dlib's": float(own[:, 1].mean() / other[:, 1].mean()),
        "correlation of both gaps": same[0],
        "correlation of both widths": same[1],
        "correlation of the smile by points": same[2],
    }


def au_scores(photographs: Sequence, views: int, model: Path | None) -> dict:
    """AUC of smile against neutral by a model, with each finder's points; of nobody from whom it learnt."""
    backend = load_backend(model)
    learnt = set(backend.card["subjects"]["train"])
    photographs = [photo for photo in photographs if photo.subject not in learnt]
    if not photographs:
        return {"people": 0}

    result = {}
    for by in LANDMARKS:
        faces = real_faces(photographs, replace(backend.spec, landmarks=by), views=views)
        probability = backend.predict(collate(faces.samples, backend.spec)).probability[:, 0]
        scores = smile_scores(probability, faces, backend.spec, backend.thresholds)
        result[by] = {
            "people": scores.people,
            "AUC": {f"AU{au}": list(value) for au, value in scores.auc.items()},
            "rule's AUC": list(scores.rule_auc),
            "smile above own neutral": scores.own_neutral,
            "AU12 called on smiles": scores.hit_rate,
            "calls on neutral faces, mean of AUs": float(np.mean(list(scores.false_alarms.values()))),
            "most called on neutral": max(scores.false_alarms.items(), key=lambda item: item[1]),
        }
    return result


def shape_of(points: np.ndarray) -> list[float]:
    """Opening of mouth and eyes, width of the mouth, height of the brows, in inter-ocular distances."""
    unit = inter_ocular_distance(Landmarks(points))
    lids = [np.linalg.norm(points[u] - points[d]) for u, d in ((37, 41), (38, 40), (43, 47), (44, 46))]
    brows = points[[19, 24]].mean(0) - points[[36, 39, 42, 45]].mean(0)
    values = [
        np.linalg.norm(points[66] - points[62]), np.mean(lids),
        np.linalg.norm(points[54] - points[48]), np.linalg.norm(brows),
    ]  # fmt: skip
    return [float(value) / unit for value in values]


def on_animated(folder: Path) -> dict:
    """Correlation of found with true shapes, and the mean error from the exact points."""
    pictures, rng = load_pictures(folder), np.random.default_rng(1)
    true, said, off = [], {by: [] for by in LANDMARKS}, {by: [] for by in LANDMARKS}
    for image, points in zip(pictures.images, pictures.points, strict=True):
        seen = cv2.cvtColor(
            degrade(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), rng, STORED_EYES_PX), cv2.COLOR_RGB2GRAY
        )
        face = Face(jittered_box(face_box_from(Landmarks(points)), rng), 1.0)
        true.append(shape_of(points))
        for by in LANDMARKS:
            found = find_landmarks(seen, face, by).points
            said[by].append(shape_of(found))
            off[by].append(np.linalg.norm(found - points, axis=1) / inter_ocular_distance(Landmarks(points)))
    names = ("mouth's opening", "eyes' opening", "mouth's width", "brows' height")
    return {
        by: {
            "error": float(np.mean(off[by])),
            "error without the jaw": float(np.mean(np.array(off[by])[:, 17:])),
            **{
                name: float(np.corrcoef(np.array(true)[:, at], np.array(said[by])[:, at])[0, 1])
                for at, name in enumerate(names)
            },
        }
        for by in LANDMARKS
    }


def speed(faces: dict, network: Path, repeats: int = 5) -> dict:
    """Ms a face on one core: the finder as a whole."""
    cv2.setNumThreads(1)
    result = {}
    for by in LANDMARKS:
        spent = []
        for _ in range(repeats):
            for grey, face in faces.values():
                start = time.perf_counter()
                find_landmarks(grey, face, by)
                spent.append(1e3 * (time.perf_counter() - start))
        result[by] = {"median ms": float(np.median(spent)), "10 % below": float(np.quantile(spent, 0.1))}
    result["own"]["file, MB"] = network.stat().st_size / 1e6
    return result


def sheet(faces: dict, path: Path, px: int = 360) -> None:
    """Both finders' points on faces: ours green, dlib's red."""
    tiles = []
    for grey, face in faces.values():
        box = face.box
        side = 1.25 * float(box[2] - box[0])
        corner = (box[:2] + box[2:]) / 2 - side / 2 + [0, 0.08 * side]
        scale = px / side
        affine = np.column_stack([np.eye(2) * scale, -corner * scale])
        tile = cv2.cvtColor(cv2.warpAffine(grey, affine, (px, px), flags=cv2.INTER_CUBIC), cv2.COLOR_GRAY2BGR)
        for by, colour in (("dlib", (60, 60, 255)), ("own", (80, 255, 80))):
            for x, y in (find_landmarks(grey, face, by).points - corner) * scale:
                cv2.circle(tile, (round(float(x)), round(float(y))), 2, colour, -1, cv2.LINE_AA)
        tiles.append(tile)
    while len(tiles) % 6:
        tiles.append(np.zeros_like(tiles[0]))
    cv2.imwrite(str(path), np.vstack([np.hstack(tiles[i : i + 6]) for i in range(0, len(tiles), 6)]))


def clip_faces(clips: Sequence[Path], at: int) -> dict:
    """One frame of each clip, with its face."""
    detector, found = HogDetector(), {}
    for clip in clips:
        for frame in open_source(clip):
            if frame.index == at:
                faces = detector.find(frame.grey)
                if faces:
                    found[clip.name] = frame.grey, faces[0]
                break
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("faces", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--people", choices=("validation", "test"), default="validation")
    parser.add_argument("--congress", type=int, default=200, help="portraits of congress to compare on")
    parser.add_argument("--most-clips", type=int, default=20)
    parser.add_argument("--model", type=Path, help="another than the embedded one")
    parser.add_argument(
        "--network",
        type=Path,
        default=Path(str(resources.files("actionunits") / "weights" / "landmarks.onnx")),
        help="another point network than the package's",
    )
    parser.add_argument("--animated", type=Path, help="a store of animated validation faces")
    parser.add_argument("--sheet", type=Path, help="a picture of both finders' points")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    network = PointNetwork(given.network)
    landmarks_module.own_network = lambda: network  # find_landmarks takes it from there
    split = load_embedded_recipe().split
    people = find_people([given.faces / "london"], validation=split.validation, test=split.test)
    photographs = getattr(people, given.people)
    hand = read_hand_points(given.faces / "points189.npz")
    neutral = found_faces([photo.path for photo in photographs if not photo.smiling])
    smiling = found_faces([photo.path for photo in photographs if photo.smiling])
    congress = found_faces(sorted((given.faces / "congress").glob("*.jpg"))[:: max(1, 879 // given.congress)])
    clips = sorted(given.clips.glob("*.mkv"))
    result = {
        "people": given.people,
        "hand": against_hand(neutral, hand),
        "shut lips": shut_lips(neutral, hand),
        "wander with the box": box_wander(neutral),
        "clips": on_clips(clips, given.most_clips),
        "differ": differences(neutral, {"smiling": smiling, "congress": congress}),
        "AUs": au_scores(photographs, 1, given.model),
        "AUs, 8 views": au_scores(photographs, 8, given.model),
        "time": speed(neutral, given.network),
    }
    if given.animated:
        result["animated"] = on_animated(given.animated)
    if given.out:
        given.out.write_text(json.dumps(result, indent=1))
    print(json.dumps(result, indent=1))
    if given.sheet:
        some = dict(list(smiling.items())[:8]) | dict(list(congress.items())[:10])
        sheet(some | clip_faces(clips[:6], 30), given.sheet)


if __name__ == "__main__":
    main()
