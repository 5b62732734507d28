"""Painted portraits: faces of people who do not exist, with exact landmarks, from a seed.

A random person (:mod:`~actionunits.synthesis.identity`) is modelled as a relief and lit
(:mod:`~actionunits.synthesis.relief`); skin, lips, eyes, brows and hair are painted in linear light, back to
front. No photograph is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.records import FloatArray, Landmarks, Portrait
from actionunits.synthesis.canvas import Canvas, blend, linear, noise, smooth_curve, soften
from actionunits.synthesis.hair import comb, paint_back_hair, paint_beard, paint_brows, paint_front_hair
from actionunits.synthesis.identity import Identity, random_identity
from actionunits.synthesis.painted_eyes import paint_eyes
from actionunits.synthesis.relief import Shading, StudioLight, face_relief, head_outline, shade

__all__ = ["PaintedPeople", "paint_portrait"]

Array = NDArray[np.float64]

#: Smallest picture in which dlib's detector finds the face.
SMALLEST_PX = 200


def paint_portrait(seed: int, size_px: int = 400) -> Portrait:
    """Paint a neutral face.

    Args:
        seed: the same seed gives the same person, light and background.
        size_px: side of the square picture; the inter-ocular distance is about a fifth of it.

    Raises:
        UserError: ``size_px`` is below 200.

    >>> portrait = paint_portrait(7, size_px=200)
    >>> portrait.image.shape, portrait.landmarks.points.shape, portrait.subject
    ((200, 200, 3), (68, 2), 'painted-7')
    """
    if size_px < SMALLEST_PX:
        raise UserError(f"a painted portrait needs at least {SMALLEST_PX} px, got {size_px}")
    rng = np.random.default_rng([seed, 68])
    who = random_identity(rng)
    canvas = _random_canvas(rng, size_px)
    light = _random_light(rng)
    image = _background(rng, canvas)
    shading = shade(face_relief(who, canvas), light, canvas)
    head = canvas.mask(head_outline(who.points), 0.012)
    hair = comb(who, canvas, light, rng)
    paint_back_hair(image, who, hair)
    _paint_body(image, who, canvas, light, rng)
    _paint_ears(image, who, canvas, light)
    skin = _skin_albedo(who, canvas, rng)
    blend(image, skin * shading.diffuse + _gloss(who, canvas, shading), head)
    paint_eyes(image, who, canvas, light, rng)
    paint_brows(image, who, canvas, shading, rng)
    paint_beard(image, who, canvas, shading, rng)
    paint_front_hair(image, who, canvas, hair, rng)
    points = canvas.to_px(who.points).astype(np.float32)
    return Portrait(_develop(image, rng), Landmarks(points), f"painted-{seed}")


class PaintedPeople(Sequence[Portrait]):
    """Painted portraits ``first_seed``, ``first_seed + 1``, ..., each painted when it is asked for.

    >>> people = PaintedPeople(3, first_seed=10, size_px=200)
    >>> len(people), people[2].subject
    (3, 'painted-12')
    """

    def __init__(self, count: int, *, first_seed: int = 0, size_px: int = 400) -> None:
        self._seeds, self._size_px = range(first_seed, first_seed + count), size_px

    def __len__(self) -> int:
        return len(self._seeds)

    @overload
    def __getitem__(self, index: int) -> Portrait: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Portrait]: ...

    def __getitem__(self, index: int | slice) -> Portrait | Sequence[Portrait]:
        if isinstance(index, slice):
            return [paint_portrait(seed, self._size_px) for seed in self._seeds[index]]
        return paint_portrait(self._seeds[index], self._size_px)


def _random_canvas(rng: np.random.Generator, size_px: int) -> Canvas:
    unit = size_px * float(rng.uniform(0.18, 0.198))
    centre = (size_px * (0.5 + rng.normal(0, 0.008)) - 0.5, size_px * (0.46 + rng.normal(0, 0.008)) - 0.5)
    return Canvas(size_px, unit, centre, float(np.clip(rng.normal(0, 0.025), -0.06, 0.06)))


def _random_light(rng: np.random.Generator) -> StudioLight:
    direction = np.array([rng.normal(0.0, 0.38), rng.normal(-0.42, 0.12), 0.85])
    direction /= np.linalg.norm(direction)
    warmth, share = rng.normal(0.04, 0.06), rng.uniform(0.55, 0.78)
    key = np.array([1 + warmth, 1.0, 1 - warmth]) * share * 1.5
    fill = np.array([1 - 0.5 * warmth, 1.0, 1 + 0.5 * warmth]) * (1 - share) * 1.15
    return StudioLight(direction, key, fill, float(rng.uniform(0.3, 1.0)))


def _noise(rng: np.random.Generator, size: int, cells: int) -> FloatArray:
    return noise(rng, (size, size), (cells, cells))


def _background(rng: np.random.Generator, canvas: Canvas) -> FloatArray:
    x, y = canvas.grid()
    tone = rng.uniform(30, 215) + rng.normal(0, 16, 3)
    base = linear(np.clip(tone, 8, 250))
    glow = np.exp(-(((x - rng.normal(0, 1)) / 2.4) ** 2) - ((y - rng.normal(0.3, 0.6)) / 2.4) ** 2)
    level = 0.75 + 0.5 * glow + 0.06 * _noise(rng, canvas.size_px, 6) + 0.03 * _noise(rng, canvas.size_px, 25)
    return np.asarray(np.maximum(level, 0.1)[..., None] * base, np.float32)


def _skin_albedo(who: Identity, canvas: Canvas, rng: np.random.Generator) -> FloatArray:
    """f32[H,W,3], linear: blood, pigment, freckles, pores, lips, nostrils, and what the creases darken."""
    x, y = canvas.grid()
    p, size = who.points, canvas.size_px
    base = linear(who.skin)

    def spot(cx: float, cy: float, wide: float, high: float) -> FloatArray:
        return np.asarray(np.exp(-(((np.abs(x) - cx) / wide) ** 2) - ((y - cy) / high) ** 2), np.float32)

    blood = 0.8 * spot(0.62, p[30, 1] + 0.05, 0.3, 0.24) + 0.7 * spot(0.0, p[30, 1] + 0.08, 0.2, 0.16)
    blood += (
        0.35 * spot(0.0, p[8, 1] - 0.2, 0.35, 0.2) + 0.25 * _noise(rng, size, 9) + 0.2 * _noise(rng, size, 30)
    )
    blood *= (0.5 + 0.6 * rng.random()) * (1 - 0.5 * who.depth)
    hollow = spot(0.47, 0.17, 0.3, 0.1) * (0.5 + 0.5 * who.age) + 0.6 * spot(0.5, -0.1, 0.3, 0.12)
    pores = (
        0.022 * _noise(rng, size, size // 2)
        + 0.02 * _noise(rng, size, size // 5)
        + 0.025 * _noise(rng, size, 12)
    )
    if who.freckles:
        spots = np.maximum(_noise(rng, size, size // 5) - 1.4, 0) * np.exp(-(((y - 0.4) / 0.5) ** 2))
        pores -= 0.2 * who.freckles * np.minimum(spots, 1.0)
    shade_ = 1 + pores - 0.13 * hollow
    tint = np.stack([1 + 0.02 * blood, 1 - 0.11 * blood - 0.04 * hollow, 1 - 0.1 * blood], axis=-1)
    skin = np.asarray(base * shade_[..., None] * tint, np.float32)
    part, where = canvas.window(p[48:60], 0.15)
    _paint_lips(skin[where], who, part, rng)
    part, where = canvas.window(p[29:36], 0.25)
    _paint_nostrils(skin[where], who, part)
    return skin


def _paint_lips(skin: FloatArray, who: Identity, canvas: Canvas, rng: np.random.Generator) -> None:
    p, base = who.points, linear(who.skin)
    natural = base * (np.array([0.74, 0.5, 0.52]) + who.depth * np.array([0.3, 0.12, 0.2]))
    painted = linear((168.0, 44.0, 56.0)) * (0.9 - 0.45 * who.depth)
    colour = (natural * (1 - 0.6 * who.lip_red) + painted * 0.6 * who.lip_red).astype(np.float32)
    upper_edge, lower_edge = _lip_edges(p)
    closed = smooth_curve((p[[60, 61, 62, 63, 64]] + p[[60, 67, 66, 65, 64]]) / 2, 30)
    closed = np.vstack([p[48], closed, p[54]])
    creases = 1 + 0.07 * noise(rng, (canvas.size_px, canvas.size_px), (90, 3))
    for edge, tone in ((upper_edge, 0.86), (lower_edge, 1.05)):
        inside = canvas.mask(np.vstack([edge, closed[::-1]]), 0.012)
        blend(skin, creases[..., None] * colour * np.float32(tone), inside * (0.72 + 0.25 * who.lip_red))
    line = 0.75 * canvas.strokes([closed], 0.02, 0.008) + 0.25 * canvas.strokes([closed[3:-3]], 0.022, 0.008)
    skin *= (1 - np.minimum(line, 0.85))[..., None]
    under = canvas.strokes([lower_edge[6:-6] + np.array([0, 0.03])], 0.03, 0.03)
    skin *= (1 - 0.18 * under)[..., None]


def _lip_edges(p: Array) -> tuple[Array, Array]:
    """The upper lip's border from corner to corner with its bow, and the lower lip's."""
    right, left = smooth_curve(p[48:51], 14), smooth_curve(p[52:55], 14)
    upper = np.vstack([right, smooth_curve(p[50:53], 9)[1:-1], left])
    return upper, smooth_curve(p[[48, 59, 58, 57, 56, 55, 54]], 40)


def _paint_nostrils(skin: FloatArray, who: Identity, canvas: Canvas) -> None:
    p = who.points
    for base, inner in ((p[31], p[32]), (p[35], p[34])):
        side = float(np.sign(base[0]))
        centre = np.array([(base[0] + inner[0]) / 2 - 0.02 * side, inner[1] - 0.05])
        angle = np.linspace(0, 2 * np.pi, 24)
        oval = np.stack([0.062 * who.nose_width * np.cos(angle), 0.026 * np.sin(angle)], 1)
        oval[:, 1] += -oval[:, 0] * side * 0.25 + 0.012 * np.abs(oval[:, 0]) / 0.06
        hole = canvas.mask(centre + oval, 0.012)
        skin *= 1 - np.array([0.8, 0.88, 0.9], np.float32) * hole[..., None]
        wing = base + np.array(
            [[0.02 * side, -0.17], [0.07 * side, -0.12], [0.075 * side, -0.05], [0.02 * side, 0.0]]
        )
        skin *= (1 - 0.3 * canvas.strokes([smooth_curve(wing)], 0.02, 0.014))[..., None]
    bottom = smooth_curve(p[[31, 32, 33, 34, 35]] + np.array([0, -0.02]), 30)
    skin *= (1 - 0.28 * canvas.strokes([bottom], 0.02, 0.014))[..., None]


def _gloss(who: Identity, canvas: Canvas, shading: Shading) -> FloatArray:
    """f32[H,W,1], the skin's shine; the seam of the lips has none."""
    p = who.points
    seam = canvas.mask(p[60:68], 0.03) + canvas.mask(np.vstack([p[48:55], p[60:65][::-1]]), 0.03)
    amount = np.float32(0.04 + 0.025 * who.depth) * np.maximum(1 - 1.2 * seam, 0.0)
    return np.asarray((shading.gloss * amount)[..., None], np.float32)


