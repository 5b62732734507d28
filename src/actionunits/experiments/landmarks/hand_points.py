"""Where the 68 points lie on a face whose 189 points of the webmorph template were placed by hand.

Every one of the 68 has a place there: corners, peaks and the middle of the nose as they were placed, points
that only divide a contour (jaw, brows, lids) by dividing the hand-drawn one evenly.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.records import FloatArray

__all__ = ["CONTOURS", "SAME_PLACE", "from_hand", "read_hand_points"]

#: Number of points in the webmorph template.
TEMPLATE_POINTS = 189

#: The template's contours that the 68 points divide, in the 68 points' own direction.
CONTOURS: dict[str, tuple[int, ...]] = {
    "jaw": (109, 110, 111, 125, 126, 127, 128, 129, 130, 131, 132, 133, 114, 113, 112),
    "right brow": (71, 72, 73, 74, 75, 76),
    "left brow": (77, 78, 79, 80, 81, 82),
    "right upper lid": (18, 19, 20, 21, 22),
    "right lower lid": (22, 30, 29, 28, 18),
    "left upper lid": (23, 24, 25, 26, 27),
    "left lower lid": (27, 33, 32, 31, 23),
}

#: What stands at one place of the template, or in the middle of several: point of the 68 -> the template's.
_PLACES: dict[int, tuple[int, ...]] = {
    27: (50, 51, 56, 57),  # the bridge at the height of the eyes: between the rows above and below them
    30: (54, 60),
    31: (64,),
    32: (64, 55),
    33: (55,),
    34: (69, 55),
    35: (69,),
    48: (87,),
    49: (88,),
    50: (89,),
    51: (90,),
    52: (91,),
    53: (92,),
    54: (93,),
    55: (108,),
    56: (107,),
    57: (106,),
    58: (105,),
    59: (104,),
    60: (87, 87, 94, 99),
    61: (95,),
    62: (96,),
    63: (97,),
    64: (93, 93, 98, 103),
    65: (102,),
    66: (101,),
    67: (100,),
}

#: Points that any scheme of 68 puts at the same place: corners, peaks, the chin, the nose's base.
SAME_PLACE: tuple[int, ...] = (8, 17, 26, 33, 36, 39, 42, 45, 48, 50, 51, 52, 54, 57, 62, 66)


def from_hand(points: FloatArray) -> FloatArray:
    """f32[68,2] of the template's f32[189,2], in the same pixels.

    Raises:
        ValueError: other than 189 points.
    """
    if points.shape != (TEMPLATE_POINTS, 2):
        raise ValueError(f"expected the webmorph template's points [189,2], got {list(points.shape)}")
    given = points.astype(np.float64)
    placed = np.empty((68, 2))
    for point, parts in _PLACES.items():
        placed[point] = given[list(parts)].mean(axis=0)
    third = np.array([1, 2]) / 3
    placed[28:30] = placed[27] + third[:, None] * (placed[30] - placed[27])
    placed[17:22] = _divided(given[list(CONTOURS["right brow"])], np.linspace(0, 1, 5))
    placed[22:27] = _divided(given[list(CONTOURS["left brow"])], np.linspace(0, 1, 5))
    for first, side in ((36, "right"), (42, "left")):
        upper = given[list(CONTOURS[f"{side} upper lid"])]
        lower = given[list(CONTOURS[f"{side} lower lid"])]
        placed[[first, first + 3]] = upper[[0, -1]]
        placed[[first + 1, first + 2]] = _divided(upper, third)
        placed[[first + 4, first + 5]] = _divided(lower, third)
    placed[:17] = _jaw(given, placed)
    return placed.astype(np.float32)


def _jaw(given: NDArray[np.float64], placed: NDArray[np.float64]) -> NDArray[np.float64]:
    """f64[17,2]: the contour from the height of the eyes to the chin, each half divided evenly."""
    contour = given[list(CONTOURS["jaw"])]
    middle = len(contour) // 2
    right, left = placed[[36, 39]].mean(axis=0), placed[[42, 45]].mean(axis=0)
    down = np.array([right[1] - left[1], left[0] - right[0]])
    halves = []
    for half in (contour[: middle + 1], contour[: middle - 1 : -1]):
        below = (half - (right + left) / 2) @ down
        steps = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(half, axis=0).T))])
        start = np.interp(0.0, below, steps) / steps[-1]
        halves.append(_divided(half, np.linspace(start, 1, 9)))
    return np.concatenate([halves[0], halves[1][-2::-1]])


def _divided(line: NDArray[np.float64], shares: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Points at shares of the length of a polyline f64[N,2]."""
    steps = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.asarray(shares) * steps[-1]
    return np.column_stack([np.interp(at, steps, line[:, axis]) for axis in (0, 1)])


def read_hand_points(path: Path) -> Mapping[str, FloatArray]:
    """Each picture's template points f32[189,2], by ``FOLDER/FILE``.

    Args:
        path: an ``.npz`` with ``files`` [N] and ``points`` [N,189,2].

    Raises:
        UserError: the file is missing or is not such a file.
    """
    wanted = "expected an .npz file with `files` [N] and `points` [N,189,2]"
    try:
        with np.load(path, allow_pickle=False) as archive:
            files, points = archive["files"], archive["points"]
    except FileNotFoundError as problem:
        raise UserError(f"no hand-placed points at {path}: {wanted}") from problem
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as problem:
        raise UserError(f"{path} does not hold hand-placed points: {wanted}") from problem
    if files.ndim != 1 or points.shape != (len(files), TEMPLATE_POINTS, 2):
        raise UserError(f"{path} holds points {list(points.shape)} of {len(files)} files: {wanted}")
    return {str(name): each.astype(np.float32) for name, each in zip(files, points, strict=True)}
