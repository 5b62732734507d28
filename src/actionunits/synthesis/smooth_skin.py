"""Skin for where the photograph has too little: lids that close, brows that rise, lips that roll out.

A fold that opens shows skin that the photograph hides or shows as a thin line; the line drawn out would be
a streak. There the photograph gives way to a smooth version of itself without eyes, lashes and mouth line.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.records import FloatArray, ImageArray
from actionunits.synthesis.fit import inter_ocular_px

__all__ = ["near_folds", "smooth_skin"]


def smooth_skin(image: ImageArray, points: FloatArray) -> ImageArray:
    """A soft copy of a photograph with lids where the eyes are and lips where the mouth line is.

    Args:
        image: u8[H,W,3] RGB.
        points: f32[68,2].
    """
    unit = inter_ocular_px(points)
    result = image.copy()
    for ring in (points[36:42], points[42:48]):
        hidden = _grown(ring, image.shape, 0.09 * unit, up=0.045 * unit)
        _fill(result, ring, hidden, 0.09 * unit, unit)
        _draw_lashes(result, ring, unit)
    mouth = np.concatenate([points[[48]], points[60:65], points[[54]], points[65:68]])
    _fill(result, mouth, _grown(mouth, image.shape, 0.02 * unit), 0.035 * unit, unit)
    return result


def near_folds(texture_xy: FloatArray, points: FloatArray) -> FloatArray:
    """How much each vertex belongs to a lid or to the lips' inner edge: f32[V], 0 to 1.

    Args:
        texture_xy: f32[V,2], where vertices project in the photograph.
        points: f32[68,2] of the photograph.
    """
    unit = inter_ocular_px(points)
    result = np.zeros(len(texture_xy), np.float32)
    for ring, reach in ((points[36:42], 0.24), (points[42:48], 0.24), (points[60:68], 0.1)):
        # Points between neighbours, so that the distance is to the line.
        line = np.concatenate([ring, (ring + np.roll(ring, -1, 0)) / 2])
        distance = np.full(len(texture_xy), np.inf, np.float32)
        for point in line:
            distance = np.minimum(distance, np.hypot(*(texture_xy - point).T))
        result = np.maximum(result, np.clip(1.6 - 1.6 * distance / (reach * unit), 0, 1))
    return result


def _grown(ring: FloatArray, shape: tuple[int, ...], by_px: float, up: float = 0.0) -> NDArray[np.uint8]:
    """A polygon and a border around it, as a mask."""
    mask = np.zeros(shape[:2], np.uint8)
    hull = cv2.convexHull(ring.astype(np.float32))[:, 0] - np.array([0, up])
    cv2.fillPoly(mask, [np.round(hull * 16).astype(np.int32)], 1, shift=4)
    size = 2 * max(round(by_px / 2), 1) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.dilate(mask, kernel), np.uint8)


def _fill(
    image: ImageArray, ring: FloatArray, hidden: NDArray[np.uint8], blur_px: float, unit: float
) -> None:
    """Blur the place around a ring of points in place, without the hidden pixels' colours."""
    margin = 0.4 * unit
    low = np.maximum(np.floor(ring.min(0) - margin).astype(int), 0)
    high = np.minimum(np.ceil(ring.max(0) + margin).astype(int) + 1, image.shape[1::-1])
    if (high - low < 3).any():
        return
    window = (slice(low[1], high[1]), slice(low[0], high[0]))
    patch = image[window].astype(np.float32)
    seen = 1 - hidden[window].astype(np.float32)
    weight = cv2.GaussianBlur(seen, (0, 0), blur_px) + 1e-4
    smooth = cv2.GaussianBlur(patch * seen[..., None], (0, 0), blur_px) / weight[..., None]
    wide = cv2.GaussianBlur(seen, (0, 0), 3 * blur_px) + 1e-4
    wider = cv2.GaussianBlur(patch * seen[..., None], (0, 0), 3 * blur_px) / wide[..., None]
    sure = np.clip(weight * 4, 0, 1)[..., None]
    smooth = smooth * sure + wider * (1 - sure)
    border = _faded(patch.shape, 0.12 * unit)[..., None]
    image[window] = np.clip(patch * (1 - border) + smooth * border, 0, 255)


def _faded(shape: tuple[int, ...], over_px: float) -> FloatArray:
    """1 in the middle of a patch, 0 at its border."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    edge = np.minimum(np.minimum(rows, shape[0] - 1 - rows), np.minimum(columns, shape[1] - 1 - columns))
    return np.asarray(np.clip(edge / over_px, 0, 1), np.float32)


def _draw_lashes(image: ImageArray, ring: FloatArray, unit: float) -> None:
    """A soft dark line along the upper lid's edge: what a shut eye shows of its lashes."""
    start, end = ring[0], ring[3]
    share = np.linspace(0, 1, 24)
    heights = np.interp(share, [0, 0.33, 0.67, 1], [0, 1, 1, 0])
    bow = (ring[1] + ring[2]) / 2 - (start + end) / 2
    bend = np.sin(np.pi * share) * 0.6 + heights * 0.4
    line = start + share[:, None] * (end - start) + bend[:, None] * bow
    stroke = np.zeros(image.shape[:2], np.uint8)
    points = np.round(line * 16).astype(np.int32)
    cv2.polylines(stroke, [points], False, 255, max(round(0.03 * unit), 1), cv2.LINE_AA, 4)
    dark = cv2.GaussianBlur(stroke, (0, 0), max(0.008 * unit, 0.5)).astype(np.float32)[..., None] / 255
    low = np.maximum(np.floor(ring.min(0) - 0.1 * unit).astype(int), 0)
    high = np.ceil(ring.max(0) + 0.1 * unit).astype(int) + 1
    window = (slice(low[1], high[1]), slice(low[0], high[0]))
    image[window] = np.clip(image[window] * (1 - 0.55 * dark[window]), 0, 255)
