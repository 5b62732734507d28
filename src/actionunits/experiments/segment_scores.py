"""Whole segments instead of frames: what any network's run found of them, from its table of predictions.

A network that knows frames only finds, for each AU, the runs of frames whose probability reaches the
threshold, or that it decides shown itself; the mean probability of a run is its score. Frames that are
unknown for the AU, and those without a face, are left out before runs are made, on both sides: so they break
no run, as in seed 001's Tables 14 and 15, and what was said of them is neither right nor wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.experiments.predict import decisions_in
from actionunits.experiments.scores import read_predictions
from actionunits.facs.units import parse_au
from actionunits.metrics.events import segments
from actionunits.metrics.segments import OVERLAPS, Segments, segment_average_precision
from actionunits.metrics.thresholds import decide
from actionunits.records import ScoreTable

__all__ = ["run_segments", "segment_scores", "segment_table"]


def segment_scores(run: Path, overlaps: Sequence[float] = OVERLAPS) -> ScoreTable:
    """Average precision of a finished run's segments, per AU and temporal overlap.

    Args:
        run: a run's folder.
        overlaps: temporal IoU, above 0.

    Raises:
        UserError: the folder holds no predictions of AUs, or they are of single pictures.
    """
    return segment_table(read_predictions(run)[0], overlaps)


def segment_table(predictions: pd.DataFrame, overlaps: Sequence[float] = OVERLAPS) -> ScoreTable:
    """The same of a table as :func:`~actionunits.experiments.predict.prediction_table` gives it.

    The columns are ``AP@0.1`` .., over all sequences pooled and fold by fold; NaN where an AU has no segment.
    The segment mAP is the mean of a column.
    """
    names = [name for name in predictions.columns if f"{name}_p" in predictions.columns]
    if "fold" not in predictions.columns or not names:
        raise UserError("this is no table of predictions: expected columns fold, AU01, AU01_p, AU01_t ...")
    line = _lines(predictions)
    if not len(line) or np.bincount(line).max() == 1:
        raise UserError("these predictions are of single pictures: segments need sequences")
    folds = predictions["fold"].to_numpy()
    sides = [run_segments(predictions, name, line) for name in names]
    values = [
        np.stack(
            [segment_average_precision(_on(true, own), _on(said, own), overlaps) for true, said in sides]
        )
        for own in (line, *(line[folds == fold] for fold in np.unique(folds)))
    ]
    metrics = tuple(f"AP@{overlap:g}" for overlap in overlaps)
    return ScoreTable(tuple(parse_au(name) for name in names), metrics, values[0], np.stack(values[1:]))


def run_segments(predictions: pd.DataFrame, name: str, line: NDArray[np.int64]) -> tuple[Segments, Segments]:
    """The true segments of an AU, and those found, in frames of which both sides are known.

    Args:
        predictions: the table.
        name: the AU's column, such as ``AU12``.
        line: i64[N], the number of each row's sequence; a sequence's rows stand together, in order.
    """
    labels = predictions[name].to_numpy(np.int8)
    probability = predictions[f"{name}_p"].to_numpy(np.float64)
    own = decisions_in(predictions, [name])
    limits = predictions[[f"{name}_t"]].to_numpy(np.float64)
    shown = (decide(probability[:, None], limits) if own is None else own)[:, 0]
    known = (labels >= 0) & ~np.isnan(probability) & (shown >= 0)
    line, probability = line[known], probability[known]
    starts = np.diff(line, prepend=-1) != 0
    true, said = (segments(side[known] == 1, starts) for side in (labels, shown))
    before = np.concatenate([[0.0], np.cumsum(probability)])
    score = (before[said[:, 1]] - before[said[:, 0]]) / (said[:, 1] - said[:, 0])
    return (
        Segments(line[true[:, 0]], true.astype(np.float64)),
        Segments(line[said[:, 0]], said.astype(np.float64), score),
    )


def _lines(predictions: pd.DataFrame) -> NDArray[np.int64]:
    """i64[N], the number of each row's sequence; of each fold by itself."""
    names = ("fold", "dataset", "subject", "sequence", "view")
    there = [name for name in names if name in predictions]
    number: NDArray[np.int64] = np.zeros(len(predictions), np.int64)
    number[:] = predictions.groupby(there, sort=False).ngroup()
    return number


def _on(segments_: Segments, lines: NDArray[np.int64]) -> Segments:
    """The segments on some lines."""
    kept = np.isin(segments_.line, lines)
    score = None if segments_.score is None else segments_.score[kept]
    return Segments(segments_.line[kept], segments_.times[kept], score)
