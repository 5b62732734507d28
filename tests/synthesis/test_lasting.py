"""Faces whose AUs last as long as asked for keep the table's patterns; their labels say what was drawn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actionunits.errors import UserError
from actionunits.synthesis.coded_faces import Difficulty, PatternTable
from actionunits.synthesis.lasting import LastingSet, lasting_timeline, pattern_chain

TABLE = PatternTable((1, 2, 12), ((), (1,), (1, 2), (2,), (12,), (1, 12)), (6.0, 1.0, 2.0, 0.5, 3.0, 1.0))
SECONDS = (1.2, 0.8, 5.0)
EXACT = Difficulty(traces=0, changed=0)


def test_draws_leave_the_patterns_as_frequent_as_they_are_and_begin_each_au_often_enough() -> None:
    chain = pattern_chain(TABLE, SECONDS, changed=0.1)
    count = len(chain.shares)
    flow = chain.anew * np.outer(chain.shares, chain.shares)
    for row, rate in enumerate(chain.single):
        for state in range(count):
            other = state ^ 1 << row
            flow[state, other] += (
                rate * chain.shares[state] * chain.shares[other] / (chain.shares[state] + chain.shares[other])
            )
    assert flow == pytest.approx(flow.T)  # in balance: as many leave a pattern as come to it
    bits = np.arange(count)[:, None] >> np.arange(3) & 1 == 1
    begins = np.array([flow[np.ix_(~bits[:, row], bits[:, row])].sum() for row in range(3)])
    assert chain.shares @ bits / begins == pytest.approx(SECONDS)
    assert chain.shares.sum() == pytest.approx(1)
    assert pattern_chain(TABLE, SECONDS).shares @ bits == pytest.approx(TABLE.base_rates())


@pytest.mark.parametrize("rate_hz", [12.5, 25.0])
def test_labels_last_as_long_as_asked_whatever_the_frame_rate(rate_hz: float) -> None:
    rng, times = np.random.default_rng(0), np.arange(0, 300, 1 / rate_hz)
    labels = [lasting_timeline(rng, TABLE, SECONDS, 300, EXACT).labels(times, TABLE.aus) for _ in range(12)]
    begins = sum((np.diff(each, axis=0) == 1).sum(axis=0) for each in labels)
    shown = np.concatenate(labels).sum(axis=0)
    assert shown / begins / rate_hz == pytest.approx(SECONDS, rel=0.1)
    rates = np.concatenate(labels).mean(axis=0)
    assert np.abs(rates - TABLE.base_rates()).max() < 0.03


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.3, 20))
def test_timelines_are_possible_and_the_same_again(seed: int, seconds: float) -> None:
    first, again = (lasting_timeline(np.random.default_rng(seed), TABLE, SECONDS, seconds) for _ in range(2))
    assert first == again
    values = first.intensities(np.linspace(0, seconds, 30), TABLE.aus)
    assert 0 <= values.min() <= values.max() <= 5


def test_a_set_draws_its_sequences_and_refuses_what_cannot_last() -> None:
    people = LastingSet((1, 2, 12), 2, 2, frames=40, table=TABLE, seconds=SECONDS)
    assert (people.labels(1, 1) == people.labels(1, 1)).all()
    assert people.labels(0, 1).shape == (40, 3)
    for values in ({"frames": 1}, {"table": None}, {"seconds": (1.0,)}, {"seconds": (1.0, 0.0, 2.0)}):
        with pytest.raises(ValueError, match=r"need a table of patterns|expected a length above 0 s"):
            LastingSet(**({"aus": TABLE.aus, "subjects": 1, "sequences": 1, "frames": 9, "table": TABLE,
                           "seconds": SECONDS} | values))  # fmt: skip
    always = PatternTable((1, 12), ((1,), (1, 12)), (1.0, 1.0))
    with pytest.raises(ValueError, match="sometimes and sometimes not"):
        pattern_chain(always, (1.0, 1.0))
    with pytest.raises(UserError, match="above 0 s"):
        lasting_timeline(np.random.default_rng(0), TABLE, SECONDS, 0)
