"""Coded faces show a table's patterns at its rates, and only what their codes say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actionunits.errors import UserError
from actionunits.records import Expression
from actionunits.synthesis.animate import AnimatedFace
from actionunits.synthesis.coded_faces import (
    Difficulty,
    PatternTable,
    RestingFace,
    pattern_expression,
    pattern_timeline,
    random_resting_face,
)
from actionunits.synthesis.timeline import compatible

TABLE = PatternTable((1, 4, 12, 24), ((), (12,), (1, 4), (24,)), (5.0, 3.0, 1.5, 0.5))
EXACT = Difficulty(traces=0, changed=0)


def test_stills_show_patterns_at_their_rates() -> None:
    rng = np.random.default_rng(0)
    drawn = [pattern_expression(rng, TABLE, EXACT) for _ in range(2000)]
    shown = np.array([[face.intensity(au) >= 2 for au in TABLE.aus] for face in drawn])
    assert np.abs(shown.mean(axis=0) - TABLE.base_rates()).max() < 0.03
    assert TABLE.base_rates() == pytest.approx([0.15, 0.15, 0.3, 0.05])
    weak = [face.intensity(12) < 3 for face in drawn if face.intensity(12) >= 2]
    assert np.mean(weak) == pytest.approx(0.5, abs=0.06)


def test_clips_show_patterns_about_as_long_as_stills_show_them_often() -> None:
    rng, times = np.random.default_rng(1), np.arange(0, 120, 0.08)
    labels = np.concatenate(
        [pattern_timeline(rng, TABLE, 120, EXACT).labels(times, TABLE.aus) for _ in range(5)]
    )
    assert np.abs(labels.mean(axis=0) - TABLE.base_rates()).max() < 0.06
    together = labels[labels[:, 0] == 1][:, 1].mean()  # AU1 comes with AU4 only
    assert together > 0.8


def test_traces_are_no_occurrences_and_changes_make_rare_patterns() -> None:
    rng = np.random.default_rng(2)
    traced = [pattern_expression(rng, TABLE, Difficulty(traces=1.0, changed=0)) for _ in range(50)]
    assert all(face.intensity(4) > 0 for face in traced)
    assert {sum(face.intensity(au) >= 2 for au in TABLE.aus) for face in traced} == {0, 1, 2}
    changed = [pattern_expression(rng, TABLE, Difficulty(traces=0, changed=1.0)) for _ in range(200)]
    patterns = {tuple(au for au in TABLE.aus if face.intensity(au) >= 2) for face in changed}
    assert len(patterns) > len(TABLE.patterns)


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.floats(0.3, 20))
def test_timelines_and_resting_faces_are_possible_and_the_same_again(seed: int, seconds: float) -> None:
    first, again = (pattern_timeline(np.random.default_rng(seed), TABLE, seconds) for _ in range(2))
    assert first == again
    assert first.duration_s == seconds
    values = first.intensities(np.linspace(0, seconds, 30), TABLE.aus)
    assert values.min() >= 0
    assert values.max() <= 5
    rest = random_resting_face(np.random.default_rng(seed), (1, 4, 12, 24, 25))
    assert compatible(rest.aus)
    assert all(rest.intensity(au) <= 2 for au in rest.aus)


def test_a_resting_face_adds_to_what_is_shown_and_gives_way_to_what_it_excludes() -> None:
    seen = []

    class Face:
        def show(self, expression, *, blink=0.0, gaze=(0.0, 0.0)) -> AnimatedFace:
            seen.append(expression)
            return AnimatedFace(np.zeros((2, 2, 3), np.uint8), np.zeros((68, 2), np.float32))

    face = RestingFace(Face(), Expression.both({12: 2.0, 24: 1.5}))
    face.show(Expression({}, {}))
    face.show(Expression.both({12: 4.0, 25: 3.0}))
    assert [seen[0].intensity(au) for au in (12, 24)] == [2.0, 1.5]
    assert [seen[1].intensity(au) for au in (12, 24, 25)] == [5.0, 0.0, 3.0]


def test_wrong_tables_and_times_are_refused() -> None:
    with pytest.raises(ValueError, match="positive share"):
        PatternTable((1,), ((1,),), (0.0,))
    with pytest.raises(ValueError, match="not in the set"):
        PatternTable((1,), ((2,),), (1.0,))
    with pytest.raises(UserError, match="above 0 s"):
        pattern_timeline(np.random.default_rng(0), TABLE, 0)
    with pytest.raises(ValueError, match="within 0 to 1"):
        Difficulty(weak=2)
