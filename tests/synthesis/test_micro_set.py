"""Each sequence of the set has one micro-expression, whose course and labels are known."""

from dataclasses import replace

import numpy as np
import pytest

from actionunits.synthesis.coded_set import CodedSet
from actionunits.synthesis.micro import MICRO_PATTERNS
from actionunits.synthesis.micro_set import MicroSet

AUS = MICRO_PATTERNS.aus


def _people(**changes: object) -> MicroSet:
    values: dict[str, object] = {
        "aus": AUS,
        "subjects": 2,
        "sequences": 40,
        "frames": 40,
        "rate_hz": 60.0,
        "table": MICRO_PATTERNS,
    }
    return MicroSet(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(("rate", "frames"), [(60.0, 40), (200.0, 110), (30.0, 20)])
def test_labels_are_those_of_the_course_whatever_the_intensity(rate: float, frames: int) -> None:
    people = _people(rate_hz=rate, frames=frames)
    lengths = []
    for sequence in range(people.sequences):
        values, labels = people.intensities(1, sequence), people.labels(1, sequence)
        (course,) = people.courses(1, sequence)
        assert 4 <= course.onset <= course.apex <= course.offset <= frames - 5
        assert (labels[: course.onset] == 0).all()
        assert (labels[course.offset + 1 :] == 0).all()
        np.testing.assert_array_equal(labels == 1, values > 0)
        assert tuple(np.array(AUS)[labels[course.apex] == 1]) == course.aus
        assert values[course.apex].sum() == pytest.approx(values.sum(axis=1).max())
        assert values.max() < 2  # below B, from which other synthetic faces count as showing an AU
        lengths.append((course.offset - course.onset + 1) / rate)
    assert max(lengths) <= 0.5 + 2 / rate
    assert min(lengths) < 0.3


def test_frames_move_little_and_differ_by_noise() -> None:
    people = _people(sequences=1)
    drawn = list(people.pictures(people.animator(0), 0, 0))
    assert len(drawn) == 40
    assert drawn[0].shape == (320, 320, 3)
    difference = np.abs(drawn[0].astype(int) - drawn[1].astype(int)).mean()
    assert 0.2 < difference < 6


def test_a_set_that_cannot_show_them_is_refused() -> None:
    with pytest.raises(ValueError, match="between 4 frames"):
        _people(frames=8)
    with pytest.raises(ValueError, match="need more than 25 frames/s"):
        _people(rate_hz=25.0)
    with pytest.raises(ValueError, match="need a table"):
        _people(table=None)
    assert CodedSet(AUS, subjects=1, sequences=1, frames=4).courses(0, 0) == ()


def test_only_the_frames_around_each_apex_are_drawn_the_same_as_in_the_whole_clip() -> None:
    whole = MicroSet((1, 2, 4, 12), 1, 2, 30, 60.0, seed=3, table=MICRO_PATTERNS)
    near = replace(whole, around=3)
    course = whole.courses(0, 1)[0]
    assert near.courses(0, 1) == (course,)
    kept = near.drawn(0, 1)
    assert kept == range(course.apex - 3, course.apex + 4)
    np.testing.assert_array_equal(near.labels(0, 1), whole.labels(0, 1)[kept])
    np.testing.assert_array_equal(near.intensities(0, 1), whole.intensities(0, 1)[kept])
    person = whole.animator(0)
    drawn, there = (list(people.pictures(person, 0, 1)) for people in (near, whole))
    assert len(drawn) == 7
    # the sensor's noise is another, the face is the same
    apart = [np.abs(a.astype(int) - there[row]).mean() for a, row in zip(drawn, kept, strict=True)]
    assert max(apart) < 5
    with pytest.raises(ValueError, match="around"):
        replace(whole, around=-1)
