"""A photograph that shows AUs: nothing moves without them, and what moves goes where the points say."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from actionunits.facs.motion import TEMPLATE_POINTS, displacement, lip_gap
from actionunits.facs.sets import DEFAULT_17
from actionunits.records import Expression, Landmarks, Portrait
from actionunits.synthesis.animate import PortraitAnimator

UNIT, CENTRE = 70.0, (170.0, 150.0)
SKIN, GREEN = (200, 160, 140), (0, 255, 0)


def rest_points(gap: float = 0.0) -> NDArray[np.float32]:
    points = (TEMPLATE_POINTS[:68] * UNIT + CENTRE).astype(np.float32)
    points[[65, 66, 67], 1] += gap * UNIT
    points[[55, 56, 57, 58, 59], 1] += gap * UNIT
    return points


def drawn(
    gap: float = 0.0, dots: tuple[int, ...] = (), inside: tuple[int, int, int] = (60, 20, 20)
) -> Portrait:
    """A plain face: skin, eyes with whites and a black iris, red lips, and green dots on some points."""
    points = rest_points(gap)
    image = np.full((360, 340, 3), 90, np.uint8)
    cv2.ellipse(image, (170, 190), (85, 130), 0, 0, 360, SKIN, -1)
    shape = points.round().astype(np.int32)
    for eye in (range(36, 42), range(42, 48)):
        mask = np.zeros(image.shape[:2], np.uint8)
        cv2.fillPoly(mask, [shape[list(eye)]], 255)
        image[mask > 0] = 250
        iris = np.zeros_like(mask)
        middle = points[list(eye)].mean(axis=0).round().astype(int)
        cv2.circle(iris, (int(middle[0]), int(middle[1])), 6, 255, -1)
        image[(mask > 0) & (iris > 0)] = 5
    cv2.fillPoly(image, [shape[48:60]], (190, 70, 70))
    if gap:
        cv2.fillPoly(image, [shape[60:68]], inside)
    for number in dots:
        x, y = points[number].round().astype(int)
        cv2.circle(image, (int(x), int(y)), 3, GREEN, -1)
    return Portrait(image, Landmarks(points), "drawn")


def centroid(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean(), rows.mean()])


def whites(image: NDArray[np.uint8]) -> int:
    return int((image[120:170].min(axis=2) > 175).sum())


def iris(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Of the eye on the picture's right."""
    part = image[135:160, 185:225]
    return centroid(part.max(axis=2) < 60)


@pytest.fixture(scope="module")
def animator() -> PortraitAnimator:
    return PortraitAnimator(drawn())


@pytest.mark.parametrize("aus", [{}, {12: 0.0, 4: 0.0}])
def test_neutral_is_the_photograph(animator: PortraitAnimator, aus: dict[int, float]) -> None:
    face = animator.show(Expression.both(aus))
    np.testing.assert_array_equal(face.image, animator.portrait.image)
    np.testing.assert_array_equal(face.points, animator.portrait.landmarks.points)
    face.image[:] = 0
    assert animator.portrait.image.any(), "a copy, not the portrait's own pixels"


@pytest.mark.parametrize("number", DEFAULT_17)
def test_each_au_changes_the_face_and_not_the_picture_around(animator: PortraitAnimator, number: int) -> None:
    face = animator.show(Expression.both({number: 5.0}))
    before = animator.portrait.image.astype(int)
    change = np.abs(face.image - before).max(axis=2)
    assert (face.image.dtype, face.image.shape) == (np.uint8, before.shape)
    assert (change > 12).sum() > 40
    np.testing.assert_array_equal(change[:2], 0)
    np.testing.assert_array_equal(change[:, :2], 0)


def test_points_follow_the_table_on_the_template_face(animator: PortraitAnimator) -> None:
    expression = Expression.both({1: 4.0, 4: 2.0, 12: 3.0, 26: 3.0})
    face = animator.show(expression)
    moved = face.points - animator.portrait.landmarks.points
    np.testing.assert_allclose(moved / UNIT, displacement(expression)[:68], atol=0.004)


@pytest.mark.parametrize(
    ("dot", "aus"),
    [
        (24, {2: 5.0}),
        (21, {4: 5.0}),
        (54, {12: 5.0}),
        (48, {15: 5.0}),
        (8, {26: 5.0}),
        (33, {9: 5.0}),
        (57, {17: 5.0}),
    ],
)
def test_skin_goes_where_the_points_go(dot: int, aus: dict[int, float]) -> None:
    face = PortraitAnimator(drawn(dots=(dot,))).show(Expression.both(aus), furrow_strength=0)
    green = (face.image[..., 1].astype(int) - face.image[..., 0]) > 90
    assert green.sum() >= 8
    assert np.hypot(*(centroid(green) - face.points[dot])) < 1.5
    assert np.hypot(*(face.points[dot] - rest_points()[dot])) > 3


def test_one_side_leaves_the_other_half(animator: PortraitAnimator) -> None:
    face = animator.show(Expression({2: 5.0, 6: 5.0, 7: 5.0}, {}))
    change = np.abs(face.image.astype(int) - animator.portrait.image).max(axis=2)
    assert (change[:, 190:] > 20).sum() > 200, "the subject's left is on the picture's right"
    assert (change[:, :145] > 15).sum() < 10


