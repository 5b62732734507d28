"""Joined predictions to scores: per AU with intervals, per fold, intensities, and what guessing scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.analysis.baselines import baseline_scores
from actionunits.analysis.cooccurrence import base_rates
from actionunits.analysis.decisions import columns_of, decisions_of
from actionunits.analysis.joining import Joined
from actionunits.metrics.agreement import (
    concordance,
    icc_2_1,
    icc_3_1,
    mean_absolute_error,
    pearson,
    root_mean_square_error,
)
from actionunits.metrics.averages import mean_defined
from actionunits.metrics.classification import COUNT_METRICS
from actionunits.metrics.events import event_f1
from actionunits.metrics.scoring import SCORE_METRICS, score_table
from actionunits.metrics.statistics import Interval, bootstrap_scores

__all__ = ["DEFAULT_METRICS", "EVENT_F1", "Scores", "intensity_scores", "score"]

#: What is scored unless something else is asked for.
DEFAULT_METRICS = ("F1", "ACC", "NA", "S", "kappa", "MCC", "AUC", "AP")

#: F1 of whole events; it needs the order of the frames, which the other metrics do not.
EVENT_F1 = "event F1"

_INTENSITY: dict[str, Callable[..., NDArray[np.float64]]] = {
    "Pearson": pearson,
    "CCC": concordance,
    "ICC(3,1)": icc_3_1,
    "ICC(2,1)": icc_2_1,
    "MAE": mean_absolute_error,
    "RMSE": root_mean_square_error,
}


@dataclass(frozen=True)
class Scores:
    """The scores of joined predictions.

    Attributes:
        values: a row an AU, then the mean over the AUs: ``frames`` that were scored, ``base rate``, each
            metric and, with intervals, its ``low`` and ``high``; what guessing scores in the last columns.
        metrics: the metrics among the columns.
        level: the share of the draws within an interval; None without intervals.
        per_fold: a row a fold with the mean over its AUs, the folds' mean, and the pooled mean; or None.
        notes: what a reader has to know.
    """

    values: pd.DataFrame
    metrics: tuple[str, ...]
    level: float | None
    per_fold: pd.DataFrame | None
    notes: tuple[str, ...]

    def shown(self, digits: int = 3) -> pd.DataFrame:
        """The values for reading: each interval stands in brackets behind its score."""
        if self.level is None:
            return self.values
        columns: dict[str, object] = {}
        for name in self.values.columns:
            if name.removesuffix(" low") in self.metrics or name.removesuffix(" high") in self.metrics:
                if name in self.metrics:
                    columns[name] = [self._cell(row, name, digits) for _, row in self.values.iterrows()]
                continue
            columns[name] = self.values[name]
        return pd.DataFrame(columns, index=self.values.index)

    @staticmethod
    def _cell(row: pd.Series[float], name: str, digits: int) -> str:
        if pd.isna(row[name]):
            return "—"
        if isinstance(row[name], int):  # how many AUs entered the mean
            return str(row[name])
        if f"{name} low" not in row.index or pd.isna(row[f"{name} low"]):
            return f"{row[name]:.{digits}f}"
        return f"{row[name]:.{digits}f} [{row[f'{name} low']:.2f}, {row[f'{name} high']:.2f}]"


def score(
    joined: Joined,
    aus: Sequence[int],
    metrics: Sequence[str] = DEFAULT_METRICS,
    *,
    threshold: float | str | None = None,
    validation: Joined | None = None,
    draws: int = 0,
    level: float = 0.95,
    seed: int = 0,
) -> Scores:
    """Score the frames that both sides have.

    Args:
        joined: predictions beside labels.
        aus: which AUs.
        metrics: names of :data:`~actionunits.metrics.scoring.METRIC_NAMES` and :data:`EVENT_F1`.
        threshold: see :func:`~actionunits.analysis.decisions.decisions_of`.
        validation: see :func:`~actionunits.analysis.decisions.decisions_of`.
        draws: of subjects for the intervals; 0 = no intervals. Metrics that are not made of counts or of
            ranked pairs (AP, F1-oracle, event F1) get none.
        level: share of the draws within an interval.
        seed: of the draws.

    Raises:
        UserError: an AU that one side lacks, an unknown metric, or a threshold without probabilities.
    """
    labels = joined.labels.labels(aus)
    decisions, how = decisions_of(joined, aus, threshold, validation)
    scores = joined.predictions.scores[:, columns_of(joined, aus)]
    notes = [how, *_shared_people(joined, validation), *_coverage(joined, labels, decisions)]
    wanted = list(metrics)
    if np.isnan(scores).all():
        dropped = [name for name in wanted if name in SCORE_METRICS]
        wanted = [name for name in wanted if name not in SCORE_METRICS]
        notes += [f"no {', '.join(dropped)}: the table has no probabilities"] if dropped else []
    table = score_table(
        aus,
        labels,
        scores,
        [name for name in wanted if name != EVENT_F1],
        decisions=decisions,
        folds=joined.predictions.folds,
    )
    found = dict(zip(table.metrics, table.values.T, strict=True))
    if EVENT_F1 in wanted:
        found[EVENT_F1] = event_f1(labels, decisions, joined.labels.starts(frame_gaps=True))
    subjects = joined.labels.table["dataset"].astype(str) + "/" + joined.labels.table["subject"].astype(str)
    intervals: dict[str, Interval] = {}
    if draws and subjects.nunique() < 2:
        notes.append("no intervals: they come from drawing subjects, and there is one")
    elif draws:
        drawn = tuple(name for name in wanted if name in COUNT_METRICS or name == "AUC")
        intervals = bootstrap_scores(
            labels, decisions, scores, subjects.to_numpy(str), drawn, draws=draws, level=level, seed=seed
        )
        people = subjects.nunique()
        notes.append(f"brackets: {level:.0%} intervals by {draws:,} draws of {people} subjects, seed {seed}")
    values = _frame(aus, labels, decisions, {name: found[name] for name in wanted}, intervals)
    if threshold == "oracle":
        values = values.rename(columns=lambda name: _oracle_name(str(name), wanted))
        wanted = [_oracle_name(name, wanted) for name in wanted]
    folds = joined.predictions.folds
    per_fold = None
    if table.per_fold is not None and folds is not None:
        per_fold = _folds(np.unique(folds).tolist(), table.per_fold, table.values, table.metrics)
        if threshold == "oracle":
            per_fold = per_fold.rename(columns=lambda name: _oracle_name(str(name), table.metrics))
    return Scores(values, tuple(wanted), level if intervals else None, per_fold, tuple(notes))


def _oracle_name(column: str, metrics: Sequence[str]) -> str:
    """``F1`` becomes ``F1 (oracle)``, and so do its ends; what no threshold enters keeps its name."""
    for name in metrics:
        if name not in SCORE_METRICS and column in (name, f"{name} low", f"{name} high"):
            return f"{name} (oracle){column.removeprefix(name)}"
    return column


def _shared_people(joined: Joined, validation: Joined | None) -> list[str]:
    """A note where thresholds were chosen on people who are scored too."""
    if validation is None:
        return []
    names = ["dataset", "subject"]
    tested, chosen_on = (each.labels.table[names].drop_duplicates() for each in (joined, validation))
    shared = len(tested.astype(str).merge(chosen_on.astype(str), on=names))
    if not shared:
        return []
    return [
        f"{shared:,} of the {len(tested):,} scored subjects are in the validation tables too, by name: "
        "thresholds chosen on who is scored are optimistic, like oracle"
    ]


def _coverage(joined: Joined, labels: NDArray[np.int8], decisions: NDArray[np.int8]) -> list[str]:
    notes = [f"{len(labels):,} frames, joined by {', '.join(joined.keys)}"]
    if not joined.complete:
        notes.append(f"left out: {joined.losses()}")
    faceless = int(joined.predictions.faceless.sum())
    if faceless:
        notes.append(f"{faceless:,} of these frames have no face: they enter no score")
    unknown = int((labels < 0).sum())
    if unknown:
        notes.append(f"{unknown:,} of {labels.size:,} labels are unknown: they enter no score")
    undecided = int(((decisions < 0) & ~joined.predictions.faceless[:, None]).sum())
    if undecided:
        notes.append(f"{undecided:,} of {labels.size:,} predictions are empty although there is a face")
    return notes


def _frame(
    aus: Sequence[int],
    labels: NDArray[np.int8],
    decisions: NDArray[np.int8],
    found: dict[str, NDArray[np.float64]],
    intervals: dict[str, Interval],
) -> pd.DataFrame:
    used = np.where(decisions >= 0, labels, -1)
    columns: dict[str, NDArray[np.generic]] = {
        "frames": (used >= 0).sum(axis=0),
        "base rate": base_rates(used),
    }
    means: dict[str, float] = {"base rate": float(mean_defined(columns["base rate"])[0])}
    for name, values in found.items():
        columns[name], means[name] = values, float(mean_defined(values)[0])
        if name in intervals:
            one = intervals[name]
            columns[f"{name} low"], columns[f"{name} high"] = one.low, one.high
            means[f"{name} low"], means[f"{name} high"] = one.mean[1:]
    guesses = baseline_scores(used, aus, ("F1", "ACC"))
    for metric, guess in (("F1", "Ones"), ("ACC", "Zeros")):
        if metric in found:
            values = guesses[guess][metric].to_numpy(float)
            columns[f"{metric} of {guess}"] = values
            means[f"{metric} of {guess}"] = float(mean_defined(values)[0])
    frame = pd.DataFrame(columns, index=pd.Index([f"AU{au}" for au in aus]))
    entered = [int(np.isfinite(values).sum()) for values in found.values()]
    frame["frames"] = frame["frames"].astype(object)
    frame.loc[f"mean of {len(aus)}" if set(entered) <= {len(aus)} else "mean"] = pd.Series(means)
    if set(entered) > {len(aus)} or set(entered) - {len(aus)}:
        frame = frame.astype(object)
        frame.loc["AUs in mean"] = pd.Series(dict(zip(found, entered, strict=True)), dtype=object)
    return frame


def _folds(
    folds: list[str], per_fold: NDArray[np.float64], pooled: NDArray[np.float64], metrics: tuple[str, ...]
) -> pd.DataFrame:
    names = [f"fold {fold}" for fold in folds]
    means = mean_defined(per_fold, axis=1)[0]
    rows = np.vstack([means, mean_defined(means, axis=0)[0], mean_defined(pooled, axis=0)[0]])
    index = pd.Index([*names, f"mean of {len(names)} folds", "all frames pooled"])
    return pd.DataFrame(rows, index=index, columns=list(metrics))


def intensity_scores(joined: Joined, aus: Sequence[int]) -> pd.DataFrame | None:
    """Agreement of intensities, a row an AU and their mean; None unless both sides have some AU's.

    Columns: ``frames`` with both, Pearson's r, CCC, ICC(3,1), ICC(2,1), mean absolute and root mean square
    error in FACS steps (0 to 5).
    """
    both = [
        au
        for au in aus
        if au in joined.labels.intensity_aus
        and np.isfinite(joined.predictions.intensities[:, joined.predictions.aus.index(au)]).any()
    ]
    if not both:
        return None
    truth = joined.labels.intensities(both).astype(np.float64)
    said = joined.predictions.intensities[:, columns_of(joined, both)]
    values = {name: metric(truth, said) for name, metric in _INTENSITY.items()}
    frame = pd.DataFrame(values, index=pd.Index([f"AU{au}" for au in both]))
    frame.insert(0, "frames", (np.isfinite(truth) & np.isfinite(said)).sum(axis=0).astype(object))
    entered = {name: int(np.isfinite(column).sum()) for name, column in values.items()}
    means = {name: float(mean_defined(column)[0]) for name, column in values.items()}
    frame.loc[f"mean of {len(both)}" if set(entered.values()) == {len(both)} else "mean"] = pd.Series(means)
    if set(entered.values()) != {len(both)}:
        frame = frame.astype(object)
        frame.loc["AUs in mean"] = pd.Series(entered, dtype=object)
    return frame
