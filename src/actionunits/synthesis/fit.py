"""Fit a 3-D face model to a photograph: pose and identity from the 68 points, the rest as a smooth warp.

The camera is a weak perspective (a rotation, one scale, an offset), so what the neutral face shows at the
photograph's own pose is the photograph itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from actionunits.facs.motion import LIP_PAIRS
from actionunits.records import FloatArray, ImageArray
from actionunits.synthesis.face_model import FaceModel

__all__ = ["FittedFace", "Pose", "fit_face", "inter_ocular_px", "lips_are_closed", "lips_on_the_mouth_line"]

#: Lips further apart than this, in inter-ocular distances, count as open: dlib's points of shut lips differ
#: by up to half of it.
_OPEN_LIPS = 0.05

#: How far a point of the model may lie from its photograph, in inter-ocular distances, before the identity
#: pays for it.
_POINT_DEVIATION = 0.02

#: Shapes that a mouth open in the photograph is fitted with.
_OPENING = ("jawOpen", "mouthLowerDown", "mouthUpperUp", "mouthSmile")


@dataclass(frozen=True)
class Pose:
    """A weak-perspective camera.

    Attributes:
        rotation: f32[3,3], from the model's axes to the camera's (x right, y up, z to the viewer).
        scale: pixels per unit of the model.
        offset: f32[2], pixel of the model's origin.
    """

    rotation: FloatArray
    scale: float
    offset: FloatArray

    def project(self, vertices: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Pixels f32[V,2] (y down) and depth f32[V] (pixels, larger is nearer) of vertices f32[V,3]."""
        seen = vertices @ (self.rotation.T * np.float32(self.scale))
        xy = seen[:, :2] * np.array([1, -1], np.float32) + self.offset
        return xy.astype(np.float32), np.ascontiguousarray(seen[:, 2], np.float32)


@dataclass(frozen=True)
class FittedFace:
    """A person's neutral face in the model's layout.

    Attributes:
        vertices: f32[V,3], whose projection by ``pose`` lies on the photograph.
        pose: the camera of the photograph.
        points: f32[68,2], where the 68 points of the model project.
        identity: f32[M], the coefficients of the identity modes.
        closed_lips: whether the photograph's mouth is shut.
        lid_scale: (left, right), height of the eye's opening over the model's.
    """

    vertices: FloatArray
    pose: Pose
    points: FloatArray
    identity: FloatArray
    closed_lips: bool
    lid_scale: tuple[float, float]


def inter_ocular_px(points: FloatArray) -> float:
    """The distance between the centres of the two eyes of 68 points, f32[68,2]."""
    right, left = (points[36] + points[39]) / 2, (points[42] + points[45]) / 2
    return float(np.linalg.norm(left - right))


def lips_are_closed(points: FloatArray) -> bool:
    """Whether 68 points, f32[68,2], show a shut mouth."""
    gaps = [np.linalg.norm(points[upper] - points[lower]) for upper, lower in LIP_PAIRS]
    return float(np.mean(gaps)) < _OPEN_LIPS * inter_ocular_px(points)


