"""The hair of painted portraits: behind the head, over the forehead, brows and beard."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.records import FloatArray
from actionunits.synthesis.canvas import Canvas, blend, linear, noise, smooth_curve, soften
from actionunits.synthesis.identity import Identity
from actionunits.synthesis.relief import Shading, StudioLight, head_outline

__all__ = ["Combed", "comb", "paint_back_hair", "paint_beard", "paint_brows", "paint_front_hair"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Combed:
    """Hair before it is laid on.

    Attributes:
        colour: f32[H,W,3], linear, lit.
        strand: f32[H,W], about unit deviation: one strand from the next.
        shape: f32[H,W], 1 inside the outline of all hair, as from behind.
    """

    colour: FloatArray
    strand: FloatArray
    shape: FloatArray


def comb(who: Identity, canvas: Canvas, light: StudioLight, rng: np.random.Generator) -> Combed:
    """The hair of a person everywhere it could be: what is laid where comes later."""
    strand, down = _strands(who, canvas, rng)
    shape = _hair_shape(who, canvas, rng)
    return Combed(_lit_strands(who, canvas, light, strand, down), strand, shape)


def paint_back_hair(image: FloatArray, who: Identity, hair: Combed) -> None:
    """Lay the hair that is behind head and neck over the background, in place."""
    if who.hair.density >= 0.5:
        blend(image, hair.colour * np.float32(0.55), hair.shape)


def paint_front_hair(
    image: FloatArray, who: Identity, canvas: Canvas, hair: Combed, rng: np.random.Generator
) -> None:
    """Lay the hair above the hairline and beside the face over the head, in place."""
    style = who.hair
    x, y = canvas.grid()
    half = (who.points[16, 0] - who.points[0, 0]) / 2
    bald = style.density < 0.5
    ragged = 0.02 * _profile(rng, canvas.size_px, 40) + 0.028 * hair.strand
    beside = np.clip((np.abs(x - 0.06 * style.parting) / half - 0.4) / 0.6, 0.0, 1.0)
    temple = np.exp(-(((np.abs(x) / half - 0.55) / 0.22) ** 2))
    line = style.line + (0.05 - style.line) * beside**2.4 - style.recession * temple + ragged
    soft = np.float32(0.25 if bald else 0.07)
    above = np.clip((line - y) / soft + 0.5, 0.0, 1.0) * np.clip(1 - (y + 0.1) / 0.25, 0.0, 1.0)
    if bald:
        alpha = above * canvas.mask(head_outline(who.points), 0.02) * style.density
    else:
        alpha = np.maximum(above, _beside_face(who, x, y, hair)) * hair.shape
    alpha = alpha.astype(np.float32)
    under = soften(alpha, 0.05 * canvas.unit_px)
    image *= (1 - 0.35 * under * (1 - alpha))[..., None]
    blend(image, hair.colour, alpha)


def _beside_face(who: Identity, x: FloatArray, y: FloatArray, hair: Combed) -> FloatArray:
    """f32[H,W], 1 where long hair hangs beside face and neck, in front of ears and shoulders."""
    if who.hair.length < 0.6:
        return np.zeros_like(x)
    p = who.points
    jaw = np.concatenate([[p[16, 0] - p[0, 0]], p[16:11:-1, 0] - p[0:5, 0]]) / 2
    rows = np.concatenate([[-0.4], (p[16:11:-1, 1] + p[0:5, 1]) / 2])
    edge = np.interp(y, [*rows, rows[-1] + 1.2], [*jaw, jaw[-1] * 0.92]) + 0.015 * hair.strand
    return np.asarray(np.clip((np.abs(x) - edge) / 0.06 + 0.3, 0.0, 1.0), np.float32)


def paint_brows(
    image: FloatArray, who: Identity, canvas: Canvas, shading: Shading, rng: np.random.Generator
) -> None:
    """Draw the brows hair by hair, in place; the landmarks run along their upper part."""
    hair, skin = linear(who.hair.colour), linear(who.skin)
    colour = np.minimum(hair * 0.9, skin * [0.32, 0.28, 0.26])
    for brow, side in ((who.points[17:22], -1.0), (who.points[22:27][::-1], 1.0)):
        part, where = canvas.window(brow, 0.25)
        middle = smooth_curve(
            np.vstack([brow[0] * [1.03, 1] + np.array([0, 0.02]), brow[1:]]), 60
        ) + np.array([0.0, 0.04])
        share = np.linspace(0.0, 1.0, 60)  # 0 outer end, 1 inner end
        thick = 0.105 * who.brow_weight * np.interp(share, [0, 0.35, 0.8, 1], [0.6, 0.85, 1.0, 0.75])
        hairs = []
        for at in rng.integers(0, 60, int(150 * who.brow_weight)):
            root = middle[at] + [0.0, thick[at] * rng.uniform(-0.5, 0.55)]
            lean = np.interp(share[at], [0, 0.75, 1], [0.4, -0.25, -1.0]) + rng.normal(0, 0.2)
            length = 0.075 * rng.uniform(0.7, 1.2)
            tip = root + length * np.array([np.cos(lean) * side, np.sin(lean)])
            hairs.append(np.vstack([root, (root + tip) / 2 - [0, 0.006], tip]))
        body = np.vstack(
            [
                middle - np.stack([0 * thick, thick / 2], 1),
                (middle + np.stack([0 * thick, thick / 2], 1))[::-1],
            ]
        )
        alpha = 0.42 * part.mask(body, 0.03) + 0.62 * part.strokes(hairs, 0.011)
        alpha = np.minimum(alpha * (0.55 + 0.4 * who.brow_weight), 0.93)
        blend(image[where], shading.diffuse[where] * colour, alpha)


def paint_beard(
    image: FloatArray, who: Identity, canvas: Canvas, shading: Shading, rng: np.random.Generator
) -> None:
    """Stubble to full beard on jaw, chin and upper lip, in place."""
    if who.beard <= 0:
        return
    p = who.points
    jaw = smooth_curve(p[1:16], 60)
    cheek = np.array(
        [p[15] * [0.93, 1], p[54] + np.array([0.2, -0.02]), [p[54, 0] * 0.9, (p[33, 1] + p[51, 1]) / 2]]
    )
    lip = np.array([[0.0, (p[33, 1] + p[51, 1]) / 2 + 0.02]])
    outline = np.vstack([jaw, smooth_curve(cheek, 20), lip, smooth_curve(cheek * [-1, 1], 20)[::-1]])
    area = canvas.mask(outline, 0.06) * canvas.mask(head_outline(p), 0.02)
    mouth = canvas.mask(smooth_curve(p[48:60], 60, closed=True), 0.02)
    size = canvas.size_px
    grain = 1.5 * noise(rng, (size, size), (size // 2, size // 4))
    alpha = area * (1 - mouth) * np.clip(0.3 + 0.55 * who.beard + (0.35 + 0.5 * who.beard) * grain, 0, 1)
    colour = linear(who.hair.colour)
    alpha = alpha * np.float32(0.18 + 0.62 * who.beard**1.5)
    blend(image, shading.diffuse * colour, alpha)


def _profile(rng: np.random.Generator, size: int, cells: int) -> FloatArray:
    """f32[size], smooth noise along one axis."""
    line: FloatArray = noise(rng, (size, 1), (cells, 1))[0]
    return line


def _hair_shape(who: Identity, canvas: Canvas, rng: np.random.Generator) -> FloatArray:
    """f32[H,W], the outline of all hair, as from behind."""
    hair, p = who.hair, who.points
    half, top = (p[16, 0] - p[0, 0]) / 2, head_outline(p)[:, 1].min()
    end, out = hair.length, half + hair.sides
    angle = np.linspace(np.pi, 0, 13)
    crown_y = -0.35
    crown = np.stack([out * np.cos(angle), crown_y - (crown_y - top + hair.volume) * np.sin(angle) ** 0.8], 1)
    crown[:, 0] += 0.06 * hair.parting * np.sin(angle)
    low = 0.97 if end < 0.6 else 1.06
    tips = np.array(
        [[out * 1.03, (crown_y + end) / 2], [out * low, end - 0.15], [out * low * 0.8, end + 0.05], [0, end]]
    )
    outline = np.vstack([crown, tips, tips[:3][::-1] * [-1, 1]])
    curve = smooth_curve(outline, 400, closed=True)
    rough = _profile(rng, 400, 180) * (0.006 + 0.02 * hair.curl) + _profile(rng, 400, 36) * 0.03 * hair.curl
    curve *= (1 + rough)[:, None]
    return canvas.mask(curve, 0.014 + 0.012 * hair.curl)


def _strands(who: Identity, canvas: Canvas, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """f32[H,W] twice: strands that fan out from the parting, or curls; and how far down each pixel is."""
    hair = who.hair
    x, y = canvas.grid()
    bend = np.float32(0.12 * hair.curl) * np.sin(6 * y + 3 * np.abs(x))
    fan = np.arctan2(x - np.float32(hair.parting) + bend, np.maximum(y + 2.9, 0.15))
    down = np.sqrt((x - np.float32(hair.parting)) ** 2 + (y + 2.2) ** 2)
    length, across = int(6 + 60 * hair.curl), 420
    size = (across * 2, length * 4)
    fine = noise(rng, size, (across, length))
    coarse = noise(rng, size, (60, 4))
    u = ((fan + np.pi / 2) / np.pi * (size[0] - 1)).astype(np.float32)
    v = np.clip(down / 5.5 * (size[1] - 1), 0, size[1] - 1).astype(np.float32)
    strand = cv2.remap(0.6 * fine + 0.5 * coarse, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(strand, np.float32), np.asarray(down, np.float32)


def _lit_strands(
    who: Identity, canvas: Canvas, light: StudioLight, strand: FloatArray, down: FloatArray
) -> FloatArray:
    """f32[H,W,3], linear: rounded by the light, with a band of gloss on straight hair."""
    hair = who.hair
    x, _ = canvas.grid()
    colour = linear(hair.colour)
    lean = np.float32(light.direction[0])
    band = np.exp(-(((down - 1.0 + 0.5 * lean * x) / 0.42) ** 2))
    around = np.clip(1 - 0.35 * (x / 1.7) ** 2 + 0.3 * lean * x, 0.25, 1.3)
    shine = 0.35 * band * np.maximum(strand + 0.6, 0) * (1 - hair.curl)
    level = np.maximum(0.75 + 0.28 * strand, 0.15) * around + shine
    gloss = 0.02 * band * np.maximum(strand, 0) * (1 - 0.7 * hair.curl)
    lit = colour * (light.key * 0.75 + light.fill).astype(np.float32)
    return np.asarray(lit * level[..., None] + gloss[..., None], np.float32)
