"""Which frames show which kind of expression: CAS(ME)^2 has micro- and macro-expressions in one video."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from actionunits.datasets.adapter import Event
from actionunits.errors import UserError
from actionunits.records import LabelIndex

__all__ = ["without_other_kinds"]


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
    table = index.table
    frames = table["frame"].to_numpy(np.int64)
    of_sequence = table.groupby(["dataset", "subject", "sequence"], sort=False, observed=True).indices
    for event in events:
        rows = of_sequence.get((event.dataset, event.subject, event.sequence))
        if rows is not None:
            inside = rows[(frames[rows] >= event.onset) & (frames[rows] <= event.last)]
            (wanted if event.kind == kind else other)[inside] = True
    return wanted | ~other
