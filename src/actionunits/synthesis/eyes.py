"""Eyes of an animated photograph: an eyeball that stays, and lids that move over it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.records import FloatArray, ImageArray
from actionunits.synthesis.openings import Opening, shift_edge

__all__ = ["EYES", "GAZE_REACH", "Eye", "eye_opening"]

#: For each eye of the picture, left to right: corners, upper lid, lower lid.
EYES: tuple[tuple[tuple[int, int], tuple[int, int], tuple[int, int]], ...] = (
    ((36, 39), (37, 38), (41, 40)),
    ((42, 45), (43, 44), (47, 46)),
)

#: How far the iris moves at full gaze, in inter-ocular units: (sideways, up and down).
GAZE_REACH = (0.085, 0.05)

_IRIS_RADIUS = 0.094  # inter-ocular units: 11.8 mm across at 63 mm between the eyes
_INSET = 0.012  # how far outside the points the lid's own skin begins
_INSIDE = 0.018  # how far inside them the eyeball is surely seen


def eye_opening(points: NDArray[np.floating], side: int) -> Opening:
    """The opening of the eye on the picture's left (0) or right (1) through points [68,2]."""
    corners, upper, lower = EYES[side]
    return Opening.through(points[list(corners)], points[list(upper)], points[list(lower)])


