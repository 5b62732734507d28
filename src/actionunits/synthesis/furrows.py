"""Wrinkles and furrows of AUs, as soft shading on any picture of a face.

Each furrow is a line of FACS's description: dark along the fold, lighter on the bulge beside it. Lines are
laid out on the template face, carried onto the person by the 68 points, and summed as rows of small Gaussian
spots into one map that multiplies the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.facs.motion import FacePlaces, face_frame, intensity_share
from actionunits.records import Expression, FloatArray, ImageArray
from actionunits.synthesis.furrow_lines import BULGES, FURROWS, Bulge, Furrow
from actionunits.synthesis.warp import Window

__all__ = ["furrow_map", "shade_furrows"]

_JITTER = 0.012  # inter-ocular units by which a line lies elsewhere from person to person
_VARY = 0.25  # standard deviation of the logarithm of a line's depth from person to person
_RIDGE = 0.32  # of the dark line's depth is the light on the bulge beside it
_DEEPEST = 0.5  # of the light is taken at most
_FINEST_PX = 80.0  # inter-ocular distance at which the map is made at most; larger faces get it enlarged


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
        strength: 0 as little as any skin folds, 1 as on a face of middle age; above 1 deeper.
        rng: where from person to person furrows differ in place and depth: give the same seed for the same
            person. None draws the lines as they stand in the table.

    Returns:
        A new picture; the same pixels when there is nothing to draw.
    """
    shaded = image.copy()
    points = np.asarray(points68, np.float64)
    spots = _spots(points, expression, rng, strength)
    if not spots[:, 3].any():
        return shaded
    reach = 3 * spots[:, 2:3]
    window = Window.around(np.concatenate([spots[:, :2] - reach, spots[:, :2] + reach]), image.shape)
    gain = _gain(spots, window, float(np.hypot(*face_frame(points)[1][0])))
    if image.ndim == 3:
        gain = np.asarray(cv2.merge([gain] * 3), np.float32)
    shaded[window.slices] = cv2.multiply(image[window.slices], gain, dtype=cv2.CV_8U)
    return shaded


def furrow_map(
    points68: NDArray[np.floating],
    expression: Expression,
    size: tuple[int, int],
    rng: np.random.Generator | None = None,
) -> FloatArray:
    """The factor that each pixel's light is multiplied by at strength 1: f32[H,W] for ``size`` (H, W)."""
    points = np.asarray(points68, np.float64)
    spots = _spots(points, expression, rng)
    return _gain(spots, Window(0, 0, size[1], size[0]), float(np.hypot(*face_frame(points)[1][0])))


def _gain(spots: NDArray[np.float64], window: Window, unit_px: float) -> FloatArray:
    """Separable Gaussian spots (x, y, width, depth) summed by one matrix product."""
    size = (window.width, window.height)
    if not len(spots):
        return np.ones((window.height, window.width), np.float32)
    scale = min(1.0, _FINEST_PX / unit_px)
    columns, rows = (max(2, round(length * scale)) for length in size)
    x = ((spots[:, 0] - window.left + 0.5) * columns / window.width - 0.5).astype(np.float32)
    y = ((spots[:, 1] - window.top + 0.5) * rows / window.height - 0.5).astype(np.float32)
    width = np.maximum(spots[:, 2] * scale, 0.6).astype(np.float32)
    sharp = (np.sqrt(0.5) / width)[:, None].astype(np.float32)
    across = np.exp(-(((np.arange(columns, dtype=np.float32) - x[:, None]) * sharp) ** 2))
    down = np.exp(-(((np.arange(rows, dtype=np.float32) - y[:, None]) * sharp) ** 2))
    total = (down * spots[:, 3:].astype(np.float32)).T @ across
    gain: FloatArray = np.asarray(1 - _DEEPEST * np.tanh(total / _DEEPEST), np.float32)
    if (columns, rows) == size:
        return gain
    return np.asarray(cv2.resize(gain, size, interpolation=cv2.INTER_LINEAR), np.float32)


@dataclass(frozen=True)
class _Layout:
    """Every spot of every line and bulge on the template face.

    Attributes:
        owner: i64[K], the line or bulge of each spot.
        along: f64[K], where on its line, -1 to 1.
        normal: f64[K,2], across the line, to its ridge.
        width: f64[K], inter-ocular units.
        depth: f64[K], positive dark.
        places: the spots, to be carried onto a face.
        aus: the columns of ``weights``.
        weights: f64[L,2,A], how much each AU on the (left, right) side makes of each line or bulge.
        least: f64[L], the strength that each line or bulge has at least.
    """

    owner: NDArray[np.int64]
    along: NDArray[np.float64]
    normal: NDArray[np.float64]
    width: NDArray[np.float64]
    depth: NDArray[np.float64]
    places: FacePlaces
    aus: tuple[int, ...]
    weights: NDArray[np.float64]
    least: NDArray[np.float64]


