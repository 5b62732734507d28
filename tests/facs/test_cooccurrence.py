import numpy as np
import pytest

from actionunits.facs.cooccurrence import (
    CONTRADICTORY_PAIRS,
    NEGATIVE_PAIRS,
    POSITIVE_PAIRS,
    pair_signs,
    pairs_outside,
)
from actionunits.facs.sets import AU_SETS

CASME = AU_SETS["casme-13"]


def test_the_table_has_ten_and_four_pairs_and_one_in_both():
    assert (len(POSITIVE_PAIRS), len(NEGATIVE_PAIRS), CONTRADICTORY_PAIRS) == (10, 4, ((12, 17),))


def test_signs_of_casmes_set():
    signs = pair_signs(CASME)
    np.testing.assert_array_equal(signs, signs.T)
    assert not signs.diagonal().any()
    used = [p for p in POSITIVE_PAIRS if set(p) <= set(CASME) and p not in CONTRADICTORY_PAIRS]
    assert (signs == 1).sum() == 2 * len(used)
    assert signs[CASME.index(12), CASME.index(15)] == -1
    assert pairs_outside(CASME) == ((2, 6), (6, 12), (23, 24))


@pytest.mark.parametrize("sign", [-1, 0, 1])
def test_the_contradictory_pair_takes_the_sign_that_is_asked_for(sign):
    signs = pair_signs(CASME, sign)
    assert signs[CASME.index(12), CASME.index(17)] == sign
    with pytest.raises(ValueError, match="sign"):
        pair_signs(CASME, 2)
