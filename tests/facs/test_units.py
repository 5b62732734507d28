from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actionunits.errors import UserError
from actionunits.facs.points import MIRROR_68, POINT_PARTS
from actionunits.facs.sets import AU_SETS, au_set
from actionunits.facs.units import ACTION_UNITS, action_unit, au_column, parse_au


@given(st.integers(1, 64), st.sampled_from(["{}", "AU{}", "au{}", "AU{:02d}", "AU {}", " {} "]))
def test_every_way_to_write_an_au_is_read(number, way):
    assert parse_au(way.format(number)) == number


@pytest.mark.parametrize("text", ["", "AU", "12a", "-1", "AU123", "twelve", "1.0"])
def test_what_is_no_au_is_refused(text):
    with pytest.raises(UserError, match="is not an Action Unit"):
        parse_au(text)


def test_every_au_of_a_set_is_known():
    for aus in AU_SETS.values():
        assert len(set(aus)) == len(aus)
        for number in aus:
            assert action_unit(number).number == number


def test_an_unknown_au_and_an_unknown_set_list_the_known_ones():
    with pytest.raises(UserError, match="AU3 is not known: .* 1, 2, 4"):
        action_unit(3)
    with pytest.raises(UserError, match="did you mean 'bp4d-12'"):
        au_set("bp4d12")


def test_columns_are_unique():
    assert len({au_column(number) for number in ACTION_UNITS}) == len(ACTION_UNITS)


def test_the_mirror_swaps_sides_and_is_its_own_inverse():
    assert [MIRROR_68[MIRROR_68[i]] for i in range(68)] == list(range(68))
    for right, left in (("right brow", "left brow"), ("right eye", "left eye")):
        assert {MIRROR_68[i] for i in POINT_PARTS[right]} == set(POINT_PARTS[left])
    for part in ("jaw", "nose base", "outer lips", "inner lips"):
        assert {MIRROR_68[i] for i in POINT_PARTS[part]} == set(POINT_PARTS[part])
    assert all(MIRROR_68[i] == i for i in (8, 27, 28, 29, 30, 33, 51, 57, 62, 66))


def test_the_parts_are_all_68_points():
    assert sorted(i for part in POINT_PARTS.values() for i in part) == list(range(68))
