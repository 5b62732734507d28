"""Several networks under one protocol: the same people, frames and folds, so that they can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.datasets.folds import keys_of
from actionunits.errors import UserError
from actionunits.experiments.cross_validate import cross_validate, score_predictions
from actionunits.experiments.predict import decisions_in
from actionunits.experiments.recipe import Recipe
from actionunits.facs.units import au_column
from actionunits.metrics.averages import mean_defined
from actionunits.metrics.classification import COUNT_METRICS, count
from actionunits.metrics.ranking import count_pairs, roc_auc
from actionunits.metrics.statistics import Interval, bootstrap_scores, subject_draws
from actionunits.metrics.thresholds import decide
from actionunits.records import ScoreTable, Stage

__all__ = [
    "Outcome",
    "auc_by_intensity",
    "compare",
    "draw_weights",
    "drawn_scores",
    "intervals",
    "mean_difference",
    "variance_difference",
]

#: What names a frame in a table of predictions.
FRAME = ["dataset", "subject", "sequence", "frame"]


@dataclass(frozen=True)
class Outcome:
    """What came of one network.

    Attributes:
        predictions: a row a frame; the frames of all networks of a comparison are the same.
        scores: over all test subjects, and fold by fold.
        run: its folder.
    """

    predictions: pd.DataFrame
    scores: ScoreTable
    run: Path

    @property
    def labels(self) -> NDArray[np.int8]:
        """i8[N,A], -1 unknown."""
        return self.predictions[[au_column(au) for au in self.scores.aus]].to_numpy(np.int8)

    def of_aus(self, suffix: str) -> NDArray[np.float64]:
        """f64[N,A]: ``_p`` probabilities, ``_t`` thresholds, ``_r`` intensities (NaN without any)."""
        names = [f"{au_column(au)}{suffix}" for au in self.scores.aus]
        return self.predictions.reindex(columns=names).to_numpy(np.float64)

    @property
    def decisions(self) -> NDArray[np.int8]:
        """i8[N,A]: the network's own decisions where it makes them, else by its thresholds."""
        own = decisions_in(self.predictions, [au_column(au) for au in self.scores.aus])
        return decide(self.of_aus("_p"), self.of_aus("_t")) if own is None else own

    @property
    def subjects(self) -> NDArray[np.str_]:
        """The subject of each frame, with its data set where there are several."""
        return keys_of(self.predictions)


def compare(
    recipes: Mapping[str, Recipe], out: Path, cache: Path, *, stage: Stage | None = None
) -> dict[str, Outcome]:
    """Cross-validate networks on the same data and folds; runs that are done are kept.

    Args:
        recipes: name to recipe; data and folds must be the same but for how clips are cut.
        out: a folder a network is made in it.
        cache: of the crops.
        stage: shows progress.

    Returns:
        Name to outcome, over the frames that every network scored.

    Raises:
        UserError: recipes of different data or folds, or see
            :func:`~actionunits.experiments.cross_validate.cross_validate`.
    """
    _check_same(recipes)
    tables = {}
    for name, recipe in recipes.items():
        run = out / name.lower().replace(" ", "-")
        cross_validate(recipe, run, cache=cache, stage=stage)
        tables[name] = (pd.read_parquet(run / "predictions.parquet"), run)
    shared = _shared_frames([table for table, _ in tables.values()])
    outcomes = {}
    for name, (table, run) in tables.items():
        rows = table.set_index(FRAME).loc[shared].reset_index()
        outcomes[name] = Outcome(rows, score_predictions(rows, recipes[name].scores.metrics), run)
    return outcomes


def _check_same(recipes: Mapping[str, Recipe]) -> None:
    free = {"clips", "scored_clips", "stride"}

    def protocol(recipe: Recipe) -> tuple[object, ...]:
        data = (str(value) for name, value in vars(recipe.data).items() if name not in free)
        return (*data, recipe.folds)

    first, *others = (protocol(recipe) for recipe in recipes.values())
    if any(other != first for other in others):
        raise UserError(f"{', '.join(recipes)} cannot be compared: their data or folds differ")


