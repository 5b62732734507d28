"""What `--baseline`, `--smooth`, the agreement of intensities, the pose and the flags of `au detect` do.

Only people are used from whom the model did not learn, by its card. Of a run of `au train default` with folds
these are, for each of its judges (``without-1-of-3.onnx``, ``--model``), the people whom it did not see.
Nothing is chosen by what this prints.

- Talks: each person's neutral portrait, animated with a 3-D face model: 5 s at rest, then 20 s of random
  plausible expressions with blinks and head motion, as H.264. Every frame's codes are known.
- Stills: each person's neutral and smiling photograph (real) as a video: 7 s of the one, 5 s of the other,
  moved a little and with camera noise. Known are: nothing on the neutral one, AU12 on the smiling one.
- Turned: the portraits turned by a known pose, with random expressions, as cameras of several sizes see them.
- Clips: real videos without codes. Reported are how often AUs are called and how much values jump.

    python benchmarks/detect_options.py LONDON CLIPS --face-model FILE --work FOLDER --model JUDGE.onnx

What was rendered stays in ``--work``; a second run starts from there.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.detect.agreement import agreeing
from actionunits.detect.baseline import Baseline, rebased
from actionunits.detect.pipeline import Detector
from actionunits.detect.results import FrameResult
from actionunits.detect.smoothing import smooth
from actionunits.faces.align import align_for, inter_ocular_distance
from actionunits.faces.batch import collate, sample_of
from actionunits.faces.landmarks import face_box_from, find_landmarks
from actionunits.faces.pose import head_pose
from actionunits.facs.sets import DEFAULT_17
from actionunits.metrics.agreement import concordance, mean_absolute_error
from actionunits.metrics.averages import mean_defined
from actionunits.metrics.classification import f1_score
from actionunits.metrics.events import event_f1, segments
from actionunits.metrics.ranking import roc_auc
from actionunits.records import Face, Landmarks
from actionunits.synthesis.clip import OCCURRENCE_FROM, labels_path, render_clip, write_clip
from actionunits.synthesis.degrade import random_camera
from actionunits.synthesis.face_model import FaceModel, load_face_model
from actionunits.synthesis.model_animator import ModelAnimator
from actionunits.synthesis.portraits import read_portrait
from actionunits.synthesis.timeline import Timeline, random_expression, random_timeline

RATE_HZ = 12.5
REST_S, BUSY_S = 5.0, 20.0
#: (baseline, deviation of the Gaussian in seconds)
SETTINGS = (
    ("none", 0.0), ("none", 0.1), ("none", 0.2), ("none", 0.4),
    ("first:5s", 0.0), ("auto", 0.0), ("auto", 0.2),
)  # fmt: skip


class Raw(Detector):
    """Gives the network's values as they are, so that one pass serves every setting."""

    def _settled(
        self, results: Iterator[FrameResult], on_rest: object = None, *, timed: bool
    ) -> Iterator[FrameResult]:
        return results


@dataclass(frozen=True)
class Values:
    """Of one video and setting: f32[N,A] probability and intensity, f64[N] times, bool[N] with a face."""

    probability: NDArray[np.float32]
    intensity: NDArray[np.float32]
    time_s: NDArray[np.float64]
    seen: NDArray[np.bool_]


def settled(
    raw: Sequence[FrameResult], limits: NDArray, baseline: str, smooth_s: float, agree: bool
) -> Values:
    results = smooth(rebased(iter(raw), Baseline.parse(baseline), limits), smooth_s)
    rows = list(agreeing(results, limits) if agree else results)
    blank = np.full(len(limits), np.nan, np.float32)
    return Values(
        np.array([r.faces[0].probability if r.faces else blank for r in rows]),
        np.array([r.faces[0].intensity if r.faces else blank for r in rows]),
        np.array([r.time_s for r in rows]),
        np.array([bool(r.faces) for r in rows]),
    )


