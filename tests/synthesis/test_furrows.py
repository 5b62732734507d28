"""Furrows as shading: where they lie, how they scale, and what stays untouched."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from actionunits.facs.motion import TEMPLATE_POINTS
from actionunits.records import Expression
from actionunits.synthesis.furrows import furrow_map, shade_furrows

SIZE = (360, 340)
POINTS = TEMPLATE_POINTS[:68] * 80.0 + (169.5, 140)
GREY = np.full((*SIZE, 3), 150, np.uint8)


def shaded(left: dict[int, float], right: dict[int, float] | None = None) -> NDArray[np.float32]:
    return furrow_map(POINTS, Expression(left, left if right is None else right), SIZE)


def around(x: float, y: float, half: float = 0.12) -> tuple[slice, slice]:
    """A square of the template face in the picture."""
    cx, cy, h = int(x * 80 + 170), int(y * 80 + 140), int(half * 80)
    return slice(cy - h, cy + h), slice(cx - h, cx + h)


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_nothing_to_draw_is_the_same_picture(strength: float) -> None:
    aus = {12: 5.0} if strength == 0 else {26: 5.0, 45: 5.0}
    drawn = shade_furrows(GREY, POINTS, Expression.both(aus), strength, np.random.default_rng(1))
    np.testing.assert_array_equal(drawn, GREY)
    assert drawn is not GREY


@pytest.mark.parametrize(
    ("number", "place"),
    [
        (1, (0.0, -0.72)),
        (2, (0.62, -0.70)),
        (4, (0.10, -0.36)),
        (6, (0.90, 0.0)),
        (7, (0.52, 0.13)),
        (9, (0.0, -0.06)),
        (10, (0.36, 0.70)),
        (11, (0.40, 0.80)),
        (12, (0.46, 0.90)),
        (14, (0.46, 1.08)),
        (15, (0.46, 1.20)),
        (17, (0.10, 1.52)),
        (20, (0.60, 1.10)),
        (23, (0.12, 0.89)),
        (24, (0.0, 1.28)),
    ],
)
def test_each_au_folds_its_own_place(number: int, place: tuple[float, float]) -> None:
    gain = shaded({number: 5.0})
    assert gain[around(*place)].min() < 0.95
    assert gain[around(0.0, 1.9, 0.08)].min() > 0.99, "the neck stays"
    assert gain[around(0.0, 0.45, 0.05)].min() > 0.97, "the nose's tip stays"


def test_a_fold_is_dark_with_a_lighter_ridge_beside_it() -> None:
    gain = shaded({12: 5.0})
    assert gain.min() < 0.85
    assert 1.01 < gain.max() < 1.25


def test_depth_grows_with_intensity_and_strength() -> None:
    depths = [1 - shaded({4: float(i)}).min() for i in range(6)]
    assert depths[0] == 0
    assert all(a < b for a, b in pairwise(depths))
    faces = [shade_furrows(GREY, POINTS, Expression.both({9: 4.0}), s) for s in (0.5, 1.0, 2.0)]
    darkest = [int(face.min()) for face in faces]
    assert darkest[0] > darkest[1] > darkest[2] > 50


def test_skin_without_wrinkles_shows_what_the_movement_itself_folds() -> None:
    """The pit and the bulge of a dimpler are no lines of age."""
    young, aged = (shade_furrows(GREY, POINTS, Expression.both({14: 5.0}), s) for s in (0.0, 1.0))
    place = around(0.47, 1.07)
    assert 150 > young[place].min() > aged[place].min()
    assert young[place].max() > 150, "the bulge beside catches light"


def test_sides_are_apart() -> None:
    gain = shaded({6: 5.0, 12: 5.0}, {})
    assert gain[:, 200:].min() < 0.85
    np.testing.assert_allclose(gain[:, :150], 1, atol=5e-3)
    np.testing.assert_allclose(shaded({}, {6: 5.0, 12: 5.0}), gain[:, ::-1], atol=0.05)


def test_the_seed_is_the_person() -> None:
    def face(seed: int, aus: dict[int, float]) -> NDArray[np.uint8]:
        return shade_furrows(GREY, POINTS, Expression.both(aus), 1.0, np.random.default_rng(seed))

    np.testing.assert_array_equal(face(3, {4: 5.0}), face(3, {4: 5.0}))
    assert np.any(face(3, {4: 5.0}) != face(4, {4: 5.0}))
    alone, beside = face(3, {4: 5.0}), face(3, {4: 5.0, 17: 5.0})
    brow = around(0.0, -0.35, 0.2)
    np.testing.assert_array_equal(alone[brow], beside[brow])


def test_grey_pictures_and_faces_over_the_border() -> None:
    grey = shade_furrows(GREY[..., 0], POINTS, Expression.both({4: 5.0}))
    np.testing.assert_array_equal(grey, shade_furrows(GREY, POINTS, Expression.both({4: 5.0}))[..., 0])
    cut = shade_furrows(GREY[:120], POINTS - (0, 90), Expression.both({12: 5.0, 1: 5.0}))
    assert cut.shape == (120, 340, 3)


def test_large_faces_get_the_same_furrows() -> None:
    expression = Expression.both({4: 5.0, 12: 5.0, 17: 5.0})
    small = furrow_map(POINTS, expression, SIZE)
    large = furrow_map((POINTS + 0.5) * 3 - 0.5, expression, (3 * SIZE[0], 3 * SIZE[1]))
    shrunk = large.reshape(SIZE[0], 3, SIZE[1], 3).mean(axis=(1, 3))
    assert np.abs(shrunk - small).mean() < 0.002
    assert np.corrcoef(shrunk.ravel(), small.ravel())[0, 1] > 0.98
