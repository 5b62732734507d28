from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from actionunits.faces import pose
from actionunits.faces.pose import head_pose
from actionunits.facs.points import MIRROR_68
from actionunits.records import Landmarks

ANGLES = st.tuples(st.floats(-40, 40), st.floats(-60, 60), st.floats(-89, 89))


def _points(angles: tuple[float, float, float], scale: float, place: tuple[float, float]) -> np.ndarray:
    """The mean head, turned by scipy's rotation, seen from far away."""
    turn = Rotation.from_euler("XYZ", angles, degrees=True).as_matrix()
    points = np.zeros((68, 2), np.float32)
    points[pose._RIGID] = (scale * pose._head() @ turn.T)[:, :2] + place
    return points


@given(ANGLES, st.floats(5, 500), st.tuples(st.floats(-1000, 1000), st.floats(-1000, 1000)))
def test_a_mean_head_gives_back_its_angles(angles, scale, place) -> None:
    found = head_pose(Landmarks(_points(angles, scale, place)))
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


def test_points_on_one_spot_have_no_pose() -> None:
    assert np.isnan(head_pose(Landmarks(np.ones((68, 2), np.float32)))).all()


@pytest.mark.shared
def test_other_heads_with_expressions_in_perspective(shared_data: Path) -> None:
    """Heads of a 3-D model, of which this module holds nothing, 60 cm before a camera."""
    with np.load(shared_data / "face_model" / "ict_facekit_light.npz") as model:
        at = model["landmarks68_jawline"]
        neutral = model["neutral"][at]
        people, expressions = model["identity_delta"][:, at], model["expression_delta"][:, at]
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(300):
        head = neutral + np.tensordot(rng.normal(0, 0.8, len(people)), people, 1)
        shown = rng.uniform(0, 1, len(expressions)) * (rng.random(len(expressions)) < 0.08)
        head = (head + np.tensordot(shown, expressions, 1)) * [1, -1, -1]
        angles = rng.uniform([-17, -25, -25], [17, 25, 25])
        turned = (head - head.mean(axis=0)) @ Rotation.from_euler("XYZ", angles, degrees=True).as_matrix().T
        seen = 600 * turned[:, :2] / (60 + turned[:, 2:])
        errors.append(head_pose(Landmarks(seen.astype(np.float32))) - angles)
    bias, spread = np.mean(errors, axis=0), np.std(errors, axis=0)
    assert np.abs(bias).max() < 4
    assert spread.max() < 3
