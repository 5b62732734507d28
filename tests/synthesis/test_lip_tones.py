"""Lips of other tones: the lips alone, softly, and as drawn."""

from __future__ import annotations

import numpy as np
import pytest

from actionunits.synthesis.lip_tones import toned_lips, with_random_lip_tones
from actionunits.synthesis.painting import paint_portrait


@pytest.fixture(scope="module")
def portrait():
    return paint_portrait(3, 240)


def _at(points, *numbers):
    x, y = np.rint(points[list(numbers)].mean(axis=0)).astype(int)
    return y, x


def test_each_lip_has_its_own_tone(portrait):
    image, points = portrait.image, portrait.landmarks.points
    upper, lower = _at(points, 51, 62), _at(points, 57, 66)
    toned = toned_lips(image, points, 0.6, 1.2)
    assert toned[upper].mean() < 0.85 * image[upper].mean()
    assert toned[lower].mean() > 1.05 * image[lower].mean()
    darker = toned_lips(image, points, 1.0, 0.6)
    assert darker[lower].mean() < 0.85 * image[lower].mean()


def test_the_rest_of_the_face_stays_byte_for_byte(portrait):
    image, points = portrait.image, portrait.landmarks.points
    changed = (toned_lips(image, points, 0.5, 1.3) != image).any(axis=2)
    rows, columns = np.nonzero(changed)
    mouth, room = points[48:], 0.2 * np.linalg.norm(points[45] - points[36])
    assert changed.any()
    assert (rows > mouth[:, 1].min() - room).all()
    assert (rows < mouth[:, 1].max() + room).all()
    assert (columns > mouth[:, 0].min() - room).all()
    assert (columns < mouth[:, 0].max() + room).all()


def test_tones_of_one_change_nothing_and_the_given_picture_stays(portrait):
    image, points = portrait.image, portrait.landmarks.points
    before = image.copy()
    np.testing.assert_array_equal(toned_lips(image, points, 1.0, 1.0), before)
    toned_lips(image, points, 0.5, 0.5)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("crossed", [0.0, 0.02, 0.04])
def test_where_lips_meet_or_cross_no_tone_is_added_to_the_other(crossed):
    image, points = np.full((240, 240, 3), 100, np.uint8), paint_portrait(3, 240).landmarks.points.copy()
    across = np.linalg.norm(points[42:48].mean(axis=0) - points[36:42].mean(axis=0))
    for above, below in ((61, 67), (62, 66), (63, 65)):
        points[above, 1] = points[below, 1] = (points[above, 1] + points[below, 1]) / 2
        points[above, 1] += crossed / 2 * across
        points[below, 1] -= crossed / 2 * across
    assert toned_lips(image, points, 0.5, 0.5).min() >= 50
    assert toned_lips(image, points, 1.3, 1.3).max() <= 130


def test_the_inside_of_an_open_mouth_stays():
    image, points = np.full((240, 240, 3), 100, np.uint8), paint_portrait(3, 240).landmarks.points.copy()
    across = np.linalg.norm(points[42:48].mean(axis=0) - points[36:42].mean(axis=0))
    points[65:68, 1] += 0.3 * across
    points[55:60, 1] += 0.3 * across
    middle = np.rint(points[[62, 66]].mean(axis=0)).astype(int)
    toned = toned_lips(image, points, 0.5, 1.3)
    assert (toned[middle[1] - 2 : middle[1] + 3, middle[0]] == 100).all()


def test_lips_beyond_the_picture(portrait):
    image, points = portrait.image, portrait.landmarks.points
    away = points + np.float32([0, image.shape[0]])
    np.testing.assert_array_equal(toned_lips(image, away, 0.5, 0.5), image)
    half = points + np.float32([0, image.shape[0] - points[62, 1]])
    assert toned_lips(image, half, 0.5, 0.5).shape == image.shape


def test_the_same_seed_draws_the_same_tones(portrait):
    image, points = portrait.image, portrait.landmarks.points
    one, again, other = (
        with_random_lip_tones(image, points, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
