"""The training pictures of the point network: portraits whose points are known, as they are and animated.

A store is a folder of parts, each an ``.npz`` of pictures of one person; a run that was stopped goes on with
the first part that is missing.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from actionunits.atomic import make_directory, replace_when_done
from actionunits.errors import UserError
from actionunits.experiments.embedded.pictures import busy_expression, random_light, with_distractors
from actionunits.faces.align import inter_ocular_distance
from actionunits.faces.video import read_picture
from actionunits.facs.units import ACTION_UNITS
from actionunits.records import Expression, FloatArray, ImageArray, Landmarks, OnProgress, Portrait
from actionunits.synthesis.animate import AnimatedFace
from actionunits.synthesis.face_model import FaceModel, load_face_model
from actionunits.synthesis.lip_tones import with_random_lip_tones
from actionunits.synthesis.model_animator import ModelAnimator
from actionunits.synthesis.render import MouthLook

__all__ = ["PlacedFace", "Pictures", "StoreLayout", "load_pictures", "make_pictures"]

#: Pictures of a part, all of one person: the fit of a portrait is paid once for them.
PER_PART = 48

#: A stored picture: its side and the distance of the eyes, in px. Around the face is room to turn it by 25
#: degrees and to miss its place.
STORED_PX, STORED_EYES_PX = 220, 50.0

#: Distance between the eyes of the portraits that are animated.
_RENDER_EYES_PX = 60.0

#: What the animated faces show: the AUs that move points, among them the wide open mouth.
_AUS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24, 25, 26, 27)

#: AUs of a laugh, which people show more often than chance would.
_LAUGH = (6, 12, 25)


@dataclass(frozen=True, eq=False)
class PlacedFace:
    """A photograph whose points are known.

    Attributes:
        path: the file.
        subject: ``FOLDER/PERSON``.
        points: f32[68,2] in px of the photograph.
    """

    path: Path
    subject: str
    points: FloatArray


@dataclass(frozen=True)
class StoreLayout:
    """What a store holds, written beside it so that a resumed run cannot mix two of them.

    Attributes:
        count: pictures.
        seed: of all choices.
        real_share: share of pictures that are photographs as they are.
        lip_tones_share: share of pictures whose lips are made darker or lighter, each by itself.
        subjects: whose faces.
        face_model: name of the 3-D model's file.
        animation: version of how AUs are drawn.
    """

    count: int
    seed: int
    real_share: float
    lip_tones_share: float
    subjects: tuple[str, ...]
    face_model: str
    animation: str

    @property
    def parts(self) -> int:
        """Number of files."""
        return -(-self.count // PER_PART)


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures with their points.

    Attributes:
        images: u8[N,S,S] grey, the face in the middle.
        points: f32[N,68,2] in their pixels.
    """

    images: ImageArray
    points: FloatArray

    def __len__(self) -> int:
        return len(self.images)


def make_pictures(
    folder: Path,
    faces: Sequence[PlacedFace],
    layout: StoreLayout,
    face_model: Path,
    *,
    workers: int = 2,
    on_progress: OnProgress | None = None,
) -> Pictures:
    """Fill a store with animated ``faces`` and read it; resumes with the parts that are missing.

    Raises:
        UserError: the folder holds a store of other settings, or cannot be written.
    """
    make_directory(folder)
    plain = json.loads(json.dumps(asdict(layout)))
    note = folder / "layout.json"
    if not note.exists():
        with replace_when_done(note) as beside:
            beside.write_text(json.dumps(plain, indent=1))
    elif json.loads(note.read_text()) != plain:
        raise UserError(
            f"{folder} holds pictures made with other settings; remove it or choose another --out"
        )
    waiting = [part for part in range(layout.parts) if not _file(folder, part).exists()]
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=max(1, min(workers, len(waiting))), mp_context=spawned) as pool:
        jobs = [pool.submit(_make_part, folder, tuple(faces), layout, face_model, part) for part in waiting]
        try:
            for done, job in enumerate(as_completed(jobs), start=layout.parts - len(waiting) + 1):
                job.result()
                if on_progress:
                    on_progress(done * PER_PART, layout.parts * PER_PART)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return load_pictures(folder)


def load_pictures(folder: Path) -> Pictures:
    """A finished store, read into memory.

    Raises:
        UserError: there is none.
    """
    files = sorted(folder.glob("part-*.npz"))
    if not files:
        raise UserError(f"no pictures in {folder}: expected part-00000.npz and so on")
    parts = [np.load(file) for file in files]
    return Pictures(*(np.concatenate([part[name] for part in parts]) for name in ("images", "points")))


def _file(folder: Path, part: int) -> Path:
    return folder / f"part-{part:05d}.npz"


@lru_cache(maxsize=1)
def _model_file(path: Path) -> FaceModel:
    return load_face_model(path)


