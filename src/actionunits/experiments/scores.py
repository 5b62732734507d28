"""Scores of tables of predictions: of AUs, of emotions, and with faces not found as errors (seed 002).

Whatever the threshold, a frame without a face is decided wrongly: an AU that it shows is missed, one that it
does not show is reported. In a ranking, what is not shown stands above everything, and what is shown is never
found.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.experiments.emotions import emotion_names, score_emotions
from actionunits.experiments.predict import decisions_in
from actionunits.facs.units import au_column, parse_au
from actionunits.metrics.scoring import score_table
from actionunits.records import ScoreTable
from actionunits.reports.tables import score_frame

__all__ = ["read_predictions", "score_predictions", "score_tables", "score_with_errors", "with_errors"]


def score_predictions(
    predictions: pd.DataFrame, metrics: Sequence[str], threshold: float | None = None
) -> ScoreTable:
    """Score a table as :func:`~actionunits.experiments.train.train_fold` writes it.

    Decisions are the model's own where it makes them (columns ``AUnn_d``), else by the thresholds.

    Args:
        predictions: a row a frame.
        metrics: names of :data:`actionunits.metrics.scoring.METRIC_NAMES`.
        threshold: one for all instead of the table's own decisions or thresholds.

    Raises:
        UserError: not such a table, or an unknown metric.
    """
    names = [name for name in predictions.columns if f"{name}_p" in predictions.columns]
    if "fold" not in predictions.columns or not (names or emotion_names(predictions)):
        raise UserError("this is no table of predictions: expected columns fold, AU01, AU01_p, AU01_t ...")
    labels = predictions[names].to_numpy(np.int8)
    scores = predictions[[f"{name}_p" for name in names]].to_numpy(np.float64)
    limits = predictions[[f"{name}_t" for name in names]].to_numpy(np.float64)
    return score_table(
        [parse_au(name) for name in names],
        labels,
        scores,
        metrics,
        thresholds=limits if threshold is None else threshold,
        folds=predictions["fold"].to_numpy(),
        decisions=decisions_in(predictions, names) if threshold is None else None,
    )


def with_errors(predictions: pd.DataFrame, missed: pd.DataFrame) -> pd.DataFrame:
    """Predictions with the frames without a face, each decided wrongly at thresholds above 0.

    The probability of an AU is 1 where it is not shown and 0 where it is; emotions have none.

    Args:
        predictions: as :func:`~actionunits.experiments.predict.prediction_table` gives them.
        missed: as :func:`~actionunits.experiments.predict.missed_table` gives them, of the same folds.
    """
    if not len(missed):
        return predictions
    names = [name for name in predictions.columns if f"{name}_p" in predictions.columns]
    limits = predictions.groupby("fold").first()
    wrong = missed.copy()
    for name in names:
        wrong[f"{name}_p"] = 1.0 - missed[name].clip(0)
        wrong[f"{name}_t"] = limits[f"{name}_t"].reindex(missed["fold"]).to_numpy()
        if f"{name}_d" in predictions.columns:
            wrong[f"{name}_d"] = np.where(missed[name] < 0, -1, 1 - missed[name]).astype(np.int8)
    return pd.concat([predictions, wrong], ignore_index=True)


def score_with_errors(
    predictions: pd.DataFrame,
    missed: pd.DataFrame,
    metrics: Sequence[str],
    threshold: float | None = None,
) -> ScoreTable:
    """Scores of the AUs with faces not found as errors; AUC, which has no place for them, is NaN.

    Args:
        predictions: of the test subjects.
        missed: their frames without a face.
        metrics: names of :data:`actionunits.metrics.scoring.METRIC_NAMES`.
        threshold: one for all instead of the table's own.
    """
    table = score_predictions(with_errors(predictions, missed), metrics, threshold)
    values = table.values.copy()
    for row, name in enumerate(map(au_column, table.aus)):
        labels, said = predictions[name].to_numpy(), predictions[f"{name}_p"].to_numpy(np.float64)
        precision, f1 = _ranked(labels, said, missed[name].to_numpy())
        for metric, value in (("AP", precision), ("F1-oracle", f1), ("AUC", np.nan)):
            if metric in table.metrics:
                values[row, table.metrics.index(metric)] = value
    return ScoreTable(table.aus, table.metrics, values)


def _ranked(
    labels: NDArray[np.integer], said: NDArray[np.float64], lost: NDArray[np.integer]
) -> tuple[float, float]:
    """(average precision, F1 at the best threshold) of one AU."""
    known = (labels >= 0) & ~np.isnan(said)
    order = np.argsort(-said[known], kind="stable")
    shown, scores = labels[known][order] == 1, said[known][order]
    positives = int(shown.sum() + (lost == 1).sum())
    if positives == 0 or not len(scores):
        return (np.nan, np.nan) if positives == 0 else (0.0, 0.0)
    ends = np.append(np.diff(scores) != 0, True)
    hits = np.cumsum(shown)[ends]
    above = (np.arange(len(shown)) + 1)[ends] + int((lost == 0).sum())
    steps = np.diff(hits, prepend=0) / positives
    return float((steps * hits / above).sum()), float((2 * hits / (above + positives)).max())


def read_predictions(run: Path) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """A run's predictions, and its test frames without a face where they are kept.

    Raises:
        UserError: the folder holds no predictions.
    """
    path, missed = run / "predictions.parquet", run / "missed.parquet"
    if not path.is_file():
        raise UserError(
            f"{run} holds no predictions.parquet: give the folder of a run that `au train` finished"
        )
    return pd.read_parquet(path), pd.read_parquet(missed) if missed.is_file() else None


def score_tables(
    run: Path, metrics: Sequence[str], threshold: float | None = None
) -> dict[str, pd.DataFrame]:
    """Title to table: of the AUs, of the AUs with missed faces as errors, of the emotions, as there are.

    Args:
        run: a run's folder.
        metrics: of the AUs.
        threshold: one for all AUs instead of each one's own.

    Raises:
        UserError: the folder holds no predictions, or an unknown metric.
    """
    predictions, missed = read_predictions(run)
    tables = {}
    table = score_predictions(predictions, metrics, threshold)
    if table.aus:
        tables["Frames with a face"] = score_frame(table)
    if table.aus and missed is not None:
        counted = score_with_errors(predictions, missed, metrics, threshold)
        title = f"With the {len(missed)} frames in which no face was found as errors"
        tables[title] = score_frame(counted)
    if emotion_names(predictions) and (predictions["emotion"] != "").any():
        tables["Emotions"] = score_emotions(predictions, missed).table()
    return tables
