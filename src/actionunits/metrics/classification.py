"""Scores of yes-or-no decisions per AU: F1 of either class, accuracy, balanced accuracy, and their averages.

Everything is computed from the four counts of true and false positives and negatives, so that a subject's
share can be added, left out or drawn again without going through the frames once more. Labels are [N,A]
with 1 shown, 0 not shown, -1 unknown; decisions are [N,A] with 1, 0, and -1 where nothing was decided (no
face). A cell that is unknown on either side is left out. A score that is not defined is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "COUNT_METRICS",
    "Counts",
    "accuracy",
    "average_class_accuracy",
    "balanced_accuracy",
    "confusion_matrix",
    "count",
    "f1_score",
    "macro_f1",
    "micro_f1",
    "negative_f1",
    "precision",
    "recall",
    "skew_normalised_f1",
]

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """The four counts, each i64[A], or f64 or i64 [...,A] with leading axes of subjects or draws.

    Attributes:
        tp: shown and decided so.
        fp: not shown, decided shown.
        fn: shown, decided not shown.
        tn: not shown and decided so.
    """

    tp: NDArray[np.integer | np.floating]
    fp: NDArray[np.integer | np.floating]
    fn: NDArray[np.integer | np.floating]
    tn: NDArray[np.integer | np.floating]

    @property
    def total(self) -> NDArray[np.integer | np.floating]:
        """The cells that were counted."""
        return np.asarray(self.tp + self.fp + self.fn + self.tn)

    def summed(self) -> Counts:
        """The first axis (subjects, folds) added up."""
        return Counts(self.tp.sum(0), self.fp.sum(0), self.fn.sum(0), self.tn.sum(0))

    def weighted(self, weights: NDArray[np.floating]) -> Counts:
        """Counts of shape [B,A] out of [S,A]: the S parts added up with each of B rows of weights [B,S]."""
        return Counts(*(weights @ part.astype(np.float64) for part in (self.tp, self.fp, self.fn, self.tn)))


def count(labels: ArrayLike, decisions: ArrayLike, groups: NDArray[np.integer] | None = None) -> Counts:
    """Count true and false positives and negatives of each AU.

    Args:
        labels: [N,A] of 1, 0, -1.
        decisions: [N,A] of 1, 0, -1 (or bool).
        groups: for each row the number 0..S-1 of its subject (or fold): counts are [S,A] then; else [A].

    Raises:
        ValueError: the shapes do not agree, or another value than 1, 0, -1.

    >>> counts = count([[1], [1], [0], [-1]], [[1], [0], [0], [1]])
    >>> int(counts.tp[0]), int(counts.fn[0]), int(counts.tn[0]), int(counts.total[0])
    (1, 1, 1, 3)
    """
    truth, said = _checked(labels), _checked(decisions)
    if truth.shape != said.shape:
        raise ValueError(f"labels are {truth.shape}, decisions {said.shape}: expected the same [N,A]")
    parts = 1 if groups is None else int(groups.max(initial=-1)) + 1
    row = np.zeros(len(truth), np.int64) if groups is None else np.asarray(groups, np.int64) * 4
    table = np.empty((parts, 4, truth.shape[1]), np.int64)
    for au in range(truth.shape[1]):
        known = (truth[:, au] >= 0) & (said[:, au] >= 0)
        cell = row[known] + 2 * truth[known, au] + said[known, au]
        table[:, :, au] = np.bincount(cell, minlength=4 * parts).reshape(parts, 4)
    if groups is None:
        table = table[0]
    tn, fp, fn, tp = np.moveaxis(table, -2, 0)
    return Counts(tp, fp, fn, tn)


def _checked(values: ArrayLike) -> NDArray[np.int8]:
    array = np.asarray(values)
    if array.ndim != 2:
        raise ValueError(f"labels and decisions are [N,A], got {array.shape}")
    if array.dtype != bool and array.size and not np.isin(array, (-1, 0, 1)).all():
        raise ValueError("labels and decisions are 1 (shown), 0 (not shown) or -1 (unknown)")
    return array.astype(np.int8)


def _ratio(over: ArrayLike, under: ArrayLike) -> Scores:
    above, below = np.asarray(over, np.float64), np.asarray(under, np.float64)
    undefined = np.full(np.broadcast(above, below).shape, np.nan)
    return np.asarray(np.divide(above, below, out=undefined, where=below != 0))


def _f1(c: Counts) -> Scores:
    return _ratio(2 * c.tp, 2 * c.tp + c.fp + c.fn)


def _negative_f1(c: Counts) -> Scores:
    return _ratio(2 * c.tn, 2 * c.tn + c.fp + c.fn)


def _macro_f1(c: Counts) -> Scores:
    both = np.stack([_f1(c), _negative_f1(c)])
    defined = ~np.isnan(both)
    return _ratio(np.where(defined, both, 0.0).sum(0), defined.sum(0))


def _accuracy(c: Counts) -> Scores:
    return _ratio(c.tp + c.tn, c.total)


def _precision(c: Counts) -> Scores:
    return _ratio(c.tp, c.tp + c.fp)


def _recall(c: Counts) -> Scores:
    return _ratio(c.tp, c.tp + c.fn)


def _false_positive_rate(c: Counts) -> Scores:
    return _ratio(c.fp, c.fp + c.tn)


def _balanced_accuracy(c: Counts) -> Scores:
    return (_recall(c) + 1 - _false_positive_rate(c)) / 2


def _skew_normalised_f1(c: Counts) -> Scores:
    hits, alarms = _recall(c), _false_positive_rate(c)
    return _ratio(2 * hits, 1 + hits + alarms)


def _free_marginal_kappa(c: Counts) -> Scores:
    return 2 * _accuracy(c) - 1


def _cohens_kappa(c: Counts) -> Scores:
    total = np.asarray(c.total, np.float64)
    chance = _ratio((c.tp + c.fp) * (c.tp + c.fn) * 1.0 + (c.tn + c.fn) * (c.tn + c.fp) * 1.0, total * total)
    return _ratio(_accuracy(c) - chance, 1 - chance)


def _matthews_correlation(c: Counts) -> Scores:
    tp, fp, fn, tn = (np.asarray(part, np.float64) for part in (c.tp, c.fp, c.fn, c.tn))
    return _ratio(tp * tn - fp * fn, np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))


#: Every metric that needs no more than the counts: name to a function of :class:`Counts`, for the bootstrap.
COUNT_METRICS: dict[str, Callable[[Counts], Scores]] = {
    "F1": _f1,
    "NA": _negative_f1,
    "F1-macro": _macro_f1,
    "F1-micro": _accuracy,
    "ACC": _accuracy,
    "balanced ACC": _balanced_accuracy,
    "precision": _precision,
    "recall": _recall,
    "F1-norm": _skew_normalised_f1,
    "S": _free_marginal_kappa,
    "kappa": _cohens_kappa,
    "MCC": _matthews_correlation,
}


def f1_score(labels: ArrayLike, decisions: ArrayLike) -> Scores:
    """F1 of the positive class ("F1-binary"), 2 tp / (2 tp + fp + fn), f64[A].

    NaN where the AU is neither shown nor decided shown.

    >>> f1_score([[1], [1], [0], [0]], [[1], [0], [1], [0]]).tolist()
    [0.5]
    """
    return _f1(count(labels, decisions))


def negative_f1(labels: ArrayLike, decisions: ArrayLike) -> Scores:
    """F1 of the negative class (the NA of Yang et al.), f64[A]."""
    return _negative_f1(count(labels, decisions))


def macro_f1(labels: ArrayLike, decisions: ArrayLike) -> Scores:
    """Mean of the F1 of both classes ("F1-macro"), f64[A]; a class that occurs nowhere is left out."""
    return _macro_f1(count(labels, decisions))


def micro_f1(labels: ArrayLike, decisions: ArrayLike) -> Scores:
    """F1 of both classes pooled ("F1-micro"), f64[A]: this is the accuracy."""
    return _accuracy(count(labels, decisions))


def accuracy(labels: ArrayLike, decisions: ArrayLike) -> Scores:
    """Share of right decisions, f64[A]."""
    return _accuracy(count(labels, decisions))


def balanced_accuracy(labels: ArrayLike, decisions: ArrayLike) -> Scores:
    """Mean of the hit rates in both classes, f64[A]; NaN where a class has no sample."""
    return _balanced_accuracy(count(labels, decisions))


def precision(labels: ArrayLike, decisions: ArrayLike) -> Scores:
    """Share of the positive decisions that are right, f64[A]."""
    return _precision(count(labels, decisions))


def recall(labels: ArrayLike, decisions: ArrayLike) -> Scores:
    """Share of the shown AUs that are found, f64[A]."""
    return _recall(count(labels, decisions))


def skew_normalised_f1(labels: ArrayLike, decisions: ArrayLike) -> Scores:
    """F1 as it would be with as many negatives as positives (Jeni, Cohn & De la Torre 2013), f64[A].

    The false positives are scaled by the ratio of positives to negatives, so that the score no longer moves
    with the base rate: 2 h / (1 + h + a) with hit rate h and false-alarm rate a.

    >>> skew_normalised_f1([[1], [1], [0], [0]], [[1], [0], [1], [0]]).tolist()
    [0.5]
    """
    return _skew_normalised_f1(count(labels, decisions))


def confusion_matrix(truth: ArrayLike, said: ArrayLike, classes: int) -> NDArray[np.int64]:
    """How often class r was taken for class c, i64[K,K] with rows of truth; -1 on either side is left out.

    >>> confusion_matrix([0, 0, 1], [0, 1, 1], 2).tolist()
    [[1, 1], [0, 1]]
    """
    rows, columns = np.asarray(truth, np.int64), np.asarray(said, np.int64)
    if rows.shape != columns.shape or rows.ndim != 1:
        raise ValueError(f"truth and said are [N], got {rows.shape} and {columns.shape}")
    if max(rows.max(initial=0), columns.max(initial=0)) >= classes:
        raise ValueError(f"a class number is {classes} or more")
    known = (rows >= 0) & (columns >= 0)
    cells = np.bincount(rows[known] * classes + columns[known], minlength=classes * classes)
    return cells.reshape(classes, classes)


def average_class_accuracy(matrix: NDArray[np.integer]) -> float:
    """Mean over the classes of the share that is right: the diagonal of the row-normalised matrix.

    Classes without a sample are left out; NaN if no class has one.

    >>> average_class_accuracy(np.array([[1, 1], [0, 4]]))
    0.75
    """
    each = _ratio(np.diag(matrix), matrix.sum(axis=1))
    defined = each[~np.isnan(each)]
    return float(defined.mean()) if defined.size else float("nan")
