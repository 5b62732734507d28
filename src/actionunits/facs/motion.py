"""Where the points of the face go when AUs act: from an expression to displacements.

One field a side and AU (:mod:`actionunits.facs.motion_table`), scaled by intensity and added, with what FACS
says of AUs that act together: redundant pairs do not add up, antagonists win or lose, lips and lids never
cross.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from actionunits.facs.expression import Expression, FloatArray
from actionunits.facs.face_template import (
    NAMED_POINTS,
    POINT_INDEX,
    TEMPLATE_POINTS,
    FacePlaces,
    face_frame,
    place_points,
)
from actionunits.facs.motion_table import JAW_SIDEWAYS, MIDLINE_PULL, MOTION, SYNERGY, Moves
from actionunits.facs.points import MIRROR_68
from actionunits.facs.units import ACTION_UNITS

__all__ = [
    "FacePlaces",
    "LID_PAIRS",
    "LIP_PAIRS",
    "MOVING_AUS",
    "NAMED_POINTS",
    "POINT_INDEX",
    "TEMPLATE_POINTS",
    "displacement",
    "face_frame",
    "intensity_of_share",
    "intensity_share",
    "lip_gap",
    "lips_part_intensity",
    "place_points",
    "smile_measure",
]

#: NumPy's or PyTorch's: what is computed of points with both.
Points = TypeVar("Points", bound=Any)

#: The AUs that move points.
MOVING_AUS: tuple[int, ...] = tuple(sorted({*MOTION, 30}))

#: Upper and lower point of each place where lids or lips meet.
LID_PAIRS: tuple[tuple[int | str, int | str], ...] = (
    (37, 41), (38, 40), (43, 47), (44, 46), ("upper_lid_L", "lower_lid_L"), ("upper_lid_R", "lower_lid_R"),
)  # fmt: skip
LIP_PAIRS: tuple[tuple[int, int], ...] = ((61, 67), (62, 66), (63, 65))

_CURVE = 1.15  # exponent of the intensity scale
_BLEND = 0.22  # inter-ocular units beside the midline over which one side's action passes into the other's


def intensity_share(intensity: float | NDArray[np.floating]) -> NDArray[np.float64]:
    """The share of the full movement at an intensity of 0 to 5: ``(intensity / 5) ** 1.15``.

    FACS's letters are not equal steps: A and B lie closer together than C, D and E.

    >>> [round(float(intensity_share(i)), 2) for i in (0, 1, 2, 3, 4, 5)]
    [0.0, 0.16, 0.35, 0.56, 0.77, 1.0]
    """
    share: NDArray[np.float64] = (np.asarray(intensity, np.float64) / 5.0) ** _CURVE
    return share


def intensity_of_share(share: float) -> float:
    """The inverse of :func:`intensity_share`, for a share of 0 to 1."""
    return float(5.0 * share ** (1 / _CURVE))


def _field(moves: Moves, mirrored_x: float = -1.0) -> NDArray[np.float64]:
    """f64[68+N,2] in inter-ocular units, both halves."""
    field = np.zeros((len(TEMPLATE_POINTS), 2))
    for point, (x, y) in moves.items():
        left: int | str = point if point in POINT_INDEX else f"{point}_L"
        right: int | str = MIRROR_68[point] if isinstance(point, int) else f"{point}_R"
        field[POINT_INDEX.get(right, POINT_INDEX[left])] = (mirrored_x * x / 100, y / 100)
        field[POINT_INDEX[left]] = (x / 100, y / 100)
    return field


_FIELDS = {number: _field(moves) for number, moves in MOTION.items()}
_SYNERGY_FIELDS = [(some, partner, _field(moves)) for some, partner, moves in SYNERGY]
_JAW_FIELD = _field(JAW_SIDEWAYS, mirrored_x=1.0)
_ON_LEFT = np.clip((TEMPLATE_POINTS[:, 0] / _BLEND + 1) / 2, 0, 1).astype(np.float64)[:, None]
_ON_LIPS = np.exp(-((TEMPLATE_POINTS[:, 0] / 0.3) ** 2) - ((TEMPLATE_POINTS[:, 1] - 1.08) / 0.25) ** 2)


def _acting(side: Mapping[int, float]) -> dict[int, float]:
    """The shares of one side after redundant pairs and antagonists."""
    share = {n: float(intensity_share(v)) for n, v in side.items() if v > 0 and n in MOVING_AUS}

    def weaken(number: int, by: float) -> None:
        if number in share:
            share[number] *= max(0.0, 1.0 - by)

    closed = max(share.get(n, 0.0) for n in (43, 45, 46))
    for number in (43, 45, 46):
        if number in share and share[number] < closed:
            share[number] = 0.0
    for number in (5, 7):
        weaken(number, closed)
    weaken(7, 0.45 * share.get(6, 0.0))
    weaken(10, 0.5 * share.get(9, 0.0))
    weaken(26, share.get(27, 0.0))
    weaken(23, 0.4 * share.get(24, 0.0))
    weaken(16, 0.7 * share.get(25, 0.0))
    weaken(25, 0.85 * max(share.get(24, 0.0), share.get(28, 0.0)))
    weaken(25, 0.5 * max(share.get(26, 0.0), share.get(27, 0.0)))
    weaken(15, 0.4 * share.get(12, 0.0))
    weaken(20, 0.4 * share.get(12, 0.0))
    return share


def _side_field(side: Mapping[int, float]) -> NDArray[np.float64]:
    share = _acting(side)
    total = np.zeros((len(TEMPLATE_POINTS), 2))
    for number, amount in share.items():
        if number != 30:
            total += amount * _FIELDS[number]
    for some, partner, field in _SYNERGY_FIELDS:
        together = min(max(share.get(n, 0.0) for n in some), share.get(partner, 0.0))
        if together:
            total += together * field
    return total


def _whole_face(expression: Expression) -> tuple[dict[int, float], dict[int, float]]:
    """(left, right) with the AUs that are not paired set to the stronger side's intensity on both."""
    sides = dict(expression.left), dict(expression.right)
    for number in expression.aus:
        if number in ACTION_UNITS and not ACTION_UNITS[number].paired:
            sides[0][number] = sides[1][number] = expression.intensity(number)
    return sides


