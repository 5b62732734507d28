"""What a synthetic face shows and when: AU events with onset, apex and offset, and random plausible ones.

The AUs of a face do not move one by one. :func:`random_timeline` and :func:`random_expression` draw the
prototypes of the basic emotions (Ekman & Friesen, "Investigator's guide" to FACS), single AUs, and random
sets, and never two AUs that FACS calls impossible or cannot be told apart together (:data:`EXCLUSIONS`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.facs.units import ACTION_UNITS
from actionunits.records import Expression, FloatArray

__all__ = [
    "AUEvent",
    "EXCLUSIONS",
    "MICRO",
    "PROTOTYPES",
    "Pace",
    "Prototype",
    "SPONTANEOUS",
    "Timeline",
    "compatible",
    "episode",
    "moved",
    "random_expression",
    "random_timeline",
    "sequence_timeline",
]

#: Pairs of AUs that are not drawn together: pressed or tightened lips are not apart (23, 24 with 25, 26,
#: 27), pursed lips are not pulled wide (18, 22 with 12, 14, 20), one jaw opening at a time (26, 27), one way
#: of pulling the corners up (12, 13), a chin boss is not raised over a stretched jaw (17, 27), a sucked lip
#: is not shown by another lip action (28), and an eye is not both wide open and shut (5, 43, 45, 46).
EXCLUSIONS: frozenset[frozenset[int]] = frozenset(
    frozenset(pair)
    for pair in (
        *((a, b) for a in (23, 24) for b in (25, 26, 27)),
        *((a, b) for a in (18, 22) for b in (12, 14, 20)),
        *((28, b) for b in (10, 16, 18, 22, 23, 24)),
        *((a, b) for a in (5,) for b in (43, 45, 46)),
        (16, 24),
        (22, 24),
        (26, 27),
        (12, 13),
        (17, 27),
    )
)


@dataclass(frozen=True)
class Prototype:
    """AUs that come together.

    Attributes:
        name: of the emotion.
        core: shown each time.
        options: each may join.
        one_of: exactly one of these joins, where there are any.
        one_sided: shown on one side of the face only.
        weight: relative frequency.
    """

    name: str
    core: tuple[int, ...]
    options: tuple[int, ...] = ()
    one_of: tuple[int, ...] = ()
    one_sided: bool = False
    weight: float = 1.0


PROTOTYPES: tuple[Prototype, ...] = (
    Prototype("happiness", (6, 12), (25, 26, 7), weight=2.0),
    Prototype("social smile", (12,), (25, 14)),
    Prototype("surprise", (1, 2, 5, 26), (25,)),
    Prototype("raised brows", (1, 2), (5,)),
    Prototype("sadness", (1, 4, 15), (17, 7)),
    Prototype("anger", (4, 5, 7), (17,), one_of=(23, 24)),
    Prototype("frown", (4,), (7, 24)),
    Prototype("disgust", (), (17, 4, 7, 25), one_of=(9, 10)),
    Prototype("fear", (1, 2, 4, 5, 20, 25), (26,)),
    Prototype("contempt", (), one_of=(12, 14), one_sided=True, weight=0.6),
    Prototype("doubt", (17,), (15, 24, 1, 2)),
)


@dataclass(frozen=True)
class Pace:
    """How long the phases of an event last, each drawn evenly between two bounds.

    Attributes:
        onset_s: from neutral to the apex.
        apex_s: at the apex.
        offset_s: from the apex back to neutral.
        gap_s: neutral between two episodes.
        total_s: bounds of the whole event; others are stretched or shortened in proportion.
        intensity: bounds of the apex's intensity.
    """

    onset_s: tuple[float, float]
    apex_s: tuple[float, float]
    offset_s: tuple[float, float]
    gap_s: tuple[float, float]
    total_s: tuple[float, float]
    intensity: tuple[float, float]


#: Spontaneous expressions.
SPONTANEOUS = Pace((0.3, 1.0), (0.3, 3.0), (0.4, 1.5), (0.2, 1.5), (0.8, 5.0), (0.5, 5.0))
#: Micro-expressions: 0.04 to 0.5 s in all, and weak.
MICRO = Pace((0.02, 0.2), (0.0, 0.15), (0.02, 0.25), (0.3, 1.2), (0.04, 0.5), (0.5, 3.0))


@dataclass(frozen=True)
class AUEvent:
    """One AU that comes and goes.

    Attributes:
        au: its number.
        onset_s: the face is still neutral.
        apex_s: the full intensity is reached.
        apex_end_s: the intensity begins to fall.
        offset_s: the face is neutral again.
        intensity: at the apex, 0 to 5.
        side: ``B`` both, or the subject's ``L`` or ``R``.

    Raises:
        UserError: an unknown AU, times out of order, an intensity or a side that is not one.
    """

    au: int
    onset_s: float
    apex_s: float
    apex_end_s: float
    offset_s: float
    intensity: float
    side: str = "B"

    def __post_init__(self) -> None:
        if self.au not in ACTION_UNITS:
            raise UserError(f"AU{self.au} is not known; the AUs are {', '.join(map(str, ACTION_UNITS))}")
        if self.side not in ("B", "L", "R"):
            raise UserError(f"the side of an AU is B, L or R, got {self.side!r}")
        if self.side != "B" and not ACTION_UNITS[self.au].paired:
            raise UserError(f"AU{self.au} moves the whole face and has no side; leave out {self.side!r}")
        if not self.onset_s <= self.apex_s <= self.apex_end_s <= self.offset_s:
            raise UserError(f"AU{self.au}: expected onset <= apex <= end of apex <= offset, got {self}")
        if not 0.0 <= self.intensity <= 5.0:
            raise UserError(f"the intensity of AU{self.au} must be within 0 to 5, got {self.intensity}")


@dataclass(frozen=True)
class Timeline:
    """Events over a clip.

    Each event rises and falls as a raised cosine; where two events of an AU overlap, the stronger counts.

    >>> line = Timeline((AUEvent(12, 1.0, 2.0, 3.0, 4.0, intensity=4.0),), duration_s=5.0)
    >>> [round(line.at(t).intensity(12), 2) for t in (0.5, 1.5, 2.5, 3.5, 4.5)]
    [0.0, 2.0, 4.0, 2.0, 0.0]
    """

    events: tuple[AUEvent, ...]
    duration_s: float

    @property
    def aus(self) -> tuple[int, ...]:
        """The AUs that have an event, sorted."""
        return tuple(sorted({event.au for event in self.events}))

    @cached_property
    def _table(self) -> NDArray[np.float64]:
        rows = [(e.onset_s, e.apex_s, e.apex_end_s, e.offset_s, e.intensity) for e in self.events]
        return np.array(rows, np.float64).reshape(-1, 5)

    def _curves(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """f64[N,E], the intensity of each event at each time."""
        onset, apex, apex_end, offset, height = self._table.T
        time = times_s[:, None]
        tiny = 1e-9
        rise = np.clip((time - onset) / np.maximum(apex - onset, tiny), 0.0, 1.0)
        fall = np.clip((offset - time) / np.maximum(offset - apex_end, tiny), 0.0, 1.0)
        share = 0.5 - 0.5 * np.cos(np.pi * np.minimum(rise, fall))
        return np.asarray(share * height)

    def sides(self, times_s: Sequence[float] | NDArray[np.float64], aus: Sequence[int]) -> FloatArray:
        """f32[N,A,2], the intensity on the subject's left and right."""
        times = np.asarray(times_s, np.float64)
        out = np.zeros((len(times), len(aus), 2), np.float32)
        column = {au: number for number, au in enumerate(aus)}
        for event, curve in zip(self.events, self._curves(times).T, strict=True):
            if event.au in column:
                for side, name in enumerate("LR"):
                    if event.side in ("B", name):
                        out[:, column[event.au], side] = np.maximum(out[:, column[event.au], side], curve)
        return out

    def at(self, time_s: float) -> Expression:
        """What the face shows at a time."""
        both = self.sides([time_s], self.aus)[0]
        left, right = (
            {au: float(v) for au, v in zip(self.aus, both[:, s], strict=True) if v > 0} for s in (0, 1)
        )
        return Expression(left, right)

    def intensities(self, times_s: Sequence[float] | NDArray[np.float64], aus: Sequence[int]) -> FloatArray:
        """f32[N,A], 0 to 5, the stronger side's."""
        left, right = np.moveaxis(self.sides(times_s, aus), 2, 0)
        stronger: FloatArray = np.maximum(left, right)
        return stronger

    def labels(
        self, times_s: Sequence[float] | NDArray[np.float64], aus: Sequence[int], threshold: float = 2.0
    ) -> NDArray[np.int8]:
        """i8[N,A], 1 where the intensity is at least ``threshold`` (2 = B)."""
        return (self.intensities(times_s, aus) >= threshold).astype(np.int8)


