"""The training pictures of the embedded model: portraits animated, degraded and aligned as in use.

The store (:mod:`~actionunits.experiments.embedded.store`) is filled part by part, by as many processes as
there are cores; a run that was stopped goes on with the first part that is missing.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from actionunits.errors import UserError
from actionunits.experiments.embedded.labels import (
    DOUBTFUL_AUS,
    ON_A_SMILE,
    PARTED_FROM,
    label_expression,
    label_on_smile,
    label_smile,
    unlabel_doubtful,
)
from actionunits.experiments.embedded.people import Photograph, load_portrait
from actionunits.experiments.embedded.store import (
    FILES,
    MARGIN_PX,
    PER_PORTRAIT,
    Layout,
    PictureStore,
    open_store,
)
from actionunits.faces.align import align, inter_ocular_distance, to_crop
from actionunits.faces.landmarks import face_box_from, find_landmarks
from actionunits.facs.motion import lip_gap
from actionunits.facs.units import ACTION_UNITS
from actionunits.records import Expression, Face, FloatArray, Landmarks, OnProgress, Portrait
from actionunits.synthesis.animate import AnimatedFace, PortraitAnimator
from actionunits.synthesis.degrade import degrade
from actionunits.synthesis.face_model import FaceModel, load_face_model
from actionunits.synthesis.light import Light
from actionunits.synthesis.lip_tones import with_random_lip_tones
from actionunits.synthesis.mixing import mixed_portrait
from actionunits.synthesis.model_animator import ModelAnimator
from actionunits.synthesis.timeline import compatible, random_expression

__all__ = [
    "any_broad_smile",
    "busy_expression",
    "jittered_box",
    "make_pictures",
    "random_light",
    "smiles_broadly",
    "with_distractors",
]

#: Inter-ocular distance at which portraits are animated.
RENDER_INTER_OCULAR_PX = 60.0

#: Share of an animated face's paired AUs that are made weaker on one side; and, of AUs that people often show
#: on one side, that which is shown there only (the dimpler, as in contempt).
LOPSIDED_SHARE, ONE_SIDED_SHARE = 0.25, {14: 0.3}

#: Draws of a smiling photograph until one is broad; then a neutral one is taken.
TRIES_FOR_A_BROAD_SMILE = 32

#: Side of a rendered picture in inter-ocular distances: the crop, its margin and some pose.
RENDER_WINDOW = 3.8


def make_pictures(
    folder: Path,
    photographs: Sequence[Photograph],
    layout: Layout,
    *,
    face_model: Path | None = None,
    workers: int = 2,
    on_progress: OnProgress | None = None,
) -> PictureStore:
    """Fill a store with animated ``photographs``; resumes with the first part that is missing.

    Raises:
        UserError: the folder holds a store of other settings, or cannot be written.
    """
    store = open_store(folder, layout)
    waiting = [part for part in range(layout.parts) if not store.done(part).exists()]
    finished = layout.parts - len(waiting)
    # forked workers would inherit locks that this process's other threads hold, and wait for ever
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=max(1, min(workers, len(waiting))), mp_context=spawned) as pool:
        jobs = [pool.submit(_fill_part, folder, tuple(photographs), face_model, part) for part in waiting]
        try:
            for job in as_completed(jobs):
                job.result()
                finished += 1
                if on_progress:
                    on_progress(finished * PER_PORTRAIT, layout.parts * PER_PORTRAIT)
        except BrokenProcessPool as problem:
            raise UserError(
                "a process that animates faces was killed, perhaps for lack of memory: close other programs "
                "and start again; what was complete is kept"
            ) from problem
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return PictureStore(folder)


@lru_cache(maxsize=1)
def _model_file(path: Path) -> FaceModel:
    return load_face_model(path)


def _fill_part(folder: Path, photographs: tuple[Photograph, ...], face_model: Path | None, part: int) -> None:
    cv2.setNumThreads(1)
    threadpool_limits(1)  # a process a core: threads of its own only take turns
    store = PictureStore(folder, "r+")
    layout = store.layout
    rng = np.random.default_rng([layout.seed, part])
    fill = _fill_photographed if rng.random() < layout.real_share else _fill_animated
    if layout.in_turn:
        photographs = _whose_turn(photographs, layout, part)
    fill(store, range(part * PER_PORTRAIT, (part + 1) * PER_PORTRAIT), photographs, face_model, rng)
    for name in FILES:
        getattr(store, name).flush()
    store.done(part).touch()


def _whose_turn(photographs: tuple[Photograph, ...], layout: Layout, part: int) -> tuple[Photograph, ...]:
    """The photographs of one person; of those who smile broadly, where smiles are animated."""
    shown = [p for p in photographs if not layout.smiling_share or _is_broad_smile(p, layout.landmarks)]
    subjects = sorted({photo.subject for photo in shown})
    turns, place = divmod(part, len(subjects))
    who = subjects[np.random.default_rng([layout.seed, turns]).permutation(len(subjects))[place]]
    return tuple(photo for photo in photographs if photo.subject == who)


@lru_cache(maxsize=4096)
def _is_broad_smile(photo: Photograph, landmarks: str) -> bool:
    if not photo.smiling:
        return False
    return smiles_broadly(load_portrait(photo, inter_ocular_px=RENDER_INTER_OCULAR_PX, landmarks=landmarks))


def any_broad_smile(photographs: Sequence[Photograph], landmarks: str) -> bool:
    """Whether one of them shows clearly parted lips in a smile."""
    return any(_is_broad_smile(photo, landmarks) for photo in photographs)


def _fill_photographed(
    store: PictureStore,
    rows: range,
    photographs: tuple[Photograph, ...],
    face_model: Path | None,
    rng: np.random.Generator,
) -> None:
    """Photographs as they are, another one for each row, as often smiling as neutral, folders alike.

    Within a folder, groups are drawn evenly where the layout says so.
    """
    for row in rows:
        smiling = bool(rng.random() < 0.5)
        sure = [photo for photo in photographs if not photo.doubtful]
        choice = [photo for photo in sure if photo.smiling is smiling] or sure
        photo = _of_any_folder(choice, rng, even=store.layout.even_groups)
        portrait = load_portrait(photo, inter_ocular_px=_render_px(rng), landmarks=store.layout.landmarks)
        _store_face(store, row, AnimatedFace(portrait.image, portrait.landmarks.points), rng)
        store.subject[row], store.second[row] = store.layout.subjects.index(photo.subject), -1
        if photo.smiling:
            label_smile(store, row, lip_gap(portrait.landmarks.points))
        else:
            label_expression(store, row, Expression.both({}), 0.0)


def _fill_animated(
    store: PictureStore,
    rows: range,
    photographs: tuple[Photograph, ...],
    face_model: Path | None,
    rng: np.random.Generator,
) -> None:
    """One face, animated: a neutral one, or one that smiles in the photograph."""
    layout = store.layout
    photo, second, portrait = _photo_to_animate(photographs, layout, rng)
    solid = face_model is not None and rng.random() >= layout.flat_share
    animator = _animator(portrait, face_model if solid else None)
    shown = _to_animate(photo, layout.aus)
    rest = lip_gap(animator.show(Expression.both({})).points)
    for row in rows:
        expression = busy_expression(rng, shown)
        face = _animate(animator, expression, rng, mouth_is_free=not photo.smiling)
        _store_face(store, row, face, rng)
        store.subject[row] = layout.subjects.index(photo.subject)
        store.second[row] = layout.subjects.index(second.subject) if second else -1
        if photo.smiling:
            label_on_smile(store, row, expression)
        else:
            label_expression(store, row, expression, lip_gap(face.points) - rest)
            if photo.doubtful:
                unlabel_doubtful(store, row)


def _to_animate(photo: Photograph, aus: tuple[int, ...]) -> tuple[int, ...]:
    """Which AUs can be put on top of what a photograph shows."""
    if photo.smiling:
        return tuple(au for au in aus if au in ON_A_SMILE)
    if photo.doubtful:
        return tuple(au for au in aus if au not in DOUBTFUL_AUS)
    return aus


def _photo_to_animate(
    photographs: tuple[Photograph, ...], layout: Layout, rng: np.random.Generator
) -> tuple[Photograph, Photograph | None, Portrait]:
    """A neutral face; or, as often as asked, a broad smile, folders alike, where one is found.

    The neutral one may be one of which nobody knows, and may be mixed with another person's
    (:func:`~actionunits.synthesis.mixing.mixed_portrait`), which is then given, too.
    """

    def loaded(photo: Photograph) -> Portrait:
        return load_portrait(photo, inter_ocular_px=_render_px(rng), landmarks=layout.landmarks)

    smiling = [photo for photo in photographs if photo.smiling]
    if smiling and rng.random() < layout.smiling_share:
        for _ in range(TRIES_FOR_A_BROAD_SMILE):
            photo = _of_any_folder(smiling, rng, even=layout.even_groups)
            portrait = loaded(photo)
            if smiles_broadly(portrait):
                return photo, None, portrait
    neutral = [photo for photo in photographs if photo.neutral]
    doubtful = [photo for photo in photographs if photo.doubtful]
    some = doubtful if doubtful and rng.random() < layout.doubtful_share else neutral
    photo = _one_of(some, rng, even=layout.even_groups)
    portrait = loaded(photo)
    if rng.random() >= layout.mixed_share:
        return photo, None, portrait
    second = _one_of(neutral, rng, even=layout.even_groups)
    theirs, shape, texture = loaded(second), float(rng.random()), _texture_share(rng)
    return photo, second, mixed_portrait(portrait, theirs, shape=shape, texture=texture)


def _texture_share(rng: np.random.Generator) -> float:
    """Seldom half of each: a mean of two skins has neither's wrinkles."""
    return float(rng.beta(0.5, 0.5))