def _make_part(
    folder: Path, faces: tuple[PlacedFace, ...], layout: StoreLayout, face_model: Path, part: int
) -> None:
    cv2.setNumThreads(1)
    threadpool_limits(1)  # a process a core: threads of its own only take turns
    rng = np.random.default_rng([layout.seed, part])
    if rng.random() < layout.real_share:
        chosen = [faces[int(rng.integers(len(faces)))] for _ in range(PER_PART)]
        shown = (_photograph(face) for face in chosen)
    else:
        face = faces[int(rng.integers(len(faces)))]
        image, points = _photograph(face, _RENDER_EYES_PX * float(rng.uniform(0.8, 1.2)))
        portrait = Portrait(image, Landmarks(points), face.subject)
        animator = ModelAnimator(portrait, _model_file(face_model))
        animated = (_animated(animator, rng) for _ in range(PER_PART))
        shown = ((each.image, each.points) for each in animated)
    made = [_stored(_toned(image, points, layout, rng), points, rng) for image, points in shown]
    with replace_when_done(_file(folder, part)) as beside, beside.open("wb") as stream:
        np.savez(stream, images=np.stack([m[0] for m in made]), points=np.stack([m[1] for m in made]))


def _photograph(face: PlacedFace, eyes_px: float | None = None) -> tuple[ImageArray, FloatArray]:
    """A photograph u8[H,W,3] and its points, brought to a distance between the eyes."""
    image, points = read_picture(face.path).image, face.points
    if eyes_px is None:
        return image, points
    share = eyes_px / inter_ocular_distance(Landmarks(points))
    height, width = image.shape[:2]
    size = (max(1, round(width * share)), max(1, round(height * share)))
    sized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC)
    moved = (points + 0.5) * (size[0] / width, size[1] / height) - 0.5
    return np.asarray(sized, np.uint8), moved.astype(np.float32)


def _expression(rng: np.random.Generator) -> Expression:
    """As the embedded model's, but three in ten a laugh."""
    if rng.random() > 0.3:
        return with_distractors(busy_expression(rng, _AUS), rng)
    laugh = {au: float(rng.uniform(1.5, 5.0)) for au in _LAUGH}
    if rng.random() < 0.5:
        laugh[26] = float(rng.uniform(0.5, 3.5))
    weaker = float(rng.uniform(0.4, 1.0))
    sides = {au: value * weaker if ACTION_UNITS[au].paired else value for au, value in laugh.items()}
    return Expression(laugh, sides) if rng.random() < 0.5 else Expression(sides, laugh)


def _mouth(rng: np.random.Generator) -> MouthLook:
    """Most of the time teeth that fill the gap of a smile; how bright it is in there differs."""
    gum = float(rng.uniform(0.0, 1.0)) if rng.random() < 0.35 else 0.0
    return MouthLook(gum, brightness=float(rng.uniform(0.7, 1.1)), at_the_lips=float(rng.uniform(0.3, 1.0)))


def _animated(animator: ModelAnimator, rng: np.random.Generator) -> AnimatedFace:
    yaw = rng.normal(0, 14) if rng.random() < 0.8 else rng.uniform(-30, 30)
    return animator.show(
        _expression(rng),
        blink=float(rng.uniform(0.2, 1.0)) if rng.random() < 0.25 else 0.0,
        gaze=(float(rng.normal(0, 0.35)), float(rng.normal(0, 0.25))),
        yaw_deg=float(np.clip(yaw, -30, 30)),
        pitch_deg=float(np.clip(rng.normal(0, 8), -18, 18)),
        light=random_light(rng),
        furrow_strength=float(rng.uniform(0.0, 1.2)),
        shape_change=rng.normal(0, 0.4, 12).astype(np.float32),
        mouth=_mouth(rng),
        size_px=round(_RENDER_EYES_PX * STORED_PX / STORED_EYES_PX),
        window=STORED_PX / STORED_EYES_PX,
        rng=rng,
    )


def _toned(
    image: ImageArray, points: FloatArray, layout: StoreLayout, rng: np.random.Generator
) -> ImageArray:
    """As often as asked, lips of another tone: the same points lie where dark meets light."""
    if layout.lip_tones_share and rng.random() < layout.lip_tones_share:
        return with_random_lip_tones(image, points, rng)
    return image


def _stored(image: ImageArray, points: FloatArray, rng: np.random.Generator) -> tuple[ImageArray, FloatArray]:
    """The grey picture u8[S,S] with its points' middle in its own; its colours weighed by chance."""
    weights = np.array([0.299, 0.587, 0.114], np.float32) * rng.uniform(0.6, 1.4, 3).astype(np.float32)
    grey = image.astype(np.float32) @ (weights / weights.sum())
    eyes_px = max(inter_ocular_distance(Landmarks(np.asarray(points, np.float32))), 0.5 * STORED_EYES_PX)
    # of a turned head the eyes are nearer to one another
    turned = float(np.linalg.norm(np.ptp(points, axis=0))) / 2.9
    scale = STORED_EYES_PX / max(eyes_px, turned)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    shift = (STORED_PX - 1) / 2 - scale * middle
    if scale < 0.67:
        grey = cv2.GaussianBlur(grey, (0, 0), 0.4 / scale)
    affine = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    stored = cv2.warpAffine(
        grey, affine, (STORED_PX, STORED_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.clip(stored + 0.5, 0, 255).astype(np.uint8), (points * scale + shift).astype(np.float32)
