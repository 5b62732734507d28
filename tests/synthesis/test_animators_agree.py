"""The 2-D and the 3-D way mean the same by an expression: its sides, and where the eyes and the jaw go."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from actionunits.records import Expression
from actionunits.synthesis.animate import PortraitAnimator
from actionunits.synthesis.clip import Animator
from actionunits.synthesis.face_model import load_face_model
from actionunits.synthesis.model_animator import ModelAnimator
from actionunits.synthesis.portraits import read_portrait

pytestmark = pytest.mark.shared

NEUTRAL = Expression.both({})
LEFT_EYE = slice(42, 48)


@pytest.fixture(scope="module")
def animators(shared_data: Path) -> tuple[Animator, Animator]:
    """One person's, 2-D and 3-D."""
    path = sorted((shared_data / "faces" / "london").glob("*_neutral.jpg"))[0]
    # dlib's lids lie closer to this eye: less lash among what is dark
    portrait = read_portrait(path, landmarks="dlib")
    model = load_face_model(shared_data / "face_model" / "ict_facekit_light.npz")
    return PortraitAnimator(portrait), ModelAnimator(portrait, model)


def moved(animator: Animator, expression: Expression) -> NDArray[np.float64]:
    """f64[68,2], how far the points go, px."""
    return np.asarray(animator.show(expression).points - animator.show(NEUTRAL).points, np.float64)


def dark_part_of_the_eye(
    animator: Animator, expression: Expression, gaze: tuple[float, float]
) -> NDArray[np.float64]:
    """f64[2], the middle of what is dark where the subject's left eye is at rest: the iris."""
    rest = animator.show(NEUTRAL).points[LEFT_EYE]
    grey = cv2.cvtColor(animator.show(expression, gaze=gaze).image, cv2.COLOR_RGB2GRAY)
    inside = cv2.fillConvexPoly(np.zeros(grey.shape, np.uint8), rest.round().astype(np.int32), 1) > 0
    rows, columns = np.nonzero(inside)
    weight = np.clip(np.percentile(grey[inside], 60) - grey[inside].astype(float), 0, None)
    return np.average(np.column_stack([columns, rows]), axis=0, weights=weight)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({2: 5.0}, {}),
        ({}, {2: 5.0}),
        ({12: 5.0}, {}),
        ({}, {15: 5.0}),
        ({4: 5.0}, {4: 5.0}),
        ({9: 5.0}, {9: 5.0}),
        ({26: 5.0}, {26: 5.0}),
        ({30: 5.0}, {}),
        ({}, {30: 5.0}),
        ({45: 5.0}, {}),
    ],
)
def test_the_points_go_the_same_way(
    animators: tuple[Animator, Animator], left: dict[int, float], right: dict[int, float]
) -> None:
    flat, solid = (moved(animator, Expression(left, right)) for animator in animators)
    alike = (flat * solid).sum() / (np.linalg.norm(flat) * np.linalg.norm(solid))
    assert alike > 0.6


@pytest.mark.parametrize(("au", "sideways"), [(61, 1.0), (62, -1.0)])
def test_the_eyes_turn_the_same_way(animators: tuple[Animator, Animator], au: int, sideways: float) -> None:
    for animator in animators:
        rest = dark_part_of_the_eye(animator, NEUTRAL, (0.0, 0.0))
        by_au = dark_part_of_the_eye(animator, Expression.both({au: 5.0}), (0.0, 0.0))
        asked_for = dark_part_of_the_eye(animator, NEUTRAL, (sideways, 0.0))
        assert sideways * (by_au - rest)[0] > 2, "the subject's left is on the picture's right"
        np.testing.assert_allclose(by_au, asked_for, atol=0.1)


@pytest.mark.parametrize(("au", "up"), [(63, 1.0), (64, -1.0)])
def test_the_upper_lids_follow_the_eyes_the_same_way(
    animators: tuple[Animator, Animator], au: int, up: float
) -> None:
    upper = [37, 38, 43, 44]
    for animator in animators:
        by_au = animator.show(Expression.both({au: 5.0})).points
        asked_for = animator.show(NEUTRAL, gaze=(0.0, up)).points
        assert (up * (animator.show(NEUTRAL).points - by_au)[upper, 1] > 0.5).all()
        np.testing.assert_allclose(by_au, asked_for, atol=0.01)
