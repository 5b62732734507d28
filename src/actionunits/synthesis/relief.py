"""The painted face as a relief: a height for each pixel, and how a light falls on it.

Heights are in inter-ocular distances towards the viewer. Everything smooth is computed at half the
picture's resolution and enlarged.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.records import FloatArray
from actionunits.synthesis.canvas import Canvas, smooth_curve, soften
from actionunits.synthesis.identity import Identity

__all__ = ["Shading", "StudioLight", "face_relief", "head_height", "head_outline", "shade"]

Array = NDArray[np.float64]


def head_outline(points: Array) -> Array:
    """f64[N,2], jaw and skull."""
    right, left = points[0], points[16]
    middle, half = (right + left) / 2, (left[0] - right[0]) / 2
    angle = np.linspace(0.0, np.pi, 15)[1:-1]
    wide = half * (1.0 + 0.045 * np.sin(2 * np.minimum(angle, np.pi - angle)))
    top = 1.86 + 0.25 * (half - 1.16)
    skull = np.stack(
        [middle[0] + wide * _power(np.cos(angle), 0.85), middle[1] - top * np.sin(angle) ** 0.85], 1
    )
    return smooth_curve(np.vstack([points[:17], skull]), 160, closed=True)


def _power(value: Array, exponent: float) -> Array:
    return np.asarray(np.sign(value) * np.abs(value) ** exponent)


@dataclass(frozen=True)
class StudioLight:
    """The light on a portrait.

    Attributes:
        direction: f64[3], unit vector towards the light (x right, y down, z to the viewer).
        key: linear RGB of the light.
        fill: linear RGB of what comes from everywhere.
        hardness: 0 soft to 1 hard: how dark cast shadows are.
    """

    direction: Array
    key: Array
    fill: Array
    hardness: float


@dataclass(frozen=True)
class Shading:
    """What the light does.

    Attributes:
        diffuse: f32[H,W,3], to be multiplied with linear albedo.
        gloss: f32[H,W], the mirrored light.
    """

    diffuse: FloatArray
    gloss: FloatArray


class _Relief:
    """A height field to which bumps are added."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.x, self.y = canvas.grid(2)
        self.z = np.zeros_like(self.x)

    def bump(self, height: float, x: float, y: float, wide: float, high: float) -> None:
        self.z += height * np.exp(-(((self.x - x) / wide) ** 2) - ((self.y - y) / high) ** 2)

    def pair(self, height: float, x: float, y: float, wide: float, high: float) -> None:
        self.bump(height, x, y, wide, high)
        self.bump(height, -x, y, wide, high)

    def line(self, height: float, points: Array, thickness: float, soft: float) -> None:
        self.z += np.float32(height) * self.canvas.strokes([smooth_curve(points)], thickness, soft, 2)

    def area(self, height: float, polygon: Array, soft: float) -> None:
        self.z += np.float32(height) * self.canvas.mask(polygon, soft, 2)


def face_relief(who: Identity, canvas: Canvas) -> FloatArray:
    """f32[H/2,W/2], the height of the face; it falls off outside of the head."""
    relief = _Relief(canvas)
    _head(relief, who)
    _eyes_and_brows(relief, who)
    _nose(relief, who)
    _cheeks(relief, who)
    _mouth_and_chin(relief, who)
    return relief.z


def head_height(
    outline: Array, chin: float, x: NDArray[np.floating], y: NDArray[np.floating]
) -> NDArray[np.floating]:
    """The height of a rounded head without features, [H,W]; 0 beside it.

    Args:
        outline: f64[N,2], as :func:`head_outline` gives it.
        chin: its y.
        x: [H,W], face coordinates of each pixel, in inter-ocular distances.
        y: [H,W].
    """
    sorted_ = outline[np.argsort(outline[:, 1])]
    right, left = sorted_[sorted_[:, 0] < 0], sorted_[sorted_[:, 0] >= 0]
    low = np.interp(y, right[:, 1], right[:, 0]).astype(x.dtype)
    high = np.interp(y, left[:, 1], left[:, 0]).astype(x.dtype)
    across = np.clip((2 * x - high - low) / np.maximum(high - low, 0.5), -1.0, 1.0)
    top = outline[:, 1].min()
    up = np.clip((-0.35 - y) / (-0.35 - top + 0.02), 0.0, 1.0)
    down = np.clip((y - 0.8) / (chin + 0.06 - 0.8), 0.0, 1.0)
    depth = 1.12 * np.sqrt(1 - up**2.2) * np.sqrt(1 - 0.55 * down**3)
    return np.asarray(depth * np.sqrt(np.maximum(1 - np.abs(across) ** 2.3, 0.0)))


