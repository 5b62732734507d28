"""Each sequence of the set has one micro-expression, whose course and labels are known."""

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
