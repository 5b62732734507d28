"""Scores of rankings per AU: area under the ROC curve and average precision, right also with ties.

Labels are [N,A] with 1, 0, -1 = unknown; scores are [N,A], NaN where there is none (no face). A cell that is
unknown on either side is left out. A score that is not defined (a class is absent) is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["PairCounts", "average_precision", "count_pairs", "roc_auc"]

Scores = NDArray[np.float64]


def _columns(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.int8], NDArray[np.floating]]:
    truth, values = np.asarray(labels), np.asarray(scores)
    if truth.ndim != 2 or truth.shape != values.shape:
        raise ValueError(f"labels are {truth.shape}, scores {values.shape}: expected the same [N,A]")
    if truth.size and not np.isin(truth, (-1, 0, 1)).all():
        raise ValueError("labels are 1 (shown), 0 (not shown) or -1 (unknown)")
    floating = values if np.issubdtype(values.dtype, np.floating) else values.astype(np.float64)
    return truth.astype(np.int8), floating


def _falling_counts(
    truth: NDArray[np.int8], values: NDArray[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positives and all rows at or above each different score, highest first."""
    known = (truth >= 0) & ~np.isnan(values)
    order = np.argsort(-values[known], kind="stable")
    falling, hits = values[known][order], truth[known][order]
    last = (
        np.append(np.flatnonzero(np.diff(falling) != 0), len(falling) - 1)
        if len(falling)
        else np.zeros(0, int)
    )
    return np.cumsum(hits, dtype=np.int64)[last], last.astype(np.int64) + 1


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> Scores:
    """Area under the ROC curve, f64[A]: the chance that a positive outranks a negative, ties counting half.

    >>> roc_auc([[0], [0], [1], [1]], [[0.1], [0.4], [0.4], [0.8]]).tolist()
    [0.875]
    """
    truth, values = _columns(labels, scores)
    result = np.full(truth.shape[1], np.nan)
    for au in range(truth.shape[1]):
        hits, above = _falling_counts(truth[:, au], values[:, au])
        if len(hits) and 0 < hits[-1] < above[-1]:
            positives = np.append(0, hits).astype(np.float64)
            negatives = np.append(0, above - hits).astype(np.float64)
            area = np.sum(np.diff(negatives) * (positives[1:] + positives[:-1])) / 2
            result[au] = area / (positives[-1] * negatives[-1])
    return result


def average_precision(labels: ArrayLike, scores: ArrayLike) -> Scores:
    """Average precision, f64[A]: precision at each score, weighted by the recall that it adds.

    No interpolation; rows of one score enter together.

    >>> average_precision([[0], [0], [1], [1]], [[0.1], [0.4], [0.35], [0.8]]).round(4).tolist()
    [0.8333]
    """
    truth, values = _columns(labels, scores)
    result = np.full(truth.shape[1], np.nan)
    for au in range(truth.shape[1]):
        hits, above = _falling_counts(truth[:, au], values[:, au])
        if len(hits) and hits[-1] > 0:
            result[au] = np.sum(np.diff(hits, prepend=0) * (hits / above)) / hits[-1]
    return result


@dataclass(frozen=True)
class PairCounts:
    """How often a positive of one subject outranks a negative of another: what an AUC is made of.

    Attributes:
        wins: f64[A,S,S], pairs (positive of subject s, negative of subject t) that are ranked right, ties
            counting half.
        positives: f64[A,S].
        negatives: f64[A,S].
    """

    wins: Scores
    positives: Scores
    negatives: Scores

    def auc(self, weights: NDArray[np.floating]) -> Scores:
        """The AUC when subject s is taken ``weights[b, s]`` times: f64[B,A] from [B,S]."""
        result = np.full((len(weights), len(self.wins)), np.nan)
        for au in range(len(self.wins)):
            pairs = (weights @ self.positives[au]) * (weights @ self.negatives[au])
            won = np.einsum("bs,bs->b", weights @ self.wins[au], weights)
            np.divide(won, pairs, out=result[:, au], where=pairs > 0)
        return result


def count_pairs(labels: ArrayLike, scores: ArrayLike, groups: NDArray[np.integer]) -> PairCounts:
    """Count the pairs of each AU by the subjects of the positive and of the negative.

    Args:
        labels: [N,A].
        scores: [N,A].
        groups: for each row the number 0..S-1 of its subject.

    The frames are gone through once; after that each draw of a bootstrap costs S x S.
    """
    truth, values = _columns(labels, scores)
    subjects = int(groups.max(initial=-1)) + 1
    wins = np.zeros((truth.shape[1], subjects, subjects))
    totals = np.zeros((2, truth.shape[1], subjects))
    for au in range(truth.shape[1]):
        known = (truth[:, au] >= 0) & ~np.isnan(values[:, au])
        value, who, hit = values[known, au], groups[known], truth[known, au] == 1
        totals[0, au] = np.bincount(who[~hit], minlength=subjects)
        totals[1, au] = np.bincount(who[hit], minlength=subjects)
        wins[au] = _wins(value[hit], who[hit], value[~hit], who[~hit], subjects)
    return PairCounts(wins, totals[1], totals[0])


def _wins(
    high: NDArray[np.floating],
    high_who: NDArray[np.integer],
    low: NDArray[np.floating],
    low_who: NDArray[np.integer],
    subjects: int,
) -> Scores:
    """f64[S,S]: for each subject's negatives in turn, ranks of all positives among them."""
    result = np.zeros((subjects, subjects))
    order = np.argsort(high, kind="stable")
    rising, rising_who = high[order], high_who[order]
    for other in range(subjects):
        beaten = np.sort(low[low_who == other])
        if not len(beaten):
            continue
        rank = np.searchsorted(beaten, rising, "left") + np.searchsorted(beaten, rising, "right")
        result[:, other] = np.bincount(rising_who, weights=rank / 2, minlength=subjects)
    return result
