"""The clips that a model is asked about, with as few crops held as possible.

A model that scores the middle or the last frame is given, for each frame, the clip around or up to it; a
model that scores all frames is given clips that tile the source. The rules are those of training
(:mod:`~actionunits.faces.clips`, ``docs/conventions.md``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from actionunits.faces.clips import fill_rows, tile_rows
from actionunits.records import Crop, Frame, InputSpec, Landmarks

if TYPE_CHECKING:
    from actionunits.faces.track import TrackedFace

__all__ = ["AskedClip", "Clip", "CroppedFrame", "Window", "windows_of"]

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
        left_out: how many other faces were seen, where all of the frame was searched, and not read.
    """

    index: int
    time_s: float
    faces: Sequence[TrackedFace]
    crops: dict[int, tuple[Crop, Landmarks]]
    frame: Frame | None
    left_out: int = 0


@dataclass(frozen=True)
class AskedClip:
    """A clip and what the model is asked about it.

    Attributes:
        clip: what the model is given.
        frames: the number in its source of each frame of the clip.
        track: whose face it is.
        scored: (position in the clip, number of the frame) of each answer that is wanted.
    """

    clip: Clip
    frames: tuple[int, ...]
    track: int
    scored: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Window:
    """Frames in order, with clips that answer for every face in them.

    Attributes:
        frames: the next frames of the source.
        clips: each face of each frame is scored in exactly one place of one clip.
    """

    frames: tuple[CroppedFrame, ...]
    clips: tuple[AskedClip, ...]


def windows_of(frames: Iterable[CroppedFrame], spec: InputSpec) -> Iterator[Window]:
    """Every frame in order with its clips, as the model is asked (``spec.scored``)."""
    return _tiles(frames, spec) if spec.scored == "all" else _around(frames, spec)


def _around(frames: Iterable[CroppedFrame], spec: InputSpec) -> Iterator[Window]:
    """Each frame with the clip around each of its faces, or up to it.

    The frame stands at position ``spec.place`` of its clips, its neighbours ``frame_step`` frames apart.
    Where the face was not in view (or before the first and after the last frame), the nearest chosen frame
    toward that place is repeated. At most (T - 1) * ``frame_step`` + 1 frames of crops are held.
    """
    before = spec.place * spec.frame_step
    after = (spec.clip_length - 1 - spec.place) * spec.frame_step
    held: deque[CroppedFrame] = deque()
    middle = 0
    for frame in frames:
        held.append(frame)
        if len(held) - 1 - middle < after:
            continue
        yield _window_around(held, middle, spec)
        if middle < before:
            middle += 1
        else:
            held.popleft()
    for last in range(middle, len(held)):
        yield _window_around(held, last, spec)


def _window_around(held: deque[CroppedFrame], middle: int, spec: InputSpec) -> Window:
    before = spec.place
    after = spec.clip_length - 1 - before
    centre = held[middle]

    def side(track: int, count: int, direction: int) -> list[CroppedFrame]:
        found: list[CroppedFrame] = []
        last = centre
        for k in range(1, count + 1):
            at = middle + direction * k * spec.frame_step
            if 0 <= at < len(held) and track in held[at].crops:
                last = held[at]
            found.append(last)
        return found

    clips = []
    for track in (each.face.track for each in centre.faces):
        shown = [*reversed(side(track, before, -1)), centre, *side(track, after, 1)]
        clips.append(_asked(shown, track, (before,)))
    return Window((centre,), tuple(clips))


def _tiles(frames: Iterable[CroppedFrame], spec: InputSpec) -> Iterator[Window]:
    """Windows of ``clip_length * frame_step`` frames, with the clips that tile them.

    The last window holds what is left and reaches back into the one before it, so two windows of crops are
    held. A face is asked about in the clips in which it is seen at a scored frame; where it was not in view,
    its nearest frame toward the clip's middle is repeated.
    """
    span = spec.clip_length * spec.frame_step
    past: list[CroppedFrame] = []
    fresh: list[CroppedFrame] = []
    for frame in frames:
        fresh.append(frame)
        if len(fresh) == span:
            yield _tiled(fresh, 0, spec)
            past, fresh = [replace(each, frame=None) for each in fresh], []
    if fresh:
        yield _tiled([*past, *fresh], len(past), spec)


def _tiled(held: Sequence[CroppedFrame], first: int, spec: InputSpec) -> Window:
    """The frames from ``first`` on with the clips that score them."""
    rows, scored = tile_rows(len(held), spec.clip_length, spec.frame_step)
    late = scored & (rows >= first)
    rows, late = rows[late.any(axis=1)], late[late.any(axis=1)]
    clips: list[AskedClip] = []
    for track in sorted({each.face.track for frame in held[first:] for each in frame.faces}):
        seen = np.array([track in frame.crops for frame in held])
        known = (rows >= 0) & seen[np.maximum(rows, 0)]
        filled = fill_rows(rows, known, spec.place)
        clips += [
            _asked([held[row] for row in line], track, np.flatnonzero(places).tolist())
            for line, places in zip(filled.tolist(), late & known, strict=True)
            if places.any()
        ]
    return Window(tuple(held[first:]), tuple(clips))


def _asked(shown: Sequence[CroppedFrame], track: int, places: Sequence[int]) -> AskedClip:
    """A clip of a face in frames, asked about at places of it."""
    return AskedClip(
        [frame.crops[track] for frame in shown],
        tuple(frame.index for frame in shown),
        track,
        tuple((at, shown[at].index) for at in places),
    )
