"""Values smoothed over time, for each face, with a short look ahead instead of a delay."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from actionunits.detect.results import FaceResult, FrameResult
from actionunits.records import FloatArray

__all__ = ["SMOOTH_REACH", "smooth"]

#: The Gaussian is cut off so many standard deviations from its middle.
SMOOTH_REACH = 2.5


def smooth(results: Iterable[FrameResult], deviation_s: float) -> Iterator[FrameResult]:
    """Probability, intensity, sides and emotion as Gaussian-weighted means over time, track by track.

    The weights depend on presentation times, not on frame numbers, so a variable frame rate is right. They
    are symmetric: an apex stays at its time (zero phase). At a track's ends, and where the face was lost,
    the frames that exist share the weight. A frame is given out once one later than 2.5 ``deviation_s`` has
    come, so that much video is held, and no more.

    Args:
        results: in order of time.
        deviation_s: standard deviation of the Gaussian, seconds; 0 gives the results as they are.
    """
    if deviation_s <= 0:
        yield from results
        return
    reach = SMOOTH_REACH * deviation_s
    past: deque[FrameResult] = deque()
    ahead: deque[FrameResult] = deque()

    def answer() -> FrameResult:
        now = ahead[0]
        while past and past[0].time_s < now.time_s - reach:
            past.popleft()
        given = _smoothed(now, (*past, *ahead), deviation_s, reach)
        past.append(replace(now, frame=None))
        ahead.popleft()
        return given

    for result in results:
        ahead.append(result)
        while ahead[0].time_s < result.time_s - reach:
            yield answer()
    while ahead:
        yield answer()


def _smoothed(
    now: FrameResult, around: Iterable[FrameResult], deviation_s: float, reach: float
) -> FrameResult:
    near = [each for each in around if abs(each.time_s - now.time_s) <= reach]
    faces = []
    for face in now.faces:
        same = [(each.time_s, other) for each in near for other in each.faces if other.track == face.track]
        distance = (np.array([time_s for time_s, _ in same]) - now.time_s) / deviation_s
        weights = np.exp(-0.5 * distance**2)
        faces.append(_mean(face, [other for _, other in same], (weights / weights.sum()).astype(np.float32)))
    return replace(now, faces=tuple(faces))


def _mean(face: FaceResult, same: list[FaceResult], weights: FloatArray) -> FaceResult:
    probability: FloatArray = weights @ np.stack([each.probability for each in same])
    graded = [each.intensity for each in same if each.intensity is not None]
    intensity: FloatArray | None = weights @ np.stack(graded) if len(graded) == len(same) else None
    felt = [each.emotion for each in same if each.emotion is not None]
    emotion: FloatArray | None = weights @ np.stack(felt) if felt and len(felt) == len(same) else None
    told = [each.sides for each in same if each.sides is not None]
    sides: FloatArray | None = None
    if told and len(told) == len(same):
        sides = np.tensordot(weights, np.stack(told), axes=1).astype(np.float32)
    return replace(face, probability=probability, intensity=intensity, emotion=emotion, sides=sides)