def _curve(furrow: Furrow, mirror: float) -> NDArray[np.float64]:
    """f64[S,2], a smooth line through the furrow's points in steps of its width."""
    knots = np.array(furrow.path) * (mirror, 1.0)
    length = float(np.hypot(*np.diff(knots, axis=0).T).sum())
    at = np.linspace(0, len(knots) - 1, max(6, int(np.ceil(length / furrow.width))))
    low = np.clip(at.astype(int), 0, len(knots) - 2)
    t = (at - low)[:, None]
    before, after = knots[np.maximum(low - 1, 0)], knots[np.minimum(low + 2, len(knots) - 1)]
    a, b = knots[low], knots[low + 1]
    curve: NDArray[np.float64] = 0.5 * (
        2 * a
        + (b - before) * t
        + (2 * before - 5 * a + 4 * b - after) * t**2
        + (3 * a - before - 3 * b + after) * t**3
    )
    return curve


def _normals(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """f64[S,2], unit normals: upward for a level line, to the cheek's side for one that runs down and out."""
    along = np.gradient(line, axis=0)
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1)
    normal /= np.maximum(np.hypot(*normal.T), 1e-9)[:, None]
    upward: NDArray[np.float64] = normal * np.where(normal[:, 1:] < 0, 1.0, -1.0)
    return upward


def _lay_out() -> _Layout:
    aus = tuple(
        sorted({n for furrow in FURROWS for n in furrow.aus} | {n for bulge in BULGES for n in bulge.aus})
    )
    rows: list[NDArray[np.float64]] = []  # owner, along, x, y, normal x, normal y, width, depth
    weights: list[NDArray[np.float64]] = []
    least: list[float] = []

    def add(of: Furrow | Bulge, sides: tuple[float, float]) -> int:
        weights.append(np.outer(sides, [of.aus.get(n, 0.0) for n in aus]))
        least.append(of.least)
        return len(weights) - 1

    for furrow in FURROWS:
        for mirror in (1.0,) if furrow.middle else (1.0, -1.0):
            owner = add(furrow, (1, 1) if furrow.middle else ((1, 0) if mirror > 0 else (0, 1)))
            line = _curve(furrow, mirror)
            normal, t = _normals(line), np.linspace(-1, 1, len(line))
            step = float(np.hypot(*np.diff(line, axis=0).T).mean())
            # Spots closer than their width add up: one of a row counts by its share of the width.
            dark = furrow.depth * np.cos(t * np.pi / 2 * 0.94) * min(1.0, step / (2.5066 * furrow.width))
            whose = np.full(len(line), owner)
            beside = line + normal * furrow.ridge * 2.4 * furrow.width
            wide = np.full(len(line), furrow.width)
            rows.append(np.column_stack([whose, t, line, normal, wide, dark]))
            rows.append(np.column_stack([whose, t, beside, normal, 1.7 * wide, -_RIDGE * dark / 1.7]))
    for bulge in BULGES:
        for mirror in (1.0, -1.0):
            owner = add(bulge, (1, 0) if mirror > 0 else (0, 1))
            x, y = bulge.place
            rows.append(np.array([[owner, 0, mirror * x, y, 0, 0, bulge.width, bulge.depth]]))
    table = np.concatenate(rows)
    return _Layout(
        table[:, 0].astype(np.int64),
        table[:, 1],
        table[:, 4:6],
        table[:, 6],
        table[:, 7],
        FacePlaces(table[:, 2:4]),
        aus,
        np.stack(weights),
        np.array(least),
    )


_LAYOUT = _lay_out()


def _amounts(expression: Expression) -> NDArray[np.float64]:
    """f64[L], how deep each line is: its deepest AU counts whole, the others add a third."""
    shares = intensity_share(np.array([expression.sides(n) for n in _LAYOUT.aus])).T
    made = (_LAYOUT.weights * shares).max(axis=1)
    deepest = made.max(axis=1)
    amounts: NDArray[np.float64] = deepest + (made.sum(axis=1) - deepest) / 3
    return amounts


def _spots(
    points: NDArray[np.float64],
    expression: Expression,
    rng: np.random.Generator | None,
    strength: float = 1.0,
) -> NDArray[np.float64]:
    """f64[K,4]: x, y, width (px) and depth (positive dark) of every spot that the expression shows."""
    amounts = _amounts(expression)
    shown = amounts[_LAYOUT.owner] > 1e-3
    owner, t = _LAYOUT.owner[shown], _LAYOUT.along[shown]
    axes = face_frame(points)[1]
    unit_px = float(np.hypot(*axes[0]))
    xy = _LAYOUT.places.on(points, shown)
    depth = _LAYOUT.depth[shown] * amounts[owner] * np.maximum(strength, _LAYOUT.least[owner])
    if rng is not None:
        # Drawn for every line, shown or not, so that a person's lines stay in place.
        chance = rng.normal(size=(len(amounts), 7))[owner]
        aside = (
            chance[:, 0] + 0.6 * chance[:, 1] * t + 0.5 * chance[:, 2] * np.sin(2.5 * t + 3 * chance[:, 3])
        )
        moved = _LAYOUT.normal[shown] * aside[:, None]
        moved[:, 0] += 0.7 * chance[:, 6]
        xy = xy + _JITTER * moved @ axes
        waves = 1 + 0.3 * np.sin(3 * t + 3 * chance[:, 4]) + 0.2 * np.sin(6 * t + 3 * chance[:, 5])
        depth = depth * waves * np.exp(_VARY * chance[:, 6])
    width = _LAYOUT.width[shown] * unit_px
    seen = np.maximum(width, 0.7)  # a line finer than the pixels is as much paler as it is drawn wider
    return np.column_stack([xy, seen, depth * (width / seen) ** 2])
