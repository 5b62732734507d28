"""Where an AU really shows on synthetic faces, and how much of a map lies there.

Rendered faces come in pairs that differ in one AU alone; so the pixels that it changes are known, and a map
can be measured against them instead of being looked at.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.records import FloatArray, ImageArray

__all__ = ["MassInside", "au_region", "mass_inside"]

#: Deviation of the blur, as a share of the crop's side: 2 px of 200.
BLUR_SHARE = 0.01
#: Pixels whose difference is above this share of the largest one belong to the region.
LEAST_SHARE = 0.25


class MassInside(NamedTuple):
    """How a map lies to a region.

    Attributes:
        share: of the map's positive mass, what lies inside; NaN where it has none.
        chance: the region's share of the area: what a map without any preference has inside.
    """

    share: float
    chance: float


def mass_inside(values: FloatArray, region: NDArray[np.bool_]) -> MassInside:
    """How much of a map's positive mass lies inside a region.

    Args:
        values: f32[S,S], the map of one AU; what is below 0 (hiding it makes the AU surer) counts as 0.
        region: bool[S,S].

    >>> mass_inside(np.array([[3, 1], [-5, 0]], np.float32), np.array([[True, False], [False, False]]))
    MassInside(share=0.75, chance=0.25)
    """
    if values.shape != region.shape:
        raise ValueError(f"map and region must be alike, got {values.shape} and {region.shape}")
    positive = np.maximum(values.astype(np.float64), 0.0)  # NaN stays NaN
    total = float(positive.sum())
    inside = float(positive[region].sum())
    return MassInside(inside / total if total > 0 else float("nan"), float(region.mean()))


def au_region(neutral: ImageArray, shown: ImageArray) -> NDArray[np.bool_]:
    """The pixels of the aligned crop that an AU changes, bool[S,S].

    The absolute grey difference within each pair, mean over the pairs, is blurred a little (Gaussian of 1 %
    of the side, so that single pixels of noise or edges do not decide); the region is where it is above a
    quarter of its maximum.

    Args:
        neutral: u8[N,S,S], faces without the AU.
        shown: u8[N,S,S], each the same face with it, aligned alike.

    Raises:
        UserError: the pairs do not differ, so that there is no region.
    """
    if neutral.shape != shown.shape or neutral.ndim != 3 or not len(neutral):
        raise ValueError(f"pairs of grey crops expected, got {neutral.shape} and {shown.shape}")
    mean = np.zeros(neutral.shape[1:], np.float64)
    for one, other in zip(neutral, shown, strict=True):
        mean += cv2.absdiff(one, other)
    deviation_px = BLUR_SHARE * neutral.shape[-1]
    blurred = cv2.GaussianBlur(mean / len(neutral), (0, 0), deviation_px, borderType=cv2.BORDER_REPLICATE)
    highest = float(blurred.max())
    if highest == 0:
        raise UserError("the faces with the AU are the same as those without it: it has no region")
    return np.asarray(blurred > LEAST_SHARE * highest)
