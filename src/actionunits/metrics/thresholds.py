"""From scores to decisions: a fixed threshold, one chosen on a validation part, and the oracle's.

An honest score uses 0.5, or thresholds that :func:`choose_thresholds` found on a validation part of the
training subjects. What is chosen on the part that is scored is an upper bound and is named oracle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actionunits.metrics.ranking import _columns, _falling_counts

__all__ = ["choose_thresholds", "decide", "oracle_f1"]


def decide(scores: ArrayLike, thresholds: ArrayLike = 0.5) -> NDArray[np.int8]:
    """i8[N,A]: 1 where the score is at least the threshold, else 0; -1 where the score is NaN.

    Args:
        scores: [N,A].
        thresholds: one for all, or [A].

    >>> decide([[0.5, 0.2], [np.nan, 0.9]]).tolist()
    [[1, 0], [-1, 1]]
    """
    values = np.asarray(scores)
    decisions = (values >= np.asarray(thresholds)).astype(np.int8)
    decisions[np.isnan(values)] = -1
    return decisions


def _best(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(threshold, F1) of each AU, NaN where it has no positive."""
    truth, values = _columns(labels, scores)
    threshold, best = np.full((2, truth.shape[1]), np.nan)
    for au in range(truth.shape[1]):
        hits, above = _falling_counts(truth[:, au], values[:, au])
        if not len(hits) or hits[-1] == 0:
            continue
        f1 = 2 * hits / (above + hits[-1])
        at = int(f1.argmax())
        best[au] = f1[at]
        known = values[(truth[:, au] >= 0) & ~np.isnan(values[:, au]), au]
        falling = np.unique(known)[::-1].astype(np.float64)
        threshold[au] = (falling[at] + falling[at + 1]) / 2 if at + 1 < len(falling) else falling[at]
    return threshold, best


def choose_thresholds(labels: ArrayLike, scores: ArrayLike, default: float = 0.5) -> NDArray[np.float64]:
    """The threshold of each AU with the highest F1 on this part, f64[A]; half way to the next lower score.

    Args:
        labels: [N,A] of the validation part.
        scores: [N,A].
        default: for an AU without a known positive.

    >>> choose_thresholds([[0], [0], [1], [1]], [[0.1], [0.2], [0.4], [0.8]]).round(6).tolist()
    [0.3]
    """
    threshold, _ = _best(labels, scores)
    return np.where(np.isnan(threshold), default, threshold)


def oracle_f1(labels: ArrayLike, scores: ArrayLike) -> NDArray[np.float64]:
    """The highest F1 that any threshold reaches on the very part that is scored, f64[A]: optimistic.

    Romero and Arbelaez's "optimal regime of the precision-recall curve".
    """
    return _best(labels, scores)[1]
