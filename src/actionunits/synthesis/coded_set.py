"""A data set of painted people whose frames are drawn when they are asked for: clips or single pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import ClassVar, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.faces.align import inter_ocular_distance
from actionunits.records import Expression, FloatArray, Frame, ImageArray, Landmarks
from actionunits.synthesis.animate import AnimatedFace, PortraitAnimator
from actionunits.synthesis.clip import OCCURRENCE_FROM, render_clip
from actionunits.synthesis.coded_faces import (
    Difficulty,
    PatternTable,
    RestingFace,
    pattern_expression,
    pattern_timeline,
    random_resting_face,
)
from actionunits.synthesis.degrade import Camera, random_camera
from actionunits.synthesis.painting import paint_portrait
from actionunits.synthesis.timeline import SPONTANEOUS, Timeline, random_expression, random_timeline

__all__ = ["CodedSet", "Course"]


class Course(NamedTuple):
    """An expression of a sequence, frames numbered from 0.

    Attributes:
        onset: the first frame that shows it.
        apex: the strongest.
        offset: the last.
        aus: that are shown.
    """

    onset: int
    apex: int
    offset: int
    aus: tuple[int, ...]


class _Part(Protocol):
    """Of a crop cache's part: the paths of its rows."""

    @property
    def paths(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class CodedSet:
    """People, what they show and how they are filmed, all from one seed.

    Attributes:
        aus: the AUs that are coded.
        subjects: people.
        sequences: of each.
        frames: of a sequence; 1 makes a set of single pictures.
        rate_hz: frames a second.
        seed: of everything random.
        table: the patterns that are shown; None for what FACS calls plausible
            (:mod:`~actionunits.synthesis.timeline`).
        difficulty: how hard to code.

    Raises:
        ValueError: a number that is not positive, or AUs that the table does not have.
    """

    aus: tuple[int, ...]
    subjects: int
    sequences: int
    frames: int = 1
    rate_hz: float = 12.5
    seed: int = 0
    table: PatternTable | None = None
    difficulty: Difficulty = field(default_factory=Difficulty)

    #: Side of a drawn picture: dlib finds the face, and the eyes are about 50 px apart.
    picture_px: ClassVar[int] = 260

    def __post_init__(self) -> None:
        if min(self.subjects, self.sequences, self.frames) < 1 or not self.rate_hz > 0:
            raise ValueError("subjects, sequences, frames and rate_hz must be positive")
        if self.table is not None and set(self.aus) - set(self.table.aus):
            raise ValueError(f"the table codes {self.table.aus}, not all of {self.aus}")

    @property
    def names(self) -> tuple[str, ...]:
        """The subjects."""
        return tuple(f"painted-{self.seed}-{number:03d}" for number in range(self.subjects))

    @property
    def times_s(self) -> NDArray[np.float64]:
        """f64[frames] of a sequence, drawn or not."""
        return np.arange(self.frames) / self.rate_hz

    def drawn(self, subject: int, sequence: int) -> range:
        """Which frames of a sequence, from 0, belong to the set."""
        return range(self.frames)

    def path(self, subject: int, sequence: int) -> str:
        """Where the sequence would lie, were it a file."""
        return f"{self.names[subject]}/{sequence:04d}.{'png' if self.frames == 1 else 'mp4'}"

    def intensities(self, subject: int, sequence: int) -> FloatArray:
        """f32[drawn,A], the truth of a sequence, 0 to 5."""
        shown = self._shown(subject, sequence)
        if isinstance(shown, Timeline):
            return shown.intensities(self.times_s[self.drawn(subject, sequence)], self.aus)
        return np.array([[shown.intensity(au) for au in self.aus]], np.float32)

    def labels(self, subject: int, sequence: int) -> NDArray[np.int8]:
        """i8[drawn,A]: an AU counts as shown from intensity B (2) on."""
        return (self.intensities(subject, sequence) >= OCCURRENCE_FROM).astype(np.int8)

    def courses(self, subject: int, sequence: int) -> tuple[Course, ...]:
        """The expressions of a sequence that a coder would mark in time; here there are none."""
        return ()

    def __call__(self, part: _Part) -> Iterator[tuple[int, Frame | None]]:
        """(row, frame) of the rows of a crop cache's part; drawn anew, one in memory at a time."""
        row, subject, animator = 0, -1, None
        for path in dict.fromkeys(part.paths):
            who, number = self._of_path(path)
            if animator is None or who != subject:
                subject, animator = who, self.animator(who)
            drawn = self.drawn(who, number)
            for at, image in zip(drawn, self.pictures(animator, who, number), strict=True):
                grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
                time_s = row / self.rate_hz if self.frames == 1 else float(self.times_s[at])
                yield row, Frame(grey, row, time_s, image)
                row += 1

    def animator(self, subject: int) -> RestingFace:
        """A person with their resting face."""
        rng = np.random.default_rng([self.seed, subject])
        person = PortraitAnimator(paint_portrait(int(rng.integers(2**31)), self.picture_px))
        return RestingFace(person, random_resting_face(rng, self.aus, self.difficulty))

    def pictures(self, animator: RestingFace, subject: int, sequence: int) -> Iterator[ImageArray]:
        """The frames u8[H,W,3] RGB of a sequence, through its own camera."""
        rng = np.random.default_rng([self.seed, subject, sequence, 1])
        camera = self._camera(rng)
        shown = self._shown(subject, sequence)
        if isinstance(shown, Timeline):
            seed = int(rng.integers(2**31))
            only = self.drawn(subject, sequence)
            for drawn in render_clip(animator, shown, self.rate_hz, seed=seed, grain=0.0, only=only):
                eyes_px = inter_ocular_distance(Landmarks(drawn.points))
                yield camera.take(drawn.image, rng, eyes_px)
            return
        face = animator.show(shown, gaze=(float(rng.normal(0, 0.3)), float(rng.normal(0, 0.2))))
        face = self._seen(face, sequence)
        points = Landmarks(np.ascontiguousarray(face.points, np.float32))
        yield camera.take(face.image, rng, inter_ocular_distance(points))

    def _camera(self, rng: np.random.Generator) -> Camera:
        """The camera of a sequence."""
        return random_camera(rng, tilt=self.difficulty.tilt)

    def _seen(self, face: AnimatedFace, sequence: int) -> AnimatedFace:
        """A still from where the camera stands: here in front of it."""
        del sequence
        return face

    def _shown(self, subject: int, sequence: int) -> Expression | Timeline:
        rng = np.random.default_rng([self.seed, subject, sequence])
        if self.frames == 1:
            if self.table is None:
                return random_expression(rng, self.aus)
            return pattern_expression(rng, self.table, self.difficulty)
        seconds = self.frames / self.rate_hz
        if self.table is not None:
            return pattern_timeline(rng, self.table, seconds, self.difficulty)
        longer = random_timeline(rng, max(seconds, SPONTANEOUS.total_s[0]), self.aus)
        return replace(longer, duration_s=seconds)

    def _of_path(self, path: str) -> tuple[int, int]:
        place = PurePosixPath(path)
        try:
            return self.names.index(place.parent.name), int(place.stem)
        except ValueError as problem:
            raise UserError(f"{path} is no sequence of this synthetic set") from problem