def _part_crossed(moved: NDArray[np.float64]) -> None:
    """Lids and lips that would cross meet halfway instead."""
    for upper, lower in (*LID_PAIRS, *LIP_PAIRS):
        above, below = POINT_INDEX[upper], POINT_INDEX[lower]
        if moved[below, 1] < moved[above, 1]:
            moved[[above, below], 1] = moved[[above, below], 1].mean()


def displacement(expression: Expression) -> FloatArray:
    """How far an expression moves each point of the template face.

    Each AU's movement grows monotonically with its intensity (:func:`intensity_share`). A side's action fades
    out across the midline; AUs that are not paired act with the stronger side's intensity, but AU30 moves the
    jaw to the side with the larger one (to the left when they are equal).

    Args:
        expression: AUs without movement (gaze, for example) are passed over.

    Returns:
        f32[68+N,2] in inter-ocular units (x to the picture's right, y down), rows as
        :data:`TEMPLATE_POINTS`: the 68 points, then :data:`NAMED_POINTS`.

    >>> smile = displacement(Expression.both({12: 5.0}))
    >>> (100 * smile[54]).round().tolist(), (100 * smile[48]).round().tolist()
    ([11.0, -14.0], [-11.0, -14.0])
    """
    left, right = _whole_face(expression)
    total = _ON_LEFT * _side_field(left) + (1 - _ON_LEFT) * _side_field(right)
    for number, pull in MIDLINE_PULL.items():
        on_left, on_right = intensity_share(np.array(expression.sides(number)))
        total[:, 0] += _ON_LIPS * (on_left - on_right) * pull / 100
    to_left, to_right = expression.sides(30)
    if to_left or to_right:
        sideways = float(intensity_share(max(to_left, to_right)))
        total += sideways * _JAW_FIELD * (1 if to_left >= to_right else -1, 1)
    moved = TEMPLATE_POINTS + total
    _part_crossed(moved)
    return (moved - TEMPLATE_POINTS).astype(np.float32)


def lip_gap(points: NDArray[np.floating]) -> float:
    """Height of the opening between the lips at their middle, in inter-ocular units.

    Args:
        points: [68,2], or more rows; pixels or template units.
    """
    axes = face_frame(points)[1]
    scale = float(np.linalg.norm(axes[1]))
    return float((points[66] - points[62]) @ axes[1]) / scale**2


def smile_measure(points: Points) -> Points:
    """How wide the mouth is and how high its corners are above the lips' middle; larger = more smile.

    In inter-ocular distances, whatever the head's tilt. Of arrays and of PyTorch's tensors, for a network has
    it in its logit of AU12.

    Args:
        points: [...,68,2], pixels; gives [...].
    """
    right, left = points[..., [36, 39], :].mean(-2), points[..., [42, 45], :].mean(-2)
    across = left - right
    squared = (across * across).sum(-1)
    wide = points[..., 54, :] - points[..., 48, :]
    lift = points[..., [51, 57, 62, 66], :].mean(-2) - points[..., [48, 54], :].mean(-2)
    along_the_face = lift[..., 1] * across[..., 0] - lift[..., 0] * across[..., 1]
    measure: Points = ((wide * wide).sum(-1) / squared) ** 0.5 + along_the_face / squared
    return measure


_FULL_GAP = float(_FIELDS[25][66, 1] - _FIELDS[25][62, 1])


def lips_part_intensity(gap: float) -> float:
    """The intensity of AU25, 0 to 5, that opens the lips by a gap.

    Whatever parts the lips (25 itself, 26, 27, a strong 10) shows AU25; this is its label.

    Args:
        gap: inter-ocular units beyond the neutral face's own (:func:`lip_gap` of both, subtracted).

    >>> shown = displacement(Expression.both({25: 3.0}))
    >>> round(lips_part_intensity(float(shown[66, 1] - shown[62, 1])), 3)
    3.0
    """
    return intensity_of_share(float(np.clip(gap / _FULL_GAP, 0, 1)))