def _paint_body(
    image: FloatArray, who: Identity, canvas: Canvas, light: StudioLight, rng: np.random.Generator
) -> None:
    """Neck, the head's shadow on it, shoulders and a garment."""
    x, y = canvas.grid()
    p = who.points
    chin, jaw = p[8, 1], (p[12, 0] - p[4, 0]) / 2
    wide = jaw * (0.78 + 0.14 * who.masculine)
    right = np.array(
        [
            [-wide, 0.9],
            [-wide, chin + 0.1],
            [-wide * 1.06, chin + 0.4],
            [-1.5, chin + 0.75],
            [-2.4, chin + 1.1],
        ]
    )
    outline = np.vstack([smooth_curve(right), [[-2.4, 4.5], [2.4, 4.5]], smooth_curve(right * [-1, 1])[::-1]])
    around = np.clip(1 - (x / (wide * 1.35)) ** 2, 0.15, 1.0) ** 0.5
    side = 1 + 0.5 * light.direction[0] * np.clip(x / wide, -1, 1)
    below = np.clip((y - chin + 0.25 * (x / jaw) ** 2) / 0.75, 0.0, 1.0)
    level = (0.22 + 0.48 * below) * around * side
    skin = level[..., None] * linear(who.skin) * (light.key * 0.7 + light.fill)
    body = canvas.mask(outline, 0.012)
    blend(image, skin, body)
    _paint_garment(image, wide, chin, canvas, light, rng)


