"""Timelines: known curves, random events within their bounds, nothing that FACS excludes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actionunits.errors import UserError
from actionunits.facs.sets import DEFAULT_17
from actionunits.synthesis.timeline import (
    EXCLUSIONS,
    MICRO,
    SPONTANEOUS,
    AUEvent,
    Timeline,
    compatible,
    random_expression,
    random_timeline,
    sequence_timeline,
)

seeds = st.integers(0, 2**32 - 1)


def test_an_event_is_a_raised_cosine() -> None:
    line = Timeline((AUEvent(4, 1.0, 2.0, 4.0, 8.0, 3.0),), 10.0)
    times = np.array([0.0, 1.25, 2.0, 3.0, 4.0, 5.0, 7.0, 8.0])
    expected = 3.0 * np.array([0.0, (1 - np.cos(np.pi / 4)) / 2, 1, 1, 1, (1 - np.cos(3 * np.pi / 4)) / 2,
                               (1 - np.cos(np.pi / 4)) / 2, 0.0])  # fmt: skip
    np.testing.assert_allclose(line.intensities(times, [4])[:, 0], expected, atol=1e-6)


def test_overlapping_events_take_the_stronger_and_sides_stay_apart() -> None:
    line = Timeline(
        (AUEvent(12, 0, 1, 3, 4, 2.0, "L"), AUEvent(12, 1, 2, 3, 4, 5.0, "R"), AUEvent(12, 0, 1, 2, 3, 1.0)),
        5.0,
    )
    assert line.at(2.5).sides(12) == pytest.approx((2.0, 5.0))
    assert line.at(1.0).sides(12) == pytest.approx((2.0, 1.0))
    assert line.intensities([2.5], [12, 6]).tolist() == [[5.0, 0.0]]


def test_labels_begin_at_b() -> None:
    line = Timeline((AUEvent(1, 0, 0, 1, 1, 2.0), AUEvent(2, 0, 0, 1, 1, 1.99)), 1.0)
    labels = line.labels([0.5], [1, 2, 4])
    assert labels.dtype == np.int8
    assert labels.tolist() == [[1, 0, 0]]


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_a_time_and_its_expression_agree_with_the_table(seed: int) -> None:
    rng = np.random.default_rng(seed)
    line = random_timeline(rng, 6.0, DEFAULT_17)
    times = rng.uniform(0, 6, 5)
    table = line.intensities(times, DEFAULT_17)
    for time, row in zip(times, table, strict=True):
        np.testing.assert_allclose([line.at(time).intensity(au) for au in DEFAULT_17], row, atol=1e-6)


@given(seeds, st.sampled_from([SPONTANEOUS, MICRO]), st.floats(1.0, 20.0))
@settings(max_examples=100, deadline=None)
def test_random_events_keep_to_their_pace_and_exclusions(seed: int, pace: object, duration: float) -> None:
    line = random_timeline(np.random.default_rng(seed), duration, DEFAULT_17, pace=pace)  # type: ignore[arg-type]
    assert line.events
    shortest, longest = pace.total_s  # type: ignore[attr-defined]
    for event in line.events:
        assert event.onset_s >= 0
        assert event.offset_s <= duration + 1e-9
        assert shortest - 1e-9 <= event.offset_s - event.onset_s <= longest + 1e-9
    for row in line.intensities(np.arange(0, duration, 0.05), DEFAULT_17):
        assert compatible(au for au, value in zip(DEFAULT_17, row, strict=True) if value > 0)


@given(seeds)
@settings(max_examples=200, deadline=None)
def test_a_random_expression_is_possible(seed: int) -> None:
    face = random_expression(np.random.default_rng(seed), DEFAULT_17)
    assert set(face.aus) <= set(DEFAULT_17)
    assert compatible(face.aus)
    for au in (17, 23, 24, 25, 26):  # no sides
        assert face.left.get(au) == face.right.get(au)


def test_the_same_seed_gives_the_same() -> None:
    first, second = (random_timeline(np.random.default_rng(5), 9.0, DEFAULT_17) for _ in range(2))
    assert first == second


def test_expressions_are_varied_as_documented() -> None:
    rng = np.random.default_rng(1)
    faces = [random_expression(rng, DEFAULT_17) for _ in range(4000)]
    table = np.array([[face.intensity(au) for au in DEFAULT_17] for face in faces])
    neutral = (table.max(axis=1) == 0).mean()
    traces = (table.max(axis=1) < 2).mean() - neutral
    assert 0.11 < neutral < 0.17
    assert traces > 0.2
    assert ((table >= 2).mean(axis=0) > 0.02).all(), "each AU must be learnable"
    occurs = table >= 2
    smile, cheek = (occurs[:, DEFAULT_17.index(au)] for au in (12, 6))
    assert cheek[smile].mean() > 2 * cheek[~smile].mean(), "6 comes with 12"
    lopsided = np.mean([face.left != face.right for face in faces if face.aus])
    assert 0.1 < lopsided < 0.5


def test_a_sequence_shows_each_alone_then_some_together() -> None:
    aus = (1, 4, 12, 25, 6, 2, 5, 26)
    line = sequence_timeline(aus, 12.0)
    singles = line.events[: len(aus)]
    assert tuple(event.au for event in singles) == aus
    for event in singles:
        middle = (event.apex_s + event.apex_end_s) / 2
        assert line.at(middle).aus == (event.au,)
        assert line.at(middle).intensity(event.au) == 4.0
    assert len({event.onset_s for event in line.events}) > len(aus)
    assert line.at(0.0).aus == line.at(12.0).aus == ()


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ((99, 0, 1, 2, 3, 1.0), "AU99 is not known"),
        ((12, 0, 2, 1, 3, 1.0), "onset <= apex"),
        ((12, 0, 1, 2, 3, 5.5), "within 0 to 5"),
        ((12, 0, 1, 2, 3, 1.0, "both"), "B, L or R"),
        ((26, 0, 1, 2, 3, 1.0, "L"), "has no side"),
    ],
)
def test_a_wrong_event_says_what_is_wrong(event: tuple[object, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        AUEvent(*event)  # type: ignore[arg-type]


def test_wrong_requests_are_user_errors() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UserError, match="at least"):
        random_timeline(rng, 0.5, DEFAULT_17)
    with pytest.raises(UserError, match="got none"):
        random_expression(rng, ())
    with pytest.raises(UserError, match="got 3, 8"):
        random_expression(rng, (3, 8, 12))


def test_exclusions_are_pairs() -> None:
    assert all(len(pair) == 2 for pair in EXCLUSIONS)
