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
_UPPER_LIP_ALL = [49, 50, 51, 52, 53, 61, 62, 63, POINT_INDEX["philtrum"]]


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
    shift = displacement(_room_left(start, expression)).astype(np.float64)
    _spare_parted_lips(shift, start)
    _thin_own_lips(shift, start)
    shift[_UPPER_LID, 1] -= 0.8 * gaze[1] * GAZE_REACH[1]
    shift[_LOWER_LID, 1] -= 0.25 * gaze[1] * GAZE_REACH[1]
    moved = start + shift
    _close_own_lids(moved, start, shift)
    _part_own_lips(moved, start, shift, expression)
    return moved


def _room_left(start: NDArray[np.float64], expression: Expression) -> Expression:
    """A mouth that is drawn wide already, as in a smile, is drawn less further."""
    wide = (start[54, 0] - start[48, 0]) / (_TEMPLATE[54, 0] - _TEMPLATE[48, 0])
    left = 1 - 0.6 * float(np.clip((wide - 1.08) / 0.25, 0, 1))
    sides = (
        {n: value * left if n in (12, 13, 20) else value for n, value in side.items()}
        for side in (expression.left, expression.right)
    )
    return Expression(*sides)


def _spare_parted_lips(shift: NDArray[np.float64], start: NDArray[np.float64]) -> None:
    """An upper lip that bares the teeth already is raised less further."""
    parted = float(np.clip((start[66, 1] - start[62, 1] - 0.035) / 0.1, 0, 1))
    raised = np.minimum(shift[_UPPER_LIP_ALL, 1], 0)
    shift[_UPPER_LIP_ALL, 1] -= 0.65 * parted * raised


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
