"""Synthetic training samples: painted people, animated, seen by a camera, aligned as a video's faces are."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.atomic import make_directory
from actionunits.errors import UserError
from actionunits.experiments.recipe import DataSettings
from actionunits.faces.align import align_for, inter_ocular_distance
from actionunits.faces.batch import sample_of
from actionunits.faces.landmarks import face_box_from, find_landmarks
from actionunits.models.config import to_plain
from actionunits.records import (
    Expression,
    Face,
    FloatArray,
    Frame,
    ImageArray,
    InputSpec,
    Landmarks,
    OnProgress,
    Sample,
)
from actionunits.synthesis.animate import AnimatedFace, PortraitAnimator
from actionunits.synthesis.degrade import degrade
from actionunits.synthesis.painting import paint_portrait
from actionunits.synthesis.timeline import random_expression

__all__ = ["SampleStore", "synthetic_samples"]

#: An AU counts as shown from this intensity (FACS B) on.
SHOWN_FROM = 2.0

ARRAYS = ("frames", "points", "labels", "intensity", "subject")


class SampleStore:
    """Samples on disk, mapped into memory: a :class:`~actionunits.training.source.SampleSet`.

    Attributes:
        aus: label columns.
        subjects: the people.
        subject: i32[N], index into ``subjects``.
        rows: which samples of the files this store shows.
    """

    def __init__(self, folder: Path, rows: NDArray[np.int64] | None = None) -> None:
        self.folder = folder
        made = json.loads((folder / "made.json").read_text())
        self.aus = tuple(int(n) for n in made["aus"])
        self.subjects = tuple(made["subjects"])
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
        self._frames: ImageArray = arrays["frames"]
        self._points: FloatArray = arrays["points"]
        self._labels: NDArray[np.int8] = arrays["labels"]
        self._intensity: FloatArray = arrays["intensity"]
        self.rows = np.arange(len(self._frames)) if rows is None else rows
        self.subject: NDArray[np.int32] = np.asarray(arrays["subject"])[self.rows]

    @property
    def labels(self) -> NDArray[np.int8]:
        """i8[N,A], -1 unknown: for a clip, whether any of its frames shows the AU."""
        return np.asarray(self._labels[self.rows].max(axis=1))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int, /) -> Sample:
        row = self.rows[index]
        return Sample(
            frames=np.asarray(self._frames[row]),
            labels=np.asarray(self._labels[row]),
            intensity=np.asarray(self._intensity[row]),
            landmarks=np.asarray(self._points[row]),
            subject=self.subjects[self.subject[index]],
        )

    def of_subjects(self, names: Sequence[str]) -> SampleStore:
        """The samples of some people."""
        wanted = [self.subjects.index(name) for name in names]
        return SampleStore(self.folder, self.rows[np.isin(self.subject, wanted)])


def synthetic_samples(
    folder: Path, settings: DataSettings, spec: InputSpec, *, on_progress: OnProgress | None = None
) -> SampleStore:
    """The samples of these settings for models of this input; made once, then read from ``folder``.

    Each picture shows a random plausible expression of a painted person, seen through a random camera; its
    points are found by dlib in that picture and the crop is aligned on them, as in use. A picture's AU counts
    as shown from intensity B (2) on.

    Args:
        folder: of the cache; each kind of samples gets a folder of its own in it.
        settings: people, pictures, seed.
        spec: AUs and crop.
        on_progress: called with (pictures made, pictures).

    Raises:
        UserError: the model takes clips, boxes or flow, or the folder cannot be written to.
    """
    if spec.clip_length > 1 or spec.needs_regions or spec.needs_flow:
        raise UserError(
            "the synthetic data set makes stills with points: clips, boxes and flow are not made yet"
        )
    crop = (spec.aus, spec.size_px, spec.inter_ocular_px, spec.eye_line, spec.channels)
    made = {"data": to_plain(settings), "crop": to_plain(crop), "version": 1}
    key = hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:16]
    final = folder / f"synthetic-{key}"
    if not (final / "made.json").exists():
        _make(final, settings, spec, made, on_progress)
    return SampleStore(final)


def _make(
    final: Path,
    settings: DataSettings,
    spec: InputSpec,
    made: dict[str, object],
    on_progress: OnProgress | None,
) -> None:
    """Fill a folder beside and rename it."""
    make_directory(final.parent)
    beside = make_directory(final.with_name(f".{final.name}.part-{os.getpid()}"))
    try:
        _fill(beside, settings, spec, on_progress)
        names = [_name(settings, number) for number in range(settings.subjects)]
        (beside / "made.json").write_text(json.dumps({**made, "aus": spec.aus, "subjects": names}))
        shutil.rmtree(final, ignore_errors=True)
        beside.rename(final)
    except OSError as problem:
        raise UserError(f"cannot write {final}: {problem.strerror or problem}; free space first") from problem
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _name(settings: DataSettings, number: int) -> str:
    return f"painted-{settings.seed}-{number:03d}"


def _fill(folder: Path, settings: DataSettings, spec: InputSpec, on_progress: OnProgress | None) -> None:
    count, aus, side = settings.subjects * settings.pictures, len(spec.aus), spec.size_px
    shapes: dict[str, tuple[tuple[int, ...], type]] = {
        "frames": ((count, 1, side, side, spec.channels), np.uint8),
        "points": ((count, 1, 68, 2), np.float32),
        "labels": ((count, 1, aus), np.int8),
        "intensity": ((count, 1, aus), np.float32),
        "subject": ((count,), np.int32),
    }
    arrays = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=dtype, shape=shape)
        for name, (shape, dtype) in shapes.items()
    }
    row = 0
    for number in range(settings.subjects):
        rng = np.random.default_rng([settings.seed, number])
        animator = PortraitAnimator(paint_portrait(int(rng.integers(2**31))))
        for _ in range(settings.pictures):
            expression = random_expression(rng, spec.aus)
            face = animator.show(expression, gaze=(float(rng.normal(0, 0.3)), float(rng.normal(0, 0.2))))
            sample = _seen(face, spec, rng)
            values = np.array([expression.intensity(number) for number in spec.aus], np.float32)
            arrays["frames"][row] = sample.frames
            arrays["points"][row] = sample.landmarks
            arrays["intensity"][row, 0] = values
            arrays["labels"][row, 0] = _shown(expression, spec)
            arrays["subject"][row] = number
            row += 1
            if on_progress is not None:
                on_progress(row, count)
    for array in arrays.values():
        array.flush()


def _shown(expression: Expression, spec: InputSpec) -> list[bool]:
    return [expression.intensity(au) >= SHOWN_FROM for au in spec.aus]


def _seen(face: AnimatedFace, spec: InputSpec, rng: np.random.Generator) -> Sample:
    """The picture through a random camera, its points found and its crop aligned as in use."""
    true = Landmarks(np.ascontiguousarray(face.points, dtype=np.float32))
    image = degrade(face.image, rng, inter_ocular_distance(true))
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    box = face_box_from(true)
    side = float(box[2] - box[0])
    box = (box + np.tile(rng.normal(0, 0.03, 2) * side, 2)).astype(np.float32)
    found = find_landmarks(grey, Face(box, 1.0))
    crop = align_for(spec, Frame(grey=grey, index=0, time_s=0.0, colours=image), found)
    return sample_of([crop], [found], spec)
