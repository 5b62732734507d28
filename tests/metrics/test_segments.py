"""Segments of time against references that are written otherwise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from actionunits.metrics.events import segments
from actionunits.metrics.segments import (
    OVERLAPS,
    Segments,
    known_segments,
    segment_average_precision,
    temporal_iou,
)

SPANS = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 12)), max_size=6)
NONE = Segments(np.zeros(0, np.int64), np.zeros((0, 2)), np.zeros(0))


def _times(spans) -> np.ndarray:
    return np.array([[start, start + length] for start, length in spans], float).reshape(-1, 2)


@given(SPANS, SPANS)
def test_overlap_is_that_of_the_sets_of_frames(one, other) -> None:
    a, b = _times(one), _times(other)
    found = temporal_iou(a, b)
    assert found.shape == (len(a), len(b))
    for row, (start, end) in enumerate(a):
        for column, (begin, stop) in enumerate(b):
            first, second = set(range(int(start), int(end))), set(range(int(begin), int(stop)))
            assert found[row, column] == pytest.approx(len(first & second) / len(first | second))


def test_empty_segments_overlap_with_nothing() -> None:
    assert temporal_iou([[3, 3]], [[3, 3], [0, 9]]).tolist() == [[0.0, 0.0]]


@given(st.lists(st.sampled_from([-1, 0, 1]), max_size=40))
def test_unknown_places_are_left_out_and_break_no_run(labels) -> None:
    line = np.array(labels, np.int8)
    found = known_segments(line)
    left = line[line >= 0]
    assert len(found) == len(segments(left == 1))
    for start, end in found:
        assert line[start] == line[end - 1] == 1
        assert not (line[start:end] == 0).any()
    assert sum((line[start:end] == 1).sum() for start, end in found) == (line == 1).sum()


def _by_hand(truth, found, overlap: float) -> float:
    """Average precision by its definition: for each true segment that is found, the best precision there or
    later; segments of one score are all counted before precision is read."""
    taken, rows = set(), []
    for line, span, score in sorted(found, key=lambda each: -each[2]):
        best, which = 0.0, None
        for number, (other, real) in enumerate(truth):
            iou = temporal_iou([span], [real])[0, 0]
            if other == line and number not in taken and iou >= overlap and iou > best:
                best, which = iou, number
        taken |= {which} - {None}
        rows.append((score, which is not None))
    area = 0.0
    points = []  # (recall, precision) at each score
    for score in sorted({score for score, _ in rows}):
        kept = [right for other, right in rows if other >= score]
        points.append((sum(kept) / len(truth), sum(kept) / len(kept)))
    for step in range(1, len(truth) + 1):
        area += max([p for recall, p in points if recall >= step / len(truth) - 1e-9], default=0.0)
    return area / len(truth)


LINED = st.tuples(st.integers(0, 2), st.integers(0, 20), st.integers(1, 12))


@given(st.lists(LINED, min_size=1, max_size=6), st.lists(st.tuples(LINED, st.integers(0, 5)), max_size=9))
def test_average_precision_is_its_definition(true, said) -> None:
    truth = [(line, (start, start + length)) for line, start, length in true]
    found = [(line, (start, start + length), score / 5) for (line, start, length), score in said]
    given_truth = Segments(np.array([t[0] for t in truth]), np.array([t[1] for t in truth], float))
    given_found = Segments(
        np.array([f[0] for f in found], np.int64),
        np.array([f[1] for f in found], float).reshape(-1, 2),
        np.array([f[2] for f in found], float),
    )
    scores = segment_average_precision(given_truth, given_found)
    assert scores.tolist() == pytest.approx([_by_hand(truth, found, overlap) for overlap in OVERLAPS])


def test_average_precision_is_sklearns_where_precision_only_falls() -> None:
    """All truth found, precision falling: interpolation changes nothing."""
    spans = np.array([[0.0, 10], [20, 30], [40, 50]])
    zero = np.zeros(5, np.int64)
    found = np.array([[0.0, 10], [20, 30], [11, 15], [33, 36], [40, 50]])
    score, right = np.array([0.9, 0.8, 0.7, 0.6, 0.5]), [1, 1, 0, 0, 1]
    scores = segment_average_precision(Segments(zero[:3], spans), Segments(zero, found, score), [0.5])
    assert scores[0] == pytest.approx(average_precision_score(right, score))


def test_each_truth_is_taken_once_and_lines_are_apart() -> None:
    truth = Segments(np.array([0]), np.array([[0.0, 10]]))
    twice = Segments(np.array([0, 0]), np.array([[0.0, 10], [0, 10]]), np.array([0.9, 0.8]))
    assert segment_average_precision(truth, twice, [0.7]).tolist() == [1.0]
    first_wrong = Segments(np.array([1, 0]), np.array([[0.0, 10], [0, 10]]), np.array([0.9, 0.8]))
    assert segment_average_precision(truth, first_wrong, [0.7]).tolist() == [0.5]


def test_what_is_not_defined_is_nan_and_nothing_found_is_0() -> None:
    some = Segments(np.array([0]), np.array([[0.0, 10]]), np.array([0.3]))
    assert np.isnan(segment_average_precision(NONE, some)).all()
    assert np.isnan(segment_average_precision(NONE, NONE)).all()
    assert segment_average_precision(some, NONE).tolist() == [0.0] * 7


def test_mistakes_are_told() -> None:
    some = Segments(np.array([0]), np.array([[0.0, 10]]))
    with pytest.raises(ValueError, match="need scores"):
        segment_average_precision(some, some)
    with pytest.raises(ValueError, match="above 0"):
        segment_average_precision(some, NONE, [0.0])
    with pytest.raises(ValueError, match="have a line, a start"):
        Segments(np.array([0]), np.zeros((2, 2)))