def lips_on_the_mouth_line(image: ImageArray, points: FloatArray) -> FloatArray:
    """Move the inner lip points of a shut mouth onto the dark line between the lips.

    Landmark predictors put them a few pixels off; an opening mouth would then take skin of one lip along
    with the other.

    Args:
        image: u8[H,W,3] RGB.
        points: f32[68,2] with shut lips.

    Returns:
        f32[68,2], the pairs 61/67, 62/66 and 63/65 in one place each, and 60 and 64, on the line.
    """
    width, height = 64, 41
    unit = inter_ocular_px(points)
    start, end = points[60], points[64]
    along = (end - start) / np.linalg.norm(end - start)
    down = np.array([-along[1], along[0]])
    step = 0.16 * unit / height
    middle = np.mean([points[upper] + points[lower] for upper, lower in LIP_PAIRS], axis=0) / 2
    rise = float((middle - (start + end) / 2) @ down)
    share = np.linspace(0, 1, width)
    line = start + share[:, None] * (end - start) + (4 * share * (1 - share) * rise)[:, None] * down
    grid = line[None] + (np.arange(height)[:, None, None] - height // 2) * step * down
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    grey = cv2.GaussianBlur(grey, (0, 0), max(0.008 * unit, 0.5))
    x, y = grid.astype(np.float32).transpose(2, 0, 1)
    patch = cv2.remap(grey, x.copy(), y.copy(), cv2.INTER_LINEAR).astype(np.float64)
    offset = (_dark_path(patch) - height // 2) * step
    smooth = np.polynomial.Polynomial.fit(share, offset, 4)
    result = points.copy()
    for upper, lower in LIP_PAIRS:
        place = float((points[upper] + points[lower]) @ along / 2 - start @ along)
        place = min(max(place / float(np.linalg.norm(end - start)), 0.0), 1.0)
        result[upper] = result[lower] = _at(line, share, place) + smooth(place) * down
    for corner, place in ((60, 0.0), (64, 1.0)):
        result[corner] = points[corner] + smooth(place) * down
    return result.astype(np.float32)


def _dark_path(patch: NDArray[np.float64]) -> NDArray[np.float64]:
    """The row of the darkest smooth path from the first to the last column of a patch."""
    height, width = patch.shape
    cost = patch - np.median(patch, axis=0)
    cost = cost / (np.abs(cost).mean() + 1e-6)
    cost += 0.5 * (np.linspace(-1.4, 1.4, height)[:, None] ** 2)
    total, came = cost.copy(), np.zeros(patch.shape, np.int64)
    for column in range(1, width):
        before = np.pad(total[:, column - 1], 1, constant_values=np.inf)
        steps = np.stack([before[:-2] + 0.15, before[1:-1], before[2:] + 0.15])
        came[:, column] = steps.argmin(0) - 1
        total[:, column] += steps.min(0)
    path = np.empty(width)
    row = int(total[:, -1].argmin())
    for column in range(width - 1, -1, -1):
        path[column] = row
        row += int(came[row, column])
    return path


def _at(line: NDArray[np.float64], share: NDArray[np.float64], place: float) -> NDArray[np.float64]:
    return np.array([np.interp(place, share, line[:, axis]) for axis in (0, 1)])


def fit_face(image: ImageArray, points: FloatArray, model: FaceModel) -> FittedFace:
    """Fit pose, identity and a smooth warp, so that the model's 68 points project onto the photograph's.

    Args:
        image: u8[H,W,3] RGB, the photograph.
        points: f32[68,2] of the photograph.
        model: the face model.
    """
    closed = lips_are_closed(points)
    target = lips_on_the_mouth_line(image, points) if closed else points.astype(np.float32)
    pose, identity, opening = _pose_and_identity(target, model, open_mouth=not closed)
    vertices = model.neutral + np.tensordot(identity, model.identity_delta, axes=1).astype(np.float32)
    lid_scale = _lid_scale(pose.project(vertices[model.landmarks])[0], target)
    for shape, weight in opening.items():
        vertices = vertices + np.float32(weight) * model.expression_delta[shape]
    warp = _residual_warp(pose, vertices, model, target, closed)
    shift = np.concatenate([warp * [1, -1], np.zeros((len(warp), 1))], 1) / pose.scale
    vertices = (vertices + shift @ pose.rotation).astype(np.float32)
    fitted = FittedFace(vertices, pose, target, identity, closed, lid_scale)
    return replace(fitted, points=pose.project(vertices[model.landmarks])[0])


def _pose_and_identity(
    target: FloatArray, model: FaceModel, *, open_mouth: bool
) -> tuple[Pose, FloatArray, dict[int, float]]:
    """Alternate pose and (regularised) shape; the shape of an open mouth has its opening beside identity."""
    landmarks = model.landmarks
    chosen = [
        i for i, name in enumerate(model.expression_names) if open_mouth and name.split("_")[0] in _OPENING
    ]
    modes = np.concatenate([model.identity_delta[:, landmarks], model.expression_delta[chosen][:, landmarks]])
    weight = np.where(np.arange(68) < 17, 0.4, 1.0)
    tolerance = _POINT_DEVIATION * inter_ocular_px(target)
    amounts = np.zeros(len(modes))
    prior = np.concatenate([np.ones(len(model.identity_delta)), np.full(len(chosen), 3.0)])
    pose = _fit_pose(model.neutral[landmarks], target, weight, None)
    for _ in range(5):
        seen = np.einsum("mlk,ck->mlc", modes, pose.rotation[:2]) * pose.scale * [1, -1]
        base = pose.project(model.neutral[landmarks])[0]
        factor = (weight[:, None] / tolerance).repeat(2, 1).ravel()
        system = np.concatenate([seen.reshape(len(modes), -1).T * factor[:, None], np.diag(prior)])
        wanted = np.concatenate([(target - base).ravel() * factor, np.zeros(len(modes))])
        amounts = np.linalg.lstsq(system, wanted, rcond=None)[0]
        amounts[len(model.identity_delta) :] = np.clip(amounts[len(model.identity_delta) :], 0, 1)
        shape = model.neutral[landmarks] + np.tensordot(amounts, modes, axes=1)
        pose = _fit_pose(shape.astype(np.float32), target, weight, pose)
    identity = amounts[: len(model.identity_delta)].astype(np.float32)
    opening = dict(zip(chosen, amounts[len(model.identity_delta) :].tolist(), strict=True))
    return pose, identity, opening


def _fit_pose(shape: FloatArray, target: FloatArray, weight: NDArray[np.float64], start: Pose | None) -> Pose:
    def pose_of(values: NDArray[np.float64]) -> Pose:
        rotation = Rotation.from_rotvec(values[:3]).as_matrix()
        return Pose(
            rotation.astype(np.float32), float(np.exp(values[3])), (values[4:] * unit).astype(np.float32)
        )

    def residual(values: NDArray[np.float64]) -> NDArray[np.float64]:
        seen = shape @ Rotation.from_rotvec(values[:3]).as_matrix()[:2].T * np.exp(values[3])
        off = seen * [1, -1] + values[4:] * unit - target
        return np.asarray((off * weight[:, None] / unit).ravel())

    unit = inter_ocular_px(target)
    if start is None:
        scale = unit / inter_ocular_px(shape[:, :2])
        first = np.concatenate(
            [np.zeros(3), [np.log(scale)], (target.mean(0) - shape.mean(0)[:2] * [scale, -scale]) / unit]
        )
    else:
        turn = Rotation.from_matrix(start.rotation).as_rotvec()
        first = np.concatenate([turn, [np.log(start.scale)], start.offset / unit])
    return pose_of(least_squares(residual, first, method="lm").x)


def _lid_scale(seen: FloatArray, target: FloatArray) -> tuple[float, float]:
    """How much taller the photograph's eye openings are than the fitted model's: (left, right)."""

    def height(points: FloatArray, first: int) -> float:
        upper = points[first + 1] + points[first + 2]
        return float(np.linalg.norm(points[first + 4] + points[first + 5] - upper) / 2)

    left, right = (
        float(np.clip(height(target, first) / max(height(seen, first), 1e-3), 0.6, 1.6)) for first in (42, 36)
    )
    return left, right


def _residual_warp(
    pose: Pose, vertices: FloatArray, model: FaceModel, target: FloatArray, closed: bool
) -> NDArray[np.float64]:
    """f64[V,2], pixels that bring each vertex's projection to where the photograph's points ask for it."""
    seen = pose.project(vertices[model.landmarks])[0].astype(np.float64)
    source, goal = [], []
    paired = {index for pair in LIP_PAIRS for index in pair} if closed else set()
    for index in range(68):
        if index not in paired:
            source.append(seen[index])
            goal.append(target[index])
    for upper, lower in LIP_PAIRS if closed else ():
        source.append((seen[upper] + seen[lower]) / 2)
        goal.append((target[upper] + target[lower]) / 2)
    anchors = pose.project(vertices[_far_vertices(model)])[0]
    where = np.concatenate([np.array(source), anchors])
    move = np.concatenate([np.array(goal) - np.array(source), np.zeros((len(anchors), 2))])
    unit = inter_ocular_px(target)
    where, kept = np.unique(np.round(where / unit, 4), axis=0, return_index=True)
    spline = RBFInterpolator(where, move[kept], kernel="thin_plate_spline", smoothing=1e-4)
    return np.asarray(spline(pose.project(vertices)[0] / unit))


def _far_vertices(model: FaceModel) -> NDArray[np.int64]:
    """Vertices of the head at the border of the front view, where the warp ends."""
    face = model.neutral[model.landmarks]
    centre, reach = face.mean(0)[:2], np.ptp(face[:, :2], axis=0)
    xy = (model.neutral[:, :2] - centre) / reach
    directions = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    far = [int(np.argmax(np.minimum(xy @ [np.cos(a), np.sin(a)], 1.2))) for a in directions]
    return np.unique(np.array(far))
