"""What a face shows, in FACS's terms: an intensity for each AU, left and right apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Expression", "FloatArray"]

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Expression:
    """What a face shows: an intensity for each AU, left and right apart.

    Attributes:
        left: AU number to intensity on the subject's left side, 0 (neutral) to 5 (E).
        right: the same on the subject's right side. AUs that are not paired use the larger of the two.

    >>> smile = Expression.both({12: 3.0, 6: 2.0})
    >>> smile.intensity(12), smile.intensity(4)
    (3.0, 0.0)
    """

    left: Mapping[int, float]
    right: Mapping[int, float]

    def __post_init__(self) -> None:
        for side in (self.left, self.right):
            for number, value in side.items():
                if not 0.0 <= value <= 5.0:
                    raise ValueError(f"the intensity of AU{number} must be within 0 to 5, got {value}")

    @classmethod
    def both(cls, intensities: Mapping[int, float]) -> Expression:
        """The same on both sides."""
        return cls(dict(intensities), dict(intensities))

    def intensity(self, number: int) -> float:
        """The stronger side's intensity: FACS codes the whole face by it."""
        return max(self.left.get(number, 0.0), self.right.get(number, 0.0))

    def sides(self, number: int) -> tuple[float, float]:
        """(left, right)."""
        return self.left.get(number, 0.0), self.right.get(number, 0.0)

    @property
    def aus(self) -> tuple[int, ...]:
        """The AUs above 0 on either side, sorted."""
        return tuple(sorted(n for n in {*self.left, *self.right} if self.intensity(n) > 0))
