"""Alignment: eyes at fixed places, whatever the face's place, size and tilt."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actionunits.faces.align import (
    align,
    align_for,
    cut_box,
    eye_centres,
    inter_ocular_distance,
    to_crop,
    to_frame,
)
from actionunits.faces.detect import viola_jones_box
from actionunits.faces.landmarks import face_box_from
from actionunits.records import Crop, Frame, InputSpec, Landmarks

MEAN_FACE = np.random.default_rng(3).uniform(-1, 1, (68, 2))
MEAN_FACE[[36, 39, 42, 45]] = [[-0.7, 0.02], [-0.3, -0.02], [0.3, -0.02], [0.7, 0.02]]  # eye centres 1 apart


def face(x, y, distance, angle):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return Landmarks((MEAN_FACE * distance @ turn.T + [x, y]).astype(np.float32))


places = st.builds(
    face, st.floats(-50, 500), st.floats(-50, 400), st.floats(4, 400), st.floats(-np.pi, np.pi)
)
crops = st.tuples(st.integers(16, 200), st.floats(5, 120), st.floats(0.1, 0.9))


@settings(max_examples=60, deadline=None)
@given(places, crops)
def test_eyes_come_to_their_places(landmarks, shape):
    size, distance, line = shape
    crop = align(np.zeros((90, 120), np.uint8), landmarks, size, distance, line)
    eyes = to_crop(eye_centres(landmarks).astype(np.float32), crop)
    assert crop.image.shape == (size, size)
    np.testing.assert_allclose(eyes.mean(axis=0), [(size - 1) / 2, line * size], atol=0.02 * distance)
    np.testing.assert_allclose(eyes[1] - eyes[0], [distance, 0], atol=2e-3 * distance)
    aligned = Landmarks(to_crop(landmarks.points, crop))
    assert inter_ocular_distance(aligned) == pytest.approx(distance, rel=2e-3)


@settings(max_examples=40, deadline=None)
@given(places, crops)
def test_round_trip(landmarks, shape):
    crop = align(np.zeros((50, 50), np.uint8), landmarks, *shape)
    back = to_frame(to_crop(landmarks.points, crop), crop)
    np.testing.assert_allclose(back, landmarks.points, atol=0.01)


def dots(shape, points, radius):
    """A smooth dot at each place."""
    ys, xs = np.mgrid[: shape[0], : shape[1]]
    image = np.zeros(shape)
    for x, y in points:
        image = np.maximum(image, np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * radius**2)))
    return np.rint(image * 255).astype(np.uint8)


def centre_of(image, around, reach):
    x, y = np.rint(around).astype(int)
    part = image[y - reach : y + reach + 1, x - reach : x + reach + 1].astype(float)
    ys, xs = np.mgrid[y - reach : y + reach + 1, x - reach : x + reach + 1]
    return np.array([(xs * part).sum(), (ys * part).sum()]) / part.sum()


@pytest.mark.parametrize("distance", [25.0, 60.0, 90.0, 130.0, 300.0])
@pytest.mark.parametrize("angle", [0.0, 0.4, -2.0])
def test_pixels_lie_where_the_matrix_says(distance, angle):
    """Enlarged, as it is, and shrunk by the area filter: a dot on each eye is found on each eye's place."""
    landmarks = face(330.3, 270.7, distance, angle)
    eyes = eye_centres(landmarks)
    crop = align(dots((560, 640), eyes, distance / 10), landmarks, 100, 40.0)
    for eye in to_crop(eyes.astype(np.float32), crop):
        np.testing.assert_allclose(centre_of(crop.image, eye, 12), eye, atol=0.12)


def test_no_turn_when_the_face_is_already_in_place():
    image = np.random.default_rng(0).integers(0, 255, (100, 100, 3), np.uint8)
    crop = align(image, face(49.5, 32.0, 40.0, 0.0), 100, 40.0, 0.32)
    np.testing.assert_allclose(crop.to_frame, [[1, 0, 0], [0, 1, 0]], atol=1e-4)
    assert np.abs(crop.image.astype(int) - image).max() <= 1


def test_fine_detail_does_not_alias():
    stripes = np.tile(np.array([[0, 255], [255, 0]], np.uint8), (1000, 1000))
    crop = align(stripes, face(1000, 1000, 400.0, 0.1), 96, 40.0)
    assert crop.image.std() < 6
    assert crop.image.mean() == pytest.approx(127.5, abs=3)