def _shared_frames(tables: Sequence[pd.DataFrame]) -> pd.MultiIndex:
    """The frames that stand in every table, in the order of the first."""
    indices = [pd.MultiIndex.from_frame(table[FRAME]) for table in tables]
    shared = indices[0]
    for index in indices[1:]:
        shared = shared[shared.isin(index)]
    return shared


def intervals(outcome: Outcome, metrics: Sequence[str], draws: int = 1000) -> dict[str, Interval]:
    """95 % intervals over the test subjects; see :func:`~actionunits.metrics.statistics.bootstrap_scores`."""
    said = outcome.of_aus("_p")
    return bootstrap_scores(
        outcome.labels, outcome.decisions, said, outcome.subjects, tuple(metrics), draws=draws
    )


def mean_difference(
    ours: Outcome, theirs: Outcome, metric: str, draws: int = 1000, aus: Sequence[int] | None = None
) -> tuple[float, float, float]:
    """(value, low, high): how much higher the mean of a metric over the AUs is, with its 95 % interval.

    Subjects are drawn with replacement, the same for both; an AU that a draw does not define for both is left
    out of that draw's mean.

    Args:
        ours: a network.
        theirs: another, on the same frames.
        metric: of :data:`~actionunits.metrics.classification.COUNT_METRICS`, or ``AUC``.
        draws: how many.
        aus: the AUs of the mean; None = all.
    """
    chosen = [ours.scores.aus.index(au) for au in aus or ours.scores.aus]
    pairs = [drawn_scores(outcome, metric, draws)[:, chosen] for outcome in (ours, theirs)]
    apart = pairs[0] - pairs[1]
    means, _ = mean_defined(apart, axis=1)
    drawn = means[1:][np.isfinite(means[1:])]
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (np.nan, np.nan)
    return float(means[0]), float(low), float(high)


def variance_difference(
    ours: Outcome, theirs: Outcome, metric: str, draws: int = 1000
) -> tuple[float, float, float]:
    """(value, low, high): how much higher the sample variance of a metric over the AUs is; as above."""
    variances = []
    for outcome in (ours, theirs):
        values = drawn_scores(outcome, metric, draws)
        known = np.isfinite(values)
        count = known.sum(axis=1)
        mean = np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1)
        squares = np.where(known, (values - mean[:, None]) ** 2, 0.0).sum(axis=1)
        variances.append(np.where(count > 1, squares / np.maximum(count - 1, 1), np.nan))
    apart = variances[0] - variances[1]
    low, high = np.nanquantile(apart[1:], [0.025, 0.975])
    return float(apart[0]), float(low), float(high)


def draw_weights(outcome: Outcome, draws: int = 1000) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """The subjects [S], sorted, and how often each is taken f64[1+B,S]: everyone once, then B draws."""
    names = np.unique(outcome.subjects)
    return names, np.vstack([np.ones((1, len(names))), subject_draws(len(names), draws, 0)])


def drawn_scores(outcome: Outcome, metric: str, draws: int = 1000) -> NDArray[np.float64]:
    """f64[1+B,A]: the metric of everyone, and of each draw of subjects, the same for all networks."""
    names, weights = draw_weights(outcome, draws)
    groups = np.searchsorted(names, outcome.subjects)
    if metric == "AUC":
        return count_pairs(outcome.labels, outcome.of_aus("_p"), groups).auc(weights)
    return COUNT_METRICS[metric](count(outcome.labels, outcome.decisions, groups).weighted(weights))


def auc_by_intensity(outcome: Outcome, low: float, high: float) -> NDArray[np.float64]:
    """f64[A]: AUC of the frames that show an AU at an intensity within [low, high) against all that do not.

    NaN without intensities or without such frames.
    """
    labels, graded = outcome.labels.copy(), outcome.of_aus("_r")
    labels[(labels == 1) & ~((graded >= low) & (graded < high))] = -1
    return roc_auc(labels, outcome.of_aus("_p"))
