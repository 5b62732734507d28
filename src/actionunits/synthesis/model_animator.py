"""Animate a photograph through a 3-D face model: AUs move the fitted mesh, which is drawn with its skin."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from actionunits.records import Expression, FloatArray, ImageArray, Portrait
from actionunits.synthesis.animate import AnimatedFace
from actionunits.synthesis.backdrop import Backdrop
from actionunits.synthesis.eye_texture import complete_eyes
from actionunits.synthesis.face_model import FaceModel
from actionunits.synthesis.fit import FittedFace, fit_face, inter_ocular_px
from actionunits.synthesis.furrows import shade_furrows
from actionunits.synthesis.head_mesh import EYE, INSIDE, head_mesh
from actionunits.synthesis.light import PHOTOGRAPH_LIGHT, Light, Normals
from actionunits.synthesis.rasterise import Fragments, rasterise
from actionunits.synthesis.shapes import gaze_of, shape_weights

__all__ = ["ModelAnimator"]

#: How far the eyes turn at full gaze, in degrees: (sideways, up and down).
_GAZE_DEG = (28.0, 20.0)

#: A change of light beyond these factors is the model's error rather than the face's.
_LIGHT_RANGE = (0.45, 1.7)


@dataclass(frozen=True)
class _View:
    """Where the picture's pixels lie: an affine map of the photograph's pixels, and the picture's size."""

    to_window: FloatArray
    height_px: int
    width_px: int
    zoom: float


