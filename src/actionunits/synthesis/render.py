"""Draw a person's moved mesh with the photograph's skin, completed eyes and a painted mouth."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.records import Expression, FloatArray, ImageArray, Portrait
from actionunits.synthesis.backdrop import Backdrop
from actionunits.synthesis.eye_texture import complete_eyes
from actionunits.synthesis.fit import FittedFace, inter_ocular_px
from actionunits.synthesis.furrows import shade_furrows
from actionunits.synthesis.head_mesh import EYE, INSIDE, HeadMesh
from actionunits.synthesis.rasterise import rasterise
from actionunits.synthesis.smooth_skin import near_folds, smooth_skin

__all__ = ["USUAL_MOUTH", "MouthLook", "Moved", "Renderer", "View"]

#: The most that the backdrop's light changes, as a logarithm.
_BACKDROP_LIGHT = 0.35

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class View:
    """Which part of the plane of the photograph the picture shows.

    Attributes:
        to_window: f32[2,3], from pixels of the photograph to pixels of the picture.
        height_px: rows of the picture.
        width_px: columns.
        zoom: pixels of the picture per pixel of the photograph.
    """

    to_window: FloatArray
    height_px: int
    width_px: int
    zoom: float

    def place(self, xy: FloatArray) -> FloatArray:
        """Points of the photograph's plane, f32[N,2], in the picture."""
        return np.asarray(xy @ self.to_window[:, :2].T + self.to_window[:, 2], np.float32)


@dataclass(frozen=True)
class Moved:
    """A mesh that shows an expression.

    Attributes:
        xy: f32[N,2], vertices in pixels of the photograph.
        depth: f32[N], larger is nearer.
        light: f32[N], change of brightness, 1 for none.
        stretch: f32[N], area in the picture over that at rest.
        mouth: f32[20,2], the lips' points, in pixels of the photograph.
    """

    xy: FloatArray
    depth: FloatArray
    light: FloatArray
    stretch: FloatArray
    mouth: FloatArray


@dataclass(frozen=True)
class MouthLook:
    """What differs from mouth to mouth between the lips.

    Attributes:
        gum: how much of the upper gum is seen where the lip rises above the teeth, 0 to 1: most people's
            teeth fill the gap of a smile.
        brightness: of all of it, 1 as usual.
        at_the_lips: brightness next to the lips, which shade it: 0 dark, 1 as in the middle.
    """

    gum: float = 1.0
    brightness: float = 1.0
    at_the_lips: float = 0.5


USUAL_MOUTH = MouthLook()


@dataclass(frozen=True)
class _Textures:
    """The photograph's skin, its eyes completed, its smooth skin; their pixels per photograph's pixel."""

    skin: ImageArray
    eyes: ImageArray
    smooth: ImageArray
    level: float


