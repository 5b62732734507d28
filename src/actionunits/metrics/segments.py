"""Segments of time: their overlap, and average precision of found segments against true ones.

A segment is (start, end), the end one past its last frame; it lies on a line (a sequence, a box of one), and
segments of different lines do not overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actionunits.metrics.events import segments

__all__ = ["OVERLAPS", "Segments", "known_segments", "segment_average_precision", "temporal_iou"]

#: The overlaps at which THUMOS reports average precision.
OVERLAPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


@dataclass(frozen=True)
class Segments:
    """Segments of one AU.

    Attributes:
        line: i64[K], the number of the line on which each lies.
        times: f64[K,2], start and end.
        score: f64[K], how sure it is; None of true segments.
    """

    line: NDArray[np.int64]
    times: NDArray[np.float64]
    score: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        count = len(self.line)
        if self.times.shape != (count, 2) or (self.score is not None and self.score.shape != (count,)):
            raise ValueError("segments have a line, a start and an end each, and all or none of them a score")


def temporal_iou(one: ArrayLike, other: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union of each pair, f64[K,M]; 0 where both are empty.

    Args:
        one: [K,2] of (start, end).
        other: [M,2].

    >>> temporal_iou([[0, 10]], [[5, 15], [10, 20]]).round(3).tolist()
    [[0.333, 0.0]]
    """
    a = np.asarray(one, np.float64).reshape(-1, 1, 2)
    b = np.asarray(other, np.float64).reshape(1, -1, 2)
    both = (np.minimum(a[..., 1], b[..., 1]) - np.maximum(a[..., 0], b[..., 0])).clip(0)
    either = (a[..., 1] - a[..., 0]) + (b[..., 1] - b[..., 0]) - both
    shared: NDArray[np.float64] = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    return shared


def known_segments(labels: ArrayLike) -> NDArray[np.int64]:
    """The runs of 1 with what is unknown left out, i64[K,2] of (first, one past the last) place.

    A gap of unknown places does not break a run that goes on behind it, as in the counts of AU R-CNN's Tables
    14 and 15; a run begins and ends with a place that is known.

    Args:
        labels: [N] of 1, 0, -1, in order of time.

    >>> known_segments([1, -1, 1, 0, 1, -1]).tolist()
    [[0, 3], [4, 5]]
    """
    line = np.asarray(labels)
    places = np.flatnonzero(line >= 0)
    runs = segments(line[places] == 1)
    if not len(runs):
        return runs
    return np.stack([places[runs[:, 0]], places[runs[:, 1] - 1] + 1], axis=1).astype(np.int64)


def segment_average_precision(
    truth: Segments, found: Segments, overlaps: ArrayLike = OVERLAPS
) -> NDArray[np.float64]:
    """Average precision of one AU's found segments at each overlap, f64[O]; NaN where there is no truth.

    The surest goes first; it is right if a true segment of its line that no surer one has taken overlaps with
    it so much, and takes that which does most. Precision at a recall is the best at that recall or a higher
    one (interpolation at all points); segments of one score enter together.

    Args:
        truth: true segments.
        found: with scores.
        overlaps: [O] temporal IoU, above 0.

    >>> line = np.zeros(2, np.int64)
    >>> truth = Segments(line, np.array([[0.0, 10], [20, 30]]))
    >>> found = Segments(line, np.array([[0.0, 9], [12, 15]]), np.array([0.6, 0.9]))
    >>> segment_average_precision(truth, found, [0.5, 0.95]).tolist()
    [0.25, 0.0]
    """
    wanted = np.asarray(overlaps, np.float64)
    if found.score is None:
        raise ValueError("found segments need scores")
    if not (wanted > 0).all():
        raise ValueError("an overlap must be above 0")
    if not len(truth.line):
        return np.full(len(wanted), np.nan)
    order = np.argsort(-found.score, kind="stable")
    right = np.zeros((len(wanted), len(order)), bool)
    for line in np.unique(found.line):
        own = order[found.line[order] == line]
        iou = temporal_iou(found.times[own], truth.times[truth.line == line])
        for row, overlap in enumerate(wanted):
            right[row, own] = _matched(iou, float(overlap))
    score = found.score[order]
    return np.array([_interpolated(hits[order], score, len(truth.line)) for hits in right])


def _matched(iou: NDArray[np.float64], overlap: float) -> NDArray[np.bool_]:
    """bool[K]: whether each found segment, the surest first, takes a true one; iou f64[K,M]."""
    free = np.ones(iou.shape[1], bool)
    right = np.zeros(len(iou), bool)
    for row in np.flatnonzero((iou >= overlap).any(axis=1)):
        best = int(np.argmax(np.where(free, iou[row], -1.0)))
        if free[best] and iou[row, best] >= overlap:
            right[row], free[best] = True, False
    return right


def _interpolated(right: NDArray[np.bool_], score: NDArray[np.float64], count: int) -> float:
    """Area under the best precision at each recall or beyond; ``score`` falls."""
    if not len(right):
        return 0.0
    last = np.append(np.flatnonzero(np.diff(score) != 0), len(score) - 1)
    hits = np.cumsum(right)[last]
    precision = np.maximum.accumulate((hits / (last + 1))[::-1])[::-1]
    return float((np.diff(hits, prepend=0) * precision).sum() / count)
