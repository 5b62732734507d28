"""Micro-expressions are short and weak, and show AUs as often as Table 4 of seed 000."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actionunits.analysis.cooccurrence import conditional
from actionunits.analysis.published import published
from actionunits.facs.cooccurrence import pair_signs
from actionunits.synthesis.micro import MARGIN_FRAMES, MICRO_PATTERNS, micro_timeline
from actionunits.synthesis.timeline import compatible


def test_each_au_is_shown_as_often_as_in_the_paper() -> None:
    facts = published("facts")
    counts = facts[(facts["paper"] == "cooccurrence") & (facts["item"] == "table4")]
    assert sum(MICRO_PATTERNS.shares) == 421
    assert MICRO_PATTERNS.aus == tuple(counts["au"])
    np.testing.assert_allclose(MICRO_PATTERNS.base_rates() * 421, counts["value"])


def test_what_is_shown_together_agrees_with_table_3() -> None:
    """By our choice: the counts of pairs are not published."""
    shown = np.array([[au in pattern for au in MICRO_PATTERNS.aus] for pattern in MICRO_PATTERNS.patterns])
    labels = np.repeat(shown, np.array(MICRO_PATTERNS.shares, int), axis=0).astype(np.int8)
    lift = conditional(labels) / labels.mean(axis=0)
    signs = pair_signs(MICRO_PATTERNS.aus)
    assert (lift[signs > 0] > 1).all()
    assert (lift[signs < 0] < 1).all()
    assert all(compatible(pattern) for pattern in MICRO_PATTERNS.patterns)


@given(st.integers(0, 2**32 - 1), st.sampled_from([(60.0, 40), (60.0, 14), (200.0, 120), (30.0, 24)]))
@settings(max_examples=150, deadline=None)
def test_a_clip_has_one_short_and_weak_expression(seed: int, size: tuple[float, int]) -> None:
    rate, frames = size
    line = micro_timeline(np.random.default_rng(seed), frames / rate, rate)
    assert line.aus in MICRO_PATTERNS.patterns
    onset, offset = (
        f(e) for f, e in ((min, [e.onset_s for e in line.events]), (max, [e.offset_s for e in line.events]))
    )
    assert 0.04 - 1e-9 <= offset - onset <= 0.5 + 1e-9
    margin = MARGIN_FRAMES / rate
    assert margin - 1e-9 <= onset
    assert offset <= line.duration_s - margin + 1e-9
    strongest = line.intensities(np.linspace(onset, offset, 1000), line.aus).max(axis=0)
    assert (strongest <= 5 / 3).all()
    assert (strongest >= 0.45).all()


def test_a_clip_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match=r"needs 0\.04 s between 4 frames on either side"):
        micro_timeline(np.random.default_rng(0), 10 / 60, 60.0)
