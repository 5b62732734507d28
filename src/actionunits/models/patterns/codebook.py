"""The codebook of AU patterns: which 0/1 vectors are classes, and from pattern posteriors back to AUs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.facs.patterns import UNKNOWN_PATTERN, decode, encode

__all__ = ["Codebook"]


@dataclass(frozen=True)
class Codebook:
    """The patterns that are classes, most frequent first.

    Attributes:
        aus: the columns of the patterns.
        patterns: for each class its 0/1 vector.
        counts: frames of each in the labels it was made from.
    """

    aus: tuple[int, ...]
    patterns: tuple[tuple[int, ...], ...]
    counts: tuple[int, ...]

    @classmethod
    def from_labels(cls, aus: tuple[int, ...], labels: NDArray[np.int8], at_least: int = 397) -> Codebook:
        """The patterns that stand in at least so many frames; the paper's 397 gives 66 on BP4D.

        Ties stand in the order of their 0/1 vectors. Frames with an unknown label (-1) are left out.

        Args:
            aus: the columns.
            labels: i8[N,A].
            at_least: frames that a class needs.

        Raises:
            UserError: no pattern is that frequent.

        >>> labels = np.array([[1, 0], [1, 0], [0, 0], [0, 1], [-1, 0]], np.int8)
        >>> Codebook.from_labels((1, 2), labels, at_least=1).patterns
        ((1, 0), (0, 0), (0, 1))
        """
        found = encode(labels)
        codes, counts = np.unique(found[found != UNKNOWN_PATTERN], return_counts=True)
        rows = decode(codes, len(aus))
        kept = [i for i in np.argsort(-counts, kind="stable") if counts[i] >= at_least]
        if not kept:
            raise UserError(f"no pattern stands in {at_least} frames: lower at_least or take more data")
        patterns = tuple(tuple(int(v) for v in rows[i]) for i in kept)
        return cls(tuple(aus), patterns, tuple(int(counts[i]) for i in kept))

    def classes(self, labels: NDArray[np.int8]) -> NDArray[np.int64]:
        """i64[N]: the class of each row of i8[N,A]; -1 for a pattern that is not in the book."""
        codes = encode(np.array(self.patterns))
        order = np.argsort(codes)
        wanted = encode(labels)
        place = np.minimum(np.searchsorted(codes, wanted, sorter=order), len(codes) - 1)
        found = order[place]
        return np.where(codes[found] == wanted, found, -1)

    def matrix(self) -> NDArray[np.float32]:
        """f32[K,A]: the patterns as rows."""
        return np.array(self.patterns, dtype=np.float32).reshape(len(self.patterns), len(self.aus))

    def au_scores(self, posterior: NDArray[np.float32]) -> NDArray[np.float32]:
        """f32[N,A]: for each AU the sum of the posterior f32[N,K] over the patterns that hold it."""
        return posterior @ self.matrix()

    def au_decisions(self, posterior: NDArray[np.float32]) -> NDArray[np.int8]:
        """i8[N,A]: the AUs of the most probable pattern."""
        chosen: NDArray[np.int8] = self.matrix()[posterior.argmax(axis=1)].astype(np.int8)
        return chosen