def unseen_people(card: Mapping[str, Any], london: Path) -> list[str]:
    """Those with both photographs."""
    subjects = card["subjects"]["validation"]
    if not subjects:
        raise SystemExit("this model learnt from its validation people: give --model a judge of its training")
    names = [subject.split("/")[1] for subject in subjects]
    return [name for name in names if all(p.exists() for p in photographs(london, name))]


def photographs(london: Path, name: str) -> list[Path]:
    """Neutral and smiling."""
    return [london / f"{name}_{kind}.jpg" for kind in ("neutral", "smiling")]


def talk(path: Path, portrait: Path, model: FaceModel, number: int) -> None:
    """Render a talk unless it is there."""
    if labels_path(path).exists():
        return
    busy = random_timeline(np.random.default_rng([11, number]), BUSY_S, DEFAULT_17)
    times = ("onset_s", "apex_s", "apex_end_s", "offset_s")
    moved = [replace(e, **{name: getattr(e, name) + REST_S for name in times}) for e in busy.events]
    animator = ModelAnimator(read_portrait(portrait, subject=path.stem), model)
    timeline = Timeline(tuple(moved), REST_S + BUSY_S)
    write_clip(path, render_clip(animator, timeline, RATE_HZ, seed=number), RATE_HZ, subject=path.stem)


def still(path: Path, pictures: Sequence[tuple[Path, float]], number: int) -> None:
    """Photographs one after the other as a video: each frame shifted, scaled and noisy."""
    if path.exists():
        return
    rng = np.random.default_rng([12, number])
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25, 2), options={"crf": "20"})
        stream.width = stream.height = 480
        stream.pix_fmt = "yuv420p"
        drift = np.zeros(3)
        for picture, seconds in pictures:
            image = cv2.resize(cv2.imread(str(picture)), (480, 480), interpolation=cv2.INTER_AREA)
            for _ in range(round(seconds * RATE_HZ)):
                drift = 0.9 * drift + rng.normal(0, [0.8, 0.8, 0.003])
                matrix = cv2.getRotationMatrix2D((240, 240), drift[0], 1 + drift[2])
                matrix[:, 2] += drift[:2]
                shown = cv2.warpAffine(image, matrix, (480, 480), borderMode=cv2.BORDER_REPLICATE)
                noisy = np.clip(shown + rng.normal(0, 3, shown.shape), 0, 255).astype(np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, format="bgr24")))
        container.mux(stream.encode(None))


def mean(values: NDArray) -> float:
    return float(mean_defined(values)[0])


def talk_scores(found: Sequence[Values], truth: Sequence[NDArray], limits: NDArray) -> dict[str, float]:
    """Over all people's frames with a face, at the shipped thresholds; means over the AUs."""
    starts = np.concatenate([np.arange(len(each.seen)) == 0 for each in found])
    seen = np.concatenate([each.seen for each in found])
    p, r = (np.concatenate([getattr(each, n) for each in found])[seen] for n in ("probability", "intensity"))
    true = np.concatenate(truth)[seen]
    labels, said = (true >= OCCURRENCE_FROM).astype(np.int8), (p >= limits).astype(np.int8)
    rest = (true < 0.25).all(axis=1)
    grades = true.astype(np.float64)
    minutes = len(p) / RATE_HZ / 60
    events = [len(segments(column.astype(bool), starts[seen])) for column in said.T]
    return {
        "AUC": mean(roc_auc(labels, p.astype(np.float64))),
        "F1": mean(f1_score(labels, said)),
        "event F1": mean(event_f1(labels, said, starts[seen])),
        "called at rest": float(said[rest].mean()),
        "CCC": mean(concordance(grades, r.astype(np.float64))),
        "MAE": mean(mean_absolute_error(grades, r.astype(np.float64))),
        "events per minute and AU": float(np.mean(events)) / minutes,
        "of the truth": float(np.mean([len(segments(c.astype(bool), starts[seen])) for c in labels.T]))
        / minutes,
    }


