"""Cameras and light for rendered faces: a network must not learn what only a renderer does."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from actionunits.records import FloatArray, ImageArray

__all__ = ["Camera", "degrade", "laboratory_camera", "random_camera"]


@dataclass(frozen=True, eq=False)
class Camera:
    """A camera and the light before it; the pictures of one clip share it, but for the sensor's noise.

    Attributes:
        field: f32[3,3], logarithm of a soft field of light over the picture; zeros for even light.
        contrast: factor of the differences from the picture's mean.
        brightness: factor of that mean.
        gamma: exponent of the grey values.
        eyes_px: its resolution: px between the eyes of the face.
        blur_px: deviation of a Gaussian blur; 0 = none.
        noise: deviation of the sensor's noise, on 0 to 1.
        jpeg: quality of the JPEG file; None = not packed.
        tilt: two terms of perspective, as of a head that is turned a little; 0 = frontal.
    """

    field: FloatArray
    contrast: float
    brightness: float
    gamma: float
    eyes_px: float
    blur_px: float
    noise: float
    jpeg: int | None
    tilt: tuple[float, float] = (0.0, 0.0)

    def take(self, image: ImageArray, rng: np.random.Generator, inter_ocular_px: float) -> ImageArray:
        """The picture as this camera takes it; its size stays.

        Args:
            image: u8[H,W,3] RGB.
            rng: of the sensor's noise.
            inter_ocular_px: distance between the eyes in ``image``.
        """
        lit = self._lit(self._turned(image).astype(np.float32) / 255.0)
        low = _resolution(lit, self.eyes_px / inter_ocular_px)
        if self.blur_px > 0:
            low = np.asarray(cv2.GaussianBlur(low, (0, 0), self.blur_px), np.float32)
        if self.noise > 0:
            low = low + np.float32(self.noise) * rng.standard_normal(low.shape, np.float32)
        out: ImageArray = np.clip(low * 255.0 + 0.5, 0, 255).astype(np.uint8)
        if self.jpeg is None:
            return out
        _, packed = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, self.jpeg])
        return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)

    def _turned(self, image: ImageArray) -> ImageArray:
        if self.tilt == (0.0, 0.0):
            return image
        height, width = image.shape[:2]
        centre = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1.0]])
        bent = np.array([[1, 0, 0], [0, 1, 0], [self.tilt[0] / width, self.tilt[1] / height, 1.0]])
        turn = np.linalg.inv(centre) @ bent @ centre
        return np.asarray(
            cv2.warpPerspective(image, turn, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8
        )

    def _lit(self, image: FloatArray) -> FloatArray:
        height, width = image.shape[:2]
        if self.field.any():
            smooth = cv2.resize(self.field, (width, height), interpolation=cv2.INTER_CUBIC)
            image = image * np.exp(np.asarray(smooth, np.float32))[:, :, None]
        middle = float(image.mean())
        image = (image - middle) * np.float32(self.contrast) + np.float32(middle * self.brightness)
        return np.asarray(np.clip(image, 0.0, 1.0) ** np.float32(self.gamma), np.float32)


def random_camera(rng: np.random.Generator, *, tilt: float = 0.0) -> Camera:
    """A random camera in random light; each of its faults is often absent.

    Args:
        rng: source of all choices.
        tilt: deviation of the two terms of perspective; 0.1 looks like a head turned by some degrees.
    """
    uneven = rng.random() < 0.6
    field = rng.normal(0.0, 0.25, (3, 3)) if uneven else np.zeros((3, 3))
    turned = rng.normal(0.0, tilt, 2) if tilt > 0 else np.zeros(2)
    return Camera(
        field=field.astype(np.float32),
        contrast=rng.uniform(0.6, 1.35),
        brightness=rng.uniform(0.7, 1.25),
        gamma=rng.uniform(0.7, 1.45),
        eyes_px=float(np.exp(rng.uniform(np.log(15.0), np.log(60.0)))),
        blur_px=rng.uniform(0.4, 1.4) if rng.random() < 0.5 else 0.0,
        noise=rng.uniform(0.0, 0.035) if rng.random() < 0.7 else 0.0,
        jpeg=int(rng.integers(30, 95)) if rng.random() < 0.5 else None,
        tilt=(float(turned[0]), float(turned[1])),
    )


def laboratory_camera(rng: np.random.Generator, *, tilt: float = 0.0) -> Camera:
    """A good camera before a person under even lamps, as micro-expressions are filmed.

    The eyes are 50 to 65 px apart and the sensor's noise has a deviation of 1 to 4 grey levels; every other
    camera packs its pictures as JPEG of quality 85 to 96.

    Args:
        rng: source of all choices.
        tilt: see :func:`random_camera`.
    """
    turned = rng.normal(0.0, tilt, 2) if tilt > 0 else np.zeros(2)
    return Camera(
        field=rng.normal(0.0, 0.12, (3, 3)).astype(np.float32),
        contrast=rng.uniform(0.85, 1.15),
        brightness=rng.uniform(0.85, 1.15),
        gamma=rng.uniform(0.85, 1.15),
        eyes_px=rng.uniform(50.0, 65.0),
        blur_px=rng.uniform(0.3, 0.7) if rng.random() < 0.5 else 0.0,
        noise=rng.uniform(0.004, 0.016),
        jpeg=int(rng.integers(85, 97)) if rng.random() < 0.5 else None,
        tilt=(float(turned[0]), float(turned[1])),
    )


def degrade(image: ImageArray, rng: np.random.Generator, inter_ocular_px: float) -> ImageArray:
    """The picture as some camera might have taken it; its size stays.

    In this order: a soft field of light, contrast and gamma, a lower resolution (15 to 60 px between the
    eyes), blur, sensor noise, JPEG. Each part is drawn at random and often absent.

    Args:
        image: u8[H,W,3] RGB.
        rng: source of all choices.
        inter_ocular_px: distance between the eyes in ``image``.
    """
    return random_camera(rng).take(image, rng, inter_ocular_px)


def _resolution(image: FloatArray, share: float) -> FloatArray:
    """The picture with ``share`` of its pixels a side, brought back to its size."""
    if share >= 1:
        return image
    height, width = image.shape[:2]
    size = (max(8, round(width * share)), max(8, round(height * share)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
