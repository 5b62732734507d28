"""Agreement: of decisions (S, Cohen's kappa, MCC) and of intensities (Pearson's r, CCC, ICC), per AU.

Intensities are [N,A] in any unit, NaN = unknown: a row that is unknown on one side is left out for that AU.
A value that is not defined (no variance, too few rows) is NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actionunits.metrics.classification import COUNT_METRICS, count

__all__ = [
    "cohens_kappa",
    "concordance",
    "free_marginal_kappa",
    "icc_2_1",
    "icc_3_1",
    "matthews_correlation",
    "mean_absolute_error",
    "pearson",
    "root_mean_square_error",
]

Scores = NDArray[np.float64]


def free_marginal_kappa(labels: ArrayLike, decisions: ArrayLike) -> Scores:
    """The S score of Bennett, Alpert and Goldstein, f64[A]: chance is one half, so S = 2 accuracy - 1.

    >>> free_marginal_kappa([[1], [1], [0], [0]], [[1], [1], [0], [1]]).tolist()
    [0.5]
    """
    return COUNT_METRICS["S"](count(labels, decisions))


def cohens_kappa(labels: ArrayLike, decisions: ArrayLike) -> Scores:
    """Cohen's kappa, f64[A]: chance is what both sides' base rates give; NaN if both always say the same."""
    return COUNT_METRICS["kappa"](count(labels, decisions))


def matthews_correlation(labels: ArrayLike, decisions: ArrayLike) -> Scores:
    """Matthews' correlation (phi), f64[A]; NaN if either side never varies."""
    return COUNT_METRICS["MCC"](count(labels, decisions))


def _shifted(*ratings: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Ratings less each rater's first known value, f64[k,N,A]; these values, f64[k,A]; known rows, i64[A].

    The shift turns ratings that never vary into exact zeros. A row that is unknown to any rater is 0.
    """
    stack = np.stack([np.asarray(rating, np.float64) for rating in ratings])
    if stack.ndim != 3:
        raise ValueError(f"intensities are [N,A], got {stack.shape[1:]}")
    known = np.isfinite(stack).all(axis=0)
    if not known.size:
        return stack, np.zeros((len(ratings), stack.shape[2])), known.sum(axis=0)
    first = np.take_along_axis(stack, known.argmax(axis=0)[None, None], axis=1)
    return np.where(known, stack - first, 0.0), np.nan_to_num(first[:, 0]), known.sum(axis=0)


def _defined(over: Scores, under: Scores, rows: NDArray[np.int64], scale: Scores) -> Scores:
    """The ratio; NaN with fewer than two rows or where ``under`` is rounding error beside ``scale``."""
    sound = (rows >= 2) & (np.abs(under) > 1e-12 * scale) & (scale > 0)
    return np.asarray(np.divide(over, under, out=np.full(over.shape, np.nan), where=sound))


def _moments(truth: ArrayLike, said: ArrayLike) -> tuple[Scores, Scores, Scores, Scores, NDArray[np.int64]]:
    """Variances of both sides, covariance, difference of means (population), and rows, each [A]."""
    stack, first, rows = _shifted(truth, said)
    number = np.maximum(rows, 1)
    means = stack.sum(axis=1) / number
    a, b = np.maximum((stack**2).sum(axis=1) / number - means**2, 0.0)
    product = (stack[0] * stack[1]).sum(axis=0) / number - means[0] * means[1]
    return a, b, product, (first + means)[0] - (first + means)[1], rows


def pearson(truth: ArrayLike, said: ArrayLike) -> Scores:
    """Pearson's correlation, f64[A].

    >>> pearson([[0.0], [1.0], [2.0]], [[0.0], [2.0], [4.0]]).round(6).tolist()
    [1.0]
    """
    a, b, ab, _, rows = _moments(truth, said)
    spread = np.sqrt(a * b)
    return np.clip(_defined(ab, spread, rows, spread), -1.0, 1.0)


def concordance(truth: ArrayLike, said: ArrayLike) -> Scores:
    """Lin's concordance correlation coefficient (CCC) with population moments, f64[A]."""
    a, b, ab, apart, rows = _moments(truth, said)
    under = a + b + apart**2
    return _defined(2 * ab, under, rows, under)


def icc_3_1(*ratings: ArrayLike) -> Scores:
    """ICC(3,1) of Shrout and Fleiss, f64[A]: two-way, fixed raters, single rater, consistency.

    (BMS - EMS) / (BMS + (k-1) EMS), with the mean squares between rows (BMS) and of the error (EMS).

    Args:
        ratings: k of [N,A], usually truth and prediction.
    """
    between, _, error, rows = _mean_squares(*ratings)
    raters = len(ratings)
    return _defined(between - error, between + (raters - 1) * error, rows, between + error)


def icc_2_1(*ratings: ArrayLike) -> Scores:
    """ICC(2,1) of Shrout and Fleiss, f64[A]: two-way, random raters, single rater, absolute agreement.

    (BMS - EMS) / (BMS + (k-1) EMS + k (JMS - EMS) / n), JMS the mean square between raters.

    Args:
        ratings: k of [N,A], usually truth and prediction.
    """
    between, judges, error, rows = _mean_squares(*ratings)
    raters = len(ratings)
    under = between + (raters - 1) * error + raters * (judges - error) / np.maximum(rows, 1)
    return _defined(between - error, under, rows, between + error)


def _mean_squares(*ratings: ArrayLike) -> tuple[Scores, Scores, Scores, NDArray[np.int64]]:
    raters = len(ratings)
    if raters < 2:
        raise ValueError("an ICC needs two raters or more")
    stack, first, rows = _shifted(*ratings)
    number = np.maximum(rows, 1)
    means = stack.sum(axis=1) / number
    total = ((stack**2).sum(axis=1) - number * means**2).sum(axis=0)  # about each rater's own mean
    of_rows = (stack.mean(axis=0) ** 2).sum(axis=0) - number * means.mean(axis=0) ** 2
    between = raters * np.maximum(of_rows, 0.0)
    judges = number * ((first + means) - (first + means).mean(axis=0)) ** 2
    error = np.maximum(total - between, 0.0)
    freedom = np.maximum(rows - 1, 1)
    return between / freedom, judges.sum(axis=0) / (raters - 1), error / (freedom * (raters - 1)), rows


def mean_absolute_error(truth: ArrayLike, said: ArrayLike) -> Scores:
    """Mean absolute difference, f64[A], in the intensities' unit."""
    return _mean_difference(truth, said, 1)


def root_mean_square_error(truth: ArrayLike, said: ArrayLike) -> Scores:
    """Root of the mean squared difference, f64[A], in the intensities' unit."""
    return np.sqrt(_mean_difference(truth, said, 2))


def _mean_difference(truth: ArrayLike, said: ArrayLike, power: int) -> Scores:
    apart = np.abs(np.asarray(truth, np.float64) - np.asarray(said, np.float64)) ** power
    known = np.isfinite(apart)
    total = np.where(known, apart, 0.0).sum(axis=0)
    undefined = np.full(total.shape, np.nan)
    return np.asarray(np.divide(total, known.sum(axis=0), out=undefined, where=known.any(axis=0)))
