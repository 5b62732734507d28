"""Events: the runs of frames in which an AU is shown, and how well they are found."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["event_f1", "segments"]


def segments(shown: NDArray[np.bool_], starts: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """The runs of True, as i64[K,2] of (first, one past the last) row.

    Args:
        shown: bool[N].
        starts: bool[N], True where a row does not continue the row before it (another sequence, a gap in the
            frame numbers): a run ends there. None = one unbroken line.

    >>> segments(np.array([0, 1, 1, 0, 1], bool)).tolist()
    [[1, 3], [4, 5]]
    >>> segments(np.array([1, 1, 1], bool), np.array([1, 0, 1], bool)).tolist()
    [[0, 2], [2, 3]]
    """
    shown = np.asarray(shown, bool)
    if shown.ndim != 1 or (starts is not None and starts.shape != shown.shape):
        raise ValueError("shown and starts must be bool[N] of one length")
    if shown.size == 0:
        return np.zeros((0, 2), np.int64)
    breaks = np.zeros(shown.size, bool) if starts is None else np.asarray(starts, bool).copy()
    breaks[0] = True
    before = np.concatenate([[False], shown[:-1]])
    after = np.concatenate([shown[1:], [False]])
    ends_here = np.concatenate([breaks[1:], [True]])
    first = np.flatnonzero(shown & (~before | breaks))
    last = np.flatnonzero(shown & (~after | ends_here))
    return np.stack([first, last + 1], axis=1).astype(np.int64)


def event_f1(
    labels: ArrayLike,
    decisions: ArrayLike,
    starts: NDArray[np.bool_] | None = None,
    overlap: float = 0.5,
) -> NDArray[np.float64]:
    """F1 of whole events instead of frames (Ding, Chu, De la Torre, Cohn & Wang 2013), f64[A].

    Event recall is the share of true events of which at least ``overlap`` of the frames are decided shown;
    event precision the share of decided events of which at least ``overlap`` of the frames are true. Frames
    that are unknown (-1) on either side belong to no event. NaN where there is no event on either side.

    Args:
        labels: [N,A] of 1, 0, -1, in order of time.
        decisions: [N,A] of 1, 0, -1.
        starts: bool[N], True where another sequence begins.
        overlap: above 0, up to 1.

    >>> truth = [[0], [1], [1], [1], [0], [0], [1], [0]]
    >>> said = [[0], [1], [1], [0], [0], [0], [0], [1]]
    >>> event_f1(truth, said).tolist()
    [0.5]
    """
    truth, said = np.asarray(labels), np.asarray(decisions).astype(np.int8)
    if truth.ndim != 2 or truth.shape != said.shape:
        raise ValueError(f"labels are {truth.shape}, decisions {said.shape}: expected the same [N,A]")
    if not 0 < overlap <= 1:
        raise ValueError(f"overlap must be above 0 and at most 1, got {overlap}")
    known = (truth >= 0) & (said >= 0)
    result = np.full(truth.shape[1], np.nan)
    for au in range(truth.shape[1]):
        true = known[:, au] & (truth[:, au] == 1)
        decided = known[:, au] & (said[:, au] == 1)
        found, events = _covered(true, decided, starts, overlap)
        right, alarms = _covered(decided, true, starts, overlap)
        if events + alarms:
            recall, precision = found / max(events, 1), right / max(alarms, 1)
            result[au] = 2 * recall * precision / (recall + precision) if recall + precision else 0.0
    return result


def _covered(
    own: NDArray[np.bool_], other: NDArray[np.bool_], starts: NDArray[np.bool_] | None, overlap: float
) -> tuple[int, int]:
    """How many events of ``own`` are covered by ``other``, and how many there are."""
    events = segments(own, starts)
    before = np.concatenate([[0], np.cumsum(other)])
    share = (before[events[:, 1]] - before[events[:, 0]]) / np.maximum(events[:, 1] - events[:, 0], 1)
    return int((share >= overlap - 1e-12).sum()), len(events)
