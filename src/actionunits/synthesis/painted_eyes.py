"""The eyes of painted portraits: ball, iris, lashes, and the folds of the lids."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.records import FloatArray
from actionunits.synthesis.canvas import Canvas, blend, linear, noise, smooth_curve
from actionunits.synthesis.identity import Identity
from actionunits.synthesis.relief import StudioLight

__all__ = ["paint_eyes"]

Array = NDArray[np.float64]


def paint_eyes(
    image: FloatArray, who: Identity, canvas: Canvas, light: StudioLight, rng: np.random.Generator
) -> None:
    """Paint both eyes between their lids, in place."""
    gaze = rng.normal(0, 0.012, 2)
    for eye in (who.points[36:42], who.points[42:48]):
        part, where = canvas.window(eye, 0.2)
        _paint_eye(image[where], eye, who, part, light, gaze, rng)


def _paint_eye(
    image: FloatArray,
    eye: Array,
    who: Identity,
    canvas: Canvas,
    light: StudioLight,
    gaze: Array,
    rng: np.random.Generator,
) -> None:
    x, y = canvas.grid()
    side = float(np.sign(eye[:, 0].mean()))
    upper, lower = smooth_curve(eye[:4]), smooth_curve(eye[[3, 4, 5, 0]])
    inside = canvas.mask(np.vstack([upper, lower[1:-1]]), 0.008)
    centre = (
        np.array([(eye[0, 0] + eye[3, 0]) / 2, eye[1:3, 1].mean() * 0.5 + eye[4:6, 1].mean() * 0.5 - 0.008])
        + gaze
    )
    dx, dy = x - np.float32(centre[0]), y - np.float32(centre[1])
    radius = np.float32(0.098)
    distance = np.asarray(np.sqrt(dx**2 + dy**2) / radius, np.float32)
    ball = np.clip(1 - (dx**2 + dy**2) / 0.26**2, 0.1, 1.0) ** 0.5
    facing = np.clip(0.75 * ball + 0.8 * light.direction[0] * dx + 0.1, 0.2, 1.2)
    lit = np.asarray(float(light.key[1]) * facing + float(light.fill[1]), np.float32)
    white = linear((228.0, 222.0, 216.0)) * (lit * 0.62)[..., None]
    corner = np.exp(-(((x - eye[3 if side < 0 else 0, 0]) / 0.05) ** 2)).astype(np.float32)
    white *= 1 - corner[..., None] * np.array([0.1, 0.42, 0.4], np.float32)
    _paint_iris(white, dx, dy, distance, who, lit, rng)
    lid_shadow = (
        canvas.strokes([upper + np.array([0, 0.01])], 0.06, 0.028) * 0.75
        + canvas.strokes([lower], 0.02, 0.015) * 0.25
    )
    white *= (1 - 0.75 * np.minimum(lid_shadow, 1.0))[..., None]
    spark = np.clip(
        (0.24 - np.hypot(dx / radius - 0.4 * np.sign(light.direction[0]), dy / radius + 0.36)) / 0.08, 0, 1
    )
    white += (0.85 * spark)[..., None].astype(np.float32)
    blend(image, white, inside)
    _paint_lids(image, eye, upper, lower, who, canvas, rng)


def _paint_iris(
    white: FloatArray,
    dx: FloatArray,
    dy: FloatArray,
    distance: FloatArray,
    who: Identity,
    lit: FloatArray,
    rng: np.random.Generator,
) -> None:
    spokes = noise(rng, (256, 24), (46, 3))
    turn = (np.arctan2(dy, dx) + np.pi) / (2 * np.pi) * 255
    fibres = cv2.remap(
        spokes, turn.astype(np.float32), np.clip(distance * 23, 0, 23).astype(np.float32), cv2.INTER_LINEAR
    )
    ring = np.clip((1.02 - distance) / 0.2, 0.0, 1.0)
    tone = (0.75 + 0.18 * fibres + 0.35 * np.clip(dy / 0.1, -1, 1)) * (0.35 + 0.65 * ring)
    colour = linear(who.iris) * (np.maximum(tone, 0.1) * (0.6 + 0.5 * lit))[..., None]
    colour *= np.clip((distance - 0.36) / 0.1, 0.03, 1.0)[..., None]
    blend(white, colour, np.clip((1.06 - distance) / 0.14, 0.0, 1.0))


def _paint_lids(
    image: FloatArray,
    eye: Array,
    upper: Array,
    lower: Array,
    who: Identity,
    canvas: Canvas,
    rng: np.random.Generator,
) -> None:
    """Lashes, the wet rim of the lower lid, and the fold of the upper one."""
    side = float(np.sign(eye[:, 0].mean()))
    fem = 1 - who.masculine
    image *= (1 - 0.86 * np.minimum(canvas.strokes([upper], 0.026 + 0.016 * fem, 0.006), 1))[..., None]
    rim = canvas.strokes([lower + np.array([0, 0.008])], 0.016, 0.006)
    blend(image, image * np.array([1.1, 1.0, 1.0], np.float32) + 0.05 * linear(who.skin), rim * 0.7)
    image *= (1 - 0.42 * canvas.strokes([lower[3:-3] + np.array([0, 0.022])], 0.014, 0.008))[..., None]
    lashes = []
    for at in np.linspace(6, 38, 17).astype(int):
        outward = (upper[at, 0] - eye[:, 0].mean()) * 1.1 + 0.012 * side
        length = (0.035 + 0.05 * fem) * rng.uniform(0.7, 1.1)
        tip = upper[at] + np.array([outward * length * 4, -length])
        lashes.append(np.vstack([upper[at], (upper[at] + tip) / 2 + np.array([0, 0.006]), tip]))
    image *= (1 - 0.6 * canvas.strokes(lashes, 0.009))[..., None]
    fold = upper[2:-2] - np.stack(
        [np.zeros(36), 0.045 + 0.045 * np.sin(np.linspace(0.3, np.pi - 0.3, 36))], 1
    )
    image *= (1 - (0.15 + 0.3 * who.crease) * canvas.strokes([fold], 0.02, 0.012))[..., None]
