"""The inside of a mouth: teeth that keep their place on the skull and the jaw, tongue and dark cavity."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.records import FloatArray, ImageArray
from actionunits.synthesis.eyes import eye_opening
from actionunits.synthesis.openings import Opening
from actionunits.synthesis.warp import Window

__all__ = ["MOUTH_OPEN", "Mouth", "mouth_opening"]

#: A photograph's mouth whose lips are further apart than this (inter-ocular units) shows its own inside.
MOUTH_OPEN = 0.035

# Outer edges of the teeth from the midline, in inter-ocular units as seen from the front.
_UPPER_TEETH = (0.128, 0.222, 0.300, 0.358, 0.402, 0.436)
_LOWER_TEETH = (0.082, 0.170, 0.252, 0.318, 0.370, 0.410)
_DARK = (0.17, 0.075, 0.07)
_GUM = (0.72, 0.38, 0.37)
_TONGUE = (0.62, 0.31, 0.30)
_ENAMEL = (1.0, 0.955, 0.87)


def mouth_opening(points: NDArray[np.floating]) -> Opening:
    """The opening between the inner lips of points [68,2]."""
    return Opening.through(points[[60, 64]], points[[61, 62, 63]], points[[67, 66, 65]])


def _smooth(edge: NDArray[np.floating], width: float) -> NDArray[np.floating]:
    """0 for negative, 1 for positive, soft over ``width``."""
    t: NDArray[np.floating] = np.clip(edge / width + 0.5, 0, 1)
    return t


def _tooth(across: NDArray[np.floating], edges: tuple[float, ...]) -> tuple[NDArray[np.floating], ...]:
    """For each place: which tooth, where across it (0 to 1), and the distance to its neighbour."""
    bounds = np.array([0.0, *edges])
    away = np.abs(across)
    which = np.clip(np.searchsorted(bounds, away, side="right") - 1, 0, len(edges) - 1)
    low, high = bounds[which], bounds[which + 1]
    within = np.clip((away - low) / (high - low), 0, 1)
    return which, within, np.minimum(np.abs(away - low), np.abs(away - high))


def _row_of_teeth(
    across: NDArray[np.floating],
    below: NDArray[np.floating],
    edges: tuple[float, ...],
    upper: bool,
    px: float,
) -> tuple[FloatArray, FloatArray]:
    """Colour f32[h,w,3] under white light and cover f32[h,w] of a row of teeth with its gum.

    Args:
        across: from the midline, inter-ocular units.
        below: under the line where the lips meet, inter-ocular units.
        edges: outer edges of the teeth from the midline.
        upper: the upper row; else the lower.
        px: size of a pixel in inter-ocular units, for soft edges.
    """
    which, within, beside = _tooth(across, edges)
    rounding = 0.014 * np.abs(2 * within - 1) ** 3
    if upper:
        shorter = np.array([0.0, 0.010, 0.002, 0.012, 0.016, 0.02])[which]
        biting = 0.040 - 0.20 * across**2 - shorter - rounding
        gum_line = -0.120 - 0.05 * across**2 + 0.02 * (2 * within - 1) ** 2
        into, gum = biting - below, gum_line - below
    else:
        biting = 0.040 - 0.12 * across**2 + 0.8 * rounding
        gum_line = biting + 0.115 - 0.02 * (2 * within - 1) ** 2
        into, gum = below - biting, below - gum_line
    soft = max(px, 0.008)
    cover = _smooth(into, soft) * _smooth(edges[-1] - np.abs(across), 0.05)
    round_arch = 1 - 0.72 * np.clip(np.abs(across) / 0.42, 0, 1) ** 2.2
    gap = 1 - 0.42 * np.exp(-((beside / max(0.006, 0.7 * px)) ** 2))
    bulge = 0.90 + 0.10 * np.sin(np.pi * within)
    depth = 1.0 if upper else 0.72
    shade = depth * round_arch * gap * bulge * (1 - 0.12 * np.exp(-((into / 0.02) ** 2)))
    in_gum = _smooth(gum, max(px, 0.012))[..., None]
    colour = (1 - in_gum) * np.array(_ENAMEL) + in_gum * np.array(_GUM) * 0.85
    return (colour * shade[..., None]).astype(np.float32), cover.astype(np.float32)


def _light_on_face(image: ImageArray, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """The colour that a white thing in the face has: the eyes' whites, kept within reason by the skin."""
    height, width = image.shape[:2]
    whites = []
    for side in (0, 1):
        opening = eye_opening(points, side)
        window = opening.window((width, height), 1)
        x, y = window.grid()
        u, v = opening.place(x + np.float32(window.left), y + np.float32(window.top))
        whites.append(image[window.slices][opening.cover(u, v) > 0.9].reshape(-1, 3))
    seen = np.concatenate(whites).astype(np.float64)
    cheeks = points[[29, 30, 33, 41, 46]].round().astype(int)
    skin = np.array([image[min(max(y, 0), height - 1), min(max(x, 0), width - 1)] for x, y in cheeks]).mean(0)
    if len(seen) < 8:
        return np.asarray(np.clip(skin * 1.1, 60, 245))
    white = np.percentile(seen, 88, axis=0)
    grey = white.mean()
    white = 1.25 * (grey + 0.5 * (white - grey))
    return np.asarray(np.clip(white, max(80.0, 0.8 * skin.mean()), 235.0))