def f1_changes(
    settings: dict[str, list[Values]], truth: Sequence[NDArray], limits: NDArray, draws: int = 500
) -> pd.DataFrame:
    """How much the mean F1 differs from that of the plain values, with a 95 % interval by drawing people."""
    labels = [(each >= OCCURRENCE_FROM).astype(np.int8) for each in truth]
    said = {
        name: [(v.probability >= limits).astype(np.int8) for v in found] for name, found in settings.items()
    }
    plain = next(iter(said.values()))
    rng = np.random.default_rng(0)
    people = [rng.integers(0, len(labels), len(labels)) for _ in range(draws)]

    def change(own: Sequence[NDArray], drawn: Sequence[int]) -> float:
        true = np.concatenate([labels[i] for i in drawn])
        one, other = (mean(f1_score(true, np.concatenate([s[i] for i in drawn]))) for s in (own, plain))
        return one - other

    rows = {}
    for name, own in list(said.items())[1:]:
        low, high = np.quantile([change(own, drawn) for drawn in people], [0.025, 0.975])
        rows[name] = {"F1 change": change(own, range(len(labels))), "low": low, "high": high}
    return pd.DataFrame(rows).T


def portrait_poses(paths: Sequence[Path]) -> pd.DataFrame:
    """Mean and deviation of the pose that is estimated for frontal portraits: people's own shapes."""
    poses = np.array([head_pose(read_portrait(path).landmarks) for path in paths])
    rows = {"mean": poses.mean(axis=0), "deviation": poses.std(axis=0, ddof=1)}
    return pd.DataFrame(rows, index=["pitch", "yaw", "roll"]).T


def still_scores(found: Sequence[Values], limits: NDArray) -> dict[str, float]:
    """Real faces: AU12 and all AUs; the first 6.5 s are neutral, from 7.5 s on a smile."""
    smile = DEFAULT_17.index(12)
    neutral = [v.probability[(v.time_s < 6.5) & v.seen] for v in found]
    smiling = [v.probability[(v.time_s > 7.5) & v.seen] for v in found]
    levels = [np.array([np.median(part[:, smile]) for part in side]) for side in (neutral, smiling)]
    labels = np.repeat([0, 1], len(found)).astype(np.int8)[:, None]
    return {
        "AU12 AUC": float(roc_auc(labels, np.concatenate(levels)[:, None].astype(np.float64))[0]),
        "AU12 called on smiles": float(
            np.mean([(part[:, smile] >= limits[smile]).mean() for part in smiling])
        ),
        "AU12 called on neutral": float(
            np.mean([(part[:, smile] >= limits[smile]).mean() for part in neutral])
        ),
        "any AU called on neutral, mean": float(np.mean([(part >= limits).mean() for part in neutral])),
        "the worst AU": float(np.max(np.mean([(part >= limits).mean(axis=0) for part in neutral], axis=0))),
    }


def calls_at_rest(found: dict[str, Values], limits: NDArray) -> pd.DataFrame:
    """A row a person: the AUs that are called in 2 % or more of the neutral frames, and in which share."""
    rows = {}
    for name, values in found.items():
        called = (values.probability[(values.time_s < 6.5) & values.seen] >= limits).mean(axis=0)
        told = [f"AU{au} {share:.2f}" for au, share in zip(DEFAULT_17, called, strict=True) if share >= 0.02]
        rows[name] = {"called at rest": ", ".join(told) or "none"}
    return pd.DataFrame(rows).T


def clip_scores(found: Sequence[Values], limits: NDArray) -> dict[str, float]:
    """Real videos without codes."""
    minutes = sum(float(v.time_s[-1] - v.time_s[0]) for v in found) / 60
    events = sum(len(segments(c)) for v in found for c in (v.probability >= limits).T)
    jumps = [np.abs(np.diff(v.probability, axis=0)) for v in found]
    return {
        "share of frames called": float(np.mean(np.concatenate([v.probability >= limits for v in found]))),
        "events per minute and AU": events / minutes / len(limits),
        "mean change of probability from frame to frame": float(np.nanmean(np.concatenate(jumps))),
    }