@dataclass(frozen=True)
class Eye:
    """One eye of a photograph, fit to be moved.

    Attributes:
        side: 0 on the picture's left, 1 on its right.
        rest: its opening in the photograph, px of the face window.
        iris: f64[2], the iris's centre, px of the face window.
        lid_hidden: 0 where the photograph shows the upper lid's skin, to 1 where it shows brow or deep
            shadow in its place.
        unit_px: the inter-ocular distance.
    """

    side: int
    rest: Opening
    iris: NDArray[np.float64]
    lid_hidden: float
    unit_px: float

    @classmethod
    def fit(cls, image: ImageArray, points: NDArray[np.floating], side: int, unit_px: float) -> Eye:
        """From the face window and the 68 points in it."""
        rest = eye_opening(points, side)
        return cls(side, rest, _find_iris(image, rest, unit_px), _hidden(image, rest, unit_px), unit_px)

    def move_lids(
        self, maps: tuple[FloatArray, FloatArray], rest: Opening, moved: Opening, up_px: float
    ) -> None:
        """Draw the upper lid's skin to its moved edge, in place in the backward maps.

        Args:
            maps: the warp of the skin, under which the lids lie at ``rest``.
            rest: the opening under the maps.
            moved: the opening to be.
            up_px: from the lid's edge to the fold under the brow, which stays.
        """
        shift_edge(maps, rest, moved, up_px, 0.0, inset_px=_INSET * self.unit_px)

    def cover_lid(self, canvas: ImageArray, rest: Opening, moved: Opening) -> None:
        """Paint a hidden upper lid that comes out with skin from below the eye, in place.

        Args:
            canvas: u8[h,w,3], the face window with the skin drawn.
            rest: the opening before its lids moved.
            moved: the opening as it now is.
        """
        height, width = canvas.shape[:2]
        if self.lid_hidden <= 0:
            return
        window = moved.window((width, height), 0.3 * self.unit_px)
        x, y = window.grid()
        x, y = x + np.float32(window.left), y + np.float32(window.top)
        u, v = moved.place(x, y)
        top, edge = moved.edge(rest.upper, u), moved.edge(moved.upper, u)
        rim = 0.02 * self.unit_px
        inside = np.clip((v - top + rim) / (2 * rim), 0, 1) * np.clip((edge - rim - v) / rim, 0, 1)
        if not inside.any():
            return
        below = moved.edge(moved.lower, u) + 2 * rim + 0.7 * np.clip(edge - v, 0, None)
        n = moved.down
        from_x = (x + (below - v) * n[0]).astype(np.float32)
        from_y = (y + (below - v) * n[1]).astype(np.float32)
        skin = cv2.remap(canvas, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        under = canvas[window.slices].astype(np.float32)
        cover = (self.lid_hidden * inside)[..., None]
        canvas[window.slices] = np.clip(under + cover * (0.9 * skin - under), 0, 255).round().astype(np.uint8)

    def draw(
        self,
        canvas: ImageArray,
        photograph: ImageArray,
        moved: Opening,
        carried: NDArray[np.floating],
        gaze: tuple[float, float],
    ) -> None:
        """Lay the eyeball into the moved opening, in place.

        Args:
            canvas: u8[h,w,3], the face window with the skin drawn.
            photograph: the same window at rest.
            moved: the opening as it now is.
            carried: [2], how far the whole eye has moved, px.
            gaze: (to the picture's right, up), -1 to 1.
        """
        height, width = canvas.shape[:2]
        window = moved.window((width, height), 2)
        x, y = window.grid()
        x, y = x + np.float32(window.left), y + np.float32(window.top)
        u, v = moved.place(x, y)
        cover = moved.cover(u, v)[..., None]
        if not cover.any():
            return
        from_x, from_y = self._turned(x - np.float32(carried[0]), y - np.float32(carried[1]), gaze)
        bared = (
            np.clip(self.rest.edge(self.rest.upper, u) - moved.edge(moved.upper, u), 0, None),
            np.clip(moved.edge(moved.lower, u) - self.rest.edge(self.rest.lower, u), 0, None),
        )
        seen = self._visible(from_x, from_y, bared)
        ball = cv2.remap(photograph, *seen, cv2.INTER_CUBIC).astype(np.float32)
        below_lid = np.clip((v - moved.edge(moved.upper, u)) / (0.03 * self.unit_px), 0, 1)
        newly = np.clip(self._above(from_x, from_y) / (0.02 * self.unit_px), 0, 1)
        ball *= (1 - 0.4 * newly * (1 - below_lid))[..., None]
        under = canvas[window.slices].astype(np.float32)
        canvas[window.slices] = np.clip(under + cover * (ball - under), 0, 255).round().astype(np.uint8)

    def _turned(
        self, x: FloatArray, y: FloatArray, gaze: tuple[float, float]
    ) -> tuple[FloatArray, FloatArray]:
        """Places on the eyeball before it turned: the iris shifts whole, the white around it gives way."""
        if gaze == (0.0, 0.0):
            return x, y
        shift = np.array([gaze[0] * GAZE_REACH[0], -gaze[1] * GAZE_REACH[1]]) * self.unit_px
        radius = np.hypot(x - self.iris[0] - shift[0], y - self.iris[1] - shift[1]) / self.unit_px
        weight = np.clip(1 - (radius - 1.1 * _IRIS_RADIUS) / (1.6 * _IRIS_RADIUS), 0, 1).astype(np.float32)
        return x - np.float32(shift[0]) * weight, y - np.float32(shift[1]) * weight

    def _above(self, x: FloatArray, y: FloatArray) -> NDArray[np.floating]:
        """How far above the photograph's visible eyeball a place lies, px."""
        u, v = self.rest.place(x, y)
        return self.rest.edge(self.rest.upper, u) - v

    def _visible(
        self, x: FloatArray, y: FloatArray, bared: tuple[NDArray[np.floating], NDArray[np.floating]]
    ) -> tuple[FloatArray, FloatArray]:
        """The place in the photograph that shows what the eyeball has at a place under the lids.

        Above and below the iris's middle an eyeball is alike, so what a lid hides is taken from the other
        side, as far as that is seen. Where a lid bares the eye by ``bared`` (upper, lower) px, so is the rim
        that lay under its lashes.
        """
        rest, inside = self.rest, _INSIDE * self.unit_px
        u, v = rest.place(x, y)
        upper = rest.edge(rest.upper, u) + np.minimum(inside, bared[0])
        lower = rest.edge(rest.lower, u) - np.minimum(0.6 * inside, bared[1])
        middle = (upper + lower) / 2
        upper, lower = np.minimum(upper, middle), np.maximum(lower, middle)
        centre = float(rest.place(*self.iris)[1])
        turned_over = np.clip(2 * max(centre, 0.0) - v, upper, np.maximum(lower - 1.5 * inside, middle))
        seen = np.where(v < upper, turned_over, np.minimum(v, lower))
        shift = (seen - v).astype(np.float32)
        n = rest.down.astype(np.float32)
        return x + shift * n[0], y + shift * n[1]


def _find_iris(image: ImageArray, opening: Opening, unit_px: float) -> NDArray[np.float64]:
    """The darkest disc of an iris's size in the opening."""
    height, width = image.shape[:2]
    window = opening.window((width, height), 2)
    x, y = window.grid()
    x, y = x + np.float32(window.left), y + np.float32(window.top)
    u, v = opening.place(x, y)
    inside = opening.cover(u, v)
    grey = image[window.slices].astype(np.float32).mean(axis=2)
    light = float(np.percentile(grey[inside > 0.5], 90)) if (inside > 0.5).any() else 255.0
    dark = np.clip(light - grey, 0, None) * inside * np.exp(-(((u - 0.5) / 0.3) ** 2))
    size = max(3, int(2 * _IRIS_RADIUS * unit_px) | 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)).astype(np.float32)
    score = cv2.filter2D(dark.astype(np.float32), -1, disc, borderType=cv2.BORDER_CONSTANT)
    row, column = np.unravel_index(int(np.argmax(score)), score.shape)
    return np.array([column + window.left, row + window.top], np.float64)


def _hidden(image: ImageArray, opening: Opening, unit_px: float) -> float:
    """How far the strip over the upper lid is darker than the skin below the eye: 0 alike to 1."""
    u, away = (grid.ravel() for grid in np.meshgrid(np.linspace(0.2, 0.8, 9), np.linspace(0.05, 0.13, 5)))
    strips = []
    for edge, outward in ((opening.upper, -1.0), (opening.lower, 1.0)):
        v = opening.edge(edge, u) + outward * away * unit_px
        xy = opening.start + u[:, None] * opening.along + v[:, None] * opening.down
        column, row = np.clip(xy.round().astype(int).T, 0, np.array(image.shape[1::-1])[:, None] - 1)
        strips.append(float(image[row, column].mean()))
    return float(np.clip((0.75 - strips[0] / max(strips[1], 1.0)) / 0.2, 0, 1))