@dataclass(frozen=True)
class Mouth:
    """The inside of one photograph's mouth, fit to be shown.

    Attributes:
        rest: the opening in the photograph, px of the face window.
        window: the part of the face window that a mouth can open over.
        upper: colour f32[h,w,3] (0 to 255) and cover f32[h,w] of the upper teeth, fixed to the skull.
        lower: the same of the lower teeth, at rest.
        tongue: the same of the tongue, at rest.
        light: f64[3], the colour of a white thing in the mouth.
        own: f32[h,w], where the photograph itself shows the inside.
        unit_px: the inter-ocular distance.
    """

    rest: Opening
    window: Window
    upper: tuple[FloatArray, FloatArray]
    lower: tuple[FloatArray, FloatArray]
    tongue: tuple[FloatArray, FloatArray]
    light: NDArray[np.float64]
    own: FloatArray
    unit_px: float

    @classmethod
    def fit(cls, image: ImageArray, points: NDArray[np.floating], axes: NDArray[np.floating]) -> Mouth:
        """From the face window, the 68 points in it and the face's axes (see ``face_frame``)."""
        unit_px = float(np.hypot(*axes[0]))
        rest = mouth_opening(points)
        gap = float((points[66] - points[62]) @ axes[1]) / unit_px**2
        centre = points[[62, 66]].mean(axis=0)
        if gap > MOUTH_OPEN:  # the upper teeth then reach down to about the lower lip
            centre = points[66] - 0.04 * axes[1]
        corners = np.array([[-0.62, -0.42], [0.62, -0.42], [-0.62, 0.85], [0.62, 0.85]]) @ axes + centre
        window = Window.around(corners, image.shape)
        x, y = window.grid()
        offset = np.stack([x + window.left - centre[0], y + window.top - centre[1]], axis=-1)
        place = offset @ np.linalg.inv(axes)
        wide = max(0.6, min(1.3, float(np.hypot(*(points[54] - points[48]))) / unit_px / 0.81))
        across, below, px = place[..., 0] / wide, place[..., 1], 1 / unit_px
        light = _light_on_face(image, points)
        upper, upper_cover = _row_of_teeth(across, below, _UPPER_TEETH, True, px)
        lower, lower_cover = _row_of_teeth(across, below, _LOWER_TEETH, False, px)
        u, v = rest.place(x + np.float32(window.left), y + np.float32(window.top))
        own = rest.cover(u, v) if gap > MOUTH_OPEN else np.zeros(u.shape, np.float32)
        return cls(
            rest,
            window,
            ((upper * light).astype(np.float32), upper_cover),
            ((lower * light).astype(np.float32), lower_cover),
            _tongue(across, below, light),
            light,
            np.asarray(cv2.GaussianBlur(own, (0, 0), 0.8), np.float32),
            unit_px,
        )

    def draw(
        self, canvas: ImageArray, photograph: ImageArray, moved: Opening, jaw_px: NDArray[np.floating]
    ) -> None:
        """Lay the inside into the moved opening, in place.

        Args:
            canvas: u8[h,w,3], the face window with the skin drawn.
            photograph: the same window at rest.
            moved: the opening as it now is.
            jaw_px: [2], how far the lower jaw has moved.
        """
        height, width = canvas.shape[:2]
        part = self._shown_part(moved, (width, height))
        if part is None:
            return
        x, y = part.grid()
        u, v = moved.place(x + np.float32(part.left), y + np.float32(part.top))
        cover = moved.cover(u, v, soft_px=max(0.7, 0.008 * self.unit_px))
        if not cover.any():
            return
        inside = self._inside(part, photograph, jaw_px) * self._shade(moved, u, v)[..., None]
        if self.own.any():
            own = self._cut(self.own, part, np.zeros(2))[..., None]
            inside += own * (photograph[part.slices] - inside)
        under = canvas[part.slices].astype(np.float32)
        shown = under + cover[..., None] * (inside - under)
        canvas[part.slices] = np.clip(shown, 0, 255).round().astype(np.uint8)

    def _shown_part(self, moved: Opening, size: tuple[int, int]) -> Window | None:
        """The opening's window, within the one for which teeth were drawn."""
        wanted, drawn = moved.window(size, 2), self.window
        left, top = max(wanted.left, drawn.left), max(wanted.top, drawn.top)
        right = min(wanted.left + wanted.width, drawn.left + drawn.width)
        bottom = min(wanted.top + wanted.height, drawn.top + drawn.height)
        if right <= left or bottom <= top:
            return None
        return Window(left, top, right - left, bottom - top)

    def _cut(self, layer: FloatArray, part: Window, shift: NDArray[np.floating]) -> FloatArray:
        """A layer moved by ``shift`` px, seen in a part of the face window."""
        left, top = part.left - self.window.left, part.top - self.window.top
        if not shift.any():
            return layer[top : top + part.height, left : left + part.width]
        to_part = np.array([[1, 0, shift[0] - left], [0, 1, shift[1] - top]], np.float64)
        cut = cv2.warpAffine(layer, to_part, (part.width, part.height), flags=cv2.INTER_LINEAR)
        return np.asarray(cut, np.float32)

    def _inside(self, part: Window, photograph: ImageArray, jaw_px: NDArray[np.floating]) -> FloatArray:
        """f32[h,w,3]: cavity, tongue, lower and upper teeth over each other, before the lips' shadow."""
        inside = np.broadcast_to((self.light * _DARK).astype(np.float32), (part.height, part.width, 3)).copy()
        drop = float(np.hypot(*jaw_px)) / self.unit_px
        with_jaw = np.asarray(jaw_px, np.float64)
        for (colour, cover), shift, amount in (
            (self.tongue, 0.85 * with_jaw, min(1.0, drop / 0.12)),
            (self.lower, with_jaw, 1.0),
            (self.upper, np.zeros(2), 1.0),
        ):
            if amount > 0:
                alpha = amount * self._cut(cover, part, shift)[..., None]
                inside += alpha * (self._cut(colour, part, shift) - inside)
        return inside

    def _shade(self, moved: Opening, u: NDArray[np.floating], v: NDArray[np.floating]) -> FloatArray:
        """The lips' shadow: dark under the upper lip, at the lower lip and in the corners."""
        upper, lower = moved.edge(moved.upper, u), moved.edge(moved.lower, u)
        under = (v - upper) / (0.035 * self.unit_px)
        over = (lower - v) / (0.03 * self.unit_px)
        height = np.clip((lower - upper) / (0.06 * self.unit_px), 0, 1)
        corner = np.clip(4 * np.minimum(u, 1 - u), 0, 1)
        shade = (1 - 0.35 * np.exp(-np.clip(under, 0, None))) * (1 - 0.3 * np.exp(-np.clip(over, 0, None)))
        shadow: FloatArray = (shade * (0.55 + 0.45 * height) * (0.5 + 0.5 * corner)).astype(np.float32)
        return shadow


def _tongue(
    across: NDArray[np.floating], below: NDArray[np.floating], light: NDArray[np.floating]
) -> tuple[FloatArray, FloatArray]:
    """Colour and cover of the tongue at rest behind the lower teeth."""
    away = np.sqrt((across / 0.25) ** 2 + ((below - 0.10) / 0.13) ** 2)
    cover = _smooth(1 - away, 0.25)
    groove = 1 - 0.18 * np.exp(-((across / 0.03) ** 2))
    lit = (
        (0.55 + 0.45 * np.clip((below + 0.05) / 0.14, 0, 1)) * groove * (1 - 0.35 * np.clip(away, 0, 1) ** 2)
    )
    colour = lit[..., None] * np.array(_TONGUE) * light
    return colour.astype(np.float32), cover.astype(np.float32)
