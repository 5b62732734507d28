"""Animate a photograph through a 3-D face model: AUs move the fitted mesh, which is drawn with its skin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from actionunits.records import Expression, FloatArray, Portrait
from actionunits.synthesis.animate import AnimatedFace
from actionunits.synthesis.face_model import FaceModel
from actionunits.synthesis.fit import FittedFace, fit_face, inter_ocular_px
from actionunits.synthesis.head_mesh import head_mesh
from actionunits.synthesis.light import PHOTOGRAPH_LIGHT, Light, Normals
from actionunits.synthesis.render import USUAL_MOUTH, MouthLook, Moved, Renderer, View
from actionunits.synthesis.shapes import gaze_of, shape_weights

__all__ = ["ModelAnimator"]

#: How far the eyes turn at full gaze, in degrees: (sideways, up and down).
_GAZE_DEG = (28.0, 20.0)

#: Movement changes the light softly, at most by this much (a logarithm): beyond, it is the model's error.
_MOTION_LIGHT = 0.18

#: Another light changes it at most by these factors.
_LIGHT_RANGE = (0.3, 2.2)

#: The lids go a little further than the eye's height, so that nothing of it is left between them.
_LID_CLOSURE = 1.12

#: The eyeballs lie this much deeper than the model has them, in inter-ocular distances: never before a lid.
_EYE_DEPTH = 0.04

#: The head turns about an axis that lies this far behind the jaw's ends, in inter-ocular distances.
_NECK_DEPTH = 0.5

#: The window's centre lies this share of its side above the middle of the 68 points, for the forehead.
_FOREHEAD = 0.06


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
        self._unit_px = inter_ocular_px(self.fitted.points)
        pose = self.fitted.pose
        self._pivot = pose.rotation @ self._neutral[self._landmarks[[0, 16]]].mean(0)
        self._pivot[2] -= _NECK_DEPTH * self._unit_px / pose.scale
        self._normals = Normals(self._mesh.skin_quads, len(chosen))
        rest = self._normals(self._neutral) @ pose.rotation.T
        self._shade = PHOTOGRAPH_LIGHT.shade(rest)
        self._area = np.maximum(rest[:, 2], 0.05 * np.linalg.norm(rest, axis=1) + 1e-9)
        self._renderer = Renderer(portrait, self.fitted, self._mesh)

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
        mouth: MouthLook = USUAL_MOUTH,
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
            furrow_strength: 0 as little as any skin folds, 1 as usual.
            size_px: side of a square picture around the face; None for the photograph's own frame.
            window: side of that square in inter-ocular distances, so the eyes are ``size_px / window``
                pixels apart.
            shape_change: f32[M], added to the coefficients of the identity modes; shorter arrays change the
                first ones only.
            mouth: how the inside of the mouth looks.
            rng: randomness of the furrows; None for none.
        """
        weights = shape_weights(expression, blink=blink, gaze=gaze)
        neutral = self._neutral if shape_change is None else self._changed(shape_change)
        vertices = self._expressing(neutral, weights, gaze_of(expression, gaze))
        angles = [yaw_deg, -pitch_deg]
        turn = Rotation.from_euler("yx", angles, degrees=True).as_matrix().astype(np.float32)
        moved = self._moved(vertices, turn, light)
        view = self._view(self._project(neutral[self._landmarks], turn)[0], roll_deg, size_px, window)
        mouth_moves = any(name.startswith(("mouth", "jaw")) for name in weights)
        image = self._renderer.draw(
            moved,
            view,
            expression,
            inside=mouth_moves or not self.fitted.closed_lips,
            furrow_strength=furrow_strength,
            mouth=mouth,
            rng=rng,
        )
        return AnimatedFace(image, view.place(moved.xy[self._landmarks]))

    def _changed(self, shape_change: FloatArray) -> FloatArray:
        amounts = np.asarray(shape_change, np.float32)[: len(self._modes)]
        change = np.tensordot(amounts, self._modes[: len(amounts)], axes=1)
        return np.asarray(self._neutral + change, np.float32)

    def _expressing(
        self, neutral: FloatArray, weights: dict[str, float], gaze: tuple[float, float]
    ) -> FloatArray:
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
                    centre[2] = vertices[ball, 2].min()
                    vertices[ball] = (vertices[ball] - centre) @ turn.T + centre
        return vertices

    def _project(self, vertices: FloatArray, turn: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Pixels of the photograph and depth, after turning the head about its neck."""
        pose = self.fitted.pose
        seen = vertices @ (turn @ pose.rotation).T + (self._pivot - turn @ self._pivot)
        seen *= np.float32(pose.scale)
        xy = seen[:, :2] * np.array([1, -1], np.float32) + pose.offset
        return xy.astype(np.float32), np.ascontiguousarray(seen[:, 2], np.float32)

    def _moved(self, vertices: FloatArray, turn: FloatArray, light: Light | None) -> Moved:
        xy, depth = self._project(vertices, turn)
        for ball in self._mesh.eyeballs:
            depth[ball] -= _EYE_DEPTH * self._unit_px
        normals = self._normals(vertices) @ (turn @ self.fitted.pose.rotation).T
        shade = PHOTOGRAPH_LIGHT.shade(normals)
        change = _MOTION_LIGHT * np.tanh(np.log(shade / self._shade) / _MOTION_LIGHT)
        if light is not None:
            change += np.log(np.clip(light.shade(normals) / shade, *_LIGHT_RANGE))
        change = np.exp(self._normals.smoothed(change))
        stretch = np.maximum(normals[:, 2], 0) / self._area
        mouth = xy[self._landmarks[48:68]]
        return Moved(xy, depth, change.astype(np.float32), stretch.astype(np.float32), mouth)

    def _view(self, points: FloatArray, roll_deg: float, size_px: int | None, window: float) -> View:
        height, width = self.portrait.image.shape[:2]
        angle = np.deg2rad(roll_deg)
        linear = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        centre = middle = (points.min(0) + points.max(0)) / 2
        zoom = 1.0
        if size_px is not None:
            zoom = size_px / (window * self._unit_px)
            height = width = size_px
            middle = np.array([(size_px - 1) / 2, (size_px - 1) / 2 + _FOREHEAD * size_px])
        linear = linear * zoom
        to_window = np.concatenate([linear, (middle - linear @ centre)[:, None]], 1).astype(np.float32)
        return View(to_window, height, width, zoom)


def _person_shapes(model: FaceModel, fitted: FittedFace, chosen: NDArray[np.int64]) -> dict[str, FloatArray]:
    """Each expression shape on the vertices drawn; the lids' move as far as this person's eyes are open."""
    shapes = {}
    for index, name in enumerate(model.expression_names):
        delta = model.expression_delta[index][chosen]
        if name.startswith(("eyeBlink", "eyeSquint")):
            further = _LID_CLOSURE if name.startswith("eyeBlink") else 1.0
            delta = delta * np.float32(further * fitted.lid_scale[0 if name.endswith("_L") else 1])
        shapes[name] = np.ascontiguousarray(delta, np.float32)
    return shapes
