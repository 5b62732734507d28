"""Occurrence patterns in labels: how many there are, how often each, and where.

A pattern is the row of 0 and 1 over a set of AUs; frames with an unknown label have none and are left out.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from actionunits.facs.patterns import UNKNOWN_PATTERN, decode, encode, pattern_name, pattern_text

__all__ = ["PatternCounts", "count_patterns", "patterns_by_group", "shared_by_range", "unseen_patterns"]


@dataclass(frozen=True)
class PatternCounts:
    """The patterns that occur, most frequent first.

    Attributes:
        aus: the A AUs.
        codes: i64[P], see :mod:`actionunits.facs.patterns`.
        frames: i64[P], how many frames show exactly this pattern.
        unknown: frames that were left out for an unknown label.
    """

    aus: tuple[int, ...]
    codes: NDArray[np.int64]
    frames: NDArray[np.int64]
    unknown: int = 0

    @classmethod
    def of(cls, aus: Sequence[int], codes: ArrayLike, frames: ArrayLike, unknown: int = 0) -> PatternCounts:
        """Put counts into order: by frames, then by code."""
        numbers, counts = np.asarray(codes, np.int64), np.asarray(frames, np.int64)
        order = np.lexsort((numbers, -counts))
        return cls(tuple(aus), numbers[order], counts[order], unknown)

    def __len__(self) -> int:
        return len(self.codes)

    def at_least(self, frames: int) -> PatternCounts:
        """The patterns with so many frames or more."""
        keep = self.frames >= frames
        return PatternCounts(self.aus, self.codes[keep], self.frames[keep], self.unknown)

    def base_rates(self) -> NDArray[np.float64]:
        """The share of frames that show each AU, f64[A]; NaN without a frame."""
        total = self.frames.sum()
        shown = self.frames @ decode(self.codes, len(self.aus)).astype(np.int64)
        return shown / total if total else np.full(len(self.aus), np.nan)

    def table(self, top: int | None = None, bottom: int = 0) -> pd.DataFrame:
        """``frames``, ``share`` of frames, ``AUs`` and ``pattern`` digits; the top rows, then the bottom.

        Args:
            top: how many of the most frequent; None = all.
            bottom: how many of the least frequent below them.
        """
        first = np.arange(len(self))[: len(self) if top is None else top]
        last = np.arange(max(len(self) - bottom, len(first)), len(self))
        chosen = np.concatenate([first, last])
        total = max(int(self.frames.sum()), 1)
        return pd.DataFrame(
            {
                "frames": self.frames[chosen],
                "share": self.frames[chosen] / total,
                "AUs": [pattern_name(code, self.aus) for code in self.codes[chosen].tolist()],
                "pattern": [pattern_text(code, len(self.aus)) for code in self.codes[chosen].tolist()],
            }
        )


def count_patterns(labels: ArrayLike, aus: Sequence[int]) -> PatternCounts:
    """Count the patterns of labels [N,A].

    >>> counts = count_patterns([[1, 0], [1, 0], [0, 0], [-1, 1]], (6, 12))
    >>> counts.table()["AUs"].tolist(), counts.frames.tolist(), counts.unknown
    (['6', 'none'], [2, 1], 1)
    """
    codes = encode(labels)
    known = codes[codes != UNKNOWN_PATTERN]
    different, frames = np.unique(known, return_counts=True)
    return PatternCounts.of(aus, different, frames, len(codes) - len(known))


def patterns_by_group(
    labels: ArrayLike, aus: Sequence[int], groups: Sequence[Hashable] | NDArray[np.generic]
) -> dict[Hashable, PatternCounts]:
    """Count the patterns of each group of rows (tasks, sequences, subjects), in sorted order."""
    rows, which = np.asarray(labels), np.asarray(groups)
    return {name: count_patterns(rows[which == name], aus) for name in np.unique(which).tolist()}


def shared_by_range(
    counts: PatternCounts, edges: Sequence[int] = (1, 2, 11, 101, 1001, 10001)
) -> pd.DataFrame:
    """Which share of the patterns has how many frames (``patterns, share``), by ranges of frame counts.

    Args:
        counts: the patterns.
        edges: the first count of each range, ascending; the last range is open.

    >>> counts = PatternCounts.of((6, 12), [0, 1, 2], [5, 1, 40])
    >>> shared_by_range(counts, (1, 2, 11))["patterns"].to_dict()
    {'1': 1, '2–10': 1, '11 and more': 1}
    """
    found = np.diff([np.sum(counts.frames >= edge) for edge in edges], append=0) * -1
    ends = [*edges[1:], None]
    names = [
        f"{first} and more" if end is None else str(first) if end == first + 1 else f"{first}–{end - 1}"
        for first, end in zip(edges, ends, strict=True)
    ]
    return pd.DataFrame(
        {"patterns": found, "share": found / max(len(counts), 1)}, index=pd.Index(names, name="frames")
    )


def unseen_patterns(trained: PatternCounts, tested: PatternCounts) -> PatternCounts:
    """The patterns of one part that the other part does not have.

    Raises:
        ValueError: the two are over different AUs.
    """
    if trained.aus != tested.aus:
        raise ValueError(f"patterns over {trained.aus} and over {tested.aus} cannot be compared")
    new = ~np.isin(tested.codes, trained.codes)
    return PatternCounts(tested.aus, tested.codes[new], tested.frames[new], tested.unknown)
