"""Uncertainty: intervals by bootstrap over subjects, paired tests between methods, many AUs at once.

Frames of one person are no independent samples: intervals come from drawing subjects with replacement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from actionunits.metrics.classification import COUNT_METRICS, count
from actionunits.metrics.ranking import count_pairs

__all__ = [
    "Interval",
    "TestResult",
    "benjamini_hochberg",
    "bootstrap_scores",
    "holm",
    "paired_t_test",
    "permutation_test",
    "stars",
    "subject_draws",
    "wilcoxon_test",
]

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A score with its interval.

    Attributes:
        value: f64[A], of all subjects.
        low: f64[A].
        high: f64[A]. NaN where fewer than half of the draws define the score.
        mean: value, low and high (3 floats) of the mean over the AUs.
    """

    value: Scores
    low: Scores
    high: Scores
    mean: tuple[float, float, float]


def subject_draws(subjects: int, draws: int, seed: int) -> Scores:
    """f64[B,S]: how often each subject is drawn when S are drawn with replacement, B times."""
    if subjects < 1:
        raise ValueError("a bootstrap needs at least one subject")
    generator = np.random.default_rng(seed)
    return generator.multinomial(subjects, np.full(subjects, 1 / subjects), size=draws).astype(np.float64)


def bootstrap_scores(
    labels: ArrayLike,
    decisions: ArrayLike,
    scores: ArrayLike | None,
    subjects: ArrayLike,
    metrics: tuple[str, ...] = ("F1", "ACC", "NA", "AUC", "S"),
    *,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, Interval]:
    """Percentile intervals of each metric by drawing subjects with replacement.

    The frames are counted once per subject (:class:`~actionunits.metrics.classification.Counts`,
    :class:`~actionunits.metrics.ranking.PairCounts`); a draw only adds counts up, so that 1,000 draws of
    150,000 frames take seconds and give exactly what scoring the drawn frames would.

    Args:
        labels: [N,A] of 1, 0, -1.
        decisions: [N,A] of 1, 0, -1.
        scores: [N,A], needed for ``AUC`` only.
        subjects: [N], any names.
        metrics: names of ``COUNT_METRICS``, and ``AUC``.
        draws: how many.
        level: share of the draws within the interval.
        seed: of the draws; one draw serves all metrics.

    Raises:
        ValueError: an unknown metric, or ``AUC`` without scores.
    """
    unknown = [name for name in metrics if name != "AUC" and name not in COUNT_METRICS]
    if unknown or ("AUC" in metrics and scores is None):
        raise ValueError(
            f"metrics are {', '.join(COUNT_METRICS)} and AUC (with scores), got {', '.join(metrics)}"
        )
    names, groups = np.unique(np.asarray(subjects), return_inverse=True)
    weights = np.vstack([np.ones((1, len(names))), subject_draws(len(names), draws, seed)])
    drawn = count(labels, decisions, groups).weighted(weights)
    result = {}
    for name in metrics:
        if name == "AUC":
            assert scores is not None
            values = count_pairs(labels, scores, groups).auc(weights)
        else:
            values = COUNT_METRICS[name](drawn)
        result[name] = _interval(values, level)
    return result


def _interval(values: Scores, level: float) -> Interval:
    """The first row of [1+B,A] holds all subjects, the others the draws."""
    whole, drawn = values[0], values[1:]
    ends = np.full((2, drawn.shape[1]), np.nan)
    for au in range(drawn.shape[1]):
        defined = drawn[~np.isnan(drawn[:, au]), au]
        if 2 * len(defined) > len(drawn):
            ends[:, au] = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    used = ~np.isnan(whole)
    if not used.any():
        return Interval(whole, ends[0], ends[1], (np.nan, np.nan, np.nan))
    known = ~np.isnan(drawn[:, used])
    sums = np.where(known, drawn[:, used], 0.0).sum(axis=1)
    means = (sums / np.maximum(known.sum(axis=1), 1))[known.any(axis=1)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2]) if len(means) else (np.nan, np.nan)
    return Interval(whole, ends[0], ends[1], (float(whole[used].mean()), float(low), float(high)))


@dataclass(frozen=True)
class TestResult:
    """A paired test of each AU.

    Attributes:
        statistic: f64[A].
        p: f64[A], two-sided; NaN where the test is not defined.
    """

    statistic: Scores
    p: Scores

    __test__ = False  # not a test class for pytest


