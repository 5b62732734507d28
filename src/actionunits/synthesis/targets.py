"""Where an expression takes the points of one person's face: the template's motion, by their own measure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actionunits.facs.motion import (
    LID_PAIRS,
    LIP_PAIRS,
    POINT_INDEX,
    TEMPLATE_POINTS,
    displacement,
    intensity_share,
)
from actionunits.records import Expression
from actionunits.synthesis.eyes import GAZE_REACH

__all__ = ["jaw_shift", "move_points"]

# Outer lip point, and the inner one that its lip lies between.
_LIPS = ((49, 61), (50, 61), (51, 62), (52, 63), (53, 63), (55, 65), (56, 65), (57, 66), (58, 67), (59, 67))

# How much of a photograph's own opening between the lips an AU closes at full intensity.
_CLOSING = {24: 1.0, 28: 1.0, 18: 0.7, 17: 0.6, 23: 0.4}

_TEMPLATE = TEMPLATE_POINTS.astype(np.float64)


def _rows(pairs: tuple[tuple[int | str, int | str], ...]) -> tuple[list[int], list[int]]:
    return [POINT_INDEX[a] for a, _ in pairs], [POINT_INDEX[b] for _, b in pairs]


_UPPER_LID, _LOWER_LID = _rows(LID_PAIRS)
_UPPER_LIP, _LOWER_LIP = _rows(LIP_PAIRS)


def move_points(
    rest: NDArray[np.floating], expression: Expression, gaze: tuple[float, float] = (0.0, 0.0)
) -> NDArray[np.float64]:
    """A person's points under an expression.

    The template's displacement, but lids close by the share of this person's own opening, lips are thinned by
    their own thickness, and lips that are parted at rest are closed by what presses them together.

    Args:
        rest: [68+N,2] of the person, in inter-ocular units along the face's axes, any origin.
        expression: the AUs.
        gaze: (to the subject's left, up), -1 to 1: the lids follow it up and down.

    Returns:
        f64[68+N,2], in the units of ``rest``.
    """
    start = np.asarray(rest, np.float64)
    shift = displacement(expression).astype(np.float64)
    _thin_own_lips(shift, start)
    shift[_UPPER_LID, 1] -= 0.8 * gaze[1] * GAZE_REACH[1]
    shift[_LOWER_LID, 1] -= 0.25 * gaze[1] * GAZE_REACH[1]
    moved = start + shift
    _close_own_lids(moved, start, shift)
    _part_own_lips(moved, start, shift, expression)
    return moved


def _thin_own_lips(shift: NDArray[np.float64], start: NDArray[np.float64]) -> None:
    for outer, inner in _LIPS:
        own = abs(start[outer, 1] - start[inner, 1])
        usual = abs(_TEMPLATE[outer, 1] - _TEMPLATE[inner, 1])
        between = shift[outer, 1] - shift[inner, 1]
        thinner = between * (start[outer, 1] - start[inner, 1]) < 0
        if thinner:
            shift[outer, 1] = shift[inner, 1] + between * min(1.0, own / usual)


def _close_own_lids(
    moved: NDArray[np.float64], start: NDArray[np.float64], shift: NDArray[np.float64]
) -> None:
    usual = _TEMPLATE[_LOWER_LID, 1] - _TEMPLATE[_UPPER_LID, 1]
    own = np.maximum(start[_LOWER_LID, 1] - start[_UPPER_LID, 1], 0)
    change = shift[_LOWER_LID, 1] - shift[_UPPER_LID, 1]
    opening = own + np.where(change < 0, change * own / usual, change)
    narrower = change < 0
    middle = (moved[_UPPER_LID, 1] + moved[_LOWER_LID, 1]) / 2
    # The part of each lid in the closing decides where they meet.
    part = np.divide(shift[_UPPER_LID, 1], -change, out=np.full_like(change, 0.5), where=narrower)
    upper = start[_UPPER_LID, 1] + np.clip(part, -2, 3) * (own - opening)
    moved[_UPPER_LID, 1] = np.where(narrower, upper, middle - opening / 2)
    moved[_LOWER_LID, 1] = np.where(narrower, upper, middle - opening / 2) + np.maximum(opening, 0)


def _part_own_lips(
    moved: NDArray[np.float64],
    start: NDArray[np.float64],
    shift: NDArray[np.float64],
    expression: Expression,
) -> None:
    own = np.maximum(start[_LOWER_LIP, 1] - start[_UPPER_LIP, 1], 0)
    closing = max(
        amount * float(intensity_share(expression.intensity(number))) for number, amount in _CLOSING.items()
    )
    change = shift[_LOWER_LIP, 1] - shift[_UPPER_LIP, 1]
    opening = np.maximum(own * (1 - closing) + change, 0)
    middle = (moved[_UPPER_LIP, 1] + moved[_LOWER_LIP, 1]) / 2
    moved[_UPPER_LIP, 1], moved[_LOWER_LIP, 1] = middle - opening / 2, middle + opening / 2
    for outer, inner in _LIPS:  # what closes carries the red of the lips along
        if inner in _UPPER_LIP + _LOWER_LIP:
            moved[outer, 1] += 0.6 * (moved[inner, 1] - start[inner, 1] - shift[inner, 1])


def jaw_shift(expression: Expression) -> NDArray[np.float64]:
    """f64[2], how far an expression drops the jaw and moves it sideways, in inter-ocular units.

    The chin's skin also moves with other AUs (17, 24); the lower teeth do not.
    """
    jaw = {n: expression.intensity(n) for n in (25, 26, 27) if expression.intensity(n) > 0}
    chin = POINT_INDEX["chin_boss"]
    drop = displacement(Expression.both(jaw))[chin].astype(np.float64) * (0.8 if jaw.keys() == {25} else 1.0)
    sideways = Expression(
        {30: expression.sides(30)[0]} if expression.sides(30)[0] else {},
        {30: expression.sides(30)[1]} if expression.sides(30)[1] else {},
    )
    moved: NDArray[np.float64] = drop + displacement(sideways)[chin]
    return moved
