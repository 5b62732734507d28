"""All metrics by name, and the score table of a set of predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actionunits.errors import unknown_name
from actionunits.metrics.classification import COUNT_METRICS, Scores, count, f1_score
from actionunits.metrics.ranking import average_precision, roc_auc
from actionunits.metrics.thresholds import decide, oracle_f1
from actionunits.records import ScoreTable

__all__ = ["METRIC_NAMES", "SCORE_METRICS", "score_table"]

#: The metrics that need scores instead of decisions: name to a function of (labels, scores).
SCORE_METRICS: dict[str, Callable[[ArrayLike, ArrayLike], Scores]] = {
    "AUC": roc_auc,
    "AP": average_precision,
    "F1-half": lambda labels, scores: f1_score(labels, decide(scores)),
    "F1-oracle": oracle_f1,
}

#: Every metric of :func:`score_table`.
METRIC_NAMES = (*COUNT_METRICS, *SCORE_METRICS)


def score_table(
    aus: Sequence[int],
    labels: ArrayLike,
    scores: ArrayLike,
    metrics: Sequence[str] = ("F1", "ACC", "NA", "AUC", "S"),
    *,
    thresholds: ArrayLike = 0.5,
    folds: ArrayLike | None = None,
    decisions: ArrayLike | None = None,
) -> ScoreTable:
    """Score predictions: ``values`` over all frames pooled, ``per_fold`` for each fold by itself.

    The two differ, for F1 is not the mean of the folds' F1.

    Args:
        aus: the A columns.
        labels: [N,A] of 1, 0, -1.
        scores: [N,A], NaN where there is no prediction: such a cell is left out of every metric.
        metrics: names out of :data:`METRIC_NAMES`.
        thresholds: one for all, [A], or [N,A] (each frame's fold has its own).
        folds: [N], the test fold of each row; None gives no ``per_fold``.
        decisions: [N,A] of 1, 0, -1 = undecided, that were made otherwise; None = by the thresholds.

    Raises:
        UserError: an unknown metric.

    >>> table = score_table([12], [[1], [0], [1]], [[0.9], [0.2], [0.3]], ["F1", "AUC"])
    >>> table.values.round(3).tolist()
    [[0.667, 1.0]]
    """
    for name in metrics:
        if name not in METRIC_NAMES:
            raise unknown_name("metric", name, METRIC_NAMES)
    truth, values = np.asarray(labels), np.asarray(scores)
    said = decide(values, thresholds) if decisions is None else np.asarray(decisions, np.int8)
    pooled = _scores(truth, values, said, metrics)
    per_fold = None
    if folds is not None:
        which = np.asarray(folds)
        rows = [which == fold for fold in np.unique(which)]
        per_fold = np.stack([_scores(truth[r], values[r], said[r], metrics) for r in rows])
    return ScoreTable(tuple(int(au) for au in aus), tuple(metrics), pooled, per_fold)


def _scores(
    truth: NDArray[np.integer],
    values: NDArray[np.floating],
    decisions: NDArray[np.int8],
    metrics: Sequence[str],
) -> NDArray[np.float64]:
    counts = count(truth, decisions)
    columns = [
        COUNT_METRICS[name](counts) if name in COUNT_METRICS else SCORE_METRICS[name](truth, values)
        for name in metrics
    ]
    return np.stack(columns, axis=1) if columns else np.zeros((truth.shape[1], 0))