class Renderer:
    """What of a portrait stays the same in every picture.

    Args:
        portrait: the photograph.
        fitted: its face.
        mesh: what is drawn.
    """

    def __init__(self, portrait: Portrait, fitted: FittedFace, mesh: HeadMesh) -> None:
        self._image, self._points, self._mesh = portrait.image, portrait.landmarks.points, mesh
        self._unit_px = inter_ocular_px(fitted.points)
        self._rest_xy = fitted.pose.project(fitted.vertices[mesh.vertices])[0]
        size_px = (self._image.shape[0], self._image.shape[1])
        self._backdrop = Backdrop(size_px, self._rest_xy[mesh.samples], self._unit_px)
        self._folds = near_folds(self._rest_xy, fitted.points)
        shown = _shown_inside(self._rest_xy, fitted, self._unit_px)
        self._colour = _as_photographed(mesh.colour, self._image, fitted.points)
        self._enamel = _as_photographed(mesh.enamel, self._image, fitted.points)
        self._attributes = np.concatenate(
            [self._rest_xy, mesh.opacity[:, None], shown[:, None]], 1, dtype=np.float32
        )
        self._mouth_line = _mouth_line(self._image, fitted)
        eyes, smooth = complete_eyes(self._image, self._points), smooth_skin(self._image, fitted.points)
        self._levels = {1.0: _Textures(self._image, eyes, smooth, 1.0)}

    def draw(
        self,
        moved: Moved,
        view: View,
        expression: Expression,
        *,
        inside: bool,
        furrow_strength: float,
        mouth: MouthLook,
        rng: np.random.Generator | None = None,
    ) -> ImageArray:
        """The picture, u8[H,W,3] RGB.

        Args:
            moved: where the vertices are.
            view: what the picture shows.
            expression: for the furrows.
            inside: whether the inside of the mouth can be seen.
            furrow_strength: 0 as little as any skin folds, 1 as usual.
            mouth: how its inside looks.
            rng: randomness of the furrows.
        """
        textures = self._furrowed(self._textures(view.zoom), expression, furrow_strength, rng)
        mesh, height, width = self._mesh, view.height_px, view.width_px
        triangles = mesh.triangles if inside else mesh.triangles[: mesh.outside_triangles]
        fragments = rasterise(view.place(moved.xy), moved.depth, triangles, height, width)
        soft = self._folds * np.clip((moved.stretch - 1.5) / 2.0, 0, 1)
        colour = self._enamel + np.float32(mouth.gum) * (self._colour - self._enamel)
        colour *= np.float32(mouth.brightness)
        attributes = np.concatenate([self._attributes, colour, moved.light[:, None], soft[:, None]], 1)
        values = np.zeros((height * width, attributes.shape[1]), np.float32)
        values[fragments.pixel] = fragments.interpolate(attributes)
        kind = np.full(height * width, -1, np.int8)
        kind[fragments.pixel] = mesh.kind[fragments.triangle]
        shape = (height, width)
        unit_px = self._unit_px * view.zoom
        pixels = values.reshape(*shape, -1)
        face = _face(pixels, kind.reshape(shape), textures, unit_px, self._mouth_line, mouth.at_the_lips)
        opacity = pixels[..., 2:3]
        if inside:
            between = _hull(view.place(moved.mouth), shape)
            opacity = np.where((kind.reshape(shape) == INSIDE) & ~between, 0, pixels[..., 2])[..., None]
        canvas = self._behind(moved, view, textures)
        return np.clip(canvas + (face - canvas) * opacity + 0.5, 0, 255).astype(np.uint8)

    def _behind(self, moved: Moved, view: View, textures: _Textures) -> FloatArray:
        samples = self._mesh.samples
        change = np.clip(np.log(moved.light[samples]), -_BACKDROP_LIGHT, _BACKDROP_LIGHT)
        movement = np.concatenate(
            [
                moved.xy[samples] - self._rest_xy[samples],
                moved.depth[samples, None],
                change[:, None],
            ],
            1,
            dtype=np.float32,
        )
        place, light = self._backdrop.draw(movement, view.to_window, view.height_px, view.width_px)
        return np.asarray(_sampled(textures.skin, place, textures.level) * light[..., None])

    def _textures(self, zoom: float) -> _Textures:
        """The textures at a little more than the picture's size."""
        level = 1.0
        while level / sqrt(2) >= 1.15 * zoom:
            level /= sqrt(2)
        if level not in self._levels:
            full = self._levels[1.0]
            skin, eyes, smooth = (_shrunk(texture, level) for texture in (full.skin, full.eyes, full.smooth))
            self._levels[level] = _Textures(skin, eyes, smooth, level)
        return self._levels[level]

    def _furrowed(
        self, textures: _Textures, expression: Expression, strength: float, rng: np.random.Generator | None
    ) -> _Textures:
        if not expression.aus:
            return textures
        points = ((self._points + 0.5) * textures.level - 0.5).astype(np.float32)
        skin = shade_furrows(textures.skin, points, expression, strength, rng)
        return _Textures(skin, textures.eyes, textures.smooth, textures.level)


