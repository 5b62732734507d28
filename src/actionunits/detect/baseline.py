"""Each person's own neutral face as the zero of their values.

People differ in how they look at rest: low brows read as a weak AU4 all the time. A baseline estimates, for
each face and AU, the level that the network gives at rest, and takes from the values what is too much of it:

- intensity: the level at rest is subtracted, and nothing falls below 0; left and right keep their proportion.
- probability: on the logarithm of its odds, a level at rest that is nearer to the AU's threshold than
  :data:`REST_GAP` is brought down to that distance, and all values of the face and AU with it. A level that
  is farther away stays: nothing is ever raised. Odds above :data:`MOST_ODDS` count as that much.

What was measured of it is in ``docs/benchmarks/detect_options.md``.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from actionunits.detect.results import FaceResult, FrameResult
from actionunits.detect.spool import Spool
from actionunits.errors import UserError
from actionunits.records import FloatArray

__all__ = ["LEAST_FRAMES", "MOST_ODDS", "REST_GAP", "Baseline", "OnRest", "baseline_notes", "rebased"]

#: Called with a face's number and bool[A]: the AUs that it shows, by their thresholds, where it is at rest.
OnRest = Callable[[int, NDArray[np.bool_]], None]

#: How far below an AU's threshold a face at rest is brought, in natural logarithms of odds.
REST_GAP = 1.0
#: Above these odds (a probability of .982) a face surely shows an AU; how far above says nothing. Where it
#: shows one all the time, .999 and .9999 would be moved to different sides of the threshold.
MOST_ODDS = 4.0
#: A face that was in view in fewer frames has no baseline; its values stay as they are.
LEAST_FRAMES = 15

#: In less time than this a face need not have had a neutral moment; ``auto`` says so.
_LEAST_SEEN_S = 10.0

#: Faces of which a note says what they show at rest.
_MOST_LISTED = 3

#: The share of the values that lie below the level at rest. Over a whole source an AU may be shown in more
#: than half of the frames, so the lower quartile; of frames that are said to be neutral, the middle.
_AUTO_SHARE, _FIRST_SHARE = 0.25, 0.5
#: Levels are counted in steps: logarithms of odds from -12 to 12, intensities from 0 to 5.
_ODDS = np.linspace(-12.0, 12.0, 481)
_GRADES = np.linspace(0.0, 5.0, 251)


@dataclass(frozen=True)
class Baseline:
    """Where the neutral face is looked for.

    Attributes:
        first_s: the first so many seconds of each face are neutral; None: it is estimated over the whole
            source.
    """

    first_s: float | None = None

    def __str__(self) -> str:
        return "auto" if self.first_s is None else f"first:{self.first_s:g}s"

    @classmethod
    def parse(cls, text: str) -> Baseline | None:
        """``auto``, ``first:5s`` (any number of seconds) or ``none``.

        Raises:
            UserError: none of them.

        >>> Baseline.parse("first:2.5s"), Baseline.parse("none")
        (Baseline(first_s=2.5), None)
        """
        if text == "none":
            return None
        if text == "auto":
            return cls()
        match = re.fullmatch(r"first:(\d+(?:\.\d+)?)s?", text)
        if match is None or not 0.5 <= float(match[1]) <= 60.0:
            raise UserError(
                f"a baseline is auto, none, or first: and 0.5 to 60 seconds, such as first:5s, got {text!r}"
            )
        return cls(float(match[1]))


def baseline_notes(
    baseline: Baseline | None, seen_s: Mapping[int, float], shown_at_rest: Mapping[int, Sequence[int]]
) -> list[str]:
    """What to know of a baseline, a sentence each.

    What a face shows for a short time, or all the time, may be taken for its rest; seen in few frames it has
    no baseline.

    Args:
        baseline: what was asked for.
        seen_s: for how long each face was in view.
        shown_at_rest: the AUs that each face with a baseline shows at its rest, as :func:`rebased` tells.

    >>> print(*baseline_notes(Baseline(5.0), {0: 3.2}, {0: ()}))
    baseline first:5s: a face was in view for no more than 5 s, all of which was taken for its neutral face
    >>> baseline_notes(Baseline(5.0), {0: 5.04}, {0: ()})
    []
    >>> baseline_notes(Baseline(), {0: 360.0, 1: 0.5, 2: 0.1}, {0: ()})
    ['baseline auto: 2 of 3 faces without one, for want of 15 frames to learn it from']
    >>> print(baseline_notes(Baseline(), {0: 360.0}, {0: (6, 12)})[0].split(";")[0])
    baseline auto: taken for neutral, so called only where clearly stronger, if at all: AU6, AU12 (face 0)
    """
    if baseline is None:
        return []
    said = []
    if without := len(seen_s.keys() - shown_at_rest.keys()):
        said.append(
            f"{without} of {len(seen_s)} face{'s' if len(seen_s) > 1 else ''} without one, for want of "
            f"{LEAST_FRAMES} frames to learn it from"
        )
    least_s = _LEAST_SEEN_S if baseline.first_s is None else baseline.first_s
    if shown_at_rest and min(seen_s[face] for face in shown_at_rest) <= least_s + 1e-6:
        what = "all of which" if baseline.first_s else "and what it shows throughout"
        said.append(
            f"a face was in view for no more than {least_s:g} s, {what} was taken for its neutral face"
        )
    resting = [(face, aus) for face, aus in shown_at_rest.items() if aus]
    if resting:
        listed = [f"{', '.join(f'AU{au}' for au in aus)} (face {face})" for face, aus in resting]
        more = f" and of {len(listed) - _MOST_LISTED} more faces" if len(listed) > _MOST_LISTED else ""
        said.append(
            "taken for neutral, so called only where clearly stronger, if at all: "
            f"{', '.join(listed[:_MOST_LISTED])}{more}; if the face is not neutral at its calmest, use "
            "first:Ns or none"
        )
    return [f"baseline {baseline}: {each}" for each in said]


def rebased(
    results: Iterable[FrameResult],
    baseline: Baseline | None,
    thresholds: FloatArray,
    emotions: int = 0,
    on_rest: OnRest | None = None,
) -> Iterator[FrameResult]:
    """Results with each face's values above its own rest.

    With ``first_s`` a frame is given out once the first seconds of each of its faces are over: that much of
    the source is held. Without it the results are put aside on disk until the last one has come; what is held
    is the counts of levels of each face. Pictures are not kept in either case.

    Args:
        results: in order of time.
        baseline: None gives the results as they are.
        thresholds: f32[A], the probability from which an AU counts as shown.
        emotions: how many the model gives beside the AUs; they stay as they are.
        on_rest: called once for each face that has a baseline.
    """
    if baseline is None:
        return iter(results)
    if baseline.first_s is None:
        return _over_all(results, thresholds, emotions, on_rest)
    return _over_first(results, baseline.first_s, thresholds, on_rest)


class _Levels:
    """Counts of the values of one face: what a quantile needs, however long the source is."""

    def __init__(self, aus: int) -> None:
        self._columns = np.arange(aus)
        self._odds = np.zeros((aus, len(_ODDS)), np.int64)
        self._grades = np.zeros((aus, len(_GRADES)), np.int64)
        self.frames = 0

    def add(self, face: FaceResult) -> None:
        self.frames += 1
        self._odds[self._columns, _nearest(_log_odds(face.probability), _ODDS)] += 1
        if face.intensity is not None:
            self._grades[self._columns, _nearest(face.intensity, _GRADES)] += 1

    def rest(self, share: float) -> _Rest | None:
        """The levels at rest, unless too little was seen."""
        if self.frames < LEAST_FRAMES:
            return None
        return _Rest(_quantile(self._odds, _ODDS, share), _quantile(self._grades, _GRADES, share))


@dataclass(frozen=True)
class _Rest:
    """Of one face at rest: f64[A] logarithms of odds, f64[A] intensities."""

    odds: NDArray[np.float64]
    grades: NDArray[np.float64]

    def shows(self, thresholds: FloatArray) -> NDArray[np.bool_]:
        """bool[A]: the AUs that are above their thresholds at rest."""
        return np.asarray(self.odds >= _log_odds(thresholds), np.bool_)

    def take_from(self, face: FaceResult, thresholds: FloatArray) -> FaceResult:
        rest = np.minimum(self.odds, MOST_ODDS)
        excess = np.maximum(rest - (_log_odds(thresholds) - REST_GAP), 0.0)
        odds = np.minimum(_log_odds(face.probability), MOST_ODDS)
        probability = 1.0 / (1.0 + np.exp(excess - odds))
        kept = np.where(excess > 0, probability, face.probability).astype(np.float32)
        graded = face.intensity
        if graded is not None:
            graded = np.maximum(graded - self.grades, 0.0).astype(np.float32)
        return replace(face, probability=kept, intensity=graded)


def _log_odds(probability: FloatArray) -> NDArray[np.float64]:
    p = np.clip(probability.astype(np.float64), 1e-12, 1.0 - 1e-12)
    return np.asarray(np.log(p / (1.0 - p)), np.float64)


def _nearest(values: NDArray[np.floating], steps: NDArray[np.float64]) -> NDArray[np.int64]:
    place = (values - steps[0]) / (steps[1] - steps[0])
    return np.asarray(np.clip(np.rint(place), 0, len(steps) - 1), np.int64)


def _quantile(counts: NDArray[np.int64], steps: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """f64[A]: the step below which ``share`` of each row's counts lie; 0 where nothing was counted."""
    total = counts.sum(axis=1)
    reached = counts.cumsum(axis=1) > share * np.maximum(total - 1, 0)[:, None]
    return np.where(total > 0, steps[reached.argmax(axis=1)], 0.0)