def smiles_broadly(portrait: Portrait) -> bool:
    """Whether the lips of a smile are clearly apart."""
    return lip_gap(portrait.landmarks.points) > PARTED_FROM


def _of_any_folder(
    photographs: Sequence[Photograph], rng: np.random.Generator, *, even: bool = False
) -> Photograph:
    """A photograph, each folder as likely as another."""
    folders = sorted({photo.folder for photo in photographs})
    folder = folders[int(rng.integers(len(folders)))]
    return _one_of([photo for photo in photographs if photo.folder == folder], rng, even=even)


def _one_of(photographs: Sequence[Photograph], rng: np.random.Generator, *, even: bool = False) -> Photograph:
    """A photograph; ``even``: of those with a group, each group as likely as another."""
    named = [photo for photo in photographs if photo.group] if even else []
    if named:
        if rng.random() < len(named) / len(photographs):
            groups = sorted({photo.group for photo in named})
            group = groups[int(rng.integers(len(groups)))]
            photographs = [photo for photo in named if photo.group == group]
        else:
            photographs = [photo for photo in photographs if not photo.group]
    return photographs[int(rng.integers(len(photographs)))]


def _render_px(rng: np.random.Generator) -> float:
    return RENDER_INTER_OCULAR_PX * float(rng.uniform(0.8, 1.2))


