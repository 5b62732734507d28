"""AUs that last as long as a data set's: a face's patterns over time, with a mean length for each AU.

:func:`~actionunits.synthesis.coded_faces.pattern_timeline` holds each pattern for a second or two, so that
all AUs last about equally long. Here a face goes from pattern to pattern in two ways, both of which leave
every pattern as frequent as the table has it: now and then the whole pattern is drawn anew, and in between
single AUs are, given the others (Gibbs sampling). How often each happens follows from the lengths that are
wanted: an AU that is shown in a share p of the time, for d seconds at a time, comes p / d times a second.
Lengths spread about as exponential ones do, less short ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import acos, pi

import numpy as np
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.synthesis.clip import OCCURRENCE_FROM
from actionunits.synthesis.coded_faces import (
    CHANGE_S,
    TRACE,
    Difficulty,
    PatternTable,
    drawn_intensity,
    event_about,
    traces_beside,
)
from actionunits.synthesis.coded_set import CodedSet
from actionunits.synthesis.timeline import AUEvent, Timeline

__all__ = ["LastingSet", "PatternChain", "lasting_timeline", "pattern_chain"]

#: Seconds before a clip from which its AUs are drawn, and after it until which those that stay are shown.
BEFORE_S, AFTER_S = 12.0, 1.0
#: The times between two draws are gamma distributed: with 1 they would be exponential.
SHAPE = 3.0
#: A segment, or what is left of it when its ends are moved a little, is not shorter than this.
SHORTEST_S = 0.04
#: How far AUs that change together lie apart: one deviation, in s.
APART_S = 0.06


@dataclass(frozen=True)
class PatternChain:
    """How a face goes from pattern to pattern; a pattern is a number whose bit k is the AU of row k.

    Attributes:
        shares: f64[2^A], how often each pattern is shown.
        anew: draws of a whole pattern in a second.
        single: f64[A], draws of each AU given the others in a second.
    """

    shares: NDArray[np.float64]
    anew: float
    single: NDArray[np.float64]


@lru_cache(maxsize=8)
def pattern_chain(table: PatternTable, seconds: tuple[float, ...], changed: float = 0.0) -> PatternChain:
    """Rates with which the table's patterns are as frequent as there and each AU lasts as long as wanted.

    Args:
        table: what is shown together, and how often.
        seconds: mean length of each of the table's AUs.
        changed: chance that one AU more or less is shown than the pattern says.

    Raises:
        ValueError: not a positive length for each AU, more than 16 AUs, or an AU that is always or never
            shown, or never without a certain other one.
    """
    count = len(table.aus)
    if len(seconds) != count or count > 16 or not min(seconds) > 0:
        raise ValueError(f"expected a length above 0 s for each of {count} AUs (16 at most), got {seconds}")
    shares, patterns = _shares(table, changed), np.arange(2**count)
    bits = (patterns[:, None] >> np.arange(count) & 1).astype(bool)
    shown = np.asarray(shares @ bits)
    begins = shown / np.asarray(seconds)
    both = np.stack([_begins_alone(shares, k) for k in range(count)])
    if not both.min() > 0:
        raise ValueError("each AU must be shown sometimes and sometimes not, with the others as they are")
    anew = float((begins / (shown * (1 - shown))).min())
    single = np.maximum(begins - anew * shown * (1 - shown), 0.0) / both
    return PatternChain(shares, anew, single)


def _shares(table: PatternTable, changed: float) -> NDArray[np.float64]:
    """f64[2^A]: how often each pattern is shown, slips included."""
    place = {au: 1 << k for k, au in enumerate(table.aus)}
    plain = np.zeros(2 ** len(place))
    for pattern, share in zip(table.patterns, table.shares, strict=True):
        plain[sum(place[au] for au in set(pattern))] += share
    plain /= plain.sum()
    slipped = np.mean([plain[np.arange(len(plain)) ^ bit] for bit in place.values()], axis=0)
    return np.asarray((1 - changed) * plain + changed * slipped)


def _begins_alone(shares: NDArray[np.float64], row: int) -> float:
    """How often an AU begins at a draw of it alone, given the others."""
    without = np.flatnonzero((np.arange(len(shares)) >> row & 1) == 0)
    off, on = shares[without], shares[without | 1 << row]
    return float((off * on / np.maximum(off + on, 1e-300)).sum())


def lasting_timeline(
    rng: np.random.Generator,
    table: PatternTable,
    seconds: tuple[float, ...],
    duration_s: float,
    difficulty: Difficulty | None = None,
) -> Timeline:
    """What a clip shows, with AUs that last ``seconds`` on average; events may reach over its ends.

    A segment counts from intensity B to B, which is what is drawn: rise and fall are laid around these
    moments, so that a weak AU is not coded for a shorter time than a strong one.

    Args:
        rng: the source of chance.
        table: what is shown together, and how often.
        seconds: mean length of each of the table's AUs.
        duration_s: length.
        difficulty: how hard to code.

    Raises:
        UserError: the duration is not positive.
        ValueError: see :func:`pattern_chain`.
    """
    if not duration_s > 0:
        raise UserError(f"a timeline needs a duration above 0 s, got {duration_s:g} s")
    hard = difficulty or Difficulty()
    times, states, draws = _course(rng, pattern_chain(table, seconds, hard.changed), duration_s)
    events: list[AUEvent] = []
    for row, au in enumerate(table.aus):
        for first, last in _stretches(states >> row & 1):
            events.append(_coded_event(rng, au, times[first], times[last], drawn_intensity(rng, hard)))
    for first, last in pairwise(draws):
        seen = int(np.bitwise_or.reduce(states[first:last]))
        shown = [au for row, au in enumerate(table.aus) if seen >> row & 1]
        for au in traces_beside(shown, table.aus, hard, rng):
            events.append(event_about(rng, au, times[first], times[last], rng.uniform(*TRACE)))
    return Timeline(tuple(events), duration_s)


def _course(
    rng: np.random.Generator, chain: PatternChain, duration_s: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], list[int]]:
    """Moments f64[K+1], the pattern i64[K] from each to the next, and at which whole patterns were drawn."""
    rates = np.append(chain.single, chain.anew)
    ticks = [_ticks(rng, rate, duration_s) for rate in rates]
    moments = np.concatenate(ticks)
    which = np.repeat(np.arange(len(rates)), [len(each) for each in ticks])
    order = np.argsort(moments, kind="stable")
    state = int(rng.choice(len(chain.shares), p=chain.shares))
    states, draws = [state], [0]
    for number, row in enumerate(which[order].tolist(), start=1):
        if row == len(chain.single):
            state = int(rng.choice(len(chain.shares), p=chain.shares))
            draws.append(number)
        else:
            on, off = state | 1 << row, state & ~(1 << row)
            both = chain.shares[on] + chain.shares[off]
            state = on if rng.random() * both < chain.shares[on] else off
        states.append(state)
    times = np.concatenate([[-BEFORE_S], moments[order], [duration_s + AFTER_S]])
    return times, np.array(states), [*draws, len(states)]


def _ticks(rng: np.random.Generator, rate: float, duration_s: float) -> NDArray[np.float64]:
    """When something that happens so often a second happens, from before a clip until its end."""
    if rate <= 0:
        return np.zeros(0)
    length = BEFORE_S + duration_s
    between = rng.gamma(SHAPE, 1 / (SHAPE * rate), int(2 * length * rate + 20))
    times = np.cumsum(between) - BEFORE_S - rng.uniform(0, between[0])
    return np.asarray(times[times < duration_s])


def _stretches(shown: NDArray[np.int64]) -> list[tuple[int, int]]:
    """(first, one past the last) of each stretch of ones."""
    steps = np.diff(np.concatenate([[0], shown, [0]]))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def _coded_event(rng: np.random.Generator, au: int, begin: float, end: float, intensity: float) -> AUEvent:
    """An AU that has intensity B or more from about ``begin`` to about ``end``."""
    early, late = rng.normal(0.0, APART_S, 2)
    if end + late - begin - early >= SHORTEST_S:
        begin, end = begin + early, end + late
    phases = rng.uniform(*CHANGE_S, 2)
    below = acos(1 - 2 * OCCURRENCE_FROM / intensity) / pi  # share of a phase below B
    rise, fall = phases * min(1.0, (end - begin) / (phases.sum() * (1 - below)))
    apex = begin + rise * (1 - below)
    apex_end = max(end - fall * (1 - below), apex)
    return AUEvent(
        au, float(apex - rise), float(apex), float(apex_end), float(apex_end + fall), float(intensity)
    )


@dataclass(frozen=True)
class LastingSet(CodedSet):
    """People whose sequences show coded patterns, each AU about as long at a time as coders saw it.

    Attributes:
        seconds: mean length of each of the table's AUs.

    Raises:
        ValueError: as :class:`CodedSet`; no table, single pictures, or see :func:`pattern_chain`.
    """

    seconds: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.table is None or self.frames == 1:
            raise ValueError("AUs that last need a table of patterns, and sequences")
        pattern_chain(self.table, self.seconds, self.difficulty.changed)

    def _shown(self, subject: int, sequence: int) -> Timeline:
        assert self.table is not None
        rng = np.random.default_rng([self.seed, subject, sequence])
        length = self.frames / self.rate_hz
        return lasting_timeline(rng, self.table, self.seconds, length, self.difficulty)
