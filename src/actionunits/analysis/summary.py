"""Everything that is counted of a label index at once: what ``au analyze`` shows."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.analysis.baselines import baseline_scores
from actionunits.analysis.cooccurrence import base_rates, conditional, jaccard
from actionunits.analysis.durations import Durations, durations
from actionunits.analysis.pair_intervals import PairIntervals, pair_intervals
from actionunits.analysis.patterns import PatternCounts, count_patterns, patterns_by_group
from actionunits.errors import UserError, unknown_name
from actionunits.records import LabelIndex

__all__ = ["GROUPS", "LabelSummary", "summarise_labels"]

#: What patterns can be counted by.
GROUPS = ("task", "sequence", "subject", "dataset")


@dataclass(frozen=True)
class LabelSummary:
    """The counts of one index.

    Attributes:
        aus: the A AUs.
        frames: rows of the index.
        subjects: people.
        sequences: recordings.
        units: a row an AU: ``base rate``, ``shown`` and ``unknown`` frames, then the segments
            (:meth:`~actionunits.analysis.durations.Durations.table`).
        durations: the segments of each AU.
        rate_hz: frames per second where the times tell it, else None: lengths are in frames then.
        patterns: the patterns of all rows.
        by_group: the patterns of each task (sequence, subject), or empty.
        jaccard: A x A, named by AU.
        conditional: A x A, the chance of the column when the row is shown.
        pairs: the same and the lift of each pair with intervals over people.
        baselines: what "Ones", "Zeros" and chance score here.
    """

    aus: tuple[int, ...]
    frames: int
    subjects: int
    sequences: int
    units: pd.DataFrame
    durations: Durations
    rate_hz: float | None
    patterns: PatternCounts
    by_group: dict[Hashable, PatternCounts]
    jaccard: pd.DataFrame
    conditional: pd.DataFrame
    pairs: PairIntervals
    baselines: dict[str, pd.DataFrame]

    def top_by_group(self) -> pd.DataFrame:
        """A row a group: its ``frames``, number of ``patterns``, and the most frequent one."""
        rows = {}
        for name, counts in self.by_group.items():
            top = counts.table(top=1)
            most = (top["AUs"].iloc[0], float(top["share"].iloc[0])) if len(top) else ("—", np.nan)
            rows[str(name) or "(none)"] = (int(counts.frames.sum()), len(counts), *most)
        columns = ["frames", "patterns", "top pattern", "its share"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def summarise_labels(
    index: LabelIndex, aus: Sequence[int], *, by: str | None = None, frame_gaps: bool = True
) -> LabelSummary:
    """Count base rates, patterns, pairs, segments and baselines.

    Args:
        index: the labels.
        aus: which AUs, in the order of the results.
        by: also count patterns by ``task``, ``sequence``, ``subject`` or ``dataset``.
        frame_gaps: a gap in the frame numbers ends a segment.

    Raises:
        UserError: an AU without labels, an unknown ``by``, or no frame at all.
    """
    if by is not None and by not in GROUPS:
        raise unknown_name("grouping", by, GROUPS)
    if not len(index):
        raise UserError("there is no labelled frame to analyse: expected a table with at least one row")
    labels, people = index.labels(aus), _people(index)
    names = [f"AU{au}" for au in aus]
    lengths = durations(labels, tuple(aus), index.starts(frame_gaps=frame_gaps))
    rate_hz = _rate_hz(index)
    units = pd.DataFrame(
        {
            "base rate": base_rates(labels),
            "shown": (labels == 1).sum(axis=0),
            "unknown": (labels < 0).sum(axis=0),
        },
        index=pd.Index(names),
    ).join(lengths.table(rate_hz))
    groups = {} if by is None else patterns_by_group(labels, aus, index.table[by].to_numpy(str))
    return LabelSummary(
        aus=tuple(aus),
        frames=len(index),
        subjects=len(np.unique(people)),
        sequences=int(index.sequence_numbers().max()) + 1,
        units=units,
        durations=lengths,
        rate_hz=rate_hz,
        patterns=count_patterns(labels, aus),
        by_group=groups,
        jaccard=_square(jaccard(labels), names),
        conditional=_square(conditional(labels), names),
        pairs=pair_intervals(labels, aus, people),
        baselines=baseline_scores(labels, aus),
    )


def _people(index: LabelIndex) -> NDArray[np.str_]:
    """Who each row is of, with the data set."""
    datasets, subjects = (index.table[name].to_numpy(str) for name in ("dataset", "subject"))
    return np.char.add(np.char.add(datasets, "/"), subjects)


def _square(values: NDArray[np.float64], names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(values, index=pd.Index(names), columns=names)


def _rate_hz(index: LabelIndex) -> float | None:
    """Frames per second if the index has times and one frame step lasts about the same everywhere."""
    times = index.table["time_s"].to_numpy(float)
    follows = ~index.starts(frame_gaps=True)
    steps = np.diff(times, prepend=np.nan)[follows]
    if not len(steps) or not np.isfinite(steps).all():
        return None
    middle = float(np.median(steps))
    return 1.0 / middle if middle > 0 and np.quantile(np.abs(steps - middle), 0.95) < 0.1 * middle else None
