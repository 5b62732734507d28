"""The points of our own on a public-domain photograph."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from actionunits.errors import UserError
from actionunits.faces.align import inter_ocular_distance
from actionunits.faces.detect import HogDetector, overlap
from actionunits.faces.landmarks import face_box_from, find_landmarks, load_landmarks
from actionunits.faces.point_network import PointNetwork, own_network
from actionunits.facs.points import MIRROR_68
from actionunits.records import Face

GREY = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)


@pytest.fixture(scope="module")
def face():
    return HogDetector().find(GREY)[0]


@pytest.fixture(scope="module")
def points(face):
    return find_landmarks(GREY, face, "own")


def test_they_are_near_those_of_dlib(face, points):
    other = find_landmarks(GREY, face, "dlib")
    away = np.linalg.norm(points.points - other.points, axis=1) / inter_ocular_distance(other)
    assert away[17:].mean() < 0.06
    assert overlap(face_box_from(points), face.box) > 0.7


def test_they_move_and_grow_with_the_picture(face, points):
    moved = np.roll(GREY, (9, -14), (0, 1))
    shift = np.array([-14, 9], np.float32)
    found = find_landmarks(moved, Face(face.box + np.tile(shift, 2), 0.0), "own").points
    np.testing.assert_allclose(found, points.points + shift, atol=0.02)
    large = cv2.resize(GREY, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    found = (find_landmarks(large, Face(face.box * 2 + 0.5, 0.0), "own").points + 0.5) / 2 - 0.5
    assert np.abs(found - points.points).max() < 0.05 * inter_ocular_distance(points)


def test_a_mirrored_face_has_mirrored_points(face, points):
    left, top, right, bottom = face.box
    last = GREY.shape[1] - 1
    box = np.array([last - right, top, last - left, bottom], np.float32)
    found = find_landmarks(np.ascontiguousarray(GREY[:, ::-1]), Face(box, 0.0), "own").points
    back = found[list(MIRROR_68)] * [-1, 1] + [last, 0]
    off = np.linalg.norm(back - points.points, axis=1) / inter_ocular_distance(points)
    assert off.mean() < 0.04


def test_following_by_the_points_stays(face, points):
    found = points
    for _ in range(10):
        found = find_landmarks(GREY, Face(face_box_from(found), 0.0), "own")
    off = np.linalg.norm(found.points - points.points, axis=1) / inter_ocular_distance(points)
    assert off.mean() < 0.05


def test_a_face_at_the_border_is_placed(face):
    left, top = face.box[:2].astype(int)
    cut = np.ascontiguousarray(GREY[top + 15 :, left + 15 :])
    found = find_landmarks(cut, Face(face.box - np.float32([left + 15, top + 15] * 2), 0.0), "own").points
    assert np.isfinite(found).all()
    assert found.shape == (68, 2)


def test_the_shipped_file_is_small_and_read_once():
    load_landmarks("own")
    assert own_network() is own_network()
    assert "version" in own_network().note


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(UserError, match="no point network at"):
        PointNetwork(tmp_path / "none.onnx")
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"\x08\x08" + bytes(range(200)))
    with pytest.raises(UserError, match="cannot be read"):
        PointNetwork(damaged)
    from importlib import resources

    with resources.as_file(resources.files("actionunits") / "weights" / "default.onnx") as other:
        with pytest.raises(UserError, match="not a point network"):
            PointNetwork(other)


def test_an_unknown_finder_lists_the_known(face):
    with pytest.raises(UserError, match="dlib, own"):
        find_landmarks(GREY, face, "mine")
