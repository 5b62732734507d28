"""Whether probabilities mean what they say."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["calibration_error"]


def calibration_error(labels: ArrayLike, probability: ArrayLike, *, bins: int = 10) -> NDArray[np.float64]:
    """Expected calibration error of each AU: how far probabilities are from the share that is really shown.

    The frames of an AU are put into bins of equal width by their probability; the distance of each bin's mean
    probability from its share of positives is averaged, each bin by its number of frames.

    Args:
        labels: [N,A] of 1, 0, and -1 for unknown, which does not count.
        probability: [N,A], 0 to 1.
        bins: how many.

    Returns:
        f64[A], 0 (right) to 1; NaN where nothing is known.

    >>> calibration_error([[1], [1], [0], [1]], [[0.75], [0.75], [0.75], [0.75]])
    array([0.])
    """
    truth, said = np.asarray(labels), np.asarray(probability, np.float64)
    places = np.minimum((said * bins).astype(int), bins - 1)
    errors = np.full(truth.shape[1], np.nan)
    for column in range(truth.shape[1]):
        known = truth[:, column] >= 0
        if known.any():
            gap = np.where(known, said[:, column] - truth[:, column], 0.0)
            sums = np.bincount(places[:, column], weights=gap, minlength=bins)
            errors[column] = np.abs(sums).sum() / known.sum()
    return errors
