"""Which AUs help or hinder each other: the dependencies of Jia et al. (2020), Table 3."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["CONTRADICTORY_PAIRS", "NEGATIVE_PAIRS", "POSITIVE_PAIRS", "pair_signs", "pairs_outside"]

#: AUs that FACS sees together, for they share or pull with a muscle.
POSITIVE_PAIRS = ((1, 2), (4, 7), (4, 9), (7, 9), (6, 12), (9, 17), (12, 17), (15, 24), (17, 24), (23, 24))

#: AUs that rarely or never appear at the same time.
NEGATIVE_PAIRS = ((2, 6), (2, 7), (12, 15), (12, 17))

#: Pairs that the table lists with both signs.
CONTRADICTORY_PAIRS = tuple(pair for pair in POSITIVE_PAIRS if pair in NEGATIVE_PAIRS)


def pair_signs(aus: Sequence[int], contradictory: int = 0) -> NDArray[np.int8]:
    """The sign of each pair of a set, i8[A,A], symmetric: 1 together, -1 apart, 0 nothing said.

    Args:
        aus: the A AUs; a pair with an AU outside them is left out (:func:`pairs_outside` lists them).
        contradictory: the sign of the pairs that the table lists with both signs, 12 and 17.

    >>> pair_signs((1, 2, 7)).tolist()
    [[0, 1, 0], [1, 0, -1], [0, -1, 0]]
    """
    if contradictory not in (-1, 0, 1):
        raise ValueError(f"a sign is -1, 0 or 1, got {contradictory}")
    signs = np.zeros((len(aus), len(aus)), np.int8)
    place = {au: i for i, au in enumerate(aus)}
    listed = [(POSITIVE_PAIRS, 1), (NEGATIVE_PAIRS, -1), (CONTRADICTORY_PAIRS, contradictory)]
    for pairs, sign in listed:
        for first, second in pairs:
            if first in place and second in place:
                signs[place[first], place[second]] = signs[place[second], place[first]] = sign
    return signs


def pairs_outside(aus: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """The table's pairs that a set cannot use, for one of the two AUs is not in it.

    >>> pairs_outside((1, 2, 7, 4, 9, 12, 15, 17, 24))
    ((2, 6), (6, 12), (23, 24))
    """
    return tuple(sorted(pair for pair in {*POSITIVE_PAIRS, *NEGATIVE_PAIRS} if not set(pair) <= set(aus)))
