"""The eyeballs' texture: the visible part of each eye, with white and iris completed under the lids."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.records import FloatArray, ImageArray
from actionunits.synthesis.fit import inter_ocular_px

__all__ = ["complete_eyes"]

#: Radius of the iris in inter-ocular distances: it is 11.8 mm across in everyone, the eyes 63 mm apart.
_IRIS_RADIUS = 0.094


def complete_eyes(image: ImageArray, points: FloatArray) -> ImageArray:
    """A copy of a photograph whose eyes are painted on under the lids.

    Args:
        image: u8[H,W,3] RGB.
        points: f32[68,2].
    """
    result = image.copy()
    unit = inter_ocular_px(points)
    for first in (36, 42):
        _complete(result, points[first : first + 6].astype(np.float64), unit)
    return result


def _complete(image: ImageArray, eye: NDArray[np.float64], unit: float) -> None:
    """Paint around one eye, in place."""
    margin = 0.22 * unit
    low = np.maximum(np.floor(eye.min(0) - margin).astype(int), 0)
    high = np.minimum(np.ceil(eye.max(0) + margin).astype(int) + 1, image.shape[1::-1])
    if (high - low < 3).any():
        return
    patch = image[low[1] : high[1], low[0] : high[0]]
    eye = eye - low
    x, y = np.meshgrid(np.arange(patch.shape[1]), np.arange(patch.shape[0]))
    inside = _inside(eye, patch.shape[:2], unit)
    centre, radius = _find_iris(patch, eye, inside > 0.5, unit)
    distance = np.hypot(x - centre[0], y - centre[1]) / radius
    painted = _painted(patch, inside > 0.5, distance, x - centre[0])
    beyond = cv2.distanceTransform((inside < 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    painted *= 1 - 0.4 * np.clip(beyond / (0.08 * unit), 0, 1)[..., None]
    blend = inside[..., None]
    image[low[1] : high[1], low[0] : high[0]] = np.clip(patch * blend + painted * (1 - blend), 0, 255)


def _inside(eye: NDArray[np.float64], shape: tuple[int, ...], unit: float) -> NDArray[np.float32]:
    """1 well within the lids, 0 at their edge and beyond."""
    axis = (eye[3] - eye[0]) / np.linalg.norm(eye[3] - eye[0])
    down = np.array([-axis[1], axis[0]])
    outline = []
    for lid in (eye[[0, 1, 2, 3]], eye[[3, 4, 5, 0]]):
        along, height = (lid - eye[0]) @ axis, (lid - eye[0]) @ down
        curve = np.polynomial.Polynomial.fit(along, height, 2)
        steps = np.linspace(along[0], along[-1], 20)
        outline.append(eye[0] + steps[:, None] * axis + curve(steps)[:, None] * down)
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(np.concatenate(outline) * 16).astype(np.int32)], 1, shift=4)
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    return np.asarray(np.clip(depth / (0.035 * unit) - 0.4, 0, 1), np.float32)


def _find_iris(
    patch: ImageArray, eye: NDArray[np.float64], inside: NDArray[np.bool_], unit: float
) -> tuple[NDArray[np.float64], float]:
    """Centre and radius of the iris: the disc darkest against what is left of the visible eye."""
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY).astype(np.float32)
    radius = _IRIS_RADIUS * unit
    rows, columns = np.nonzero(inside)
    middle = eye.mean(0)
    best, centre = -np.inf, middle
    values = grey[rows, columns]
    if len(values) < 12:
        return middle, radius
    for shift_x in np.linspace(-0.12, 0.12, 25):
        for shift_y in np.linspace(-0.04, 0.04, 9):
            place = middle + np.array([shift_x, shift_y]) * unit
            disc = np.hypot(columns - place[0], rows - place[1]) < radius
            if 8 < disc.sum() < len(values) - 8:
                score = values[~disc].mean() - values[disc].mean() - 60 * abs(shift_y)
                if score > best:
                    best, centre = float(score), place
    return centre, radius


def _painted(
    patch: ImageArray,
    inside: NDArray[np.bool_],
    distance: NDArray[np.float64],
    across: NDArray[np.float64],
) -> NDArray[np.float64]:
    """White and iris in the colours of what is visible of them."""
    white = inside & (distance > 1.1)
    iris = inside & (distance < 0.95)
    fallback = np.quantile(patch[inside], 0.8, axis=0) if inside.any() else np.array([190.0, 180.0, 175.0])
    sides = []
    for side in (white & (across < 0), white & (across > 0)):
        sides.append(np.median(patch[side], axis=0) if side.sum() >= 6 else fallback)
    share = np.clip(across / (np.abs(across).max() + 1e-6) * 2 + 0.5, 0, 1)[..., None]
    painted = sides[0] * (1 - share) + sides[1] * share
    rings = np.linspace(0, 1, 9)
    profile = np.tile(np.median(patch[iris], axis=0) if iris.any() else 0.3 * fallback, (8, 1))
    for ring in range(8):
        member = inside & (distance >= rings[ring]) & (distance < rings[ring + 1])
        if member.sum() >= 4:
            profile[ring] = np.median(patch[member], axis=0)
    middle = (rings[:-1] + rings[1:]) / 2
    disc = np.stack([np.interp(distance, middle, profile[:, channel]) for channel in range(3)], -1)
    edge = np.clip((1.04 - distance) / 0.12, 0, 1)[..., None]
    return np.asarray(painted * (1 - edge) + disc * edge)