def _face(
    values: FloatArray,
    kind: NDArray[np.int8],
    textures: _Textures,
    unit_px: float,
    mouth_line: FloatArray,
    at_the_lips: float,
) -> FloatArray:
    """The face's colours, f32[H,W,3]; what they are elsewhere does not matter."""
    place = np.ascontiguousarray(values[..., :2])
    face = _sampled(textures.skin, place, textures.level)
    soft = values[..., 8:9]
    if soft.max(initial=0) > 0.01:
        face += (_sampled(textures.smooth, place, textures.level) - face) * soft
    photographed = face
    face = face * values[..., 7:8]
    is_eye = (kind == EYE)[..., None]
    if is_eye.any():
        face = np.where(is_eye, _sampled(textures.eyes, place, textures.level), face)
    is_inside = kind == INSIDE
    if is_inside.any():
        far = cv2.distanceTransform(is_inside.astype(np.uint8), cv2.DIST_L2, 3)
        mouth = values[..., 4:7] * np.clip(at_the_lips + far / (0.09 * unit_px), 0, 1)[..., None]
        slit = np.clip(1.6 - far / (0.018 * unit_px), 0, 1)[..., None]
        mouth += (mouth_line - mouth) * slit
        mouth += (photographed - mouth) * values[..., 3:4]
        face = np.where(is_inside[..., None], mouth, face)
    return np.asarray(face, np.float32)


def _hull(points: FloatArray, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Which pixels lie within the outline of points."""
    mask = np.zeros(shape, np.uint8)
    outline = cv2.convexHull(np.round(points * 16).astype(np.int32))
    cv2.fillConvexPoly(mask, outline, 1, shift=4)
    return mask > 0


def _sampled(image: ImageArray, place: FloatArray, level: float) -> FloatArray:
    """The image's colours at places given in pixels of the full size photograph."""
    scaled = (place + np.float32(0.5)) * np.float32(level) - np.float32(0.5)
    x, y = np.ascontiguousarray(scaled[..., 0]), np.ascontiguousarray(scaled[..., 1])
    return cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)


def _shrunk(image: ImageArray, level: float) -> ImageArray:
    transform = np.array([[level, 0, (level - 1) / 2], [0, level, (level - 1) / 2]])
    size = (max(int(image.shape[1] * level), 1), max(int(image.shape[0] * level), 1))
    smooth = cv2.GaussianBlur(image, (0, 0), 0.45 * sqrt(1 / level**2 - 1))
    return np.asarray(cv2.warpAffine(smooth, transform, size, flags=cv2.INTER_LINEAR), np.uint8)


def _shown_inside(rest_xy: FloatArray, fitted: FittedFace, unit_px: float) -> FloatArray:
    """1 where the photograph itself shows the inside of the mouth, fading to 0 under the lips."""
    result = np.zeros(len(rest_xy), np.float32)
    if fitted.closed_lips:
        return result
    outline = fitted.points[60:68][:, None]
    near = np.abs(rest_xy - fitted.points[60:68].mean(0)).max(1) < unit_px
    for index in np.flatnonzero(near):
        x, y = rest_xy[index]
        result[index] = cv2.pointPolygonTest(outline, (float(x), float(y)), True)
    return np.asarray(np.clip(result / (0.03 * unit_px), 0, 1), np.float32)


def _mouth_line(image: ImageArray, fitted: FittedFace) -> FloatArray:
    """The colour between lips that hardly part, f32[3] RGB."""
    if not fitted.closed_lips:
        return np.array([70, 35, 35], np.float32)
    x, y = np.round(fitted.points[60:68]).astype(int).T
    height, width = image.shape[:2]
    line = image[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
    return np.asarray(np.median(line, axis=0) * 0.85, np.float32)


def _as_photographed(colour: FloatArray, image: ImageArray, points: FloatArray) -> FloatArray:
    """Colours f32[N,3] as bright, and as grey, as the skin of the nose says of this photograph."""
    low, high = points[27:36].min(0).astype(int), points[27:36].max(0).astype(int) + 1
    patch = image[max(low[1], 0) : high[1], max(low[0], 0) : high[0]].astype(np.float32)
    if patch.size == 0:
        return colour
    bright = float(np.quantile(patch @ _LUMA, 0.7))
    chroma = float(np.clip(np.ptp(patch, axis=2).mean() / 25, 0, 1))
    grey = (colour @ _LUMA)[:, None]
    exposure = np.clip(0.45 + 0.55 * bright / 190, 0.35, 1.1)
    return np.asarray((grey + (colour - grey) * chroma) * exposure, np.float32)