def compatible(aus: Iterable[int]) -> bool:
    """Whether no two of the AUs exclude each other.

    >>> compatible([6, 12, 25]), compatible([12, 24, 25])
    (True, False)
    """
    chosen = set(aus)
    return not any(pair <= chosen for pair in EXCLUSIONS)


def random_expression(rng: np.random.Generator, aus: Sequence[int]) -> Expression:
    """A random plausible expression for a still.

    About one in seven is neutral, a third of the others are traces (below B) throughout, and one in four is
    stronger on one side.

    Args:
        rng: the source of chance.
        aus: the AUs that may be shown.
    """
    _check_aus(aus)
    if rng.random() < 0.14:
        return Expression({}, {})
    chosen, one_sided = _draw_set(rng, aus)
    strength = rng.uniform(0.2, 2.0) if rng.random() < 0.33 else rng.uniform(1.0, 5.0)
    left: dict[int, float] = {}
    right: dict[int, float] = {}
    weaker = int(rng.integers(2))
    lopsided = rng.uniform(0.2, 0.9) if rng.random() < 0.25 else 1.0
    for au in chosen:
        value = float(np.clip(strength * rng.lognormal(0.0, 0.35), 0.1, 5.0))
        share = 1.0 if not ACTION_UNITS[au].paired else 0.0 if one_sided else lopsided
        left[au], right[au] = (value * share, value) if weaker == 0 else (value, value * share)
    return Expression({a: v for a, v in left.items() if v > 0}, {a: v for a, v in right.items() if v > 0})


