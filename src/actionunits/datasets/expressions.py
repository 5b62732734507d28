"""Coded expressions and frames: which frames are of a kind of expression, which AUs an expression shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from actionunits.datasets.adapter import Event
from actionunits.datasets.folds import subject_keys
from actionunits.errors import UserError
from actionunits.records import LabelIndex

__all__ = ["expression_labels", "without_other_kinds"]


def without_other_kinds(index: LabelIndex, events: Sequence[Event], kind: str) -> NDArray[np.bool_]:
    """bool[N], all frames but those that only expressions of other kinds show.

    What surrounds an expression stays, so that clips around an apex need not end with the expression.

    Args:
        index: the frames.
        events: coded expressions.
        kind: ``micro``, ``macro`` ..

    Raises:
        UserError: no expression is of that kind.
    """
    kinds = sorted({event.kind for event in events if event.kind})
    if kind not in kinds:
        raise UserError(f"no expression of these data is {kind}: they are {', '.join(kinds) or 'not marked'}")
    wanted, other = np.zeros(len(index), bool), np.zeros(len(index), bool)
    for event, inside in _rows_of(index, events):
        (wanted if event.kind == kind else other)[inside] = True
    return wanted | ~other


def expression_labels(
    index: LabelIndex, events: Sequence[Event], aus: Sequence[int]
) -> tuple[NDArray[np.int8], NDArray[np.str_]]:
    """What each expression shows, as one row: what its frames are labelled with.

    Args:
        index: the frames; an AU that it does not code is unknown.
        events: coded expressions; one without a frame in the index has no row.
        aus: the A AUs.

    Returns:
        i8[E,A], -1 unknown, and [E] people as folds name them.

    Raises:
        UserError: no expression has a frame.
    """
    keys, frames = subject_keys(index), index.table["frame"].to_numpy(np.int64)
    coded = [at for at, au in enumerate(aus) if au in index.aus]
    labels = np.full((len(index), len(aus)), -1, np.int8)
    labels[:, coded] = index.labels([aus[at] for at in coded])
    rows = [
        int(inside[np.argmin(np.abs(frames[inside] - event.centre))])
        for event, inside in _rows_of(index, events)
        if len(inside)
    ]
    if not rows:
        raise UserError("these data have no such expression with a picture")
    return labels[rows], keys[rows]


def _rows_of(index: LabelIndex, events: Sequence[Event]) -> Iterator[tuple[Event, NDArray[np.int64]]]:
    """Each expression with the rows of its frames."""
    frames = index.table["frame"].to_numpy(np.int64)
    rows_of: dict[tuple[str, ...], list[int]] = {}
    names = (index.table[name].astype("str") for name in ("dataset", "subject", "sequence"))
    for row, key in enumerate(zip(*names, strict=True)):
        rows_of.setdefault(key, []).append(row)
    for event in events:
        own = np.array(rows_of.get((event.dataset, event.subject, event.sequence), []), np.int64)
        yield event, own[(frames[own] >= event.onset) & (frames[own] <= event.last)]