def agreement_rows(raws: Sequence[Sequence[FrameResult]], truth: Sequence[NDArray], limits: NDArray) -> dict:
    """Intensities before and after they are made to agree with the decisions."""
    rows = {}
    for name, agree in (("as the network gives them", False), ("in agreement", True)):
        found = [settled(raw, limits, "none", 0.0, agree) for raw in raws]
        scores = talk_scores(found, truth, limits)
        contradict = [((v.probability >= limits) != (v.intensity >= 1.0))[v.seen].mean() for v in found]
        rows[name] = {
            "cells that contradict": float(np.mean(contradict)),
            "CCC": scores["CCC"],
            "MAE": scores["MAE"],
        }
    return rows


def turned(people: Sequence[Path], model: FaceModel, detector: Detector, each: int) -> pd.DataFrame:
    """A row a picture: true and estimated angles, distance of the eyes, labels and probabilities."""
    rows = []
    for number, path in enumerate(people):
        rng = np.random.default_rng([13, number])
        portrait = read_portrait(path, subject=path.stem, landmarks=detector.landmarks)
        base = head_pose(portrait.landmarks, detector.landmarks)
        animator = ModelAnimator(portrait, model)
        for _ in range(each):
            rows.append(_turned_row(animator, detector, base, rng))
    return pd.DataFrame(rows)


def _turned_row(animator: ModelAnimator, detector: Detector, base: NDArray, rng: np.random.Generator) -> dict:
    yaw, pitch = float(rng.uniform(-40, 40)), float(rng.uniform(-25, 25))
    expression = random_expression(rng, DEFAULT_17)
    face = animator.show(expression, yaw_deg=yaw, pitch_deg=pitch, size_px=228, window=3.8, rng=rng)
    true = Landmarks(np.ascontiguousarray(face.points, np.float32))
    eyes_px = float(np.exp(rng.uniform(np.log(8), np.log(60))))
    camera = replace(random_camera(rng), eyes_px=eyes_px)
    grey = cv2.cvtColor(camera.take(face.image, rng, inter_ocular_distance(true)), cv2.COLOR_RGB2GRAY)
    found = find_landmarks(grey, Face(face_box_from(true), 1.0), detector.landmarks)
    spec = detector.backend.spec
    frame = type("Still", (), {"grey": grey})()
    said = detector.backend.predict(
        collate([sample_of([align_for(spec, frame, found)], [found], spec)], spec)
    )
    guess = head_pose(found, detector.landmarks)
    values = {f"p{au}": float(v) for au, v in zip(DEFAULT_17, said.probability[0, 0], strict=True)}
    truth = {f"t{au}": expression.intensity(au) for au in DEFAULT_17}
    # the subject's left is the picture's right: our yaw is positive to the picture's left, our pitch downward
    angles = {
        "yaw": -yaw,
        "pitch": -pitch,
        "yaw off": guess[1] - base[1] + yaw,
        "pitch off": guess[0] - base[0] + pitch,
    }
    return {**angles, "yaw found": guess[1], "pitch found": guess[0], "eyes_px": eyes_px, **values, **truth}


