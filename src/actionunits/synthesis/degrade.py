"""Cameras and light for rendered faces: a network must not learn what only a renderer does."""

from __future__ import annotations

import cv2
import numpy as np

from actionunits.records import FloatArray, ImageArray

__all__ = ["degrade"]


def degrade(image: ImageArray, rng: np.random.Generator, inter_ocular_px: float) -> ImageArray:
    """The picture as some camera might have taken it; its size stays.

    In this order: a soft field of light, contrast and gamma, a lower resolution (15 to 60 px between the
    eyes), blur, sensor noise, JPEG. Each part is drawn at random and often absent.

    Args:
        image: u8[H,W,3] RGB.
        rng: source of all choices.
        inter_ocular_px: distance between the eyes in ``image``.
    """
    light = _light(image.astype(np.float32) / 255.0, rng)
    low = _resolution(light, rng, inter_ocular_px)
    if rng.random() < 0.5:
        low = cv2.GaussianBlur(low, (0, 0), float(rng.uniform(0.4, 1.4))).astype(np.float32)
    if rng.random() < 0.7:
        low = low + rng.normal(0.0, rng.uniform(0.0, 0.035), low.shape).astype(np.float32)
    out: ImageArray = np.clip(low * 255.0 + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        _, packed = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 95))])
        decoded = cv2.imdecode(packed, cv2.IMREAD_COLOR)
        assert decoded is not None
        return np.asarray(decoded, np.uint8)
    return out


def _light(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    height, width = image.shape[:2]
    if rng.random() < 0.6:
        field = rng.normal(0.0, 0.25, (3, 3)).astype(np.float32)
        smooth = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        image = image * np.exp(smooth)[:, :, None]
    gain = rng.uniform(0.6, 1.35)
    middle = float(image.mean())
    image = (image - middle) * gain + middle * rng.uniform(0.7, 1.25)
    bright = np.clip(image, 0.0, 1.0) ** np.float32(rng.uniform(0.7, 1.45))
    return np.asarray(bright, np.float32)


def _resolution(image: FloatArray, rng: np.random.Generator, inter_ocular_px: float) -> FloatArray:
    wanted = float(np.exp(rng.uniform(np.log(15.0), np.log(60.0))))
    if wanted >= inter_ocular_px:
        return image
    height, width = image.shape[:2]
    share = wanted / inter_ocular_px
    size = (max(8, round(width * share)), max(8, round(height * share)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
