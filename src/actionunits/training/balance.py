"""Two classes brought to one number by jittered copies of the rarer, all of it mirrored too (seed 002)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actionunits.records import Sample
from actionunits.training.augment import mirror, move

__all__ = ["Copies", "copies_for", "plan_copies"]


def copies_for(labels: NDArray[np.int8], most: int) -> NDArray[np.int64]:
    """How many copies of each sample bring the rarer of shown and not shown up to the other, i64[M].

    Args:
        labels: i8[M] of one AU, -1 unknown.
        most: copies of one sample.

    >>> copies_for(np.array([1, 0, 0, 0, 0, -1], np.int8), 8).tolist()
    [3, 0, 0, 0, 0, 0]
    """
    shown, hidden = (np.flatnonzero(labels == value) for value in (1, 0))
    rarer, missing = (
        (shown, len(hidden) - len(shown)) if len(shown) < len(hidden) else (hidden, len(shown) - len(hidden))
    )
    counts = np.zeros(len(labels), np.int64)
    if len(rarer):
        counts[rarer] = missing // len(rarer)
        counts[rarer[: missing % len(rarer)]] += 1
    return np.minimum(counts, most)


@dataclass(frozen=True)
class Copies:
    """Samples, their jittered copies, and what of it each AU learns from.

    Attributes:
        sample: i64[R], number of the sample that each row shows.
        copy: i64[R], 0 = as it is, k = its k-th jittered copy.
        mirrored: bool[R].
        rows: for each AU the rows that it learns from.
        jitter_share: greatest shift of a copy in x and y, as a share of the crop's side.
        seed: of the shifts.
    """

    sample: NDArray[np.int64]
    copy: NDArray[np.int64]
    mirrored: NDArray[np.bool_]
    rows: tuple[NDArray[np.int64], ...]
    jitter_share: float
    seed: int

    def __len__(self) -> int:
        return len(self.sample)

    def show(self, row: int, sample: Sample) -> Sample:
        """What a row shows of its sample: a copy's picture is shifted, and its border repeated."""
        if copy := int(self.copy[row]):
            rng = np.random.default_rng([self.seed, int(self.sample[row]), copy])
            shift = rng.uniform(-1, 1, 2) * self.jitter_share * sample.frames.shape[1]
            sample = move(sample, np.column_stack([np.eye(2), shift]))
        return mirror(sample) if self.mirrored[row] else sample


def plan_copies(
    labels: NDArray[np.int8],
    *,
    most: int,
    jitter_share: float,
    mirrored: bool,
    seed: int,
) -> Copies:
    """What every AU learns from; AUs that want copies of one sample share them.

    Args:
        labels: i8[M,A], -1 unknown: such samples are left out for that AU.
        most: copies of one sample for one AU; 0 leaves the classes as they are.
        jitter_share: see :class:`Copies`.
        mirrored: everything is mirrored too.
        seed: of the shifts.
    """
    wanted = [copies_for(labels[:, au], most) for au in range(labels.shape[1])]
    used = (labels >= 0).any(axis=1)
    counts = np.where(used, 1 + np.max(wanted, axis=0), 0) if wanted else np.zeros(len(labels), np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1]
    sample = np.repeat(np.arange(len(labels)), counts)
    copy = np.arange(len(sample)) - np.repeat(starts, counts)
    plain = [
        np.flatnonzero((labels[sample, au] >= 0) & (copy <= copies[sample]))
        for au, copies in enumerate(wanted)
    ]
    turns = 2 if mirrored else 1
    return Copies(
        np.tile(sample, turns),
        np.tile(copy, turns),
        np.repeat([False, True][:turns], len(sample)),
        tuple(_twice(rows, len(sample), turns) for rows in plain),
        jitter_share,
        seed,
    )


def _twice(rows: NDArray[np.int64], apart: int, turns: int) -> NDArray[np.int64]:
    return rows if turns == 1 else np.concatenate([rows, rows + apart])
