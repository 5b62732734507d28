"""The table of shapes: sides, scaling, what goes together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actionunits.errors import UserError
from actionunits.facs.sets import DEFAULT_17
from actionunits.facs.units import ACTION_UNITS
from actionunits.records import Expression
from actionunits.synthesis.face_model import load_face_model
from actionunits.synthesis.shapes import AU_SHAPES, MAX_WEIGHT, gaze_of, shape_weights


def test_every_au_of_the_package_has_an_entry() -> None:
    assert set(AU_SHAPES) == set(ACTION_UNITS)
    assert all(AU_SHAPES[au] for au in DEFAULT_17)


@given(st.sampled_from([au for au in DEFAULT_17 if au != 25]), st.floats(0.05, 5))
def test_weights_grow_linearly_with_intensity(au: int, intensity: float) -> None:
    full, some = shape_weights(Expression.both({au: 5.0})), shape_weights(Expression.both({au: intensity}))
    assert set(some) == set(full)
    for name, weight in full.items():
        assert some[name] == pytest.approx(weight * intensity / 5)


@given(st.dictionaries(st.sampled_from(sorted(AU_SHAPES)), st.floats(0, 5)), st.floats(0, 1))
def test_no_weight_leaves_its_range(intensities: dict[int, float], blink: float) -> None:
    weights = shape_weights(Expression.both(intensities), blink=blink)
    assert all(-0.2 < weight <= MAX_WEIGHT and weight for weight in weights.values())


def test_one_side_moves_one_side() -> None:
    for au in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 20):
        names = shape_weights(Expression(left={au: 5.0}, right={}))
        assert {name[-2:] for name in names} == {"_L"}, au
    assert set(shape_weights(Expression(left={26: 5.0}, right={}))) == {"jawOpen"}


def test_mirrored_expressions_have_mirrored_weights() -> None:
    expression = Expression(left={12: 4.0, 25: 2.0, 30: 3.0, 61: 2.0}, right={12: 1.0, 25: 2.0, 4: 3.0})
    other = Expression(left={12: 1.0, 25: 2.0, 4: 3.0, 62: 2.0}, right={12: 4.0, 25: 2.0, 30: 3.0})
    swap = {"L": "R", "R": "L"}
    weights = {
        (n[:-1] + swap[n[-1]] if n[-2] == "_" else {"jawLeft": "jawRight"}.get(n, n)): w
        for n, w in shape_weights(expression).items()
    }
    assert weights == pytest.approx(shape_weights(other))


def test_a_shut_eye_is_neither_squinted_nor_wide() -> None:
    weights = shape_weights(Expression.both({5: 5.0, 7: 5.0, 45: 5.0}), blink=1.0)
    assert weights == {"eyeBlink_L": 1.0, "eyeBlink_R": 1.0}


def test_gaze_adds_up_and_stops() -> None:
    assert gaze_of(Expression.both({61: 2.5, 64: 5.0}), (0.8, 0.0)) == (1.0, -1.0)
    assert set(shape_weights(Expression.both({}), gaze=(0.5, 0.0))) == {"eyeLookIn_R", "eyeLookOut_L"}


def test_an_au_without_shapes_is_refused() -> None:
    with pytest.raises(UserError, match="AU99 has no shapes"):
        shape_weights(Expression.both({99: 1.0}))


@pytest.mark.shared
def test_the_real_model_has_every_shape_and_moves_the_right_way(shared_data: Path) -> None:
    model = load_face_model(shared_data / "face_model" / "ict_facekit_light.npz")
    for shapes in AU_SHAPES.values():
        for name in shapes:
            for full in (name + "L", name + "R") if name.endswith("_") else (name,):
                assert full in model.expression_names

    def move(au: int, point: int) -> np.ndarray:
        weights = shape_weights(Expression.both({au: 5.0}))
        delta = [w * model.expression_delta[model.expression_names.index(n)] for n, w in weights.items()]
        return np.asarray(sum(delta)[model.landmarks[point]])

    up, outward = 1, 0
    for au, point, axis, least in (
        (1, 22, up, 0.3),
        (2, 25, up, 0.3),
        (4, 22, up, -0.2),
        (5, 43, up, 0.1),
        (45, 43, up, -0.5),
        (10, 51, up, 0.2),
        (12, 54, up, 0.3),
        (12, 54, outward, 0.3),
        (14, 55, up, 0.2),
        (15, 54, up, -0.2),
        (17, 57, up, 0.2),
        (20, 54, outward, 0.2),
        (23, 51, up, -0.1),
        (23, 57, up, 0.2),
        (26, 8, up, -1.0),
    ):
        moved = move(au, point)[axis]
        assert moved / least > 1, (au, point, moved)
    dimpler, smile = move(14, 54), move(12, 54)
    assert (dimpler[:2] < 0.25 * smile[:2]).all(), "a dimpler is no little smile"