def test_lids_move_over_an_eyeball_that_stays(animator: PortraitAnimator) -> None:
    rest = whites(animator.portrait.image)
    assert whites(animator.show(Expression.both({}), blink=1.0).image) < 0.12 * rest
    assert whites(animator.show(Expression.both({}), blink=0.5).image) < 0.8 * rest
    assert whites(animator.show(Expression.both({7: 5.0}), furrow_strength=0).image) < 0.85 * rest
    wide = animator.show(Expression.both({5: 5.0})).image
    assert whites(wide) > 1.05 * rest
    assert abs(iris(wide)[0] - iris(animator.portrait.image)[0]) < 0.7


def test_blink_shuts_by_the_persons_own_lids() -> None:
    portrait = drawn()
    points = portrait.landmarks.points.copy()
    points[[37, 38, 43, 44], 1] -= 4  # larger eyes than the template's
    face = PortraitAnimator(Portrait(portrait.image, Landmarks(points), "x")).show(Expression.both({45: 5.0}))
    np.testing.assert_allclose(face.points[[37, 38, 43, 44]], face.points[[41, 40, 47, 46]], atol=1.5)


def test_gaze_turns_the_eyes(animator: PortraitAnimator) -> None:
    rest = iris(animator.portrait.image)
    assert iris(animator.show(Expression.both({}), gaze=(0.6, 0.0)).image)[0] > rest[0] + 1.5
    assert iris(animator.show(Expression.both({62: 5.0})).image)[0] < rest[0] - 1.5
    up, down = (animator.show(Expression.both({}), gaze=(0.0, y)) for y in (1.0, -1.0))
    assert up.points[43, 1] < rest_points()[43, 1] < down.points[43, 1], "the lids follow"


def test_mouth_opens_dark_with_teeth_above(animator: PortraitAnimator) -> None:
    face = animator.show(Expression.both({26: 5.0}))
    middle = face.points[[62, 66]].mean(axis=0).round().astype(int)
    assert lip_gap(face.points) > 0.2
    assert face.image[middle[1], middle[0]].max() < 90
    smile = animator.show(Expression.both({12: 4.0, 25: 4.0}))
    x, y = smile.points[62].round().astype(int)
    teeth = smile.image[y + 4 : y + 8, x - 4 : x + 5].reshape(-1, 3).mean(axis=0)
    assert teeth.min() > 110, "teeth are pale"


def test_open_mouth_keeps_its_inside_and_can_close() -> None:
    portrait = drawn(gap=0.12, inside=(20, 20, 230))
    animator = PortraitAnimator(portrait)

    def blue(image: NDArray[np.uint8]) -> int:
        return int((image[..., 2].astype(int) - image[..., 0] > 100).sum())

    rest = blue(portrait.image)
    opened = animator.show(Expression.both({26: 4.0}))
    assert 0.7 * rest < blue(opened.image) < 1.5 * rest, "shown as it is, neither hidden nor stretched"
    assert lip_gap(opened.points) > lip_gap(portrait.landmarks.points) + 0.1
    pressed = animator.show(Expression.both({24: 5.0}))
    assert lip_gap(pressed.points) < 0.02
    assert blue(pressed.image) < 0.3 * rest


def test_a_persons_furrows_stay(animator: PortraitAnimator) -> None:
    frown = Expression.both({4: 5.0, 12: 4.0})
    first = animator.show(frown).image
    np.testing.assert_array_equal(first, PortraitAnimator(drawn()).show(frown).image)
    assert np.any(first != PortraitAnimator(drawn(), seed=5).show(frown).image)
    assert np.any(first != animator.show(frown, furrow_strength=0.0).image)


def test_face_at_the_pictures_edge() -> None:
    portrait = drawn()
    image = np.ascontiguousarray(portrait.image[60:300, 80:260])
    points = (portrait.landmarks.points - (80, 60)).astype(np.float32)
    face = PortraitAnimator(Portrait(image, Landmarks(points), "tight")).show(
        Expression.both({27: 5.0, 12: 5.0})
    )
    assert face.image.shape == image.shape
    np.testing.assert_array_equal(face.image[0], image[0])


@pytest.mark.shared
def test_landmarks_found_on_the_animated_photograph_agree(shared_data: Path) -> None:
    """The points that the animator gives are those that a detector finds."""
    from actionunits.faces.detect import HogDetector
    from actionunits.faces.landmarks import find_landmarks

    detector, errors = HogDetector(), []
    for path in sorted((shared_data / "faces" / "london").glob("*_neutral.jpg"))[:4]:
        image = np.asarray(cv2.imread(str(path))[..., ::-1], np.uint8).copy()
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        landmarks = find_landmarks(grey, detector.find(grey)[0], "dlib")
        animator = PortraitAnimator(Portrait(image, landmarks, path.stem))
        for aus in (
            {1: 4.0, 2: 4.0, 5: 3.0},
            {6: 3.0, 12: 4.0, 25: 3.0},
            {26: 4.0},
            {4: 4.0, 15: 4.0, 17: 3.0},
        ):
            face = animator.show(Expression.both(aus))
            seen = cv2.cvtColor(face.image, cv2.COLOR_RGB2GRAY)
            found = find_landmarks(seen, detector.find(seen)[0], "dlib").points
            unit = np.hypot(*(landmarks.points[[36, 39]].mean(0) - landmarks.points[[42, 45]].mean(0)))
            errors.append(np.hypot(*(found - face.points)[17:].T).mean() / unit)
    assert np.mean(errors) < 0.05
    assert max(errors) < 0.09
