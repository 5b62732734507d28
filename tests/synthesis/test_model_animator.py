"""The model animator on a small formula head; on the development material also with the real model."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from actionunits.faces.detect import HogDetector
from actionunits.faces.landmarks import find_landmarks
from actionunits.facs.sets import DEFAULT_17
from actionunits.records import Expression, FloatArray, Landmarks, Portrait
from actionunits.synthesis.face_model import FaceModel, load_face_model
from actionunits.synthesis.fit import inter_ocular_px
from actionunits.synthesis.light import Light, Normals
from actionunits.synthesis.model_animator import ModelAnimator
from actionunits.synthesis.portraits import read_portrait
from actionunits.synthesis.render import MouthLook

NEUTRAL = Expression.both({})


@pytest.fixture(scope="module")
def animator(face_model_file: Path) -> ModelAnimator:
    """A noise picture as the photograph of the formula head."""
    model = load_face_model(face_model_file)
    noise = np.random.default_rng(5).uniform(0, 255, (260, 240, 3)).astype(np.float32)
    image = cv2.GaussianBlur(noise, (0, 0), 4)
    image = np.clip((image - 127) * 5 + 127, 0, 255).astype(np.uint8)
    points = model.neutral[model.landmarks][:, :2] * [9, -9] + [120, 125]
    return ModelAnimator(Portrait(image, Landmarks(points.astype(np.float32)), "formula"), model)


def test_neutral_is_the_photograph(animator: ModelAnimator) -> None:
    face = animator.show(NEUTRAL)
    difference = np.abs(face.image.astype(float) - animator.portrait.image)
    assert difference.mean() < 0.3
    np.testing.assert_allclose(face.points[:60], animator.portrait.landmarks.points[:60], atol=0.5)


def test_points_and_pixels_go_where_the_shape_says(animator: ModelAnimator) -> None:
    rest, smile = (
        animator.show(NEUTRAL),
        animator.show(Expression(left={12: 5.0}, right={}), furrow_strength=0),
    )
    move = smile.points - rest.points
    np.testing.assert_allclose(move[54], np.array([0.6, -0.8]) * 9, atol=1.5)
    np.testing.assert_allclose(move[[48, 36, 8]], 0, atol=0.3)
    # What lay at the mouth's corner in the photograph lies at its new place.
    old, new = np.round(rest.points[54]).astype(int), np.round(smile.points[54]).astype(int)
    before = rest.image[old[1] - 2 : old[1] + 3, old[0] - 2 : old[0] + 3].astype(float)
    after = smile.image[new[1] - 2 : new[1] + 3, new[0] - 2 : new[0] + 3].astype(float)
    stayed = smile.image[old[1] - 2 : old[1] + 3, old[0] - 2 : old[0] + 3].astype(float)
    assert np.abs(after - before).mean() < 0.5 * np.abs(stayed - before).mean()


def test_the_window_sets_size_and_scale(animator: ModelAnimator) -> None:
    for size, window in ((160, 3.2), (90, 4.5)):
        face = animator.show(NEUTRAL, size_px=size, window=window)
        assert face.image.shape == (size, size, 3)
        assert inter_ocular_px(face.points) == pytest.approx(size / window, rel=0.01)
        middle = (face.points.min(0) + face.points.max(0)) / 2
        np.testing.assert_allclose(middle, [size / 2, size * 0.56], atol=2)


def test_turns_have_the_documented_direction(animator: ModelAnimator) -> None:
    def nose(**turn: float) -> FloatArray:
        points = animator.show(NEUTRAL, **turn).points
        return np.asarray(points[30] - points[[36, 45]].mean(0))

    rest = nose()
    assert nose(yaw_deg=15)[0] > rest[0] + 3
    assert nose(pitch_deg=15)[1] < rest[1] - 3
    tilted = animator.show(NEUTRAL, roll_deg=20).points
    slope = tilted[45] - tilted[36]
    assert np.rad2deg(np.arctan2(slope[1], slope[0])) == pytest.approx(20, abs=1)


def test_light_from_one_side_brightens_that_side(animator: ModelAnimator) -> None:
    plain = animator.show(NEUTRAL).image.astype(float)
    lit = animator.show(NEUTRAL, light=Light((1.0, 0.2, 0.4), 0.4)).image.astype(float)
    left_cheek, right_cheek = (slice(115, 150), slice(145, 170)), (slice(115, 150), slice(70, 95))
    gain = [lit[side].mean() / plain[side].mean() for side in (left_cheek, right_cheek)]
    assert gain[0] > 1.15 * gain[1]


def test_another_shape_is_another_face(animator: ModelAnimator) -> None:
    rest = animator.show(NEUTRAL).points
    longer = animator.show(NEUTRAL, shape_change=np.array([0, 2], np.float32)).points
    assert np.ptp(longer[:, 1]) > 1.05 * np.ptp(rest[:, 1])
    np.testing.assert_allclose(np.ptp(longer[:, 0]), np.ptp(rest[:, 0]), atol=1)


def test_the_same_call_gives_the_same_picture(animator: ModelAnimator) -> None:
    first, second = (animator.show(Expression.both({12: 3.0}), yaw_deg=5, size_px=120) for _ in range(2))
    np.testing.assert_array_equal(first.image, second.image)


def test_a_light_without_direction_is_refused() -> None:
    with pytest.raises(ValueError, match="a light needs"):
        Light((0, 0, 0))


def test_normals_of_a_sphere_point_outwards() -> None:
    u, v = np.meshgrid(np.linspace(-1, 1, 21), np.linspace(-1, 1, 21))
    place = np.stack([u, v, np.sqrt(4 - u**2 - v**2)], -1).reshape(-1, 3).astype(np.float32)
    number = np.arange(441, dtype=np.int32).reshape(21, 21)
    quads = np.stack(
        [n.ravel() for n in (number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1])], 1
    )
    normals = Normals(quads, 441)(place)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    inner = number[1:-1, 1:-1].ravel()
    np.testing.assert_allclose(normals[inner], place[inner] / 2, atol=0.01)


@pytest.fixture(scope="module")
def real_model(shared_data: Path) -> FaceModel:
    return load_face_model(shared_data / "face_model" / "ict_facekit_light.npz")


def _people(shared_data: Path, every: int) -> list[Path]:
    return sorted((shared_data / "faces" / "london").glob("*_neutral.jpg"))[::every]


@pytest.mark.shared
def test_real_neutral_faces_are_their_photographs(shared_data: Path, real_model: FaceModel) -> None:
    for path in _people(shared_data, 31):
        portrait = read_portrait(path)
        face = ModelAnimator(portrait, real_model).show(NEUTRAL)
        assert np.abs(face.image.astype(float) - portrait.image).mean() < 0.1
        unit = inter_ocular_px(portrait.landmarks.points)
        assert np.abs(face.points - portrait.landmarks.points)[:60].max() < 0.02 * unit


@pytest.mark.shared
def test_animated_faces_are_found_where_their_points_are(shared_data: Path, real_model: FaceModel) -> None:
    found, errors = 0, []
    people, detector = _people(shared_data, 31), HogDetector()
    for path in people:
        animator = ModelAnimator(read_portrait(path), real_model)
        for au in DEFAULT_17:
            face = animator.show(Expression.both({au: 3.0}), size_px=180)
            grey = cv2.cvtColor(face.image, cv2.COLOR_RGB2GRAY)
            boxes = detector.find(grey)
            if not boxes:
                continue
            found += 1
            seen = find_landmarks(grey, boxes[0], "dlib").points
            errors.append(np.abs(seen - face.points)[17:].mean() / inter_ocular_px(face.points))
    assert found >= 0.95 * len(people) * len(DEFAULT_17)
    assert np.median(errors) < 0.025
    assert np.quantile(errors, 0.95) < 0.04


@pytest.mark.shared
def test_teeth_reach_up_to_the_lip_where_no_gum_is_to_be_seen(
    shared_data: Path, real_model: FaceModel
) -> None:
    """Below the upper lip of a laugh, in its upper third, is gum (red) or are teeth (pale), as asked."""
    animator = ModelAnimator(read_portrait(_people(shared_data, 31)[1]), real_model)
    laugh = Expression.both({12: 5.0, 6: 4.0, 25: 5.0})

    def redness(mouth: MouthLook) -> float:
        face = animator.show(laugh, size_px=300, mouth=mouth)
        upper, lower = face.points[62], face.points[66]
        x, y = np.round(upper + 0.2 * (lower - upper)).astype(int)
        red, green, _ = face.image[y - 1 : y + 2, x - 10 : x + 11].reshape(-1, 3).astype(float).mean(axis=0)
        return red / green

    gums, teeth = redness(MouthLook()), redness(MouthLook(gum=0.0))
    assert teeth < 1.1
    assert gums > teeth + 0.15