def random_timeline(
    rng: np.random.Generator, duration_s: float, aus: Sequence[int], *, pace: Pace = SPONTANEOUS
) -> Timeline:
    """Random plausible events: episodes of AUs that belong together, neutral in between.

    Args:
        rng: the source of chance.
        duration_s: length; every event is over by then.
        aus: the AUs that may be shown.
        pace: :data:`SPONTANEOUS` or :data:`MICRO`, or one's own.

    Raises:
        UserError: no AU, an unknown one, or a duration too short for one event.
    """
    _check_aus(aus)
    shortest, longest = pace.total_s
    if duration_s < shortest:
        raise UserError(f"a timeline needs at least {shortest:g} s, got {duration_s:g} s")
    events: list[AUEvent] = []
    clock = rng.uniform(*pace.gap_s) * 0.5
    while duration_s - clock >= shortest:
        episode = _draw_episode(rng, aus, pace, min(longest, duration_s - clock))
        events += [moved(event, clock) for event in episode]
        clock = max(event.offset_s for event in events) + rng.uniform(*pace.gap_s)
    if not events:
        events += _draw_episode(rng, aus, pace, duration_s)
    return Timeline(tuple(events), duration_s)


def sequence_timeline(aus: Sequence[int], duration_s: float, *, intensity: float = 4.0) -> Timeline:
    """Each AU once, one after another, then up to three combinations of them: for a demonstration.

    The time is cut into equal slots with half a slot of neutral at both ends; an event uses the middle 90 %
    of its slot: 30 % onset, 40 % apex, 30 % offset.
    """
    _check_aus(aus)
    together = [sorted(au for au in (*p.core, *p.options) if au in aus) for p in PROTOTYPES]
    together = [group for group in together if len(group) >= 3 and compatible(group)]
    largest = sorted(together, key=len, reverse=True)[:3]
    groups = [[au] for au in aus] + [group for group in together if group in largest]
    slot = duration_s / (len(groups) + 1)
    events = []
    for number, group in enumerate(groups):
        start, length = (number + 0.55) * slot, 0.9 * slot
        rise, fall, end = start + 0.3 * length, start + 0.7 * length, start + length
        events += [AUEvent(au, start, rise, fall, end, intensity) for au in group]
    return Timeline(tuple(events), duration_s)