class ModelAnimator:
    """A photograph that shows expressions through a 3-D face model.

    The fit is made once; each picture is then drawn from it.

    Args:
        portrait: a neutral face.
        model: the face model.
    """

    def __init__(self, portrait: Portrait, model: FaceModel) -> None:
        self.portrait = portrait
        self.fitted: FittedFace = fit_face(portrait.image, portrait.landmarks.points, model)
        self._mesh = head_mesh(model)
        chosen = self._mesh.vertices
        self._neutral = self.fitted.vertices[chosen]
        self._shapes = _person_shapes(model, self.fitted, chosen)
        self._modes = model.identity_delta[:, chosen]
        self._landmarks = np.searchsorted(chosen, model.landmarks)
        self._pivot = self._neutral[self._landmarks[[0, 16]]].mean(0)
        self._unit_px = inter_ocular_px(self.fitted.points)
        self._texture_xy, self._depth = self.fitted.pose.project(self._neutral)
        self._normals = Normals(self._mesh.skin_quads, len(chosen))
        self._shade = PHOTOGRAPH_LIGHT.shade(self._normals(self._neutral) @ self.fitted.pose.rotation.T)
        self._backdrop = Backdrop(
            (portrait.image.shape[0], portrait.image.shape[1]),
            self._texture_xy[self._mesh.samples],
            self._unit_px,
        )
        self._levels: dict[float, tuple[ImageArray, ImageArray]] = {}
        self._eyes = complete_eyes(portrait.image, portrait.landmarks.points)
        self._shown = _shown_inside(self._texture_xy, self.fitted, self._unit_px)
        self._exposure = _exposure(portrait.image, self.fitted.points)

    def show(
        self,
        expression: Expression,
        *,
        blink: float = 0.0,
        gaze: tuple[float, float] = (0.0, 0.0),
        yaw_deg: float = 0.0,
        pitch_deg: float = 0.0,
        roll_deg: float = 0.0,
        light: Light | None = None,
        furrow_strength: float = 1.0,
        size_px: int | None = None,
        window: float = 3.4,
        shape_change: FloatArray | None = None,
        rng: np.random.Generator | None = None,
    ) -> AnimatedFace:
        """Draw the face with an expression.

        Args:
            expression: the AUs.
            blink: 0 (open as in the portrait) to 1 (shut).
            gaze: (to the subject's left, up), -1 to 1.
            yaw_deg: turn from the portrait's pose to the subject's left; plausible up to about 25.
            pitch_deg: turn upwards.
            roll_deg: tilt to the subject's left shoulder: clockwise in the picture.
            light: the light on the face; None for the photograph's.
            furrow_strength: 0 without wrinkles, 1 as usual.
            size_px: side of a square picture around the face; None for the photograph's own frame.
            window: side of that square in inter-ocular distances, so the eyes are ``size_px / window``
                pixels apart.
            shape_change: f32[M], added to the coefficients of the identity modes; shorter arrays change the
                first ones only.
            rng: randomness of the furrows; None for none.
        """
        weights = shape_weights(expression, blink=blink, gaze=gaze)
        neutral = self._neutral if shape_change is None else self._changed(shape_change)
        vertices = self._moved(neutral, weights, gaze_of(expression, gaze))
        turn = Rotation.from_euler("yx", [yaw_deg, -pitch_deg], degrees=True).as_matrix()
        xy, depth, normals = self._posed(vertices, turn.astype(np.float32))
        rest = self._project(neutral[self._landmarks], turn.astype(np.float32))[0]
        view = self._view(rest, roll_deg, size_px, window)
        ratio = (light or PHOTOGRAPH_LIGHT).shade(normals) / self._shade
        ratio = np.clip(ratio, *_LIGHT_RANGE).astype(np.float32)
        textures = self._textures(view.zoom, expression, furrow_strength, rng)
        mouth_moves = not self.fitted.closed_lips or any(n.startswith(("mouth", "jaw")) for n in weights)
        image = self._drawn(xy, depth, ratio, textures, view, inside=mouth_moves)
        points = xy[self._landmarks] @ view.to_window[:, :2].T + view.to_window[:, 2]
        return AnimatedFace(image, points.astype(np.float32))

    def _changed(self, shape_change: FloatArray) -> FloatArray:
        modes = self._modes[: len(shape_change)]
        change = np.tensordot(np.asarray(shape_change, np.float32)[: len(modes)], modes, axes=1)
        return np.asarray(self._neutral + change, np.float32)

    def _moved(self, neutral: FloatArray, weights: dict[str, float], gaze: tuple[float, float]) -> FloatArray:
        vertices = neutral.copy()
        for name, weight in weights.items():
            if name in self._shapes:
                vertices += np.float32(weight) * self._shapes[name]
        if any(gaze):
            angles = [gaze[0] * _GAZE_DEG[0], -gaze[1] * _GAZE_DEG[1]]
            turn = Rotation.from_euler("yx", angles, degrees=True).as_matrix().astype(np.float32)
            for ball in self._mesh.eyeballs:
                if len(ball):
                    centre = (vertices[ball].min(0) + vertices[ball].max(0)) / 2
                    vertices[ball] = (vertices[ball] - centre) @ turn.T + centre
        return vertices

    def _project(self, vertices: FloatArray, turn: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Pixels of the photograph and depth, after turning the head about its neck."""
        pose = self.fitted.pose
        pivot = pose.rotation @ self._pivot - np.array([0, 0, 3.0], np.float32) * self._model_unit()
        seen = (vertices @ pose.rotation.T - pivot) @ turn.T + pivot
        seen *= np.float32(pose.scale)
        xy = seen[:, :2] * np.array([1, -1], np.float32) + pose.offset
        return xy.astype(np.float32), np.ascontiguousarray(seen[:, 2], np.float32)

    def _model_unit(self) -> np.float32:
        """About a centimetre, in the model's units."""
        return np.float32(self._unit_px / self.fitted.pose.scale / 6.3)

    def _posed(self, vertices: FloatArray, turn: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        xy, depth = self._project(vertices, turn)
        normals = self._normals(vertices) @ (turn @ self.fitted.pose.rotation).T
        return xy, depth, normals

    def _view(self, points: FloatArray, roll_deg: float, size_px: int | None, window: float) -> _View:
        height, width = self.portrait.image.shape[:2]
        angle = np.deg2rad(roll_deg)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        centre = (points.min(0) + points.max(0)) / 2
        if size_px is None:
            zoom, middle = 1.0, centre
        else:
            zoom = size_px / (window * self._unit_px)
            height = width = size_px
            middle = np.array([size_px - 1, size_px - 1]) / 2 + [0, 0.06 * size_px]
        linear = turn * zoom
        to_window = np.concatenate([linear, (middle - linear @ centre)[:, None]], 1).astype(np.float32)
        return _View(to_window, height, width, zoom)

    def _textures(
        self, zoom: float, expression: Expression, furrow_strength: float, rng: np.random.Generator | None
    ) -> tuple[ImageArray, ImageArray, float]:
        """The photograph and the completed eyes, a little finer than the picture, and their scale."""
        level = 1.0
        while level / sqrt(2) >= 1.15 * zoom:
            level /= sqrt(2)
        if level not in self._levels:
            self._levels[level] = (_shrunk(self.portrait.image, level), _shrunk(self._eyes, level))
        skin, eyes = self._levels[level]
        if furrow_strength > 0 and expression.aus:
            points = ((self.portrait.landmarks.points + 0.5) * level - 0.5).astype(np.float32)
            rng = rng or np.random.default_rng(0)
            skin = shade_furrows(skin, points, expression, strength=furrow_strength, rng=rng)
        return skin, eyes, level

    def _drawn(
        self,
        xy: FloatArray,
        depth: FloatArray,
        ratio: FloatArray,
        textures: tuple[ImageArray, ImageArray, float],
        view: _View,
        *,
        inside: bool,
    ) -> ImageArray:
        skin, eyes, level = textures
        height, width = view.height_px, view.width_px
        samples = self._mesh.samples
        movement = np.concatenate(
            [
                xy[samples] - self._texture_xy[samples],
                depth[samples, None],
                np.log(ratio[samples, None]),
            ],
            1,
        )
        place, change = self._backdrop.draw(movement, view.to_window, height, width)
        mesh = self._mesh
        triangles = mesh.triangles if inside else mesh.triangles[: mesh.outside_triangles]
        placed = xy @ view.to_window[:, :2].T + view.to_window[:, 2]
        fragments = rasterise(placed.astype(np.float32), depth, triangles, height, width)
        attributes = np.concatenate(
            [
                self._texture_xy,
                mesh.opacity[:, None],
                ratio[:, None],
                self._shown[:, None],
                mesh.colour * self._exposure,
            ],
            1,
        )
        values = fragments.interpolate(attributes)
        kind = np.full(height * width, -1, np.int8)
        kind[fragments.pixel] = mesh.kind[fragments.triangle]
        canvas = _lit(_sampled(skin, place, level), change[..., None])
        return _composed(
            canvas, kind.reshape(height, width), fragments, values, (skin, eyes, level), view, self._unit_px
        )


def _composed(
    canvas: FloatArray,
    kind: NDArray[np.int8],
    fragments: Fragments,
    values: FloatArray,
    textures: tuple[ImageArray, ImageArray, float],
    view: _View,
    unit_px: float,
) -> ImageArray:
    """Skin, eyes and mouth over the backdrop."""
    skin, eyes, level = textures
    height, width = kind.shape
    full = np.zeros((height * width, values.shape[1]), np.float32)
    full[fragments.pixel] = values
    full = full.reshape(height, width, -1)
    place = np.ascontiguousarray(full[..., :2])
    opacity = np.where(kind >= 0, full[..., 2], 0)[..., None]
    face = _lit(_sampled(skin, place, level), full[..., 3:4])
    is_eye = kind == EYE
    if is_eye.any():
        face = np.where(is_eye[..., None], _sampled(eyes, place, level), face)
    is_inside = kind == INSIDE
    if is_inside.any():
        far = cv2.distanceTransform(is_inside.astype(np.uint8), cv2.DIST_L2, 3)
        near_lips = np.clip(0.4 + far / (0.09 * unit_px * view.zoom), 0, 1)[..., None]
        shown = full[..., 4:5]
        mouth = full[..., 5:8] * near_lips * (1 - shown) + _sampled(skin, place, level) * shown
        face = np.where(is_inside[..., None], mouth, face)
    result = canvas + (face - canvas) * opacity
    return np.clip(result + 0.5, 0, 255).astype(np.uint8)


def _lit(colour: FloatArray, change: FloatArray) -> FloatArray:
    return np.asarray(colour * change, np.float32)


def _sampled(image: ImageArray, place: FloatArray, level: float) -> FloatArray:
    """The image's colours at places given in pixels of the full size photograph."""
    scaled = (place + np.float32(0.5)) * np.float32(level) - np.float32(0.5)
    sampled = cv2.remap(image, scaled, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, np.float32)


def _shrunk(image: ImageArray, level: float) -> ImageArray:
    if level == 1.0:
        return image
    transform = np.array([[level, 0, (level - 1) / 2], [0, level, (level - 1) / 2]])
    size = (max(int(image.shape[1] * level), 1), max(int(image.shape[0] * level), 1))
    smooth = cv2.GaussianBlur(image, (0, 0), 0.45 * sqrt(1 / level**2 - 1) + 1e-3)
    return np.asarray(cv2.warpAffine(smooth, transform, size, flags=cv2.INTER_LINEAR), np.uint8)


def _person_shapes(model: FaceModel, fitted: FittedFace, chosen: NDArray[np.int64]) -> dict[str, FloatArray]:
    """Each expression shape on the vertices drawn; the lids' move as far as this person's eyes are open."""
    shapes = {}
    for index, name in enumerate(model.expression_names):
        delta = model.expression_delta[index][chosen]
        if name.startswith(("eyeBlink", "eyeSquint")):
            delta = delta * np.float32(fitted.lid_scale[0 if name.endswith("_L") else 1])
        shapes[name] = np.ascontiguousarray(delta, np.float32)
    return shapes


def _shown_inside(texture_xy: FloatArray, fitted: FittedFace, unit_px: float) -> FloatArray:
    """1 where the photograph itself shows the inside of the mouth, fading to 0 under the lips."""
    result = np.zeros(len(texture_xy), np.float32)
    if fitted.closed_lips:
        return result
    outline = fitted.points[60:68][:, None]
    near = np.abs(texture_xy - fitted.points[60:68].mean(0)).max(1) < unit_px
    for index in np.flatnonzero(near):
        x, y = texture_xy[index]
        result[index] = cv2.pointPolygonTest(outline, (float(x), float(y)), True)
    return np.asarray(np.clip(result / (0.03 * unit_px), 0, 1), np.float32)


def _exposure(image: ImageArray, points: FloatArray) -> float:
    """How bright teeth are in this photograph, from its skin: the nose and the cheeks beside it."""
    low, high = points[27:36].min(0).astype(int), points[27:36].max(0).astype(int) + 1
    patch = image[max(low[1], 0) : high[1], max(low[0], 0) : high[0]]
    if patch.size == 0:
        return 1.0
    bright = float(np.quantile(cv2.cvtColor(np.ascontiguousarray(patch), cv2.COLOR_RGB2GRAY), 0.7))
    return float(np.clip(0.45 + 0.55 * bright / 190, 0.35, 1.1))
