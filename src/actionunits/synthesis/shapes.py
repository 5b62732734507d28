"""What each Action Unit is in a face model's expression shapes.

The shapes are ARKit's, as ICT-FaceKit has them, with left and right apart. The weights stand for the
maximum (intensity 5) and fall linearly to 0.
"""

from __future__ import annotations

from collections.abc import Mapping

from actionunits.errors import UserError
from actionunits.facs.units import ACTION_UNITS
from actionunits.records import Expression

__all__ = ["AU_SHAPES", "MAX_WEIGHT", "gaze_of", "shape_weights"]

#: For each AU the shapes at intensity 5. A name that ends in ``_`` has a left and a right shape. AU14 has
#: some of a smile taken away: the model's dimple draws the corner outwards and up, as FACS's does not.
AU_SHAPES: dict[int, dict[str, float]] = {
    1: {"browInnerUp_": 1.0},
    2: {"browOuterUp_": 0.9},
    4: {"browDown_": 1.35},
    5: {"eyeWide_": 1.0},
    6: {"cheekSquint_": 1.0, "cheekRaiser_": 0.8, "eyeSquint_": 0.3},
    7: {"eyeSquint_": 1.2},
    9: {"noseSneer_": 1.0},
    10: {"mouthUpperUp_": 0.9},
    11: {"mouthUpperUp_": 0.35, "noseSneer_": 0.25},
    12: {"mouthSmile_": 1.0},
    13: {"mouthSmile_": 0.45, "cheekPuff_": 0.3},
    14: {"mouthDimple_": 1.35, "mouthSmile_": -0.12},
    15: {"mouthFrown_": 1.1},
    16: {"mouthLowerDown_": 1.0},
    17: {"mouthShrugLower": 0.9, "mouthShrugUpper": 0.25},
    18: {"mouthPucker": 0.9},
    20: {"mouthStretch_": 0.9},
    22: {"mouthFunnel": 0.9},
    23: {"mouthRollLower": 0.5, "mouthRollUpper": 0.5, "mouthPucker": 0.28},
    24: {"mouthPress_": 1.15, "mouthRollLower": 0.26, "mouthRollUpper": 0.26},
    25: {"mouthLowerDown_": 0.75, "mouthUpperUp_": 0.35, "jawOpen": 0.08},
    26: {"jawOpen": 0.75},
    27: {"jawOpen": 1.0, "mouthLowerDown_": 0.3},
    28: {"mouthRollLower": 0.9, "mouthRollUpper": 0.9},
    30: {},
    43: {"eyeBlink_": 1.0},
    45: {"eyeBlink_": 1.0},
    46: {"eyeBlink_": 1.0},
    61: {},
    62: {},
    63: {},
    64: {},
}

#: No shape gets more: beyond, the model's faces break.
MAX_WEIGHT = 1.35

#: How much further a smile with parted lips lifts the upper lip, at intensity 5 of both.
_SMILE_LIFT = 0.15


def shape_weights(
    expression: Expression, *, blink: float = 0.0, gaze: tuple[float, float] = (0.0, 0.0)
) -> dict[str, float]:
    """The weight of each expression shape that shows an expression.

    Args:
        expression: AUs with their intensities.
        blink: 0 (as the portrait) to 1 (both eyes shut), beside AUs 43, 45 and 46.
        gaze: where the eyes turn, beside AUs 61 to 64: (to the subject's left, up), -1 to 1. The lids
            follow; the eyeballs are turned by the renderer (:func:`gaze_of`).

    Raises:
        UserError: an AU that has no shapes.

    >>> shape_weights(Expression(left={12: 5.0}, right={}))
    {'mouthSmile_L': 1.0}
    """
    weights: dict[str, float] = {}
    for au in expression.aus:
        if au not in AU_SHAPES:
            known = ", ".join(str(number) for number in AU_SHAPES)
            raise UserError(f"AU{au} has no shapes in the face model: known are {known}")
        _add(weights, AU_SHAPES[au], _sides(expression, au))
    _add_jaw_sideways(weights, expression)
    parted = max(expression.intensity(25), expression.intensity(26), expression.intensity(27)) / 5
    smile = {side: value * parted for side, value in zip("LR", expression.sides(12), strict=True)}
    _add(weights, {"mouthUpperUp_": _SMILE_LIFT}, (smile["L"] / 5, smile["R"] / 5))
    _add_gaze(weights, gaze_of(expression, gaze))
    _add(weights, {"eyeBlink_": 1.0}, (blink, blink))
    return _settled(weights)


def gaze_of(expression: Expression, gaze: tuple[float, float] = (0.0, 0.0)) -> tuple[float, float]:
    """(to the subject's left, up), each -1 to 1: a given direction and that of AUs 61 to 64 together."""
    left = gaze[0] + (expression.intensity(61) - expression.intensity(62)) / 5
    up = gaze[1] + (expression.intensity(63) - expression.intensity(64)) / 5
    return min(max(left, -1.0), 1.0), min(max(up, -1.0), 1.0)


def _sides(expression: Expression, au: int) -> tuple[float, float]:
    """(left, right) from 0 to 1; both the stronger one where FACS does not code sides."""
    if ACTION_UNITS[au].paired:
        left, right = expression.sides(au)
        return left / 5, right / 5
    return expression.intensity(au) / 5, expression.intensity(au) / 5


def _add(weights: dict[str, float], shapes: Mapping[str, float], sides: tuple[float, float]) -> None:
    for name, weight in shapes.items():
        pairs = zip(("L", "R"), sides, strict=True) if name.endswith("_") else [("", max(sides))]
        for suffix, amount in pairs:
            if amount > 0:
                weights[name + suffix] = weights.get(name + suffix, 0.0) + weight * amount


def _add_jaw_sideways(weights: dict[str, float], expression: Expression) -> None:
    """AU30 goes to the side that is stronger."""
    left, right = expression.sides(30)
    if max(left, right) > 0:
        weights["jawLeft" if left >= right else "jawRight"] = max(left, right) / 5


def _add_gaze(weights: dict[str, float], gaze: tuple[float, float]) -> None:
    left, up = gaze
    inward, outward = ("R", "L") if left > 0 else ("L", "R")
    if left:
        weights[f"eyeLookIn_{inward}"] = weights[f"eyeLookOut_{outward}"] = abs(left)
    if up:
        name = "eyeLookUp_" if up > 0 else "eyeLookDown_"
        weights[f"{name}L"] = weights[f"{name}R"] = abs(up)


def _settled(weights: dict[str, float]) -> dict[str, float]:
    """Weights that can stand together: a shut eye is neither squinted nor wide, and no shape is overdone."""
    for side in "LR":
        shut = min(weights.get(f"eyeBlink_{side}", 0.0), 1.0)
        if shut > 0:
            weights[f"eyeBlink_{side}"] = shut
        for name in ("eyeSquint_", "eyeWide_", "eyeLookDown_"):
            if name + side in weights:
                weights[name + side] *= 1 - shut
    return {name: min(weight, MAX_WEIGHT) for name, weight in weights.items() if weight}
