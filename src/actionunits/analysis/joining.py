"""Predictions beside the labels of the same frames, with an account of every row that has no partner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.analysis.predictions import KEYS, Predictions
from actionunits.errors import UserError
from actionunits.records import LabelIndex

__all__ = ["Joined", "Unmatched", "join"]


@dataclass(frozen=True)
class Unmatched:
    """Rows without a partner.

    Attributes:
        count: how many.
        first: names of the first three.
    """

    count: int
    first: tuple[str, ...]


@dataclass(frozen=True)
class Joined:
    """The frames that both sides have, in the labels' order, and what is missing.

    Attributes:
        labels: the index of these N frames.
        predictions: of the same N frames.
        keys: the columns that they were joined by.
        only_labels: the labelled rows without a prediction.
        only_predictions: the predicted rows without a label.
    """

    labels: LabelIndex
    predictions: Predictions
    keys: tuple[str, ...]
    only_labels: Unmatched
    only_predictions: Unmatched

    @property
    def complete(self) -> bool:
        """Every row has its partner."""
        return not self.only_labels.count and not self.only_predictions.count

    def losses(self) -> str:
        """How many rows have no partner, and the first of them; empty if there is none."""
        parts = []
        for rows, what in (
            (self.only_labels, "labelled {} without a prediction"),
            (self.only_predictions, "predicted {} without a label"),
        ):
            if rows.count:
                few = ", ".join(rows.first) + (" .." if rows.count > len(rows.first) else "")
                parts.append(f"{rows.count:,} {what.format('row' if rows.count == 1 else 'rows')} ({few})")
        return " and ".join(parts)


def join(predictions: Predictions, labels: LabelIndex, *, shift: int = 0) -> Joined:
    """Find the labels of each prediction by the names that both have, and the frame number.

    A label table without subject and sequence (its file's name stands for both) is joined by frame alone, and
    so are predictions without them if the labels are of one sequence.

    Args:
        predictions: with frames that occur once.
        labels: the index.
        shift: added to the predictions' frame numbers.

    Raises:
        UserError: no common frame; or the shared columns do not tell the rows of one side apart.
    """
    keys = _shared_keys(predictions, labels)
    said = predictions.keys[list(keys)].assign(frame=predictions.keys["frame"] + shift)
    true = labels.table[list(keys)].astype(dict.fromkeys(keys[:-1], "object"))
    for rows, side in ((said, predictions.source), (true, "the label table")):
        twice = rows.duplicated()
        if twice.any():
            first = _name(rows[twice].iloc[0])
            raise UserError(f"{side} has {first} twice: {_told_apart(predictions, labels, keys)}")
    both = true.assign(_label=np.arange(len(true))).merge(
        said.assign(_said=np.arange(len(said))), on=list(keys), how="inner", validate="one_to_one"
    )
    at_label, at_said = both["_label"].to_numpy(np.int64), both["_said"].to_numpy(np.int64)
    order = np.argsort(at_label)
    if not len(both):
        raise UserError(_nothing_common(said, true, keys))
    return Joined(
        labels.take(at_label[order]),
        _take(predictions, at_said[order]),
        keys,
        _unmatched(true, at_label),
        _unmatched(said, at_said),
    )


def _shared_keys(predictions: Predictions, labels: LabelIndex) -> tuple[str, ...]:
    subject, sequence = (labels.table[name].astype(str) for name in ("subject", "sequence"))
    nameless = sequence.nunique() == 1 and bool((subject == sequence).all())
    shared = [
        name
        for name in KEYS
        if name in predictions.keys
        and name in labels.table
        and not (name == "dataset" and labels.table[name].nunique() == 1)
        and not (nameless and name in ("subject", "sequence"))
    ]
    return (*shared, "frame")


def _told_apart(predictions: Predictions, labels: LabelIndex, keys: tuple[str, ...]) -> str:
    lacking = [
        name
        for name in KEYS
        if name not in keys and name in labels.table and labels.table[name].nunique() > 1
    ]
    if lacking:
        return f"the predictions need a column {' and '.join(lacking)} as the labels have it"
    return f"rows are told apart by {', '.join(keys)}: each may stand once"


def _nothing_common(said: pd.DataFrame, true: pd.DataFrame, keys: tuple[str, ...]) -> str:
    return (
        f"no row of the predictions has a label: joined by {', '.join(keys)}, the predictions start with "
        f"{_name(said.iloc[0]) if len(said) else 'nothing'}, the labels with "
        f"{_name(true.iloc[0]) if len(true) else 'nothing'}"
    )


def _name(row: pd.Series[str]) -> str:
    words = [str(row[name]) for name in row.index if name != "frame"]
    return " ".join([*words, "frame", str(row["frame"])])


def _unmatched(rows: pd.DataFrame, matched: NDArray[np.int64]) -> Unmatched:
    left = np.ones(len(rows), bool)
    left[matched] = False
    return Unmatched(int(left.sum()), tuple(_name(row) for _, row in rows[left].head(3).iterrows()))


def _take(predictions: Predictions, rows: NDArray[np.int64]) -> Predictions:
    return Predictions(
        predictions.source,
        predictions.keys.iloc[rows].reset_index(drop=True),
        predictions.aus,
        predictions.decisions[rows],
        predictions.scores[rows],
        predictions.intensities[rows],
        predictions.faceless[rows],
        None if predictions.folds is None else predictions.folds[rows],
        None if predictions.time_s is None else predictions.time_s[rows],
    )
