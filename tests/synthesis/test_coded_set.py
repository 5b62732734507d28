"""A coded set draws the same frames whenever they are asked for, and its labels are theirs."""

from types import SimpleNamespace

import numpy as np
import pytest

from actionunits.errors import UserError
from actionunits.synthesis.coded_faces import PatternTable
from actionunits.synthesis.coded_set import CodedSet

TABLE = PatternTable((4, 12), ((), (12,), (4, 12)), (1.0, 1.0, 1.0))


def _drawn(people: CodedSet, *paths: str):
    return list(people(SimpleNamespace(paths=paths)))


@pytest.mark.parametrize("table", [TABLE, None])
def test_frames_are_drawn_when_asked_for_and_the_same_again(table: PatternTable | None) -> None:
    people = CodedSet((4, 12), subjects=2, sequences=2, frames=4, rate_hz=10.0, seed=3, table=table)
    path = people.path(1, 0)
    assert path == "painted-3-001/0000.mp4"
    first, again = _drawn(people, *[path] * 4), _drawn(people, *[path] * 4)
    assert [row for row, _ in first] == [0, 1, 2, 3]
    assert [frame.time_s for _, frame in first] == pytest.approx([0, 0.1, 0.2, 0.3])
    assert all(np.array_equal(a.image, b.image) for (_, a), (_, b) in zip(first, again, strict=True))
    other = _drawn(people, *[people.path(1, 1)] * 4)
    assert not np.array_equal(first[0][1].image, other[0][1].image)
    assert people.intensities(1, 0).shape == (4, 2)


def test_stills_share_a_part_and_stand_in_their_order() -> None:
    people = CodedSet((12,), subjects=1, sequences=3, table=TABLE)
    frames = _drawn(people, *[people.path(0, n) for n in (2, 0, 1)])
    assert [row for row, _ in frames] == [0, 1, 2]
    alone = _drawn(people, people.path(0, 0))
    assert np.array_equal(frames[1][1].image, alone[0][1].image)
    assert people.intensities(0, 2).shape == (1, 1)


def test_what_is_not_in_the_set_is_refused() -> None:
    people = CodedSet((12,), subjects=1, sequences=1)
    with pytest.raises(UserError, match="no sequence of this synthetic set"):
        _drawn(people, "someone/0001.png")
    with pytest.raises(ValueError, match="must be positive"):
        CodedSet((12,), subjects=0, sequences=1)
    with pytest.raises(ValueError, match="the table codes"):
        CodedSet((1,), subjects=1, sequences=1, table=TABLE)
