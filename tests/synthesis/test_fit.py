"""The fit finds again the pose and the identity that points were made with, and ends on the points."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from actionunits.records import FloatArray
from actionunits.synthesis.face_model import FaceModel, load_face_model
from actionunits.synthesis.fit import Pose, fit_face, inter_ocular_px, lips_are_closed, lips_on_the_mouth_line

BLANK = np.full((300, 300, 3), 128, np.uint8)
OUTSIDE_THE_MOUTH = np.arange(60)


@pytest.fixture(scope="module")
def model(face_model_file: Path) -> FaceModel:
    return load_face_model(face_model_file)


def _points(
    model: FaceModel, turn: list[float], scale: float, identity: list[float]
) -> tuple[Pose, FloatArray]:
    rotation = Rotation.from_euler("yxz", turn, degrees=True).as_matrix().astype(np.float32)
    pose = Pose(rotation, scale, np.array([150, 140], np.float32))
    shape = model.neutral + np.tensordot(np.array(identity, np.float32), model.identity_delta, axes=1)
    return pose, pose.project(shape[model.landmarks])[0]


@settings(max_examples=15, deadline=None)
@given(st.floats(-15, 15), st.floats(-12, 12), st.floats(-15, 15), st.floats(5, 12), st.floats(-1.5, 1.5))
def test_pose_and_points_are_found_again(
    face_model_file: Path, yaw: float, pitch: float, roll: float, scale: float, longer: float
) -> None:
    model = load_face_model(face_model_file)
    pose, points = _points(model, [yaw, pitch, roll], scale, [0.0, longer])
    fitted = fit_face(BLANK, points, model)
    unit = inter_ocular_px(points)
    between = fitted.pose.rotation @ pose.rotation.T
    assert np.rad2deg(Rotation.from_matrix(between).magnitude()) < 3
    assert fitted.pose.scale == pytest.approx(scale, rel=0.06)
    error = np.abs(fitted.points - points)[OUTSIDE_THE_MOUTH].max()
    assert error < 0.01 * unit


def test_identity_is_found_in_part_and_the_warp_does_the_rest(model: FaceModel) -> None:
    _, points = _points(model, [0, 0, 0], 9.0, [-1.0, 1.0])
    fitted = fit_face(BLANK, points, model)
    assert fitted.identity[1] - fitted.identity[0] > 1
    uneven = points.copy()
    uneven[17:22] -= [0, 5]
    moved = fit_face(BLANK, uneven, model)
    np.testing.assert_allclose(moved.points[17:22], uneven[17:22], atol=0.4)
    far = np.argmin(model.neutral[:, 1])
    shift = moved.pose.project(moved.vertices[[far]])[0] - fitted.pose.project(fitted.vertices[[far]])[0]
    assert np.abs(shift).max() < 2.5


def test_projection_turns_y_down_and_keeps_near_large() -> None:
    pose = Pose(np.eye(3, dtype=np.float32), 2.0, np.array([10, 20], np.float32))
    xy, depth = pose.project(np.array([[1, 2, 3], [0, 0, 0]], np.float32))
    np.testing.assert_allclose(xy, [[12, 16], [10, 20]])
    np.testing.assert_allclose(depth, [6, 0])


def test_inner_lips_go_to_the_dark_line(model: FaceModel) -> None:
    _, points = _points(model, [0, 0, 8], 9.0, [0.0, 0.0])
    assert lips_are_closed(points)
    image = np.full((300, 300, 3), 150, np.uint8)
    along = (points[64] - points[60]) / np.linalg.norm(points[64] - points[60])
    below = np.array([-along[1], along[0]]) * 3.0
    start, end = points[60] + below - 6 * along, points[64] + below + 6 * along
    cv2.line(
        image, tuple(map(int, np.round(start * 16))), tuple(map(int, np.round(end * 16))),
        (70, 40, 40), 2, cv2.LINE_AA, 4,
    )  # fmt: skip
    found = lips_on_the_mouth_line(image, points)
    for index in range(60, 68):
        away = abs((found[index] - start) @ below) / 3.0
        assert away < 0.8, index
    np.testing.assert_array_equal(found[:60], points[:60])


def test_an_open_mouth_keeps_its_points(model: FaceModel) -> None:
    _, points = _points(model, [0, 0, 0], 9.0, [0.0, 0.0])
    opened = points.copy()
    opened[[65, 66, 67]] += [0, 9]
    opened[[55, 56, 57, 58, 59]] += [0, 9]
    assert not lips_are_closed(opened)
    fitted = fit_face(BLANK, opened, model)
    assert not fitted.closed_lips
    np.testing.assert_allclose(fitted.points[[57, 8, 33]], opened[[57, 8, 33]], atol=1.5)