def _head(relief: _Relief, who: Identity) -> None:
    rounded = head_height(head_outline(who.points), float(who.points[8, 1]), relief.x, relief.y)
    relief.z += soften(np.asarray(rounded, np.float32), 0.035 * relief.canvas.unit_px / 2)


def _eyes_and_brows(relief: _Relief, who: Identity) -> None:
    p, man = who.points, who.masculine
    for side, eye, brow in ((-1, p[36:42], p[17:22]), (1, p[42:48], p[22:27][::-1])):
        x, y = eye.mean(axis=0)
        relief.bump(-0.11, x - 0.03 * side, y - 0.06, 0.27, 0.16)
        relief.bump(-0.10, 0.26 * side, y - 0.07, 0.11, 0.14)
        relief.bump(0.105, x, y - 0.02, 0.19, 0.12)
        relief.line(0.05 + 0.05 * man, brow[1:], 0.12, 0.11)
        under = np.stack([np.linspace(x - 0.24, x + 0.24, 7), y + 0.2 - 0.07 * np.linspace(-1, 1, 7) ** 2], 1)
        relief.line(-0.012 - 0.05 * who.age, under + np.array([0, 0.05]), 0.03, 0.035)
        relief.line(0.01 + 0.03 * who.age, under - [0, 0.05], 0.06, 0.04)
        relief.line(-0.02 - 0.03 * who.crease, eye[:4] - [0, 0.085], 0.03, 0.018)
    relief.bump(0.05 + 0.05 * man, 0.0, p[21:23, 1].mean() + 0.02, 0.22, 0.16)
    relief.bump(-0.06, 0.0, -0.06, 0.16, 0.1)
    relief.pair(-0.05, 1.02, -0.3, 0.2, 0.3)


def _nose(relief: _Relief, who: Identity) -> None:
    p, scale = who.points, who.nose_height
    knots = [-0.35, p[27, 1], p[28, 1], p[29, 1], p[30, 1] + 0.02, p[33, 1] - 0.06, p[33, 1] + 0.03]
    height = np.interp(relief.y, knots, np.array([0.0, 0.05, 0.14, 0.22, 0.31, 0.24, 0.0]) * scale)
    wide = np.interp(
        relief.y, knots, np.array([0.12, 0.085, 0.095, 0.11, 0.13, 0.12, 0.1]) * (0.6 + 0.4 * who.nose_width)
    )
    middle = np.interp(relief.y, p[[27, 30, 33], 1], p[[27, 30, 33], 0])
    ridge = height * np.exp(-(((relief.x - middle) / wide) ** 2))
    relief.z += soften(ridge, 0.03 * relief.canvas.unit_px / 2)
    relief.bump(0.05, p[30, 0], p[30, 1] + 0.04, 0.11 * who.nose_width, 0.09)
    relief.bump(0.07, 0.0, p[30, 1] + 0.02, 0.26 * who.nose_width, 0.24)
    for base in (p[31], p[35]):
        side = np.sign(base[0])
        relief.bump(0.12 * scale, base[0] - 0.01 * side, base[1] - 0.07, 0.075, 0.075)
        alar = base + np.array(
            [[-0.035 * side, -0.19], [0.055 * side, -0.15], [0.085 * side, -0.07], [0.05 * side, 0.0]]
        )
        relief.line(-0.035, alar, 0.025, 0.02)


def _cheeks(relief: _Relief, who: Identity) -> None:
    p = who.points
    relief.pair(0.09, 0.62, p[30, 1] + 0.02, 0.3, 0.26)
    relief.pair(-0.05 - 0.04 * who.age, 0.72, p[48, 1] - 0.08, 0.24, 0.28)
    for base, corner in ((p[31], p[48]), (p[35], p[54])):
        side = np.sign(base[0])
        fold = np.array(
            [
                base + np.array([0.1 * side, -0.12]),
                (base + corner) / 2 + np.array([0.15 * side, -0.06]),
                corner + np.array([0.12 * side, 0.04]),
            ]
        )
        relief.line(-0.015 - 0.05 * who.age, fold, 0.03, 0.03)
        relief.line(0.02 + 0.04 * who.age, fold + np.array([0.09 * side, -0.02]), 0.1, 0.07)