def _animator(portrait: Portrait, face_model: Path | None) -> PortraitAnimator | ModelAnimator:
    if face_model is None:
        return PortraitAnimator(portrait)
    return ModelAnimator(portrait, _model_file(face_model))


def busy_expression(rng: np.random.Generator, aus: tuple[int, ...]) -> Expression:
    """A random expression, half of the time with the AUs of a second and a third that may join it.

    One expression alone shows an AU in about one picture of twenty; so many pictures of absence teach little.
    """
    left: dict[int, float] = {}
    right: dict[int, float] = {}
    for _ in range(1 if rng.random() < 0.5 else 3):
        drawn = random_expression(rng, aus)
        for au in drawn.aus:
            if au not in left and compatible([*left, au]):
                left[au], right[au] = drawn.sides(au)
    for au in left:
        one_sided = au in ONE_SIDED_SHARE and rng.random() < ONE_SIDED_SHARE[au]
        if one_sided or (ACTION_UNITS[au].paired and rng.random() < LOPSIDED_SHARE):
            first = rng.random() < 0.5 if left[au] == right[au] else left[au] < right[au]
            weaker = left if first else right
            weaker[au] = 0.0 if one_sided else min(left[au], right[au]) * float(rng.uniform(0.0, 0.8))
    return Expression(left, right)


