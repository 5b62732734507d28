"""The clip around each frame that a model of clips is given, with as few crops held as possible."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actionunits.records import Crop, Frame, InputSpec, Landmarks

if TYPE_CHECKING:
    from actionunits.faces.track import TrackedFace

__all__ = ["Clip", "CroppedFrame", "clips_around"]

#: T crops of one face with the face's points, oldest first.
Clip = list[tuple[Crop, Landmarks]]


@dataclass(frozen=True)
class CroppedFrame:
    """A frame whose faces are cut out.

    Attributes:
        index: number of the frame in its source, from 0.
        time_s: presentation time.
        faces: ordered by track.
        crops: crop and points of each track.
        frame: the picture, where it is still wanted.
    """

    index: int
    time_s: float
    faces: Sequence[TrackedFace]
    crops: dict[int, tuple[Crop, Landmarks]]
    frame: Frame | None


def clips_around(
    frames: Iterable[CroppedFrame], spec: InputSpec
) -> Iterator[tuple[CroppedFrame, list[Clip]]]:
    """Each frame, in order, with the clip of each of its faces.

    The frame stands at position T // 2 of its clips, its neighbours ``frame_step`` frames apart. Where the
    face was not in view (or before the first and after the last frame), the nearest chosen frame toward the
    middle is repeated. At most (T - 1) * ``frame_step`` + 1 frames of crops are held.
    """
    before = (spec.clip_length // 2) * spec.frame_step
    after = (spec.clip_length - 1 - spec.clip_length // 2) * spec.frame_step
    window: deque[CroppedFrame] = deque()
    middle = 0
    for frame in frames:
        window.append(frame)
        if len(window) - 1 - middle < after:
            continue
        yield window[middle], _clips(window, middle, spec)
        if middle < before:
            middle += 1
        else:
            window.popleft()
    for last in range(middle, len(window)):
        yield window[last], _clips(window, last, spec)


def _clips(window: deque[CroppedFrame], middle: int, spec: InputSpec) -> list[Clip]:
    before = spec.clip_length // 2
    after = spec.clip_length - 1 - before

    def side(track: int, count: int, direction: int) -> Clip:
        found: Clip = []
        last = window[middle].crops[track]
        for k in range(1, count + 1):
            at = middle + direction * k * spec.frame_step
            if 0 <= at < len(window):
                last = window[at].crops.get(track, last)
            found.append(last)
        return found

    tracks = [each.face.track for each in window[middle].faces]
    return [
        [*reversed(side(track, before, -1)), window[middle].crops[track], *side(track, after, 1)]
        for track in tracks
    ]
