from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from actionunits.faces import pose
from actionunits.faces.finders import LANDMARKS
from actionunits.faces.pose import head_pose
from actionunits.facs.points import MIRROR_68
from actionunits.records import Finder, Landmarks

ANGLES = st.tuples(st.floats(-40, 40), st.floats(-60, 60), st.floats(-89, 89))


def _points(
    angles: tuple[float, float, float], scale: float, place: tuple[float, float], finder: Finder = "own"
) -> np.ndarray:
    """The mean head, turned by scipy's rotation, seen from far away."""
    turn = Rotation.from_euler("XYZ", angles, degrees=True).as_matrix()
    points = np.zeros((68, 2), np.float32)
    points[pose._RIGID] = (scale * pose._head(finder) @ turn.T)[:, :2] + place
    return points


@given(
    ANGLES,
    st.floats(5, 500),
    st.tuples(st.floats(-1000, 1000), st.floats(-1000, 1000)),
    st.sampled_from(LANDMARKS),
)
def test_a_mean_head_gives_back_its_angles(angles, scale, place, finder) -> None:
    found = head_pose(Landmarks(_points(angles, scale, place, finder)), finder)
    np.testing.assert_allclose(found, angles, atol=0.3 if scale < 50 else 0.05)


@given(ANGLES)
def test_a_mirrored_face_turns_the_other_way(angles) -> None:
    points = _points(angles, 100.0, (0.0, 0.0))
    mirrored = (points * np.float32([-1, 1]))[np.asarray(MIRROR_68)]
    pitch, yaw, roll = head_pose(Landmarks(points))
    np.testing.assert_allclose(head_pose(Landmarks(mirrored)), [pitch, -yaw, -roll], atol=0.05)


def test_the_signs_are_those_of_the_docs() -> None:
    # the nose's tip moves as the docstring says
    down = _points((20, 0, 0), 100.0, (0, 0))
    assert down[30, 1] - down[[36, 45], 1].mean() > _points((0, 0, 0), 100.0, (0, 0))[30, 1]
    aside = _points((0, 20, 0), 100.0, (0, 0))
    assert aside[30, 0] < aside[[36, 45], 0].mean()
    tilted = _points((0, 0, 20), 100.0, (0, 0))
    assert tilted[45, 1] > tilted[36, 1]  # the picture's right eye is lower: clockwise
    assert head_pose(Landmarks(down))[0] > 19
    assert head_pose(Landmarks(aside))[1] > 19
    assert head_pose(Landmarks(tilted))[2] > 19


@given(st.integers(0, 2**32 - 1))
def test_the_nearest_orthonormal_rows_are_those_of_the_singular_values(seed: int) -> None:
    rows = np.random.default_rng(seed).normal(0, 1, (2, 3))
    left, _, right = np.linalg.svd(rows, full_matrices=False)
    np.testing.assert_allclose(pose._orthonormal(*rows.tolist()), left @ right, atol=1e-6)


def test_points_on_one_spot_have_no_pose() -> None:
    assert np.isnan(head_pose(Landmarks(np.ones((68, 2), np.float32)))).all()


@pytest.mark.shared
@pytest.mark.parametrize("finder", ["own", "dlib"])
def test_rendered_heads_as_they_are_seen(shared_data: Path, finder: str) -> None:
    """Portraits turned with a 3-D face model, of which this module holds nothing."""
    from actionunits.faces.landmarks import face_box_from, find_landmarks
    from actionunits.records import Expression, Face
    from actionunits.synthesis.face_model import load_face_model
    from actionunits.synthesis.model_animator import ModelAnimator
    from actionunits.synthesis.portraits import read_portrait

    model = load_face_model(shared_data / "face_model" / "ict_facekit_light.npz")
    errors = []
    for name in ("008", "120"):
        portrait = read_portrait(shared_data / "faces" / "london" / f"{name}_neutral.jpg", landmarks=finder)
        animator = ModelAnimator(portrait, model)
        frontal = head_pose(portrait.landmarks, finder)
        for pitch, yaw in ((0, -30), (0, -15), (0, 0), (0, 15), (0, 30), (-12, 0), (12, 0)):
            shown = animator.show(Expression({}, {}), yaw_deg=-yaw, pitch_deg=-pitch, size_px=228, window=3.8)
            grey = cv2.cvtColor(shown.image, cv2.COLOR_RGB2GRAY)
            true = Landmarks(np.ascontiguousarray(shown.points, np.float32))
            found = head_pose(find_landmarks(grey, Face(face_box_from(true), 1.0), finder), finder)
            errors.append((found - frontal)[:2] - (pitch, yaw))
    pitch_off, yaw_off = np.abs(errors).T
    assert yaw_off.max() < 9
    assert yaw_off.mean() < 5
    assert pitch_off.mean() < 8
