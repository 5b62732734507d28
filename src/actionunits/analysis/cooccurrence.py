"""How often each AU is shown, and which are shown together.

Labels are [N,A] with -1 = unknown; for each pair only the frames that know both AUs count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["PairTable", "base_rates", "conditional", "jaccard", "pair_table", "phi"]

Matrix = NDArray[np.float64]


def base_rates(labels: ArrayLike) -> Matrix:
    """The share of the known frames that show each AU, f64[A]; NaN where none is known.

    >>> base_rates([[1, -1], [0, -1]]).tolist()
    [0.5, nan]
    """
    rows = np.asarray(labels)
    known = (rows >= 0).sum(axis=0)
    shown = (rows == 1).sum(axis=0)
    return np.asarray(np.divide(shown, known, out=np.full(rows.shape[1], np.nan), where=known > 0))


@dataclass(frozen=True)
class PairTable:
    """The counts of each pair of AUs (i, j), f64[A,A].

    Attributes:
        both: frames that show both.
        first: frames that show i and know j.
        known: frames that know both.
    """

    both: Matrix
    first: Matrix
    known: Matrix


def pair_table(labels: ArrayLike) -> PairTable:
    """Count each pair of AUs over labels [N,A]."""
    rows = np.asarray(labels)
    shown, known = (rows == 1).astype(np.float64), (rows >= 0).astype(np.float64)
    return PairTable(shown.T @ shown, shown.T @ known, known.T @ known)


def _ratio(over: Matrix, under: Matrix) -> Matrix:
    return np.asarray(np.divide(over, under, out=np.full(over.shape, np.nan), where=under > 0))


def jaccard(labels: ArrayLike) -> Matrix:
    """Frames that show both of those that show either, f64[A,A], symmetric; NaN where neither is shown.

    >>> jaccard([[1, 1], [1, 0], [0, 0]])[0].tolist()
    [1.0, 0.5]
    """
    pairs = pair_table(labels)
    return _ratio(pairs.both, pairs.first + pairs.first.T - pairs.both)


def conditional(labels: ArrayLike) -> Matrix:
    """The chance that j is shown when i is, f64[A,A] with rows i; NaN where i is never shown.

    >>> conditional([[1, 1], [1, 0], [0, 0]]).tolist()
    [[1.0, 0.5], [1.0, 1.0]]
    """
    pairs = pair_table(labels)
    return _ratio(pairs.both, pairs.first)


def phi(labels: ArrayLike) -> Matrix:
    """The correlation of each pair, f64[A,A] from -1 to 1; NaN where one never varies."""
    pairs = pair_table(labels)
    n, a, b = pairs.known, pairs.first, pairs.first.T
    spread = np.sqrt(np.maximum(a * (n - a) * b * (n - b), 0.0))
    return _ratio(n * pairs.both - a * b, spread)
