"""The places of a patch that slides over a crop, and values at these places as a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.records import FloatArray

__all__ = ["PatchGrid"]


@dataclass(frozen=True)
class PatchGrid:
    """P x P places of a square patch.

    Attributes:
        size_px: side of the crop.
        patch_px: side of the patch.
        stride_px: step of the patch.

    Raises:
        UserError: the patch is larger than the crop, or not positive.

    >>> len(PatchGrid(200, 15, 3).starts)
    62
    """

    size_px: int
    patch_px: int
    stride_px: int

    def __post_init__(self) -> None:
        if not 0 < self.patch_px <= self.size_px or self.stride_px < 1:
            raise UserError(
                f"the patch must be 1 to {self.size_px} px with a step of 1 or more, "
                f"got {self.patch_px}, {self.stride_px}"
            )

    @property
    def starts(self) -> NDArray[np.int64]:
        """i64[P], the patch's first row (or column) of pixels at each place."""
        return np.arange(0, self.size_px - self.patch_px + 1, self.stride_px, dtype=np.int64)

    def on_pixels(self, values: FloatArray) -> FloatArray:
        """Spread a map f32[P,P,A] over the crop, f32[S,S,A]: each pixel the mean of the patches over it.

        Pixels that no patch reached (a border narrower than the stride) take their nearest neighbour's value.
        """
        last = (values.shape[0] - 1) * self.stride_px + self.patch_px
        summed = self._spread(self._spread(values.astype(np.float64), 0, last), 1, last)
        ones = np.ones((*values.shape[:2], 1))
        count = self._spread(self._spread(ones, 0, last), 1, last)
        mean = summed / np.maximum(count, 1)
        mean[(count == 0)[..., 0]] = np.nan
        mean = _filled(_filled(mean, 0), 1)
        rest = self.size_px - last
        return np.pad(mean, ((0, rest), (0, rest), (0, 0)), mode="edge").astype(np.float32)

    def interpolated(self, values: FloatArray) -> FloatArray:
        """A map f32[P,P,A] as a smooth picture f32[S,S,A] for figures: linear between the patches' centres.

        Pixels beyond the outermost centres take the outermost values.
        """
        centres = self.starts + (self.patch_px - 1) / 2
        pixels = np.arange(self.size_px)
        share = np.stack([np.interp(pixels, centres, one) for one in np.eye(len(centres))], axis=1)
        found = np.einsum("rp,pqa,cq->rca", share, values.astype(np.float64), share, optimize=True)
        return np.asarray(found, np.float32)

    def _spread(self, values: NDArray[np.float64], axis: int, length: int) -> NDArray[np.float64]:
        """Sum of the patches over each pixel, along one axis, by differences and a running sum."""
        moved = np.moveaxis(values, axis, 0)
        steps = np.zeros((length + 1, *moved.shape[1:]))
        starts = np.arange(len(moved)) * self.stride_px
        np.add.at(steps, starts, moved)
        np.subtract.at(steps, starts + self.patch_px, moved)
        return np.moveaxis(np.cumsum(steps, axis=0)[:-1], 0, axis)


def _filled(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Gaps between patches that do not touch take the value before them."""
    moved = np.moveaxis(values, axis, 0).copy()
    for place in range(1, len(moved)):
        gap = np.isnan(moved[place])
        moved[place][gap] = moved[place - 1][gap]
    return np.moveaxis(moved, 0, axis)