def _pairs(ours: ArrayLike, theirs: ArrayLike) -> tuple[Scores, Scores]:
    a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if a.shape != b.shape or a.ndim != 2:
        raise ValueError(
            f"paired scores are [K,A] on both sides (folds or subjects), got {a.shape}, {b.shape}"
        )
    return a, b


def _each(ours: ArrayLike, theirs: ArrayLike, smallest: int, test: Any) -> TestResult:
    a, b = _pairs(ours, theirs)
    result = np.full((2, a.shape[1]), np.nan)
    for au in range(a.shape[1]):
        known = ~np.isnan(a[:, au]) & ~np.isnan(b[:, au])
        apart = a[known, au] - b[known, au]
        if known.sum() >= smallest and np.abs(apart).max() > 1e-12:
            result[:, au] = test(a[known, au], b[known, au])
    return TestResult(result[0], result[1])


def paired_t_test(ours: ArrayLike, theirs: ArrayLike) -> TestResult:
    """Student's paired t-test over folds (or subjects), two-sided, for each AU.

    Args:
        ours: [K,A], NaN pairs are left out.
        theirs: [K,A].

    Not defined with fewer than two pairs, or if all pairs are equal.
    """

    def test(a: Scores, b: Scores) -> tuple[float, float]:
        apart = a - b
        if np.ptp(apart) <= 1e-12 * np.abs(apart).max():
            return np.nan, np.nan
        found = stats.ttest_rel(a, b)
        return float(found.statistic), float(found.pvalue)

    return _each(ours, theirs, 2, test)


def wilcoxon_test(ours: ArrayLike, theirs: ArrayLike) -> TestResult:
    """Wilcoxon's signed-rank test for each AU, two-sided; pairs as in :func:`paired_t_test`."""

    def test(a: Scores, b: Scores) -> tuple[float, float]:
        found = stats.wilcoxon(a, b)
        return float(found.statistic), float(found.pvalue)

    return _each(ours, theirs, 1, test)


def permutation_test(ours: ArrayLike, theirs: ArrayLike, *, draws: int = 9999, seed: int = 0) -> TestResult:
    """Sign-flip test of the mean difference for each AU, two-sided; exact if 2^K is at most ``draws``."""

    def test(a: Scores, b: Scores) -> tuple[float, float]:
        apart = a - b
        if 2 ** min(len(apart), 62) <= draws:
            bits = np.arange(2 ** len(apart))[:, None] >> np.arange(len(apart)) & 1
            flipped = ((1 - 2 * bits) * apart).mean(axis=1)
            added = 0
        else:
            generator = np.random.default_rng(seed)
            flipped = (generator.choice((-1.0, 1.0), (draws, len(apart))) * apart).mean(axis=1)
            added = 1
        mean = apart.mean()
        extreme = np.sum(np.abs(flipped) >= abs(mean) * (1 - 1e-12))
        return float(mean), float((extreme + added) / (len(flipped) + added))

    return _each(ours, theirs, 1, test)


def stars(p: float) -> str:
    """The usual marks: ``*`` below .05, ``**`` below .01, ``***`` below .001, nothing above or for NaN.

    >>> [stars(p) for p in (0.2, 0.04, 0.004, 0.0004, float("nan"))]
    ['', '*', '**', '***', '']
    """
    return "*" * sum(p < bound for bound in (0.05, 0.01, 0.001))


def _corrected(p: ArrayLike, rule: Any) -> Scores:
    values = np.asarray(p, np.float64)
    known = ~np.isnan(values)
    result = np.full(values.shape, np.nan)
    if known.any():
        result[known] = rule(values[known])
    return result


def holm(p: ArrayLike) -> Scores:
    """Holm's correction for many tests (family-wise error), same shape; NaN is left out.

    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """

    def rule(values: Scores) -> Scores:
        order = np.argsort(values, kind="stable")
        steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
        result = np.empty_like(values)
        result[order] = np.minimum(steps, 1.0)
        return result

    return _corrected(p, rule)


def benjamini_hochberg(p: ArrayLike) -> Scores:
    """Benjamini and Hochberg's correction (false discovery rate), same shape; NaN is left out."""
    return _corrected(p, lambda values: stats.false_discovery_control(values, method="bh"))