def _check_aus(aus: Sequence[int]) -> None:
    unknown = [au for au in aus if au not in ACTION_UNITS]
    if not aus or unknown:
        got = ", ".join(map(str, unknown)) or "none"
        raise UserError(f"expected AUs out of {', '.join(map(str, ACTION_UNITS))}; got {got}")


def moved(event: AUEvent, by_s: float) -> AUEvent:
    """The same event, so much later."""
    return replace(
        event,
        onset_s=event.onset_s + by_s,
        apex_s=event.apex_s + by_s,
        apex_end_s=event.apex_end_s + by_s,
        offset_s=event.offset_s + by_s,
    )


def _draw_set(rng: np.random.Generator, aus: Sequence[int]) -> tuple[list[int], bool]:
    """AUs that may be shown together, and whether only on one side."""
    kind = rng.random()
    if kind < 0.45:
        chosen, one_sided = _draw_prototype(rng, aus)
        if chosen:
            if rng.random() < 0.2:
                chosen = _with(chosen, int(rng.choice(aus)))
            return chosen, one_sided
    wanted = 1 if kind < 0.7 else int(rng.integers(2, 6))
    chosen = []
    for au in rng.permutation(aus)[:wanted]:
        chosen = _with(chosen, int(au))
    return chosen, wanted == 1 and ACTION_UNITS[chosen[0]].paired and rng.random() < 0.15


def _draw_prototype(rng: np.random.Generator, aus: Sequence[int]) -> tuple[list[int], bool]:
    known = [p for p in PROTOTYPES if set(p.core) & set(aus) or set(p.one_of) & set(aus)]
    if not known:
        return [], False
    weight = np.array([p.weight for p in known])
    prototype = known[int(rng.choice(len(known), p=weight / weight.sum()))]
    chosen = [au for au in prototype.core if au in aus]
    candidates = [au for au in prototype.one_of if au in aus]
    if candidates:
        chosen = _with(chosen, int(rng.choice(candidates)))
    for au in prototype.options:
        if au in aus and rng.random() < 0.4:
            chosen = _with(chosen, au)
    return chosen, prototype.one_sided


def _with(chosen: list[int], au: int) -> list[int]:
    """The list and one more AU, where it is new and nothing excludes it."""
    return [*chosen, au] if au not in chosen and compatible([*chosen, au]) else chosen


def _draw_episode(
    rng: np.random.Generator, aus: Sequence[int], pace: Pace, longest_s: float
) -> list[AUEvent]:
    """Events that start at about 0 and are over after ``longest_s``."""
    chosen, one_sided = _draw_set(rng, aus)
    return episode(rng, chosen, pace, longest_s, one_sided=one_sided)


def episode(
    rng: np.random.Generator, aus: Sequence[int], pace: Pace, longest_s: float, *, one_sided: bool = False
) -> list[AUEvent]:
    """Some AUs that come and go together, each a little different from the others.

    Args:
        rng: the source of chance.
        aus: the AUs; all of them are shown.
        pace: how long and how strong.
        longest_s: they start at about 0 s and are over by then.
        one_sided: AUs that have a side are shown on one, the same for all.
    """
    side = str(rng.choice(["L", "R"]))
    strength = rng.uniform(*pace.intensity)
    phases = np.array([rng.uniform(*pace.onset_s), rng.uniform(*pace.apex_s), rng.uniform(*pace.offset_s)])
    events = []
    for au in aus:
        own = phases * rng.lognormal(0.0, 0.12, 3)
        own *= max(1.0, pace.total_s[0] / own.sum())
        lag = max(0.0, min(abs(rng.normal(0.0, 0.1)) * phases[0], longest_s - own.sum()))
        scale = min(1.0, longest_s / (own.sum() + lag))
        onset, apex, apex_end, offset = (lag + np.concatenate([[0.0], np.cumsum(own)])) * scale
        value = float(np.clip(strength * rng.lognormal(0.0, 0.25), *pace.intensity))
        paired = ACTION_UNITS[au].paired
        lopsided = paired and not one_sided and rng.random() < 0.15
        which = side if paired and (one_sided or lopsided) else "B"
        event = AUEvent(au, float(onset), float(apex), float(apex_end), float(offset), value, which)
        events.append(event)
        if lopsided:
            weaker = value * float(rng.uniform(0.3, 0.9))
            events.append(replace(event, side="RL"["LR".index(side)], intensity=weaker))
    return events
