"""Faces that show what coders of a data set saw: its patterns of AUs at its rates, on people with rest faces.

:mod:`~actionunits.synthesis.timeline` draws what FACS calls plausible. Here the AUs that are shown together
are drawn from a table of occurrence patterns, so that base rates and co-occurrence are those of a real data
set, and the faces are made hard to code: half of what is shown is weak (intensity B), traces below B are no
occurrences, and each person's resting face looks a little like AUs that are not shown. A weak AU on such a
face can often be told only by its motion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.records import Expression
from actionunits.synthesis.animate import AnimatedFace
from actionunits.synthesis.timeline import AUEvent, Timeline, compatible

__all__ = [
    "Difficulty",
    "PatternTable",
    "RestingFace",
    "drawn_intensity",
    "event_about",
    "pattern_expression",
    "pattern_timeline",
    "random_resting_face",
    "shown_with",
    "traces_beside",
]

#: Intensities of a weak and of a strong occurrence, and of a trace; an AU counts as shown from 2 (B) on.
WEAK, STRONG, TRACE = (2.1, 3.0), (3.0, 5.0), (0.5, 1.7)
#: Seconds that a pattern is held, and that a face takes from one to the next.
HELD_S, CHANGE_S = (0.6, 2.6), (0.16, 0.56)


@dataclass(frozen=True)
class PatternTable:
    """How often each set of AUs is shown together.

    Attributes:
        aus: the AUs that the coders looked for.
        patterns: for each pattern its AUs.
        shares: how often each is shown; they are scaled to a sum of 1.

    Raises:
        ValueError: no pattern, an AU outside the set, or a share that is not positive.
    """

    aus: tuple[int, ...]
    patterns: tuple[tuple[int, ...], ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.patterns or len(self.patterns) != len(self.shares) or min(self.shares) <= 0:
            raise ValueError("a pattern table needs patterns, each with a positive share")
        if any(set(pattern) - set(self.aus) for pattern in self.patterns):
            raise ValueError("a pattern holds an AU that is not in the set")

    def draw(self, rng: np.random.Generator, count: int) -> list[tuple[int, ...]]:
        """Patterns at their rates."""
        weights = np.array(self.shares) / sum(self.shares)
        return [self.patterns[row] for row in rng.choice(len(self.patterns), count, p=weights)]

    def base_rates(self) -> NDArray[np.float64]:
        """f64[A], how often each AU is shown."""
        shown = np.array([[au in pattern for au in self.aus] for pattern in self.patterns], float)
        return np.asarray(np.array(self.shares) @ shown / sum(self.shares))


@dataclass(frozen=True)
class Difficulty:
    """How hard the faces are to code.

    Attributes:
        weak: share of what is shown that has intensity B only.
        traces: chance that an AU that is not shown leaves a trace below B.
        resting: chance that an AU stands in a person's resting face.
        resting_most: its greatest intensity there.
        changed: chance that one AU more or less is shown than the pattern says: so rare patterns come about.
        tilt: see :func:`~actionunits.synthesis.degrade.random_camera`.
    """

    weak: float = 0.5
    traces: float = 0.06
    resting: float = 0.3
    resting_most: float = 2.0
    changed: float = 0.1
    tilt: float = 0.06

    def __post_init__(self) -> None:
        shares = (self.weak, self.traces, self.resting, self.changed)
        if not all(0 <= share <= 1 for share in shares):
            raise ValueError("weak, traces, resting and changed must be within 0 to 1")
        if not 0 <= self.resting_most <= 5 or self.tilt < 0:
            raise ValueError("resting_most must be within 0 to 5 and tilt 0 or more")


def pattern_expression(
    rng: np.random.Generator, table: PatternTable, difficulty: Difficulty | None = None
) -> Expression:
    """What a still shows: a pattern of the table, with intensities and traces."""
    hard = difficulty or Difficulty()
    return Expression.both(shown_with(rng, table.draw(rng, 1)[0], table.aus, hard))


def shown_with(
    rng: np.random.Generator, pattern: tuple[int, ...], aus: Sequence[int], difficulty: Difficulty
) -> dict[int, float]:
    """AU to intensity of a face that means to show a pattern: with its slips and traces of other AUs.

    Args:
        rng: the source of chance.
        pattern: the AUs.
        aus: that slips and traces are of.
        difficulty: how hard to code.
    """
    shown = _changed(pattern, aus, difficulty, rng)
    values = {au: drawn_intensity(rng, difficulty) for au in shown}
    return values | {au: rng.uniform(*TRACE) for au in traces_beside(shown, aus, difficulty, rng)}


def pattern_timeline(
    rng: np.random.Generator,
    table: PatternTable,
    duration_s: float,
    difficulty: Difficulty | None = None,
) -> Timeline:
    """What a clip shows: one pattern of the table after another, each AU rising and falling at its own pace.

    A pattern that is drawn is held for 0.6 to 2.6 s and the face takes 0.16 to 0.56 s to the next one; an AU
    that both show stays, and events may begin before the clip or end after it.

    Args:
        rng: the source of chance.
        table: what is shown together, and how often.
        duration_s: length.
        difficulty: how hard to code.

    Raises:
        UserError: the duration is not positive.
    """
    if not duration_s > 0:
        raise UserError(f"a timeline needs a duration above 0 s, got {duration_s:g} s")
    hard = difficulty or Difficulty()
    held = rng.uniform(*HELD_S, int(duration_s / HELD_S[0]) + 3)
    edges = np.concatenate([[-rng.uniform(0, HELD_S[1])], held]).cumsum()
    edges = edges[: int(np.searchsorted(edges, duration_s)) + 1]
    shown = [_changed(each, table.aus, hard, rng) for each in table.draw(rng, len(edges) - 1)]
    events: list[AUEvent] = []
    for au in table.aus:
        for first, last in _runs([au in each for each in shown]):
            events.append(event_about(rng, au, edges[first], edges[last], drawn_intensity(rng, hard)))
    for number, each in enumerate(shown):
        for au in traces_beside(each, table.aus, hard, rng):
            height = rng.uniform(*TRACE)
            events.append(event_about(rng, au, edges[number], edges[number + 1], height))
    return Timeline(tuple(events), duration_s)


def random_resting_face(
    rng: np.random.Generator, aus: Sequence[int], difficulty: Difficulty | None = None
) -> Expression:
    """How a person looks who shows nothing: some AUs stand in the face for good, and are not coded."""
    hard = difficulty or Difficulty()
    standing: dict[int, float] = {}
    for au in rng.permutation(aus).tolist():
        if rng.random() < hard.resting and compatible([*standing, au]):
            standing[au] = rng.uniform(0.3, 1.0) * hard.resting_most
    return Expression.both({au: value for au, value in standing.items() if value > 0})


class _Shows(Protocol):
    def show(
        self, expression: Expression, *, blink: float = 0.0, gaze: tuple[float, float] = (0.0, 0.0)
    ) -> AnimatedFace: ...


@dataclass(frozen=True)
class RestingFace:
    """An animator whose person's resting face adds to what it is asked to show, up to intensity E.

    Attributes:
        animator: the face.
        rest: what stands in it.
    """

    animator: _Shows
    rest: Expression

    def show(
        self, expression: Expression, *, blink: float = 0.0, gaze: tuple[float, float] = (0.0, 0.0)
    ) -> AnimatedFace:
        """Draw the face with an expression on top of its rest."""
        both = Expression(_sum(self.rest.left, expression.left), _sum(self.rest.right, expression.right))
        return self.animator.show(both, blink=blink, gaze=gaze)


def _sum(rest: Mapping[int, float], shown: Mapping[int, float]) -> dict[int, float]:
    """Both, each AU up to 5; what stands in the face gives way to a shown AU that it excludes."""
    kept = {au: value for au, value in rest.items() if all(compatible([au, other]) for other in shown)}
    return {au: min(5.0, kept.get(au, 0.0) + shown.get(au, 0.0)) for au in {*kept, *shown}}


def drawn_intensity(rng: np.random.Generator, hard: Difficulty) -> float:
    """Of an AU that is shown: weak (2.1 to 3) or strong (3 to 5)."""
    return float(rng.uniform(*(WEAK if rng.random() < hard.weak else STRONG)))


def _changed(
    pattern: tuple[int, ...], aus: Sequence[int], hard: Difficulty, rng: np.random.Generator
) -> tuple[int, ...]:
    """The pattern, now and then with one AU more or less."""
    if rng.random() >= hard.changed:
        return pattern
    other = int(rng.choice(aus))
    return tuple(sorted(set(pattern) ^ {other}))


def traces_beside(
    shown: Sequence[int], aus: Sequence[int], hard: Difficulty, rng: np.random.Generator
) -> list[int]:
    """AUs that are not shown and leave a trace."""
    hidden = [au for au in aus if au not in shown]
    return [au for au in hidden if rng.random() < hard.traces and compatible([*shown, au])]


def _runs(shown: Sequence[bool]) -> list[tuple[int, int]]:
    """(first, one past the last) of each stretch of True."""
    steps = np.diff(np.array([False, *shown, False], np.int8))
    return list(zip(np.flatnonzero(steps == 1).tolist(), np.flatnonzero(steps == -1).tolist(), strict=True))


def event_about(rng: np.random.Generator, au: int, begin: float, end: float, intensity: float) -> AUEvent:
    """An AU whose rise and fall are centred on the edges of its stretch, a little early or late."""
    rise, fall = rng.uniform(*CHANGE_S, 2)
    early, late = rng.normal(0.0, 0.06, 2)
    onset, apex = begin + early - rise / 2, begin + early + rise / 2
    offset = max(end + late + fall / 2, apex + 0.05)
    apex_end = min(max(end + late - fall / 2, apex), offset)
    return AUEvent(au, float(onset), float(apex), float(apex_end), float(offset), intensity)
