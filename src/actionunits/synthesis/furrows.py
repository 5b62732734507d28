"""Wrinkles and furrows of AUs, as soft shading on any picture of a face.

Each furrow is a line of FACS's description: dark along the fold, lighter on the bulge beside it. Lines are
laid out on the template face, carried onto the person by the 68 points, and summed as rows of small Gaussian
spots into one map that multiplies the picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actionunits.facs.motion import face_frame, intensity_share, place_on_face
from actionunits.records import Expression, FloatArray, ImageArray
from actionunits.synthesis.furrow_lines import BULGES, FURROWS
from actionunits.synthesis.warp import Window

__all__ = ["furrow_map", "shade_furrows"]

_SPOTS = 22  # along each line
_JITTER = 0.012  # inter-ocular units by which a line's points are displaced from person to person
_DEEPEST = 0.55  # of the light is taken at most


def shade_furrows(
    image: ImageArray,
    points68: NDArray[np.floating],
    expression: Expression,
    strength: float = 1.0,
    rng: np.random.Generator | None = None,
) -> ImageArray:
    """Draw the wrinkles and furrows of an expression into a picture.

    Args:
        image: u8[H,W,3] RGB or u8[H,W].
        points68: [68,2], px, of the face as the picture shows it.
        expression: the AUs, left and right apart.
        strength: 0 none, 1 as on a face of middle age; above 1 deeper.
        rng: where from person to person furrows differ in place and depth: give the same seed for the same
            person. None draws the lines as they stand in the table.

    Returns:
        A new picture; the same pixels when there is nothing to draw.
    """
    spots = _spots(np.asarray(points68, np.float64), expression, rng)
    if strength <= 0 or not len(spots):
        return image.copy()
    reach = 3 * spots[:, 2:3]
    window = Window.around(np.concatenate([spots[:, :2] - reach, spots[:, :2] + reach]), image.shape)
    spots[:, :2] -= window.origin
    spots[:, 3] *= strength
    gain = _gain(spots, window)
    shaded = image.copy()
    part = image[window.slices].astype(np.float32)
    part *= gain[..., None] if image.ndim == 3 else gain
    shaded[window.slices] = np.clip(part + 0.5, 0, 255).astype(np.uint8)
    return shaded


def furrow_map(
    points68: NDArray[np.floating],
    expression: Expression,
    size: tuple[int, int],
    rng: np.random.Generator | None = None,
) -> FloatArray:
    """The factor that each pixel's light is multiplied by at strength 1: f32[H,W] for ``size`` (H, W)."""
    spots = _spots(np.asarray(points68, np.float64), expression, rng)
    return _gain(spots, Window(0, 0, size[1], size[0]))


def _gain(spots: NDArray[np.float64], window: Window) -> FloatArray:
    """Separable Gaussian spots (x, y, width, depth) summed by one matrix product."""
    if not len(spots):
        return np.ones((window.height, window.width), np.float32)
    x, y, width, depth = (column.astype(np.float32) for column in spots.T)
    across = np.exp(-(((np.arange(window.width, dtype=np.float32) - x[:, None]) / width[:, None]) ** 2) / 2)
    down = np.exp(-(((np.arange(window.height, dtype=np.float32) - y[:, None]) / width[:, None]) ** 2) / 2)
    total = (down * depth[:, None]).T @ across
    gain: FloatArray = 1 - _DEEPEST * np.tanh(total / _DEEPEST)
    return gain


def _spots(
    points: NDArray[np.float64], expression: Expression, rng: np.random.Generator | None
) -> NDArray[np.float64]:
    """f64[K,4]: x, y, width (px) and depth (positive dark) of every spot."""
    places, spread, depth = [], [], []
    for part, (furrow, mirror) in enumerate(
        (f, m) for f in FURROWS for m in ((1.0,) if f.middle else (1.0, -1.0))
    ):
        # The random numbers are drawn for every line, shown or not, so that a person's lines stay in place.
        chance = rng.normal(size=(len(furrow.path) + 1, 2)) if rng is not None else None
        amount = _amount(furrow.aus, expression, mirror, furrow.middle)
        if amount <= 0:
            continue
        line = _line(furrow.path, mirror, chance)
        vary = float(np.exp(0.35 * chance[-1, 0])) if chance is not None else 1.0
        places += [line, line + _beside(line) * furrow.ridge * 2.2 * furrow.width]
        spread += [np.full(_SPOTS, furrow.width), np.full(_SPOTS, 1.5 * furrow.width)]
        fading = np.sin(np.pi * np.clip(np.linspace(0.06, 0.94, _SPOTS), 0, 1)) ** 0.7
        # Spots closer than their width add up: one of a row counts by its share of the width.
        step = np.hypot(*np.diff(line, axis=0).T).mean()
        dark = furrow.depth * vary * amount * fading * min(1.0, step / (2.5066 * furrow.width))
        depth += [dark, -0.5 * dark / 1.5]
    for bulge in BULGES:
        for mirror in (1.0, -1.0):
            amount = _amount(bulge.aus, expression, mirror, False)
            if amount > 0:
                places.append(np.array([[mirror * bulge.place[0], bulge.place[1]]]))
                spread.append(np.array([bulge.width]))
                depth.append(np.array([bulge.depth * amount]))
    if not places:
        return np.zeros((0, 4))
    unit_px = float(np.hypot(*face_frame(points)[1][0]))
    xy = place_on_face(np.concatenate(places), points)
    width = np.maximum(np.concatenate(spread) * unit_px, 0.6)
    return np.column_stack([xy, width, np.concatenate(depth)])


def _amount(aus: dict[int, float], expression: Expression, mirror: float, middle: bool) -> float:
    """How deep the AUs make it on one side: the deepest counts whole, the others add a third."""
    shares = []
    for number, weight in aus.items():
        left, right = expression.sides(number)
        intensity = max(left, right) if middle else (left if mirror > 0 else right)
        shares.append(weight * float(intensity_share(intensity)))
    deepest = max(shares)
    return deepest + (sum(shares) - deepest) / 3


def _line(
    path: tuple[tuple[float, float], ...], mirror: float, chance: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """f64[S,2] evenly along a smooth curve through the path's points."""
    knots = np.array(path) * (mirror, 1.0)
    if chance is not None:
        knots += _JITTER * (0.5 * chance[:-1] + chance[-1])
    at = np.linspace(0, len(knots) - 1, _SPOTS)
    low = np.clip(at.astype(int), 0, len(knots) - 2)
    t = (at - low)[:, None]
    before, after = knots[np.maximum(low - 1, 0)], knots[np.minimum(low + 2, len(knots) - 1)]
    a, b = knots[low], knots[low + 1]
    curve: NDArray[np.float64] = 0.5 * (
        2 * a + (b - before) * t + (2 * before - 5 * a + 4 * b - after) * t**2
        + (3 * a - before - 3 * b + after) * t**3
    )  # fmt: skip
    return curve


def _beside(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """f64[S,2], unit normals: upward for a level line, to the cheek's side for an upright one."""
    along = np.gradient(line, axis=0)
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1)
    normal /= np.maximum(np.hypot(*normal.T), 1e-9)[:, None]
    turned = np.where(normal[:, 1:] < 0, 1.0, -1.0)
    upward: NDArray[np.float64] = normal * turned
    return upward