def turned_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Mean AUC over the AUs, and how far the pose is off, by pose and size of the face."""
    bins: dict[str, NDArray[np.bool_]] = {}
    yaw, pitch, eyes = (np.abs(table[name].to_numpy()) for name in ("yaw found", "pitch found", "eyes_px"))
    sized, level = eyes >= 15, (pitch <= 20) & (yaw <= 25)
    for low, high in ((0, 10), (10, 20), (20, 25), (25, 35), (35, 90)):
        bins[f"yaw {low} to {high}"] = sized & (pitch <= 20) & (yaw >= low) & (yaw < high)
    for low, high in ((0, 10), (10, 15), (15, 20), (20, 40)):
        bins[f"pitch {low} to {high}"] = sized & (yaw <= 25) & (pitch >= low) & (pitch < high)
    for low, high in ((8, 11), (11, 15), (15, 20), (20, 30), (30, 60)):
        bins[f"eyes {low} to {high} px apart"] = level & (eyes >= low) & (eyes < high)
    rows = {}
    for name, chosen in bins.items():
        part = table[chosen]
        labels = (part[[f"t{au}" for au in DEFAULT_17]].to_numpy() >= OCCURRENCE_FROM).astype(np.int8)
        auc = roc_auc(labels, part[[f"p{au}" for au in DEFAULT_17]].to_numpy(np.float64))
        off = part[["yaw off", "pitch off"]].abs().median()
        rows[name] = {
            "pictures": len(part),
            "AUC": mean(auc),
            "yaw off": off["yaw off"],
            "pitch off": off["pitch off"],
        }
    return pd.DataFrame(rows).T


def _name(baseline: str, smooth_s: float) -> str:
    return f"--baseline {baseline} --smooth {smooth_s:g}"


def table_of(score: Callable[[str, float], dict[str, float]]) -> pd.DataFrame:
    return pd.DataFrame({_name(b, s): score(b, s) for b, s in SETTINGS}).T


def main() -> None:
    from actionunits.reports.tables import to_markdown

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("london", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="a judge of its training; without it the embedded model")
    parser.add_argument("--turned", type=int, default=150, help="pictures of each person")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    model, detector = load_face_model(options.face_model), Raw(options.model)
    people = unseen_people(detector.backend.card, options.london)
    limits = detector.thresholds
    for part in ("talks", "stills"):
        (options.work / part).mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(people):
        neutral, smiling = photographs(options.london, name)
        talk(options.work / "talks" / f"{name}.mp4", neutral, model, number)
        still(options.work / "stills" / f"{name}.mp4", [(neutral, 7.0), (smiling, 5.0)], number)
    talks, stills = (
        [list(detector.run(options.work / part / f"{name}.mp4")) for name in people]
        for part in ("talks", "stills")
    )
    clips = [list(detector.run(path)) for path in sorted(options.clips.glob("*.mkv"))]
    columns = [f"AU{au:02d}_r" for au in DEFAULT_17]
    truth = [
        pd.read_csv(labels_path(options.work / "talks" / f"{name}.mp4"))[columns].to_numpy()
        for name in people
    ]

    def on(raws: Sequence[Sequence[FrameResult]], baseline: str, smooth_s: float) -> list[Values]:
        return [settled(raw, limits, baseline, smooth_s, True) for raw in raws]

    neutrals = [photographs(options.london, name)[0] for name in people]
    file = options.work / f"turned-{options.model.stem if options.model else 'embedded'}.csv"
    if not file.exists():
        turned(neutrals, model, detector, options.turned).to_csv(file, index=False)
    results = {
        "talks": table_of(lambda b, s: talk_scores(on(talks, b, s), truth, limits)),
        "F1 of the talks": f1_changes({_name(b, s): on(talks, b, s) for b, s in SETTINGS}, truth, limits),
        "stills": table_of(lambda b, s: still_scores(on(stills, b, s), limits)),
        "neutral stills": calls_at_rest(dict(zip(people, on(stills, "none", 0.0), strict=True)), limits),
        "clips": table_of(lambda b, s: clip_scores(on(clips, b, s), limits)),
        "agreement": pd.DataFrame(agreement_rows(talks, truth, limits)).T,
        "frontal portraits": portrait_poses(neutrals),
        "turned": turned_scores(pd.read_csv(file)),
    }
    for name, table in results.items():
        print(f"\n## {name}\n\n{to_markdown(table, digits=3)}")
    if options.out:
        plain = {name: table.to_dict("index") for name, table in results.items()}
        options.out.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