def _paint_garment(
    image: FloatArray, wide: float, chin: float, canvas: Canvas, light: StudioLight, rng: np.random.Generator
) -> None:
    x, _ = canvas.grid()
    depth, spread = rng.uniform(0.25, 0.75), rng.uniform(1.1, 1.5)
    collar = np.array(
        [[-wide * spread, chin + 0.42], [-0.3, chin + 0.4 + depth * 0.8], [0.0, chin + 0.4 + depth]]
    )
    right = smooth_curve(collar, 20)
    shoulder = np.array([[-4.5, chin + 1.5], [-2.6, chin + 0.98], [-1.6, chin + 0.68]])
    outline = np.vstack(
        [shoulder, right, right[::-1] * [-1, 1], shoulder[::-1] * [-1, 1], [[4.5, 4.5], [-4.5, 4.5]]]
    )
    colour = linear(np.clip(rng.uniform(15, 210) + rng.normal(0, 20, 3), 8, 245))
    folds = 1 + 0.1 * _noise(rng, canvas.size_px, 8) + 0.25 * np.clip(light.direction[0] * x, -1, 1)
    cloth = (np.maximum(folds, 0.2) * 0.85)[..., None] * colour
    blend(image, cloth, canvas.mask(outline, 0.01))


def _paint_ears(image: FloatArray, who: Identity, canvas: Canvas, light: StudioLight) -> None:
    p = who.points
    colour = linear(who.skin) * np.array([0.95, 0.82, 0.8])
    for side, edge in ((-1, p[0]), (1, p[16])):
        shape = np.array(
            [[-0.02, 0.0], [0.09, -0.1], [0.16, 0.0], [0.15, 0.25], [0.07, 0.5], [-0.02, 0.62], [-0.08, 0.5]]
        )
        ear = edge + shape * [side, 1]
        level = (light.key * (0.55 + 0.35 * side * light.direction[0]) + light.fill).astype(np.float32)
        blend(
            image, (colour * level).astype(np.float32), canvas.mask(smooth_curve(ear, 40, closed=True), 0.012)
        )
        inner = canvas.strokes([smooth_curve(ear[1:5] - [0.06 * side, 0.0])], 0.04, 0.02)
        image *= (1 - 0.35 * inner)[..., None]


def _develop(image: FloatArray, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Linear light to sRGB, with a soft shoulder and a little grain."""
    bright = np.maximum(image, 0.0)
    bright = np.where(bright > 0.8, 0.8 + 0.2 * np.tanh((bright - 0.8) / 0.2 * 0.8), bright)
    picture = 255.0 * bright ** np.float32(1 / 2.2)
    picture = soften(picture, float(rng.uniform(0.45, 0.7)))
    picture += rng.standard_normal(picture.shape[:2], np.float32)[..., None] * np.float32(
        rng.uniform(0.5, 2.2)
    )
    return np.asarray(np.clip(np.rint(picture), 0, 255), np.uint8)
