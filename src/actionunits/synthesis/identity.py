"""Who a painted portrait shows: proportions, skin, eyes, hair and age, drawn from a seed.

Proportions are in inter-ocular distances, x to the picture's right, y down, (0, 0) between the eyes: the
template of :mod:`actionunits.facs.motion` through a few modes of variation. The spread of the points over
painted people is about three quarters of that over photographs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actionunits.facs.motion import TEMPLATE_POINTS
from actionunits.facs.points import MIRROR_68

__all__ = ["Hair", "Identity", "random_identity"]

Array = NDArray[np.float64]

#: sRGB of human skin, from the lightest to the deepest.
_SKINS = np.array(
    [
        (244, 216, 198),
        (233, 196, 172),
        (221, 178, 149),
        (201, 152, 120),
        (178, 127, 94),
        (146, 99, 71),
        (110, 72, 51),
        (80, 52, 38),
        (60, 40, 31),
    ],
    np.float64,
)
_DARK_HAIR = ((24, 19, 18), (38, 27, 22), (58, 40, 30))
_LIGHT_HAIR = ((84, 58, 40), (122, 88, 60), (178, 144, 98), (206, 176, 126), (132, 64, 34), (96, 48, 30))
_GREY_HAIR = ((112, 110, 108), (150, 148, 145), (204, 202, 198))
_DARK_EYES = ((44, 28, 20), (66, 42, 26), (92, 60, 36))
_LIGHT_EYES = ((112, 92, 54), (96, 112, 80), (92, 124, 150), (118, 138, 152), (84, 106, 122))


@dataclass(frozen=True)
class Hair:
    """How the hair falls.

    Attributes:
        colour: sRGB, 0 to 255.
        volume: height above the skull, in inter-ocular distances.
        sides: width beside the skull.
        length: y where the side hair ends; below 0 it is cut above the ear.
        line: y of the hairline at the middle of the forehead.
        recession: how far the hairline steps back above the temples.
        curl: 0 straight to 1 tightly curled.
        parting: x of the parting.
        density: 0 bald to 1.
    """

    colour: tuple[float, float, float]
    volume: float
    sides: float
    length: float
    line: float
    recession: float
    curl: float
    parting: float
    density: float


@dataclass(frozen=True)
class Identity:
    """A painted person.

    Attributes:
        points: f64[68,2], the neutral face in inter-ocular distances.
        skin: sRGB, 0 to 255.
        depth: 0 lightest to 1 deepest skin.
        iris: sRGB.
        hair: see :class:`Hair`.
        age: 0 young adult to 1 old.
        masculine: 0 to 1, of brow ridge, jaw, brows and lashes.
        beard: 0 none, to 1 full.
        lip_red: 0 skin-coloured to 1 painted red.
        crease: 0 no fold of the upper lid to 1 deep.
        brow_weight: thickness and darkness of the brows, about 1.
        freckles: 0 to 1.
        nose_width: of the alae, about 1.
        nose_height: how far the nose stands out, about 1.
    """

    points: Array
    skin: tuple[float, float, float]
    depth: float
    iris: tuple[float, float, float]
    hair: Hair
    age: float
    masculine: float
    beard: float
    lip_red: float
    crease: float
    brow_weight: float
    freckles: float
    nose_width: float
    nose_height: float


def random_identity(rng: np.random.Generator) -> Identity:
    """Draw a person."""
    depth, age = float(rng.uniform()), float(rng.beta(1.1, 1.8))
    masculine = float(rng.beta(0.6, 0.6))
    beard = float(rng.uniform(0.15, 1.0)) if masculine > 0.6 and rng.random() < 0.5 else 0.0
    nose_width = float(np.clip(rng.normal(0.95 + 0.22 * depth, 0.09), 0.75, 1.4))
    return Identity(
        points=_random_shape(rng, masculine, depth, nose_width),
        skin=_random_skin(rng, depth),
        depth=depth,
        iris=_pick(rng, _DARK_EYES if rng.random() < 0.25 + 1.2 * depth else _LIGHT_EYES, 0.08),
        hair=_random_hair(rng, depth, age, masculine),
        age=age,
        masculine=masculine,
        beard=beard,
        lip_red=float(rng.uniform(0.0, 0.45) if masculine > 0.5 else rng.uniform(0.1, 1.0)),
        crease=float(rng.uniform(0.0, 1.0)),
        brow_weight=float(np.clip(rng.normal(0.8 + 0.4 * masculine, 0.2), 0.5, 1.6)),
        freckles=float(rng.uniform(0.3, 1.0)) if depth < 0.35 and rng.random() < 0.25 else 0.0,
        nose_width=nose_width,
        nose_height=float(np.clip(rng.normal(1.08 - 0.2 * depth, 0.12), 0.7, 1.4)),
    )


def _pick(
    rng: np.random.Generator, colours: tuple[tuple[int, int, int], ...], spread: float
) -> tuple[float, float, float]:
    colour = np.array(colours[int(rng.integers(len(colours)))]) * rng.lognormal(0.0, spread)
    warm = rng.normal(0.0, spread / 4)
    red, green, blue = np.clip(colour * [1 + warm, 1.0, 1 - warm], 0, 255)
    return float(red), float(green), float(blue)


def _random_skin(rng: np.random.Generator, depth: float) -> tuple[float, float, float]:
    place = depth * (len(_SKINS) - 1)
    tone = [np.interp(place, np.arange(len(_SKINS)), _SKINS[:, c]) for c in range(3)]
    warm = rng.normal(0.0, 0.025)
    red, green, blue = np.clip(np.array(tone) * [1 + warm, 1 + rng.normal(0, 0.012), 1 - warm], 20, 250)
    return float(red), float(green), float(blue)


def _random_hair(rng: np.random.Generator, depth: float, age: float, masculine: float) -> Hair:
    grey = rng.random() < np.clip((age - 0.35) * 1.6, 0.0, 0.9)
    dark = rng.random() < 0.3 + 1.1 * depth
    colours = _GREY_HAIR if grey else _DARK_HAIR if dark else _LIGHT_HAIR
    curl = float(rng.beta(0.5 + 1.6 * depth, 1.2))
    short = rng.random() < 0.15 + 0.75 * masculine
    bald = masculine > 0.5 and rng.random() < 0.12 + 0.35 * age
    fringe = not bald and rng.random() < (0.1 if short else 0.22)
    volume = rng.uniform(0.06, 0.3) if short else rng.uniform(0.14, 0.34)
    volume += 0.18 * curl * rng.random()
    return Hair(
        colour=_pick(rng, colours, 0.12),
        volume=float(volume),
        sides=float(rng.uniform(0.03, 0.1) if short else rng.uniform(0.12, 0.36) + 0.1 * curl),
        length=float(
            rng.uniform(-0.25, 0.3) if short else rng.choice([1.3, 1.9, 2.6, 3.2]) + rng.normal(0, 0.2)
        ),
        line=float(rng.uniform(-0.72, -0.6) if fringe else rng.uniform(-1.2, -0.92) - 0.1 * age * masculine),
        recession=float(rng.uniform(0.0, 0.15) + 0.25 * age * masculine * rng.random()),
        curl=curl,
        parting=float(rng.uniform(-0.55, 0.55)),
        density=float(rng.uniform(0.0, 0.35) if bald else rng.uniform(0.85, 1.0)),
    )


def _random_shape(rng: np.random.Generator, masculine: float, depth: float, nose_width: float) -> Array:
    """The template through a few modes of shape, and a little asymmetry."""
    template = TEMPLATE_POINTS[:68].astype(np.float64)
    points = template.copy()
    x, y = points[:, 0], points[:, 1]
    man = masculine - 0.5
    contour, brows, nose, mouth = slice(0, 17), slice(17, 27), slice(27, 36), slice(48, 68)

    along = np.abs(np.arange(17) - 8) / 8  # 0 at the chin, 1 at the ears
    x[contour] *= 1 + rng.normal(0.0, 0.05) + (1 - along) * (0.05 * man + rng.normal(0.0, 0.06))
    square = np.exp(-(((along - 0.42) / 0.22) ** 2))
    x[contour] *= 1 + square * (0.05 * man + rng.normal(0.0, 0.03))
    y[contour] += square * (0.04 * man + rng.normal(0.0, 0.025))

    x[brows] *= 1 + rng.normal(0.0, 0.025)
    arch = np.exp(-(((np.abs(x[brows]) - 0.68) / 0.25) ** 2))
    y[brows] += rng.normal(0.035 * man - 0.015, 0.038) + arch * rng.normal(-0.01, 0.02)
    y[brows] += (np.abs(x[brows]) - 0.55) * rng.normal(0.0, 0.05)

    opening = float(np.clip(rng.normal(1.0 - 0.06 * man, 0.12), 0.75, 1.3))
    width, slope = rng.normal(1.0, 0.03), rng.normal(0.02, 0.06)
    for side, eye in ((-1, slice(36, 42)), (1, slice(42, 48))):
        across = x[eye] - 0.5 * side
        x[eye], y[eye] = 0.5 * side + across * width, y[eye] * opening - slope * across * side

    y[nose] = -0.07 + (y[nose] + 0.07) * (1 + rng.normal(0.0, 0.075))
    x[31:36] *= nose_width
    below = y[33] - template[33, 1]
    centre = y[62] * 0.5 + y[66] * 0.5
    full = 1.0 + 0.3 * (depth - 0.4)
    upper, lower = np.clip(rng.normal(full, 0.16, 2), 0.6, 1.6)
    lips = y[mouth] - centre
    y[mouth] = centre + lips * np.where(lips < 0, upper, lower)
    x[mouth] *= 1 + rng.normal(0.03 * man, 0.06)
    y[mouth] += below + rng.normal(0.03 * man, 0.035)
    longer = (y[mouth].mean() - template[mouth, 1].mean()) * 0.9 + rng.normal(0.06 * man, 0.07)
    y[contour] += (1 - along) ** 0.8 * longer
    y[contour] += along * rng.normal(0.0, 0.05)

    uneven = rng.normal(0.0, 0.008, (68, 2))
    points += (uneven - uneven[list(MIRROR_68)] * [-1, 1]) / 2
    return _normalised(points)


def _normalised(points: Array) -> Array:
    """Move and scale so that the eyes' centres are at (-0.5, 0) and (0.5, 0), but for a small tilt."""
    right, left = (points[36] + points[39]) / 2, (points[42] + points[45]) / 2
    return np.asarray((points - (right + left) / 2) / np.hypot(*(left - right)))
