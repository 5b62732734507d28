"""Clips tile a source: every frame is scored once, by itself, in order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actionunits.faces.clips import MISSING, fill_rows, tile_rows


@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 4))
def test_each_frame_is_scored_once(count: int, length: int, step: int) -> None:
    rows, scored = tile_rows(count, length, step)
    assert rows.shape == scored.shape == (len(rows), length)
    assert sorted(rows[scored].tolist()) == list(range(count))
    known = rows != MISSING
    assert (np.diff(rows, axis=1)[known[:, 1:]] == step).all()
    assert rows.max() < count
    if count >= length * step:
        assert known.all()
    span = length * step
    assert len(rows) <= step * -(-count // span)


@given(
    st.integers(1, 7).flatmap(
        lambda length: st.lists(st.lists(st.booleans(), min_size=length, max_size=length), min_size=1)
    )
)
def test_unknown_places_take_the_nearest_known_one_toward_a_place(known: list[list[bool]]) -> None:
    mask = np.array(known)
    length = mask.shape[1]
    rows = np.tile(np.arange(length), (len(mask), 1)) + 10
    for place in (length // 2, length - 1):
        filled = fill_rows(rows, mask, place)
        for line, there, out in zip(rows, mask, filled, strict=True):
            if not there.any():
                assert (out == MISSING).all()
                continue
            for at in range(length):
                inward = range(at, place - 1, -1) if at >= place else range(at, place + 1)
                found = [where for where in inward if there[where]]
                if found:
                    assert out[at] == line[found[0]]
                assert out[at] in line[there]
