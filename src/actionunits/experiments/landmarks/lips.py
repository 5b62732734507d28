"""Where the lips of a photographed smile part, by colour: teeth are paler than lips, the mouth's dark greyer.

A network that has seen animated laughs only places the inner lips too near to one another in real ones, and
would teach that to the next. Colours tell better, where they tell anything.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.facs.motion import lip_gap
from actionunits.records import FloatArray, ImageArray

__all__ = ["lips_by_colour"]

#: Width of the mouth in the small picture that is looked at.
_WIDTH_PX = 120
#: The inner lips' points, (upper, lower), of a column each; the outer lips' points from corner to corner.
_COLUMNS = ((61, 67), (62, 66), (63, 65))
_UPPER, _LOWER = [48, 49, 50, 51, 52, 53, 54], [48, 59, 58, 57, 56, 55, 54]
#: A lip is at least this share of the mouth's height; a gap is wider than this share of the mouth's width.
_LEAST_LIP, _LEAST_GAP = 0.12, 0.05
#: By so much lips are redder (a* of CIELAB) than what is between them in every column, or nothing is told.
_REDDER = 7.0
#: Lips that the points have shut (in inter-ocular distances) stay shut: a gloss may look like teeth.
_SHUT = 0.01
#: What a level of lightness (0 to 255) counts beside one of redness, which vary less.
_LIGHTNESS = 0.5


def lips_by_colour(image: ImageArray, points: FloatArray) -> FloatArray | None:
    """The 68 points with the inner lips where the colour changes, or None where no gap is to be seen.

    In three columns the profile from the outer upper to the outer lower lip is cut into upper lip, gap and
    lower lip so that the colour differs least within each.

    Args:
        image: u8[H,W,3] RGB.
        points: f32[68,2] px, of which the outer lips are trusted.
    """
    mouth = points[48:68].astype(np.float64)
    along = mouth[6] - mouth[0]
    if np.linalg.norm(along) < 1.0 or lip_gap(points) < _SHUT:
        return None
    scale = _WIDTH_PX / float(np.linalg.norm(along))
    turn = np.arctan2(along[1], along[0])
    linear = scale * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    height, width = _WIDTH_PX * 3 // 2, 2 * _WIDTH_PX
    shift = np.array([width / 2, height / 2]) - linear @ (mouth[0] + mouth[6]) / 2
    # thinned out first: warping alone would skip pixels of a large photograph
    smooth = cv2.GaussianBlur(image, (0, 0), 0.4 / scale) if scale < 0.7 else image
    seen = cv2.warpAffine(
        smooth, np.column_stack([linear, shift]), (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    lab = cv2.cvtColor(seen, cv2.COLOR_RGB2LAB).astype(np.float64)
    colour = np.stack([lab[..., 1], _LIGHTNESS * lab[..., 0]], axis=2)
    placed = points @ linear.T + shift
    result = placed.copy()
    for upper, lower in _COLUMNS:
        x = (placed[upper, 0] + placed[lower, 0]) / 2
        top = float(np.interp(x, placed[_UPPER, 0], placed[_UPPER, 1]))
        bottom = float(np.interp(x, placed[_LOWER, 0], placed[_LOWER, 1]))
        first, column = round(top), round(x)
        rows = np.clip(np.arange(first, round(bottom)), 0, height - 1)
        if not 3 <= column < width - 3:
            return None
        profile = colour[rows, column - 3 : column + 4].mean(axis=1)
        cuts = _cut_in_three(profile)
        if cuts is None:
            return None
        start, end = cuts
        lips = min(profile[:start, 0].mean(), profile[end:, 0].mean())
        if lips - profile[start:end, 0].mean() < _REDDER or end - start < _LEAST_GAP * _WIDTH_PX:
            return None
        result[upper] = x, first + start - 0.5
        result[lower] = x, first + end - 0.5
    return np.asarray((result - shift) @ np.linalg.inv(linear).T, np.float32)


def _cut_in_three(profile: NDArray[np.float64]) -> tuple[int, int] | None:
    """Where the middle one of three parts of f64[N,C] begins and ends; None if N is too small."""
    count = len(profile)
    least = max(3, int(_LEAST_LIP * count))
    if count < 2 * least + 3:
        return None
    sums = np.concatenate([np.zeros((1, profile.shape[1])), np.cumsum(profile, axis=0)])
    squares = np.concatenate([[0.0], np.cumsum((profile**2).sum(axis=1))])

    def spread(start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float64]:
        total = sums[end] - sums[start]
        within = squares[end] - squares[start] - (total**2).sum(axis=-1) / (end - start)
        return np.asarray(within, np.float64)

    starts, ends = np.triu_indices(count + 1, k=2)
    fits = (starts >= least) & (ends <= count - least)
    starts, ends = starts[fits], ends[fits]
    zero, last = np.zeros_like(starts), np.full_like(starts, count)
    best = int(np.argmin(spread(zero, starts) + spread(starts, ends) + spread(ends, last)))
    return int(starts[best]), int(ends[best])
