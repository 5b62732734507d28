"""Averages over AUs, folds or subjects that leave undefined scores out and say how many entered."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["mean_defined"]


def mean_defined(values: ArrayLike, axis: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The mean of the values that are not NaN along an axis, and their number; NaN where there is none.

    >>> mean, entered = mean_defined([0.5, np.nan, 0.7])
    >>> round(float(mean), 6), int(entered)
    (0.6, 2)
    """
    array = np.asarray(values, np.float64)
    known = ~np.isnan(array)
    entered = known.sum(axis=axis)
    total = np.where(known, array, 0.0).sum(axis=axis)
    mean = np.divide(total, entered, out=np.full(np.shape(total), np.nan), where=entered > 0)
    return np.asarray(mean), np.asarray(entered, np.int64)