def test_shrunk_crop_equals_the_crop_of_a_shrunk_picture():
    rng = np.random.default_rng(1)
    small = cv2.GaussianBlur(rng.integers(0, 255, (150, 200, 3), np.uint8), (0, 0), 2)
    large = cv2.resize(small, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    one = align(small, face(100, 75, 40.0, 0.2), 80, 40.0).image.astype(int)
    points = (face(100, 75, 40.0, 0.2).points + 0.5) * 8 - 0.5
    other = align(large, Landmarks(points.astype(np.float32)), 80, 40.0).image.astype(int)
    assert np.abs(one - other).mean() < 3


def test_beyond_the_picture_its_border_is_repeated():
    image = np.full((60, 60, 3), 90, np.uint8)
    for distance in (10.0, 300.0):
        crop = align(image, face(-400, 30, distance, 0.5), 64, 30.0)
        assert (crop.image == 90).all()


def test_same_place_for_both_eyes_is_an_error():
    with pytest.raises(ValueError, match="same place"):
        align(np.zeros((9, 9), np.uint8), Landmarks(np.zeros((68, 2), np.float32)), 64, 30.0)


@pytest.mark.parametrize("channels", [1, 3])
def test_align_for_obeys_the_spec(channels):
    image = np.random.default_rng(0).integers(0, 255, (100, 120, 3), np.uint8)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    mean = ((127.5,) * channels, (64.0,) * channels)
    spec = InputSpec((1, 2), 48, 20.0, eye_line=0.4, channels=channels, normalisation=mean)
    landmarks = face(60, 50, 30.0, 0.0)
    crop = align_for(spec, Frame(grey, 0, 0.0, image), landmarks)
    assert isinstance(crop, Crop)
    assert crop.image.shape == ((48, 48) if channels == 1 else (48, 48, 3))
    np.testing.assert_array_equal(
        crop.image, align(grey if channels == 1 else image, landmarks, 48, 20.0, 0.4).image
    )


@settings(max_examples=25)
@given(st.floats(20, 60), st.floats(10, 50), st.floats(30, 120), st.sampled_from([24, 48, 97]))
def test_a_box_is_cut_out_upright_and_its_pixels_are_where_the_matrix_says(
    left: float, top: float, side: float, size: int
) -> None:
    y, x = np.mgrid[:220, :240].astype(np.float32)
    picture = np.stack([x, y, 0 * x], axis=2).astype(np.uint8)  # a pixel's colour says where it is
    crop = cut_box(picture, np.float32([left, top, left + side, top + side]), size)
    scale = side / size
    first = side / 2 - scale * (size - 1) / 2
    wanted = np.array([[scale, 0, left + first], [0, scale, top + first]])
    assert crop.to_frame == pytest.approx(wanted, abs=1e-3)
    middle = crop.image[size // 2, size // 2, :2].astype(float)
    place = crop.to_frame[:, :2] @ np.full(2, size // 2) + crop.to_frame[:, 2]
    assert np.abs(middle - place).max() < 1.5


def test_a_model_of_boxes_gets_the_box_and_not_the_eyes() -> None:
    image = np.random.default_rng(0).integers(0, 255, (200, 200, 3)).astype(np.uint8)
    frame = Frame(np.ascontiguousarray(image[:, :, 0]), 0, 0.0, image)
    points = Landmarks(np.float32(np.random.default_rng(1).uniform(60, 140, (68, 2))))
    scale = ((0.0,) * 3, (1.0,) * 3)
    spec = InputSpec(aus=(), size_px=40, inter_ocular_px=10.0, channels=3, crop="box", normalisation=scale)
    box = np.float32([50, 60, 130, 140])
    np.testing.assert_array_equal(
        align_for(spec, frame, points, box).image, cut_box(image, viola_jones_box(box), 40).image
    )
    by_points = align_for(spec, frame, points).image
    np.testing.assert_array_equal(by_points, cut_box(image, viola_jones_box(face_box_from(points)), 40).image)
    with pytest.raises(ValueError, match="without width"):
        cut_box(image, np.float32([5, 5, 5, 9]), 40)
