"""The score tables of a run, AUs and emotions, as they are printed and written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from actionunits.errors import UserError
from actionunits.experiments.cross_validate import score_predictions
from actionunits.experiments.emotions import emotion_names, score_emotions
from actionunits.experiments.predict import with_errors
from actionunits.reports.tables import score_frame

__all__ = ["read_predictions", "score_tables"]


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
        counted = score_predictions(with_errors(predictions, missed), metrics, threshold)
        title = f"With the {len(missed)} frames in which no face was found as errors"
        tables[title] = score_frame(counted)
    if emotion_names(predictions) and (predictions["emotion"] != "").any():
        tables["Emotions"] = score_emotions(predictions, missed).table()
    return tables
