"""How long AUs stay: the segments of frames that show one, their number and length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from actionunits.metrics.events import segments

__all__ = ["Durations", "durations"]


@dataclass(frozen=True)
class Durations:
    """The segments of each AU.

    Attributes:
        aus: the A AUs.
        lengths: for each AU the lengths of its segments in frames, in order of time.
    """

    aus: tuple[int, ...]
    lengths: tuple[NDArray[np.int64], ...]

    def table(self, rate_hz: float | None = None) -> pd.DataFrame:
        """Per AU: ``segments``, and ``mean``, ``median``, ``longest`` in frames; NaN where it has none.

        Args:
            rate_hz: frames per second; given, lengths are in seconds.
        """
        scale = 1.0 if rate_hz is None else 1.0 / rate_hz
        unit = "frames" if rate_hz is None else "s"
        rows = []
        for each in self.lengths:
            shape = (each.mean(), np.median(each), each.max()) if len(each) else (np.nan,) * 3
            rows.append((len(each), *(float(value) * scale for value in shape)))
        columns = ["segments", f"mean ({unit})", f"median ({unit})", f"longest ({unit})"]
        return pd.DataFrame(rows, index=pd.Index([f"AU{au}" for au in self.aus]), columns=columns)


def durations(labels: ArrayLike, aus: tuple[int, ...], starts: NDArray[np.bool_]) -> Durations:
    """Find the segments of labels.

    A segment ends where the AU is not shown or not known, and where ``starts`` says that a new line begins.
    The counts of AU R-CNN's Tables 14 and 15 come out when gaps in the frame numbers (uncoded frames that
    were left out) are ignored: ``index.starts()``, not ``index.starts(frame_gaps=True)``.

    Args:
        labels: [N,A] of 1, 0, -1, in order of time within each sequence.
        aus: the A AUs.
        starts: bool[N], True where a sequence begins.
    """
    rows = np.asarray(labels)
    if rows.shape[1:] != (len(aus),):
        raise ValueError(f"labels of {len(aus)} AUs are [N,{len(aus)}], got {rows.shape}")
    found = (segments(rows[:, au] == 1, starts) for au in range(len(aus)))
    return Durations(tuple(aus), tuple(each[:, 1] - each[:, 0] for each in found))