def _mouth_and_chin(relief: _Relief, who: Identity) -> None:
    p = who.points
    corner_y, philtrum = p[[48, 54], 1].mean(), (p[33, 1] + p[51, 1]) / 2
    relief.bump(0.1, 0.0, corner_y, 0.42, 0.26)
    relief.bump(-0.03, 0.0, philtrum + 0.02, 0.045, 0.12)
    relief.pair(0.018, 0.085, philtrum + 0.02, 0.035, 0.12)
    relief.area(0.05, np.vstack([p[48:55], p[60:65][::-1]]), 0.03)
    relief.area(0.075, np.vstack([p[[48, 60, 67, 66, 65, 64]], p[54:60]]), 0.04)
    relief.line(-0.07, (p[[60, 61, 62, 63, 64]] + p[[60, 67, 66, 65, 64]]) / 2, 0.03, 0.022)
    relief.pair(-0.05, abs(p[48, 0]) + 0.03, corner_y + 0.01, 0.06, 0.08)
    relief.bump(-0.07, 0.0, p[57, 1] + 0.11, 0.26, 0.07)
    relief.bump(0.13, 0.0, (p[57, 1] + p[8, 1]) / 2 + 0.06, 0.27, 0.17)


def shade(height: FloatArray, light: StudioLight, canvas: Canvas) -> Shading:
    """StudioLight a relief: wrapped diffuse light, what the surroundings fill in, soft cast shadows, gloss.

    Args:
        height: f32[H/2,W/2].
        light: where it comes from.
        canvas: gives the full size.
    """
    unit = canvas.unit_px / 2
    z = soften(height, 0.018 * unit + 0.4)
    slope_x = cv2.Sobel(z, cv2.CV_32F, 1, 0, ksize=3, scale=unit / 8)
    slope_y = cv2.Sobel(z, cv2.CV_32F, 0, 1, ksize=3, scale=unit / 8)
    steep = np.sqrt(slope_x**2 + slope_y**2)
    limit = np.minimum(1.0, 1.6 / np.maximum(steep, 1e-6))
    slope_x, slope_y = slope_x * limit, slope_y * limit
    length = np.sqrt(slope_x**2 + slope_y**2 + 1)
    lx, ly, lz = map(float, light.direction)
    cosine = (-slope_x * lx - slope_y * ly + lz) / length
    lit = _cast_shadow(z, light, unit)
    hollow = soften(z, 0.09 * unit) - z
    open_ = np.clip(1 - 2.6 * np.maximum(hollow, 0) + 0.8 * np.minimum(hollow, 0) * -1, 0.35, 1.12)
    sky = 0.72 + 0.28 * (slope_y / length)
    diffuse = np.empty((*z.shape, 3), np.float32)
    for channel, wrap in enumerate((0.35, 0.25, 0.2)):
        key = np.maximum((cosine + wrap) / (1 + wrap), 0.0)
        shadow = 1 - (1 - lit) * (0.55 + 0.1 * channel) * light.hardness
        diffuse[..., channel] = key * shadow * light.key[channel] + sky * open_ * light.fill[channel]
    half_z = (lz + 1) / np.sqrt(2 + 2 * lz)
    half_x, half_y = (v / np.sqrt(2 + 2 * lz) for v in (lx, ly))
    gloss = np.maximum((-slope_x * half_x - slope_y * half_y + half_z) / length, 0.0) ** 22 * lit
    full = (canvas.size_px, canvas.size_px)
    large = cv2.resize(np.dstack([diffuse, gloss]).astype(np.float32), full)
    return Shading(np.asarray(large[..., :3], np.float32), np.asarray(large[..., 3], np.float32))


def _cast_shadow(z: FloatArray, light: StudioLight, unit: float) -> FloatArray:
    """1 in the light to 0 in the shadow of what stands between."""
    lx, ly, lz = map(float, light.direction)
    flat = max(np.hypot(lx, ly), 1e-3)
    shadow = np.zeros_like(z)
    for step in np.linspace(0.06, 0.5, 7):
        shift = np.array([[1, 0, lx / flat * step * unit], [0, 1, ly / flat * step * unit]], np.float32)
        towards = cv2.warpAffine(z, shift, z.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                                 borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
        shadow = np.maximum(shadow, np.clip((towards - z - step * lz / flat) / 0.08, 0.0, 1.0))
    return np.asarray(1 - soften(shadow, 0.05 * unit), np.float32)
