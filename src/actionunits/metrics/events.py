"""Events: the runs of frames in which an AU is shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["segments"]


def segments(shown: NDArray[np.bool_], starts: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """The runs of True, as i64[K,2] of (first, one past the last) row.

    Args:
        shown: bool[N].
        starts: bool[N], True where a row does not continue the row before it (another sequence, a gap in the
            frame numbers): a run ends there. None = one unbroken line.

    >>> segments(np.array([0, 1, 1, 0, 1], bool)).tolist()
    [[1, 3], [4, 5]]
    >>> segments(np.array([1, 1, 1], bool), np.array([1, 0, 1], bool)).tolist()
    [[0, 2], [2, 3]]
    """
    shown = np.asarray(shown, bool)
    if shown.ndim != 1 or (starts is not None and starts.shape != shown.shape):
        raise ValueError("shown and starts must be bool[N] of one length")
    if shown.size == 0:
        return np.zeros((0, 2), np.int64)
    breaks = np.zeros(shown.size, bool) if starts is None else np.asarray(starts, bool).copy()
    breaks[0] = True
    before = np.concatenate([[False], shown[:-1]])
    after = np.concatenate([shown[1:], [False]])
    ends_here = np.concatenate([breaks[1:], [True]])
    first = np.flatnonzero(shown & (~before | breaks))
    last = np.flatnonzero(shown & (~after | ends_here))
    return np.stack([first, last + 1], axis=1).astype(np.int64)
