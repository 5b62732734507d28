"""Which samples an epoch shows, and how heavily an AU weighs in the loss."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["SAMPLERS", "Sampler", "epoch_order", "inverse_base_rates", "sample_weights"]

Sampler = Literal["shuffle", "aus", "patterns"]

#: ``shuffle``: each sample once. ``aus``: rare labels of each AU more often. ``patterns``: every pattern of
#: AUs equally often.
SAMPLERS: tuple[Sampler, ...] = ("shuffle", "aus", "patterns")


def sample_weights(labels: NDArray[np.int8], by: Sampler) -> NDArray[np.float64]:
    """f64[N], how often each row of i8[N,A] shall be drawn; they sum to 1.

    ``aus``: a row weighs the sum over its known labels of 1 / (rows with that label of that AU).
    ``patterns``: 1 / (rows with its pattern), an unknown label being a value of its own.

    >>> labels = np.array([[1], [0], [0], [0]], np.int8)
    >>> sample_weights(labels, "aus").round(3).tolist()
    [0.5, 0.167, 0.167, 0.167]
    """
    rows = len(labels)
    if by == "shuffle" or rows == 0:
        weights = np.ones(rows)
    elif by == "patterns":
        _, group, sizes = np.unique(labels, axis=0, return_inverse=True, return_counts=True)
        weights = 1.0 / sizes[group.reshape(-1)]
    else:
        weights = np.zeros(rows)
        for value in (0, 1):
            is_value = labels == value
            weights += (is_value / np.maximum(is_value.sum(axis=0), 1)).sum(axis=1)
    total = weights.sum()
    return np.asarray(weights / total) if total > 0 else np.full(rows, 1.0 / max(rows, 1))


def epoch_order(labels: NDArray[np.int8], by: Sampler, rng: np.random.Generator) -> NDArray[np.int64]:
    """The rows of an epoch, as many as there are, in random order.

    Balanced samplers draw systematically along the patterns: a row of weight w comes up floor(N w) or
    ceil(N w) times, and so do all rows of a pattern together, so that chance adds as little as it can.

    Args:
        labels: i8[N,A], -1 unknown.
        by: see :data:`SAMPLERS`.
        rng: the same state gives the same order.
    """
    rows = len(labels)
    if by == "shuffle":
        return rng.permutation(rows)
    _, group = np.unique(labels, axis=0, return_inverse=True)
    shuffled = np.lexsort((rng.permutation(rows), group.reshape(-1)))
    edges = np.cumsum(sample_weights(labels, by)[shuffled]) * rows
    marks = rng.random() + np.arange(rows)
    chosen = shuffled[np.minimum(np.searchsorted(edges, marks, side="right"), rows - 1)]
    return rng.permutation(chosen)


def inverse_base_rates(labels: NDArray[np.int8]) -> tuple[float, ...]:
    """Seed 003's loss weights, W_i = (1/r_i) N / sum_j (1/r_j), r_i the base rate among the known labels.

    They have a mean of 1. An AU that never shows takes the rarest other AU's weight.

    >>> inverse_base_rates(np.array([[1, 1], [1, 0], [1, 0], [1, 0]], np.int8))
    (0.4, 1.6)
    """
    known = (labels >= 0).sum(axis=0)
    rates = (labels == 1).sum(axis=0) / np.maximum(known, 1)
    if not (rates > 0).any():
        return tuple(1.0 for _ in rates)
    inverse = 1.0 / np.where(rates > 0, rates, rates[rates > 0].min())
    return tuple(float(w) for w in inverse * len(inverse) / inverse.sum())
