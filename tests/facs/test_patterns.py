import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from actionunits.errors import UserError
from actionunits.facs.patterns import (
    UNKNOWN_PATTERN,
    decode,
    encode,
    parse_pattern,
    pattern_aus,
    pattern_code,
    pattern_name,
    pattern_text,
)
from actionunits.facs.sets import AU_SETS

ROWS = st.tuples(st.integers(0, 20), st.integers(1, 62)).flatmap(
    lambda shape: arrays(np.int8, shape, elements=st.integers(0, 1))
)


@given(ROWS)
def test_codes_come_back(rows):
    np.testing.assert_array_equal(decode(encode(rows), rows.shape[1]), rows)


@given(ROWS)
def test_text_reads_as_the_row(rows):
    for row, code in zip(rows, encode(rows).tolist(), strict=True):
        text = pattern_text(code, len(row))
        assert text == "".join(map(str, row))
        assert parse_pattern(text) == code


@given(st.sets(st.sampled_from(AU_SETS["bp4d-12"])))
def test_sets_come_back(shown):
    aus = AU_SETS["bp4d-12"]
    code = pattern_code(shown, aus)
    assert set(pattern_aus(code, aus)) == shown
    assert pattern_name(code, aus) == ("+".join(str(a) for a in aus if a in shown) or "none")


def test_codes_sort_as_their_texts():
    codes = [5, 1, 4]
    assert sorted(codes) == [parse_pattern(t) for t in sorted(pattern_text(c, 3) for c in codes)]


def test_unknown_rows():
    assert encode([[1, -1]]).tolist() == [UNKNOWN_PATTERN]
    assert decode([UNKNOWN_PATTERN], 2).tolist() == [[-1, -1]]
    assert pattern_name(UNKNOWN_PATTERN, (1, 2)) == "unknown"


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="1 to 62"):
        encode(np.zeros((1, 63)))
    with pytest.raises(ValueError, match="below 4"):
        decode([4], 2)
    with pytest.raises(ValueError, match="not in the set"):
        pattern_code([5], (1, 2))
    with pytest.raises(ValueError, match="0 to 3"):
        pattern_text(4, 2)
    with pytest.raises(UserError, match="0 or 1"):
        parse_pattern("0102")
