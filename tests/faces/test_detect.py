"""Detectors on a public-domain photograph at many sizes, and on pictures without a face."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from skimage import data

from actionunits.errors import UserError
from actionunits.faces.detect import HogDetector, ViolaJonesDetector, find_faces, make_detector, overlap
from actionunits.faces.landmarks import face_box_from, find_landmarks
from actionunits.faces.video import read_picture
from actionunits.records import Face

GREY = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)
FACE_BOX = np.array([179, 83, 266, 170], np.float32)


@pytest.fixture(scope="module", params=["hog", "viola-jones"])
def detector(request):
    return make_detector(request.param)


@pytest.mark.parametrize("factor", [0.75, 1.0, 1.6, 3.0])
def test_the_face_is_found_at_every_size(detector, factor):
    grey = cv2.resize(GREY, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    faces = find_faces(grey, detector)
    assert faces
    assert overlap(faces[0].box, FACE_BOX * factor) > 0.5
    checked = detector.check(grey, FACE_BOX * factor)
    assert checked is not None
    assert overlap(checked.box, FACE_BOX * factor) > 0.5
    assert detector.confidence(checked.score) > 0.8


def test_check_finds_a_face_that_moved_a_little_and_none_elsewhere(detector):
    moved = detector.check(GREY, FACE_BOX + 20)
    assert moved is not None
    assert overlap(moved.box, FACE_BOX) > 0.6
    assert detector.check(GREY, FACE_BOX + np.array([180, 0, 180, 0], np.float32)) is None
    assert detector.check(GREY, FACE_BOX - 3000) is None


def test_faces_come_by_falling_size():
    small = cv2.resize(GREY[:256, 100:356], None, fx=0.9, fy=0.9, interpolation=cv2.INTER_AREA)
    grey = np.full((560, 900), 128, np.uint8)
    grey[20 : 20 + small.shape[0], 20 : 20 + small.shape[1]] = small
    grey[20:532, 380:892] = GREY
    faces = HogDetector().find(grey)
    widths = [f.box[2] - f.box[0] for f in faces]
    assert len(faces) == 2
    assert widths == sorted(widths, reverse=True)
    assert faces[0].box[0] > 380


def test_least_size_leaves_out_the_small():
    detector = HogDetector()
    assert detector.find(GREY, least_px=80)
    assert not detector.find(GREY, least_px=200)


def test_small_faces_of_a_large_photograph_take_bounded_time():
    grey = np.random.default_rng(0).normal(120, 3, (3000, 4000)).clip(0, 255).astype(np.uint8)
    face = cv2.resize(GREY[40:230, 130:320], None, fx=2.4, fy=2.4)
    grey[1200 : 1200 + face.shape[0], 2000 : 2000 + face.shape[1]] = face
    start = time.process_time()
    faces = HogDetector().find(grey)
    assert time.process_time() - start < 2.0
    assert len(faces) == 1
    expected = (FACE_BOX - [130, 40, 130, 40]) * 2.4 + [2000, 1200, 2000, 1200]
    assert overlap(faces[0].box, expected.astype(np.float32)) > 0.5


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (39, 39), (40, 3000)])
def test_tiny_pictures_have_no_face(detector, shape):
    assert detector.find(np.zeros(shape, np.uint8)) == []
    detector.check(np.zeros(shape, np.uint8), FACE_BOX)


@pytest.mark.parametrize("name", ["brick", "grass", "coins", "moon", "page", "text", "clock"])
def test_no_face_where_there_is_none(name):
    assert HogDetector().find(np.ascontiguousarray(getattr(data, name)())) == []


def test_unknown_detector():
    with pytest.raises(UserError, match="unknown face detector 'hogg': did you mean 'hog'"):
        make_detector("hogg")
    assert isinstance(make_detector("viola-jones"), ViolaJonesDetector)


def test_points_lie_on_the_face():
    points = find_landmarks(GREY, HogDetector().find(GREY)[0], "dlib").points
    right_eye, left_eye, mouth = points[36:42].mean(0), points[42:48].mean(0), points[48:60].mean(0)
    np.testing.assert_allclose(right_eye, [203, 101], atol=3)  # read off the photograph
    np.testing.assert_allclose(left_eye, [247, 103], atol=3)
    np.testing.assert_allclose(mouth, [224, 145], atol=4)
    assert points[8][1] > mouth[1]


@pytest.mark.parametrize("factor", [0.7, 2.5])
def test_points_do_not_depend_on_the_size_or_place_of_the_picture(factor):
    face = HogDetector().find(GREY)[0]
    points = find_landmarks(GREY, face, "dlib").points
    matrix = np.array([[factor, 0, 7.4], [0, factor, 3.7]])
    moved = cv2.warpAffine(GREY, matrix, (1300, 1300), flags=cv2.INTER_AREA)
    box = (face.box.reshape(2, 2) @ matrix[:, :2].T + matrix[:, 2]).reshape(4).astype(np.float32)
    other = find_landmarks(moved, Face(box, 0.0), "dlib").points
    away = np.hypot(*(((other - matrix[:, 2]) / factor) - points).T)
    assert np.median(away) < 0.04 * 40  # of an inter-ocular distance of 40 px


def test_the_points_box_is_where_they_are_looked_for():
    """Looking again and again in the box of the last points must neither drift nor shrink."""
    face = HogDetector().find(GREY)[0]
    first = find_landmarks(GREY, face, "dlib")
    landmarks = first
    for _ in range(40):
        landmarks = find_landmarks(GREY, Face(face_box_from(landmarks), 0.0), "dlib")
    assert overlap(face_box_from(landmarks), face.box) > 0.75
    assert np.hypot(*(landmarks.points - first.points).T).mean() < 0.04 * 40


def test_a_face_at_the_border():
    cut = np.ascontiguousarray(GREY[:, 195:])
    box = FACE_BOX - np.array([195, 0, 195, 0], np.float32)
    points = find_landmarks(cut, Face(box, 0.0), "dlib").points
    np.testing.assert_allclose(points[42:48].mean(0), [247 - 195, 103], atol=6)  # the eye that is still there


@pytest.mark.shared
def test_real_pictures(shared_data):
    detector = HogDetector()
    folder = shared_data / "oddities"
    assert len(detector.find(read_picture(folder / "multi_face.jpg").grey)) >= 4
    assert len(detector.find(read_picture(folder / "Image_with_alpha.png").grey)) == 1
    assert detector.find(read_picture(folder / "free-mountain-vector-01.jpg").grey) == []
    portraits = sorted((shared_data / "faces" / "london").glob("*.jpg"))[::12]
    assert all(len(detector.find(read_picture(p).grey)) == 1 for p in portraits)


def test_dlibs_points_say_what_to_install_where_their_file_is_missing(monkeypatch):
    from actionunits.faces import finders
    from actionunits.faces import landmarks as module

    module._predictor.cache_clear()
    monkeypatch.setattr(finders.importlib.util, "find_spec", lambda name: None)
    face = HogDetector().find(GREY)[0]
    try:
        assert find_landmarks(GREY, face).points.shape == (68, 2), "the core's own need no extra"
        with pytest.raises(UserError, match=r"pip install 'actionunits\[dlib\]'"):
            find_landmarks(GREY, face, "dlib")
    finally:
        module._predictor.cache_clear()
