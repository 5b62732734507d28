"""Turned faces: points go with the skin, the near side hides the far one, nothing moves without a turn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actionunits.faces.detect import HogDetector
from actionunits.faces.landmarks import find_landmarks
from actionunits.synthesis.painting import paint_portrait
from actionunits.synthesis.turn import _seen_columns, turn_face


@pytest.fixture(scope="module")
def person():
    return paint_portrait(11, 260)


def test_no_turn_is_the_picture_itself(person) -> None:
    image, points = turn_face(person.image, person.landmarks.points, 0.0)
    np.testing.assert_array_equal(image, person.image)
    np.testing.assert_array_equal(points, person.landmarks.points)
    with pytest.raises(ValueError, match="up to 60 degrees"):
        turn_face(person.image, person.landmarks.points, 75)


@pytest.mark.parametrize("yaw_deg", [-30.0, 30.0])
def test_the_nose_goes_further_than_the_ears_and_the_far_half_narrows(person, yaw_deg: float) -> None:
    before = person.landmarks.points
    _, after = turn_face(person.image, before, yaw_deg)
    np.testing.assert_array_equal(after[:, 1], before[:, 1])
    went = (after[:, 0] - before[:, 0]) * np.sign(yaw_deg)
    assert went[30] > went[[0, 16]].max() + 10
    assert went[30] > went[27] > 0
    halves = [after[30, 0] - after[0, 0], after[16, 0] - after[30, 0]]
    near, far = halves if yaw_deg > 0 else halves[::-1]
    assert far < 0.6 * near


@pytest.mark.parametrize("yaw_deg", [-15.0, 15.0])
def test_dlib_finds_the_points_where_they_are_said_to_be(person, yaw_deg: float) -> None:
    image, points = turn_face(person.image, person.landmarks.points, yaw_deg)
    grey = image.mean(axis=2).astype(np.uint8)
    faces = HogDetector().find(grey)
    assert faces
    found = find_landmarks(grey, faces[0], "dlib").points
    unit = np.linalg.norm(points[36:42].mean(0) - points[42:48].mean(0))
    apart = np.linalg.norm(found[17:] - points[17:], axis=1) / unit
    assert np.median(apart) < 0.08


def test_a_mirrored_picture_turns_the_other_way(person) -> None:
    width = person.image.shape[1]
    flipped = person.landmarks.points.copy()
    flipped[:, 0] = width - 1 - flipped[:, 0]
    from actionunits.facs.points import MIRROR_68

    one, _ = turn_face(person.image, person.landmarks.points, 20.0)
    other, _ = turn_face(
        np.ascontiguousarray(person.image[:, ::-1]), np.ascontiguousarray(flipped[list(MIRROR_68)]), -20.0
    )
    assert np.abs(one[:, ::-1].astype(int) - other.astype(int)).mean() < 1.0


@settings(max_examples=40)
@given(st.lists(st.floats(-3, 3), min_size=4, max_size=30), st.booleans())
def test_what_is_seen_is_one_of_the_columns_that_fall_there(steps: list[float], right: bool) -> None:
    """A brute search finds the same: of the surface's crossings the first (turned right) or the last."""
    places = np.cumsum(np.array([steps]) + 0.5, axis=1)
    seen = _seen_columns(places, right)
    line = places[0]
    for x in range(len(line)):
        crossings = [
            i + (x - line[i]) / (line[i + 1] - line[i])
            for i in range(len(line) - 1)
            if line[i] != line[i + 1] and min(line[i], line[i + 1]) <= x <= max(line[i], line[i + 1])
        ]
        if crossings and line.min() < x < line.max() and line[0] < x < line[-1]:
            nearest = min(crossings) if right else max(crossings)
            assert abs(seen[0, x] - nearest) < 1  # at the edge of what is hidden, up to a column apart
