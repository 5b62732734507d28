"""Where a painted face lies in its picture, and the strokes, masks and noise that it is painted with."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from actionunits.records import FloatArray

__all__ = ["Canvas", "blend", "linear", "noise", "smooth_curve", "soften"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Canvas:
    """Where the face lies in the picture.

    Attributes:
        size_px: side of the square picture.
        unit_px: inter-ocular distance.
        centre: (x, y) px of the point between the eyes.
        roll: radians, positive turns the face clockwise in the picture.
    """

    size_px: int
    unit_px: float
    centre: tuple[float, float]
    roll: float

    def to_px(self, points: Array) -> Array:
        """f64[N,2] inter-ocular distances to pixels."""
        c, s = np.cos(self.roll), np.sin(self.roll)
        return np.asarray(points @ np.array([[c, s], [-s, c]]) * self.unit_px + self.centre)

    def grid(self, step: int = 1) -> tuple[FloatArray, FloatArray]:
        """(x, y), f32[H,W] each, the face coordinates of every pixel, or of ``step`` x ``step`` blocks."""
        count = self.size_px // step
        at = (np.arange(count, dtype=np.float32) + 0.5) * step - 0.5
        dx = (at[None, :] - np.float32(self.centre[0])) / np.float32(self.unit_px)
        dy = (at[:, None] - np.float32(self.centre[1])) / np.float32(self.unit_px)
        c, s = np.float32(np.cos(self.roll)), np.float32(np.sin(self.roll))
        return dx * c + dy * s, -dx * s + dy * c

    def window(self, points: Array, margin: float) -> tuple[Canvas, tuple[slice, slice]]:
        """The square part of the picture around points: its canvas, and where it lies as (rows, columns)."""
        px = self.to_px(points)
        low, high = px.min(axis=0) - margin * self.unit_px, px.max(axis=0) + margin * self.unit_px
        side = min(int(np.ceil((high - low).max())), self.size_px)
        left, top = np.clip(((low + high - side) / 2).astype(int), 0, self.size_px - side)
        centre = (self.centre[0] - float(left), self.centre[1] - float(top))
        part = Canvas(side, self.unit_px, centre, self.roll)
        return part, (slice(top, top + side), slice(left, left + side))

    def mask(self, polygon: Array, soft: float = 0.0, step: int = 1) -> FloatArray:
        """f32[H,W], 1 inside a polygon given in inter-ocular distances; ``soft`` blurs the border."""
        count = self.size_px // step
        out = np.zeros((count, count), np.uint8)
        px = (self.to_px(polygon) + 0.5) / step - 0.5
        cv2.fillPoly(out, [np.round(px * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return self.blurred(out, soft, step)

    def strokes(self, lines: list[Array], thickness: float, soft: float = 0.0, step: int = 1) -> FloatArray:
        """f32[H,W], 1 on lines (each f64[N,2]) of a thickness in inter-ocular distances."""
        count = self.size_px // step
        out = np.zeros((count, count), np.uint8)
        px = [np.round(((self.to_px(line) + 0.5) / step - 0.5) * 16).astype(np.int32) for line in lines]
        width = thickness * self.unit_px / step
        cv2.polylines(out, px, False, int(255 * min(1.0, width)), max(1, round(width)), cv2.LINE_AA, 4)
        return self.blurred(out, soft, step)

    def blurred(self, image: NDArray[np.uint8] | FloatArray, soft: float, step: int = 1) -> FloatArray:
        """The picture over 255 where it is u8, blurred by ``soft`` inter-ocular distances."""
        out = image.astype(np.float32) / (255.0 if image.dtype == np.uint8 else 1.0)
        sigma = soft * self.unit_px / step
        return soften(out, sigma) if sigma > 0.3 else out


def smooth_curve(points: Array, count: int = 40, closed: bool = False) -> Array:
    """f64[count,2], a cubic spline through points."""
    knots = np.vstack([points, points[:1]]) if closed else points
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(knots, axis=0).T) ** 0.5)])
    spline = CubicSpline(length, knots, bc_type="periodic" if closed else "natural")
    return np.asarray(spline(np.linspace(0.0, length[-1], count)))


def soften(image: NDArray[np.floating], sigma_px: float) -> FloatArray:
    """f32, Gaussian blur."""
    return np.asarray(cv2.GaussianBlur(image.astype(np.float32), (0, 0), sigma_px), np.float32)


def noise(rng: np.random.Generator, size: tuple[int, int], cells: tuple[int, int]) -> FloatArray:
    """f32[rows,columns], smooth noise of about unit deviation.

    Args:
        rng: the source of chance.
        size: (columns, rows).
        cells: of the noise, (across, down).
    """
    grain = rng.standard_normal((cells[1], cells[0]), np.float32)
    return np.asarray(cv2.resize(grain, size, interpolation=cv2.INTER_CUBIC), np.float32)


def linear(srgb: tuple[float, float, float] | Array) -> FloatArray:
    """f32[3], linear light of an sRGB colour of 0 to 255 (gamma 2.2)."""
    return np.asarray((np.asarray(srgb, np.float64) / 255.0) ** 2.2, np.float32)


def blend(image: FloatArray, colour: NDArray[np.floating], alpha: NDArray[np.floating]) -> None:
    """Lay a colour ([3] or [H,W,3]) over a picture f32[H,W,3], in place; alpha is [H,W]."""
    weight = alpha[..., None].astype(np.float32)
    image += weight * (colour.astype(np.float32) - image)
