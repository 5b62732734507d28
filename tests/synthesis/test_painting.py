"""Painted portraits: found by dlib, true points, distinct people, the same each time."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.faces.detect import HogDetector
from actionunits.faces.landmarks import find_landmarks
from actionunits.records import Portrait
from actionunits.synthesis.canvas import Canvas
from actionunits.synthesis.identity import random_identity
from actionunits.synthesis.painting import PaintedPeople, paint_portrait
from actionunits.synthesis.relief import StudioLight, face_relief, shade

SEEDS = range(1000, 1024)


@pytest.fixture(scope="module")
def people() -> list[Portrait]:
    return [paint_portrait(seed) for seed in SEEDS]


def test_dlib_finds_them_where_they_are(people: list[Portrait]) -> None:
    detector = HogDetector()
    errors = []
    for portrait in people:
        grey = cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY)
        faces = detector.find(grey)
        if len(faces) == 1:
            true = portrait.landmarks.points
            found = find_landmarks(grey, faces[0], "dlib").points
            unit = np.hypot(*(true[[42, 45]].mean(axis=0) - true[[36, 39]].mean(axis=0)))
            errors.append(np.linalg.norm(found - true, axis=1) / unit)
    assert len(errors) >= 0.95 * len(people)
    assert np.mean(errors) < 0.065
    assert np.mean(np.array(errors)[:, 36:48]) < 0.045, "eyes"


def test_the_same_seed_paints_the_same_and_another_does_not(people: list[Portrait]) -> None:
    again = paint_portrait(SEEDS[0])
    np.testing.assert_array_equal(again.image, people[0].image)
    np.testing.assert_array_equal(again.landmarks.points, people[0].landmarks.points)
    assert len({portrait.image.tobytes() for portrait in people}) == len(people)
    assert len({portrait.subject for portrait in people}) == len(people)


def test_a_larger_picture_is_of_the_same_person() -> None:
    small, large = paint_portrait(5, 200), paint_portrait(5, 400)
    np.testing.assert_allclose((small.landmarks.points + 0.5) * 2 - 0.5, large.landmarks.points, atol=0.5)
    shrunk = cv2.resize(large.image, (200, 200), interpolation=cv2.INTER_AREA).astype(float)
    assert np.abs(shrunk - small.image).mean() < 12


def test_skin_spans_the_human_range(people: list[Portrait]) -> None:
    def cheek(portrait: Portrait) -> float:
        x, y = ((portrait.landmarks.points[2] + portrait.landmarks.points[31]) / 2).astype(int)
        return float(portrait.image[y - 3 : y + 4, x - 3 : x + 4].mean())

    tones = sorted(map(cheek, people))
    assert tones[0] < 70
    assert tones[-1] > 170


def test_proportions_vary_like_people() -> None:
    shapes = np.array([random_identity(np.random.default_rng(seed)).points for seed in range(300)])
    spread = shapes.std(axis=0)
    assert 0.03 < spread[:17].mean() < 0.09
    assert 0.02 < spread[48:68].mean() < 0.08
    eyes = shapes[:, [36, 39]].mean(axis=1), shapes[:, [42, 45]].mean(axis=1)
    np.testing.assert_allclose(np.linalg.norm(eyes[1] - eyes[0], axis=1), 1.0, atol=1e-9)
    assert (shapes[:, 41, 1] > shapes[:, 37, 1]).all(), "eyes are open"
    assert (shapes[:, 57, 1] > shapes[:, 66, 1]).all(), "lips have a height"


def test_light_from_the_left_lights_the_left() -> None:
    who = random_identity(np.random.default_rng(3))
    canvas = Canvas(200, 40.0, (100.0, 92.0), 0.0)
    height = face_relief(who, canvas)

    def brightness(x: float) -> NDArray[np.float32]:
        direction = np.array([x, 0.0, 0.8]) / np.hypot(x, 0.8)
        light = StudioLight(direction, np.ones(3), np.full(3, 0.3), 1.0)
        return shade(height, light, canvas).diffuse[..., 1]

    from_left, from_right = brightness(-0.6), brightness(0.6)
    cheek_left, cheek_right = (slice(105, 125), slice(65, 75)), (slice(105, 125), slice(125, 135))
    assert from_left[cheek_left].mean() > 1.3 * from_left[cheek_right].mean()
    assert from_right[cheek_right].mean() > 1.3 * from_right[cheek_left].mean()


def test_the_nose_stands_out_and_the_sockets_lie_deep() -> None:
    who = random_identity(np.random.default_rng(3))
    height = face_relief(who, Canvas(400, 100.0, (200.0, 200.0), 0.0))

    def at(x: float, y: float) -> float:
        return float(height[round((200 + 100 * y) / 2), round((200 + 100 * x) / 2)])

    tip = who.points[30]
    assert at(*tip) > at(0.35, tip[1]) + 0.1
    assert at(*tip) > at(0.0, -0.05) + 0.1
    assert at(0.0, -0.05) > at(0.3, -0.05) + 0.03


def test_a_window_shows_the_same_points() -> None:
    canvas = Canvas(300, 60.0, (150.0, 140.0), 0.05)
    points = np.array([[0.3, 0.1], [0.8, 0.4]])
    part, (rows, columns) = canvas.window(points, 0.1)
    offset = [columns.start, rows.start]
    np.testing.assert_allclose(part.to_px(points) + offset, canvas.to_px(points))
    x, y = canvas.grid()
    part_x, part_y = part.grid()
    np.testing.assert_allclose(part_x, x[rows, columns], atol=1e-5)
    np.testing.assert_allclose(part_y, y[rows, columns], atol=1e-5)


def test_people_are_painted_when_asked_for() -> None:
    people = PaintedPeople(1_000_000, first_seed=8, size_px=200)
    assert len(people) == 1_000_000
    assert [face.subject for face in people[1:3]] == ["painted-9", "painted-10"]
    with pytest.raises(IndexError):
        people[1_000_000]


def test_too_small_a_picture_is_a_user_error() -> None:
    with pytest.raises(UserError, match="at least 200 px, got 64"):
        paint_portrait(1, 64)
