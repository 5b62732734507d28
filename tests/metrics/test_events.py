from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actionunits.metrics.events import segments


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2)), max_size=60))
def test_segments_are_what_groupby_finds(rows):
    """Reference: runs of (shown, line number) by itertools."""
    shown = np.array([r[0] for r in rows], bool)
    line = np.cumsum([r[1] == 0 for r in rows])
    starts = np.diff(line, prepend=-1) != 0
    expected, place = [], 0
    for (is_shown, _), run in groupby(zip(shown, line, strict=True)):
        length = len(list(run))
        if is_shown:
            expected.append([place, place + length])
        place += length
    assert segments(shown, starts).tolist() == expected


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="one length"):
        segments(np.ones(3, bool), np.ones(2, bool))
