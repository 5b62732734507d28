"""Lips of other tones: many people's upper lip is darker than their lower one, without any make-up.

A network that has seen few such people takes a dark upper lip above a light lower one for an open mouth.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.records import FloatArray, ImageArray

__all__ = ["toned_lips", "with_random_lip_tones"]

#: The outlines of the lips, as points of the 68.
_UPPER = (*range(48, 55), 64, 63, 62, 61, 60)
_LOWER = (48, *range(59, 53, -1), *range(64, 68), 60)
#: How softly a tone ends at a lip's border, in inter-ocular distances.
_SOFT = 0.025
#: Mean and deviation of the logarithm of the upper and of the lower lip's tone, and its bounds: more often
#: darker above than below, and never so light that a lip looks like teeth.
_LOG_UPPER, _LOG_LOWER, _BOUNDS = (-0.25, 0.25), (0.0, 0.2), (0.5, 1.3)


def toned_lips(image: ImageArray, points: FloatArray, upper: float, lower: float) -> ImageArray:
    """A picture u8[H,W,3] whose lips are made darker or lighter; what lies between parted lips stays.

    The tones end softly, within about a twentieth of the inter-ocular distance. Where the lips meet, and
    where points let them overlap, each counts by its share: no place is darker or lighter than both tones.

    Args:
        image: RGB.
        points: f32[68,2] in px.
        upper: factor of the upper lip's values; 1 leaves it as it is.
        lower: of the lower lip's.
    """
    across = points[42:48].mean(axis=0) - points[36:42].mean(axis=0)
    soft_px = max(0.3, _SOFT * float(np.hypot(*across)))
    margin = int(np.ceil(3 * soft_px)) + 1
    mouth = points[48:68]
    left, top = np.maximum(np.floor(mouth.min(axis=0)).astype(int) - margin, 0)
    right, bottom = np.minimum(
        np.ceil(mouth.max(axis=0)).astype(int) + margin + 1, [image.shape[1], image.shape[0]]
    )
    if right <= left or bottom <= top:
        return image
    corner, shape = np.array([left, top], np.float32), (int(bottom - top), int(right - left))
    masks = [_soft_mask(points[list(outline)] - corner, shape, soft_px) for outline in (_UPPER, _LOWER)]
    together = np.maximum(masks[0] + masks[1], 1.0)
    factor = 1.0 + ((upper - 1.0) * masks[0] + (lower - 1.0) * masks[1]) / together
    toned = image.copy()
    part = toned[top:bottom, left:right]
    part[...] = np.clip(np.rint(part * factor[..., None]), 0, 255).astype(np.uint8)
    return toned


def with_random_lip_tones(image: ImageArray, points: FloatArray, rng: np.random.Generator) -> ImageArray:
    """The same with tones drawn for each lip."""
    upper, lower = (
        float(np.clip(np.exp(rng.normal(*drawn)), *_BOUNDS)) for drawn in (_LOG_UPPER, _LOG_LOWER)
    )
    return toned_lips(image, points, upper, lower)


def _soft_mask(corners: FloatArray, shape: tuple[int, ...], soft_px: float) -> NDArray[np.float32]:
    """f32[H,W], 1 within an outline, drawn to a fraction of a pixel."""
    mask = np.zeros(shape, np.float32)
    cv2.fillPoly(mask, [np.rint(corners * 16).astype(np.int32)], (1.0,), lineType=cv2.LINE_8, shift=4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), soft_px), np.float32)