def _corrected(result: FrameResult, rests: dict[int, _Rest | None], thresholds: FloatArray) -> FrameResult:
    faces = []
    for face in result.faces:
        rest = rests[face.track]
        faces.append(face if rest is None else rest.take_from(face, thresholds))
    return replace(result, faces=tuple(faces))


def _over_all(
    results: Iterable[FrameResult], thresholds: FloatArray, emotions: int, on_rest: OnRest | None
) -> Iterator[FrameResult]:
    levels: dict[int, _Levels] = {}
    with closing(Spool(len(thresholds), emotions)) as spool:
        for result in results:
            for face in result.faces:
                if face.track not in levels:
                    levels[face.track] = _Levels(len(thresholds))
                levels[face.track].add(face)
            spool.add(result)
        rests = {track: each.rest(_AUTO_SHARE) for track, each in levels.items()}
        for track, rest in rests.items():
            _tell(on_rest, track, rest, thresholds)
        for result in spool:
            yield _corrected(result, rests, thresholds)


def _tell(on_rest: OnRest | None, track: int, rest: _Rest | None, thresholds: FloatArray) -> None:
    if on_rest is not None and rest is not None:
        on_rest(track, rest.shows(thresholds))


def _over_first(
    results: Iterable[FrameResult], first_s: float, thresholds: FloatArray, on_rest: OnRest | None
) -> Iterator[FrameResult]:
    waiting: deque[FrameResult] = deque()
    began: dict[int, float] = {}
    levels: dict[int, _Levels] = {}
    rests: dict[int, _Rest | None] = {}

    def settle(now_s: float) -> None:
        for track in [track for track, start in began.items() if now_s >= start + first_s]:
            rests[track] = levels.pop(track).rest(_FIRST_SHARE)
            _tell(on_rest, track, rests[track], thresholds)
            del began[track]

    def ready() -> Iterator[FrameResult]:
        while waiting and all(face.track in rests for face in waiting[0].faces):
            yield _corrected(waiting.popleft(), rests, thresholds)

    for result in results:
        settle(result.time_s)
        for face in result.faces:
            if face.track in rests:
                continue
            if face.track not in began:
                began[face.track], levels[face.track] = result.time_s, _Levels(len(thresholds))
            levels[face.track].add(face)
        waiting.append(replace(result, frame=None))
        yield from ready()
    settle(np.inf)
    yield from ready()
