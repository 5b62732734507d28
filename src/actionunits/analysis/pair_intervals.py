"""How sure labels are of which AUs go together: intervals over people, beside what seed 000 says of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from actionunits.analysis.cooccurrence import Matrix, PairTable, pair_table
from actionunits.facs.cooccurrence import CONTRADICTORY_PAIRS, NEGATIVE_PAIRS, POSITIVE_PAIRS
from actionunits.metrics.statistics import subject_draws

__all__ = ["Measured", "PairIntervals", "pair_intervals", "pairs_beside_table3", "table3_sign"]


@dataclass(frozen=True)
class Measured:
    """A number of each pair of AUs (i, j), each f64[A,A]; NaN where it is not defined.

    Attributes:
        value: over everyone.
        low: lower end of the interval.
        high: upper end.
    """

    value: Matrix
    low: Matrix
    high: Matrix


@dataclass(frozen=True)
class PairIntervals:
    """What labels say of pairs.

    Attributes:
        aus: the A AUs.
        both: f64[A,A], frames that show both.
        people: f64[A,A], people who show both.
        conditional: the chance that j is shown when i is.
        lift: that chance over the rate of j: above 1 they go together, below 1 apart. Symmetric.
    """

    aus: tuple[int, ...]
    both: Matrix
    people: Matrix
    conditional: Measured
    lift: Measured


def pair_intervals(
    labels: ArrayLike,
    aus: Sequence[int],
    subjects: Sequence[str] | NDArray[np.str_],
    *,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> PairIntervals:
    """Measure each pair, with percentile intervals from drawing people with replacement.

    Frames of a person are no independent samples; people are. An interval needs two people and a value that
    is defined in more than half of the draws. Where nobody shows both AUs, no draw does: then the upper end
    is the largest chance at which all n people who show the one would still be seen without the other with a
    probability of (1 - level) / 2; of the lift, of the AU that fewer people show.

    Args:
        labels: [N,A], -1 unknown; for each pair only the frames that know both AUs count.
        aus: the A AUs.
        subjects: [N], who each row is of.
        draws: of people.
        level: of the intervals.
        seed: of the draws.
    """
    rows = np.asarray(labels)
    names, who = np.unique(np.asarray(subjects), return_inverse=True)
    tables = [pair_table(rows[who == number]) for number in range(len(names))]
    each = PairTable(*(np.stack([getattr(t, f) for t in tables]) for f in ("both", "first", "known")))
    weights = np.vstack([np.ones((1, len(names))), subject_draws(len(names), draws, seed)])
    drawn = PairTable(*(np.tensordot(weights, part, 1) for part in (each.both, each.first, each.known)))
    chance = _ratio(drawn.both, drawn.first)
    lift = _ratio(drawn.both * drawn.known, drawn.first * np.swapaxes(drawn.first, 1, 2))
    conditional, lifts = (_measured(values, len(names), level) for values in (chance, lift))
    if len(names) > 1:
        _end_where_never(drawn, (each.first > 0).sum(axis=0), conditional, lifts, (1 - level) / 2)
    together = (each.both > 0).sum(axis=0).astype(np.float64)
    return PairIntervals(tuple(aus), drawn.both[0], together, conditional, lifts)


def _end_where_never(
    drawn: PairTable, people: NDArray[np.int64], conditional: Measured, lifts: Measured, tail: float
) -> None:
    """Upper ends of pairs that nobody shows together, out of how many people show the one: i64[A,A]."""

    def most(count: NDArray[np.int64]) -> Matrix:
        return np.asarray(1 - tail ** (1 / np.maximum(count, 1)))

    never = (drawn.both[0] == 0) & (people > 0)
    conditional.high[never] = most(people)[never]
    rate = _ratio(drawn.first[0].T, drawn.known[0])  # of j, among the frames that know both
    either = never & never.T
    lifts.high[either] = _ratio(most(np.minimum(people, people.T)), np.fmax(rate, rate.T))[either]


def _ratio(over: Matrix, under: Matrix) -> Matrix:
    return np.asarray(np.divide(over, under, out=np.full(over.shape, np.nan), where=under > 0))


def _measured(values: Matrix, people: int, level: float) -> Measured:
    """The first of [1+B,A,A] holds everyone, the others the draws."""
    whole, drawn = values[0], values[1:]
    enough = (2 * (~np.isnan(drawn)).sum(axis=0) > len(drawn)) & (people > 1)
    ends = np.full((2, *whole.shape), np.nan)
    if enough.any():
        ends[:, enough] = np.nanquantile(drawn[:, enough], [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Measured(whole.copy(), ends[0], ends[1])


def table3_sign(first: int, second: int) -> str:
    """What Table 3 of Jia et al. (2020) says of a pair: ``together``, ``apart``, ``both``, or nothing.

    >>> table3_sign(2, 1), table3_sign(12, 15), table3_sign(12, 17), table3_sign(1, 12)
    ('together', 'apart', 'both', '')
    """
    pair = (min(first, second), max(first, second))
    if pair in CONTRADICTORY_PAIRS:
        return "both"
    return "together" if pair in POSITIVE_PAIRS else "apart" if pair in NEGATIVE_PAIRS else ""


def pairs_beside_table3(found: PairIntervals, *, all_pairs: bool = False) -> pd.DataFrame:
    """A row a pair, in the order of the AUs.

    The columns are ``Table 3``, ``people`` and ``frames`` that show both, ``p(second | first)`` with its
    interval (``p low``, ``p high``), ``p(first | second)``, ``lift`` with its interval, ``labels say``
    (``together`` where the interval of the lift lies above 1, ``apart`` below, ``open`` where it holds 1,
    ``unknown`` where it is not defined), and ``agrees`` (``yes``, ``no``, ``open``; empty where Table 3 says
    nothing or both).

    Args:
        found: of the labels.
        all_pairs: also those of which Table 3 says nothing.
    """
    return pd.DataFrame(_rows(found, all_pairs), columns=["pair", *_COLUMNS]).set_index("pair")


_COLUMNS = (
    "Table 3",
    "people",
    "frames",
    "p(second | first)",
    "p low",
    "p high",
    "p(first | second)",
    "lift",
    "lift low",
    "lift high",
    "labels say",
    "agrees",
)


def _rows(found: PairIntervals, all_pairs: bool) -> Iterator[tuple[object, ...]]:
    place = {au: number for number, au in enumerate(found.aus)}
    for first, second in combinations(sorted(found.aus), 2):
        at, sign = (place[first], place[second]), table3_sign(first, second)
        if not (sign or all_pairs):
            continue
        low, high = float(found.lift.low[at]), float(found.lift.high[at])
        says = "unknown" if np.isnan(low) else "together" if low > 1 else "apart" if high < 1 else "open"
        agrees = "" if sign in ("", "both") else "open" if says in ("open", "unknown") else None
        yield (
            f"{first}, {second}",
            sign,
            int(found.people[at]),
            int(found.both[at]),
            *(
                float(part[at])
                for part in (found.conditional.value, found.conditional.low, found.conditional.high)
            ),
            float(found.conditional.value.T[at]),
            float(found.lift.value[at]),
            low,
            high,
            says,
            ("yes" if says == sign else "no") if agrees is None else agrees,
        )