def _animate(
    animator: PortraitAnimator | ModelAnimator,
    expression: Expression,
    rng: np.random.Generator,
    *,
    mouth_is_free: bool = True,
) -> AnimatedFace:
    """The expression with what is no AU of the set: blinks, gaze, head pose and other movements."""
    blink = float(rng.uniform(0.2, 1.0)) if rng.random() < 0.12 else 0.0
    gaze = (float(rng.normal(0, 0.35)), float(rng.normal(0, 0.25)))
    furrows = float(rng.uniform(0.0, 1.2))
    shown = with_distractors(expression, rng) if mouth_is_free else expression
    if isinstance(animator, PortraitAnimator):
        return animator.show(shown, blink=blink, gaze=gaze, furrow_strength=furrows, rng=rng)
    return animator.show(
        shown,
        blink=blink,
        gaze=gaze,
        furrow_strength=furrows,
        yaw_deg=float(np.clip(rng.normal(0, 11), -26, 26)),
        pitch_deg=float(np.clip(rng.normal(0, 6), -14, 14)),
        roll_deg=float(rng.normal(0, 4)),
        light=random_light(rng),
        size_px=round(RENDER_WINDOW * RENDER_INTER_OCULAR_PX),
        window=RENDER_WINDOW,
        shape_change=rng.normal(0, 0.35, 12).astype(np.float32),
        rng=rng,
    )


def random_light(rng: np.random.Generator) -> Light | None:
    """Half of the time another light than the photograph's."""
    if rng.random() < 0.5:
        return None
    direction = (float(rng.normal(0, 0.7)), float(rng.normal(0.4, 0.5)), 1.0)
    return Light(direction, ambient=float(rng.uniform(0.4, 0.8)), strength=float(rng.uniform(0.85, 1.15)))


def with_distractors(expression: Expression, rng: np.random.Generator) -> Expression:
    """Now and then pucker (18), funnel (22) or jaw sideways (30), where the mouth is free."""
    lower = {12, 14, 20, 23, 24}
    if rng.random() > 0.12 or lower & set(expression.aus):
        return expression
    extra = {int(rng.choice([18, 22, 30])): float(rng.uniform(1.0, 4.0))}
    return Expression({**expression.left, **extra}, {**expression.right, **extra})


def _store_face(store: PictureStore, row: int, face: AnimatedFace, rng: np.random.Generator) -> None:
    """Degrade the picture, find its points as in use, and keep the aligned grey crop."""
    layout = store.layout
    true, image = Landmarks(np.ascontiguousarray(face.points, dtype=np.float32)), face.image
    if layout.lip_tones_share and rng.random() < layout.lip_tones_share:
        image = with_random_lip_tones(image, true.points, rng)
    seen = degrade(image, rng, inter_ocular_distance(true))
    grey = cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    found = find_landmarks(grey, Face(jittered_box(face_box_from(true), rng), 1.0), layout.landmarks)
    eye_line = (layout.eye_line * layout.size_px + MARGIN_PX) / layout.stored_px
    crop = align(grey, found, layout.stored_px, layout.inter_ocular_px, eye_line)
    store.crops[row] = crop.image
    store.points[row] = to_crop(found.points, crop)


def jittered_box(box: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A face box as far off as a detector's: 4 % of its side in place, 4 % in size."""
    side = float(box[2] - box[0])
    centre = (box[:2] + box[2:]) / 2 + rng.normal(0, 0.04, 2) * side
    half = side / 2 * float(np.exp(rng.normal(0, 0.04)))
    return np.concatenate([centre - half, centre + half]).astype(np.float32)
