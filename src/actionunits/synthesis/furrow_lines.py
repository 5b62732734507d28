"""Where the furrows and bulges of each AU lie on the template face.

Places are in template coordinates (:mod:`actionunits.facs.face_template`), for the subject's left half; each
line has its mirror image unless it crosses the midline. Weights are the depth at intensity 5, relative to the
line's own.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BULGES", "FURROWS", "Bulge", "Furrow"]


@dataclass(frozen=True)
class Furrow:
    """A line that AUs fold into the skin.

    Attributes:
        path: points of the line.
        aus: AU to weight.
        width: half width of the dark line, inter-ocular units.
        depth: share of the light that it takes at full depth.
        ridge: how strongly the skin bulges beside it: above or cheekwards (1), on the other side (-1).
        middle: the line crosses the midline and has no mirror image.
        least: share of its depth that also skin without wrinkles shows: what the movement itself folds.
    """

    path: tuple[tuple[float, float], ...]
    aus: dict[int, float]
    width: float = 0.013
    depth: float = 0.22
    ridge: float = 1.0
    middle: bool = False
    least: float = 0.0


@dataclass(frozen=True)
class Bulge:
    """A round place that catches light (negative depth) or loses it; ``least`` as of a :class:`Furrow`."""

    place: tuple[float, float]
    aus: dict[int, float]
    width: float
    depth: float
    least: float = 0.0


def _forehead() -> list[Furrow]:
    inner = [
        Furrow(((-0.46, y + 0.03), (-0.24, y), (0.0, y + 0.015), (0.24, y), (0.46, y + 0.03)), {1: weight},
               0.014, 0.24, middle=True)
        for y, weight in ((-0.60, 0.8), (-0.72, 1.0), (-0.84, 0.75))
    ]  # fmt: skip
    outer = [
        Furrow(((0.26, y), (0.48, y - 0.03), (0.70, y), (0.90, y + 0.10)), {2: weight}, 0.014, 0.24)
        for y, weight in ((-0.59, 0.9), (-0.70, 1.0), (-0.81, 0.7))
    ]
    return inner + outer


_GLABELLA = [
    Furrow(((0.075, -0.47), (0.085, -0.36), (0.105, -0.23)), {4: 1.0, 9: 0.35}, 0.015, 0.28),
    Furrow(((0.150, -0.46), (0.160, -0.38), (0.175, -0.30)), {4: 0.5, 9: 0.25}, 0.013, 0.22),
    Furrow(((-0.10, -0.13), (0.0, -0.145), (0.10, -0.13)), {4: 0.45, 9: 1.0}, 0.013, 0.28, middle=True),
    Furrow(((-0.09, -0.05), (0.0, -0.065), (0.09, -0.05)), {9: 1.0, 4: 0.2}, 0.012, 0.26, middle=True),
]

_NOSE = [
    Furrow(((0.035, 0.02), (0.09, 0.06), (0.13, 0.12)), {9: 0.9}, 0.011, 0.24),
    Furrow(((0.04, 0.11), (0.10, 0.16), (0.15, 0.23)), {9: 1.0}, 0.012, 0.26),
    Furrow(((0.06, 0.22), (0.12, 0.28), (0.17, 0.36)), {9: 0.7}, 0.012, 0.22),
    Furrow(((0.17, 0.10), (0.24, 0.18), (0.33, 0.24)), {9: 0.8, 6: 0.25}, 0.013, 0.20),
    Furrow(((0.20, 0.50), (0.255, 0.56), (0.26, 0.65)), {9: 1.0, 10: 0.7, 11: 0.4, 12: 0.3}, 0.014, 0.26),
]

_EYES = [
    Furrow(((0.79, -0.05), (0.88, -0.09), (0.98, -0.15)), {6: 1.0, 12: 0.2, 7: 0.2}, 0.010, 0.24),
    Furrow(((0.80, 0.01), (0.90, 0.005), (1.01, 0.0)), {6: 1.0, 12: 0.2, 7: 0.25}, 0.010, 0.26),
    Furrow(((0.79, 0.07), (0.88, 0.10), (0.98, 0.16)), {6: 0.9, 12: 0.2, 7: 0.2}, 0.010, 0.22),
    Furrow(((0.33, 0.09), (0.44, 0.125), (0.58, 0.13), (0.71, 0.075)), {6: 0.9, 7: 1.0, 9: 0.3}, 0.014, 0.22),
    Furrow(((0.30, 0.15), (0.40, 0.235), (0.56, 0.27), (0.74, 0.21)), {6: 1.0, 7: 0.35, 9: 0.3}, 0.026, 0.13),
]

_NASOLABIAL = [
    Furrow(((0.225, 0.48), (0.275, 0.57), (0.315, 0.67), (0.37, 0.78)), {9: 1.0, 10: 0.35}, 0.022, 0.34),
    Furrow(
        ((0.27, 0.58), (0.345, 0.67), (0.41, 0.79), (0.45, 0.93)), {10: 1.0, 11: 0.6, 9: 0.4}, 0.022, 0.32
    ),
    Furrow(((0.34, 0.69), (0.40, 0.78), (0.45, 0.89)), {11: 1.0}, 0.022, 0.28),
    Furrow(
        ((0.275, 0.61), (0.37, 0.73), (0.455, 0.89), (0.515, 1.04)), {12: 1.0, 6: 0.3, 13: 0.7}, 0.021, 0.32
    ),
]

_MOUTH_CORNERS = [
    Furrow(((0.445, 1.0), (0.465, 1.08), (0.45, 1.16)), {12: 0.25, 13: 0.5, 20: 0.3}, 0.017, 0.30),
    Furrow(((0.50, 0.97), (0.535, 1.08), (0.51, 1.19)), {12: 0.3, 20: 0.4}, 0.018, 0.20),
    Furrow(((0.445, 0.98), (0.475, 1.06), (0.45, 1.15)), {14: 1.0}, 0.026, 0.50, 0.6, least=0.6),
    Furrow(((0.52, 0.94), (0.57, 1.07), (0.53, 1.22)), {14: 1.0}, 0.024, 0.30, 0.7, least=0.4),
    Furrow(((0.415, 1.12), (0.455, 1.19), (0.475, 1.29)), {15: 1.0, 17: 0.25}, 0.021, 0.24),
    Furrow(((0.58, 0.96), (0.62, 1.09), (0.60, 1.24)), {20: 0.8}, 0.018, 0.18),
    Furrow(((0.67, 1.0), (0.71, 1.12), (0.69, 1.26)), {20: 0.5}, 0.018, 0.16),
]

_CHIN = [
    Furrow(((-0.24, 1.385), (-0.12, 1.335), (0.0, 1.325), (0.12, 1.335), (0.24, 1.385)),
           {17: 1.0, 24: 0.4, 15: 0.25, 14: 0.15}, 0.022, 0.26, -1.0, True),
    Furrow(((0.02, 1.46), (0.05, 1.475), (0.08, 1.465)), {17: 1.0}, 0.021, 0.17, -0.5),
    Furrow(((0.12, 1.49), (0.15, 1.51), (0.18, 1.50)), {17: 0.9}, 0.021, 0.17, -0.5),
    Furrow(((0.03, 1.55), (0.06, 1.565), (0.09, 1.55)), {17: 0.9}, 0.021, 0.17, -0.5),
    Furrow(((0.13, 1.58), (0.16, 1.60), (0.19, 1.58)), {17: 0.7}, 0.021, 0.17, -0.5),
    Furrow(((0.02, 1.64), (0.05, 1.65), (0.08, 1.64)), {17: 0.7}, 0.021, 0.17, -0.5),
]  # fmt: skip

_LIPS = [
    *(Furrow(((x, 0.855), (1.02 * x, 0.885), (1.04 * x, 0.918)), {23: 1.15, 24: 0.6, 18: 1.0, 28: 0.5},
             0.009, 0.16)
      for x in (0.045, 0.115, 0.19)),
    *(Furrow(((x, 1.235), (0.98 * x, 1.26), (0.96 * x, 1.295)), {23: 1.0, 24: 0.4, 18: 0.7}, 0.009, 0.13)
      for x in (0.05, 0.13)),
    Furrow(((-0.26, 1.235), (-0.13, 1.275), (0.0, 1.285), (0.13, 1.275), (0.26, 1.235)),
           {24: 1.0, 23: 0.9, 17: 0.5, 28: 0.8}, 0.017, 0.22, 0.6, True),
    Furrow(((-0.24, 0.935), (-0.11, 0.888), (0.0, 0.91), (0.11, 0.888), (0.24, 0.935)),
           {24: 0.8, 23: 0.8, 28: 0.8}, 0.014, 0.14, 0.8, True),
]  # fmt: skip

#: Every line.
FURROWS: tuple[Furrow, ...] = (
    *_forehead(), *_GLABELLA, *_NOSE, *_EYES, *_NASOLABIAL, *_MOUTH_CORNERS, *_CHIN, *_LIPS,
)  # fmt: skip

#: Every bulge and hollow.
BULGES: tuple[Bulge, ...] = (
    Bulge((0.60, 0.36), {6: 1.0, 12: 0.7}, 0.16, -0.08),
    Bulge((0.50, 0.66), {6: 0.6, 12: 1.0}, 0.10, 0.05),
    Bulge((0.78, 0.60), {6: 0.6, 12: 0.8}, 0.11, 0.05),
    Bulge((0.50, 0.095), {7: 1.0, 6: 0.8}, 0.04, -0.07),
    Bulge((0.42, -0.22), {4: 1.0}, 0.09, 0.09),
    Bulge((0.0, -0.34), {4: 0.8, 9: 0.8}, 0.06, -0.05),
    Bulge((0.47, -0.16), {5: 1.0}, 0.05, 0.07),
    Bulge((0.455, 1.065), {14: 1.0}, 0.045, 0.24, 0.6),
    Bulge((0.525, 1.075), {14: 1.0}, 0.035, -0.05),
    Bulge((0.63, 1.09), {14: 1.0}, 0.075, -0.13, 0.6),
    Bulge((0.50, 1.33), {15: 1.0}, 0.05, -0.06),
    Bulge((0.13, 1.50), {17: 0.8}, 0.08, -0.05),
    Bulge((0.32, 0.60), {9: 0.7, 10: 1.0}, 0.05, -0.07),
    Bulge((0.16, 0.84), {24: 1.0, 23: 0.5}, 0.05, -0.05),
)
