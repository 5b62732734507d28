"""Regions of AUs, and how much of a map lies in them."""

import math

import numpy as np
import pytest

from actionunits.errors import UserError
from actionunits.explain.region import au_region, mass_inside


def test_mass_inside_counts_what_is_positive() -> None:
    values = np.array([[4, -9], [1, 3]], np.float32)
    region = np.array([[True, True], [False, False]])
    assert mass_inside(values, region) == (0.5, 0.5)
    assert mass_inside(values, ~region) == (0.5, 0.5)
    assert mass_inside(values, np.ones((2, 2), bool)) == (1.0, 1.0)
    assert mass_inside(values, np.zeros((2, 2), bool)) == (0.0, 0.0)


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
def test_a_map_without_positive_mass_has_no_share(value: float) -> None:
    region = np.eye(4, dtype=bool)
    share, chance = mass_inside(np.full((4, 4), value, np.float32), region)
    assert math.isnan(share)
    assert chance == 0.25


def test_map_and_region_must_be_alike() -> None:
    with pytest.raises(ValueError, match="must be alike"):
        mass_inside(np.zeros((4, 4), np.float32), np.zeros((5, 5), bool))


def test_the_region_is_where_the_faces_differ() -> None:
    rng = np.random.default_rng(0)
    neutral = rng.integers(60, 180, (6, 100, 100), np.uint8)
    shown = neutral.copy()
    shown[:3, 60:80, 30:50] += 40  # brighter on some faces,
    shown[3:, 60:80, 30:50] -= 40  # darker on others: still a difference
    shown[:, 10:20, 10:20] += 5  # what moves little does not count
    region = au_region(neutral, shown)
    assert region.dtype == bool
    assert region[61:79, 31:49].all()
    outside = region.copy()
    outside[57:83, 27:53] = False
    assert not outside.any()


def test_faces_that_do_not_differ_have_no_region() -> None:
    faces = np.full((2, 20, 20), 90, np.uint8)
    with pytest.raises(UserError, match="it has no region"):
        au_region(faces, faces)
    with pytest.raises(ValueError, match="pairs of grey crops"):
        au_region(faces, faces[:1])
