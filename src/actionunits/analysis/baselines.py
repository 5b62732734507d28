"""What a classifier that looks at nothing scores, and how scores follow the base rates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from actionunits.metrics.agreement import pearson
from actionunits.metrics.classification import COUNT_METRICS, Counts

__all__ = ["BASELINES", "base_rate_correlation", "baseline_scores", "deviation_over_methods", "ones_f1"]

#: Baselines: always shown, never shown, shown at random as often as the AU's base rate.
BASELINES = ("Ones", "Zeros", "chance")


def ones_f1(rates: ArrayLike) -> NDArray[np.float64]:
    """F1 of always saying "shown" at a base rate p: 2 p / (1 + p).

    >>> ones_f1([0.5]).round(3).tolist()
    [0.667]
    """
    p = np.asarray(rates, np.float64)
    return np.asarray(2 * p / (1 + p))


def baseline_scores(
    labels: ArrayLike, aus: Sequence[int], metrics: Sequence[str] = ("F1", "ACC", "NA", "S")
) -> dict[str, pd.DataFrame]:
    """The scores of each baseline on these labels: name to a table with a row an AU, a column a metric.

    ``chance`` uses the expected counts, so that it needs no random numbers.

    Args:
        labels: [N,A] of 1, 0, -1 = unknown.
        aus: the A AUs.
        metrics: names of :data:`~actionunits.metrics.classification.COUNT_METRICS`.
    """
    rows = np.asarray(labels)
    shown, absent = (rows == 1).sum(axis=0).astype(float), (rows == 0).sum(axis=0).astype(float)
    known = shown + absent
    rate = np.divide(shown, known, out=np.zeros(len(known)), where=known > 0)
    said = {"Ones": np.ones(len(aus)), "Zeros": np.zeros(len(aus)), "chance": rate}
    names = pd.Index([f"AU{au}" for au in aus])
    result = {}
    for name in BASELINES:
        q = said[name]
        counts = Counts(tp=shown * q, fp=absent * q, fn=shown * (1 - q), tn=absent * (1 - q))
        result[name] = pd.DataFrame(
            {metric: COUNT_METRICS[metric](counts) for metric in metrics}, index=names
        )
    return result


def base_rate_correlation(scores: pd.DataFrame, rates: pd.Series[float]) -> pd.Series[float]:
    """Pearson's correlation over the AUs of each method's scores with the base rates.

    Args:
        scores: a row an AU, a column a method; missing scores are left out.
        rates: by the same row names.
    """
    p = rates.reindex(scores.index).to_numpy(float)
    found = [float(pearson(scores[[name]].to_numpy(float), p[:, None])[0]) for name in scores.columns]
    return pd.Series(found, index=scores.columns, name="correlation with base rate")


def deviation_over_methods(scores: pd.DataFrame) -> pd.Series[float]:
    """The sample standard deviation (n - 1) over the methods, per AU; missing scores are left out."""
    return pd.Series(scores.std(axis=1, ddof=1), name="deviation over methods")
