"""Openings of the face as curves, and the inside of the mouth."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actionunits.facs.motion import TEMPLATE_POINTS, face_frame
from actionunits.synthesis.mouth import Mouth, mouth_opening
from actionunits.synthesis.openings import Opening

POINTS = TEMPLATE_POINTS[:68] * 80.0 + (170, 100)
AXES = face_frame(POINTS)[1]


def picture(white: int = 230) -> np.ndarray:
    image = np.full((300, 340, 3), (190, 150, 130), np.uint8)
    for eye in (range(36, 42), range(42, 48)):
        cv2.fillPoly(image, [POINTS[list(eye)].round().astype(np.int32)], (white, white, white))
    return image


def opened(jaw: float, lift: float = 0.0) -> np.ndarray:
    points = POINTS.copy()
    points[[61, 62, 63], 1] -= lift * 80
    points[[65, 66, 67], 1] += jaw * 80
    return points


@given(
    st.floats(-0.5, 0.5),
    st.lists(st.floats(-25, 0), min_size=3, max_size=3),
    st.lists(st.floats(0, 40), min_size=3, max_size=3),
)
def test_edges_meet_their_points(tilt: float, above: list[float], below: list[float]) -> None:
    along, down = np.array([np.cos(tilt), np.sin(tilt)]), np.array([-np.sin(tilt), np.cos(tilt)])
    start = np.array([30.0, 40.0])
    at = np.array([0.3, 0.5, 0.7])[:, None] * 60 * along
    upper = start + at + np.array(above)[:, None] * down
    lower = start + at + np.array(below)[:, None] * down
    opening = Opening.through(np.stack([start, start + 60 * along]), upper, lower)
    for points, which in ((upper, opening.upper), (lower, opening.lower)):
        u, v = opening.place(points[:, 0], points[:, 1])
        np.testing.assert_allclose(opening.edge(which, u), v, atol=1e-4)
    assert opening.edge(opening.upper, np.array([0.0, 1.0, -0.4, 1.7])) == pytest.approx(0)


def test_cover_is_the_area_between_the_edges() -> None:
    corners = np.array([[10.0, 50.0], [90.0, 50.0]])
    opening = Opening.through(corners, np.array([[50.0, 40.0]]), np.array([[50.0, 65.0]]))
    y, x = np.mgrid[0:100, 0:100].astype(np.float32)
    cover = opening.cover(*opening.place(x, y))
    assert cover.sum() == pytest.approx(2 / 3 * 80 * 25, rel=0.02)  # two parabolas
    assert [cover[52, 50], cover[35, 50], cover[50, 5]] == [1, 0, 0]
    shut = Opening.through(corners, np.array([[50.0, 45.0]]), np.array([[50.0, 45.0]]))
    assert shut.cover(*shut.place(x, y)).max() == 0


def draw(points: np.ndarray, jaw: float, white: int = 230) -> np.ndarray:
    image = picture(white)
    mouth = Mouth.fit(image, POINTS, AXES)
    canvas = image.copy()
    mouth.draw(canvas, image, mouth_opening(points), np.array([0.0, jaw * 80]))
    return canvas


def column(canvas: np.ndarray) -> np.ndarray:
    """Brightness down a front tooth's middle."""
    return canvas[:, 175].astype(float).mean(axis=1)


def test_a_shut_mouth_shows_nothing() -> None:
    points = POINTS.copy()
    points[[65, 66, 67]] = points[[63, 62, 61]]
    np.testing.assert_array_equal(draw(points, 0.0), picture())


def test_teeth_stay_on_the_skull_and_the_cavity_is_dark() -> None:
    little, wide = (column(draw(opened(jaw, 0.08), jaw)) for jaw in (0.15, 0.30))
    rows = np.arange(len(little))
    lips = int(POINTS[62, 1])
    tooth = slice(lips - 2, lips + 2)
    assert min(little[tooth].min(), wide[tooth].min()) > 90
    np.testing.assert_allclose(little[tooth], wide[tooth], atol=12)
    inside = (rows > lips + 8) & (rows < lips + 0.12 * 80)
    assert wide[inside].min() < 70


def test_lower_teeth_go_with_the_jaw() -> None:
    mouth = Mouth.fit(picture(), POINTS, AXES)
    wide = opened(0.5, 0.1)
    tops = []
    for jaw in (0.1, 0.2):
        canvas = picture()
        mouth.draw(canvas, picture(), mouth_opening(wide), np.array([0.0, jaw * 80]))
        below = column(canvas)[int(POINTS[62, 1]) + 8 : int(POINTS[62, 1] + 0.42 * 80)]
        tops.append(int(np.argmax(np.diff(below))))
    assert tops[1] - tops[0] == pytest.approx(8, abs=2)


def test_teeth_take_the_pictures_light() -> None:
    bright, dim = (column(draw(opened(0.1, 0.1), 0.05, white)) for white in (230, 120))
    lips = int(POINTS[62, 1])
    assert bright[lips - 2 : lips + 2].mean() > dim[lips - 2 : lips + 2].mean() + 15
