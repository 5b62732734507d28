"""A data set of micro-expressions: painted people, one expression a clip, filmed as in a laboratory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from actionunits.synthesis.coded_set import CodedSet, Course
from actionunits.synthesis.degrade import Camera, laboratory_camera
from actionunits.synthesis.micro import SUBTLE, micro_timeline
from actionunits.synthesis.timeline import Timeline

__all__ = ["MicroSet"]


@dataclass(frozen=True)
class MicroSet(CodedSet):
    """People of whom each sequence shows one micro-expression.

    AUs are coded as in the CASME sets: those of the expression count as shown whatever their intensity, here
    in the frames in which it is above zero. Of the difficulty only the resting faces and the head's tilt
    matter: there are no traces, and all intensities are low.

    Attributes:
        around: draw only so many frames before and after each apex; 0 = the whole clip.

    Raises:
        ValueError: as :class:`CodedSet`; no table; a clip without room for an expression, or so few frames a
            second that one could fall between two.
    """

    around: int = 0

    #: The eyes are about 64 px apart, as in CASME, whose faces are 150 px wide.
    picture_px: ClassVar[int] = 320

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.table is None:
            raise ValueError("micro-expressions need a table of what is shown together")
        if self.rate_hz * SUBTLE.total_s[0] <= 1:
            raise ValueError(f"micro-expressions need more than {1 / SUBTLE.total_s[0]:g} frames/s")
        if self.around < 0:
            raise ValueError(f"around must be 0 or more frames, got {self.around}")
        self._shown(0, 0)

    def drawn(self, subject: int, sequence: int) -> range:
        """All frames, or those around the apex."""
        if not self.around:
            return range(self.frames)
        apex = self.courses(subject, sequence)[0].apex
        return range(max(apex - self.around, 0), min(apex + self.around + 1, self.frames))

    def labels(self, subject: int, sequence: int) -> NDArray[np.int8]:
        """i8[drawn,A]: shown from onset to offset."""
        return (self.intensities(subject, sequence) > 0).astype(np.int8)

    def courses(self, subject: int, sequence: int) -> tuple[Course, ...]:
        """The expression: its apex is the first frame in which its AUs have the greatest sum."""
        values = self._shown(subject, sequence).intensities(self.times_s, self.aus)
        rows = np.flatnonzero((values > 0).any(axis=1))
        shown = tuple(au for au, column in zip(self.aus, values.T, strict=True) if column.any())
        return (Course(int(rows[0]), int(values.sum(axis=1).argmax()), int(rows[-1]), shown),)

    def _shown(self, subject: int, sequence: int) -> Timeline:
        assert self.table is not None
        rng = np.random.default_rng([self.seed, subject, sequence])
        return micro_timeline(rng, self.frames / self.rate_hz, self.rate_hz, self.table)

    def _camera(self, rng: np.random.Generator) -> Camera:
        return laboratory_camera(rng, tilt=self.difficulty.tilt)
