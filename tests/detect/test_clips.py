from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actionunits.detect.clips import CroppedFrame, windows_of
from actionunits.faces.track import TrackedFace
from actionunits.records import Crop, Face, InputSpec, Landmarks

POINTS = Landmarks(np.zeros((68, 2), np.float32))


def _frame(index: int, tracks: Iterable[int]) -> CroppedFrame:
    """Frame ``index``; the crop of track t is filled with the value 10 * index + t."""
    tracks = sorted(tracks)
    faces = [TrackedFace(Face(np.zeros(4, np.float32), 1.0, t), POINTS, 1.0) for t in tracks]
    maps = np.zeros((2, 3), np.float32)
    crops = {t: (Crop(np.full((2, 2), (10 * index + t) % 256, np.uint8), maps), POINTS) for t in tracks}
    return CroppedFrame(index, index / 10, faces, crops, None)


def _spec(length: int, step: int) -> InputSpec:
    return InputSpec(aus=(12,), size_px=2, inter_ocular_px=1.0, clip_length=length, frame_step=step)


def _tiling(length: int, step: int) -> InputSpec:
    return replace(_spec(length, step), scored="all")


def _seen(frames: Iterable[CroppedFrame], spec: InputSpec) -> list[tuple[int, list[list[int]]]]:
    return [
        (
            window.frames[0].index,
            [[int(crop.image[0, 0]) for crop, _ in asked.clip] for asked in window.clips],
        )
        for window in windows_of(frames, spec)
    ]


def test_a_model_of_stills_gets_each_crop_by_itself() -> None:
    assert _seen([_frame(0, [0, 1]), _frame(1, []), _frame(2, [1])], _spec(1, 1)) == [
        (0, [[0], [1]]),
        (1, []),
        (2, [[21]]),
    ]


def test_a_clip_has_its_frame_in_the_middle_and_repeats_the_ends() -> None:
    frames = [_frame(i, [0]) for i in range(5)]
    assert [clip for _, (clip,) in _seen(frames, _spec(4, 1))] == [
        [0, 0, 0, 10],
        [0, 0, 10, 20],
        [0, 10, 20, 30],
        [10, 20, 30, 40],
        [20, 30, 40, 40],
    ]


def test_a_gap_repeats_the_frame_toward_the_middle() -> None:
    frames = [_frame(0, [0]), _frame(1, []), _frame(2, [0]), _frame(3, [0])]
    assert _seen(frames, _spec(3, 1))[2] == (2, [[20, 20, 30]])
    assert _seen(frames, _spec(5, 1))[2] == (2, [[0, 20, 20, 30, 30]])


@given(
    length=st.integers(1, 6),
    step=st.integers(1, 3),
    views=st.lists(st.sets(st.integers(0, 2)), min_size=0, max_size=12),
)
def test_streaming_agrees_with_looking_at_everything(length: int, step: int, views: list[set[int]]) -> None:
    frames = [_frame(i, tracks) for i, tracks in enumerate(views)]

    def clip(middle: int, track: int) -> list[int]:
        values = {}
        for direction in (-1, 1):
            last = middle
            for k in range(0, length):
                at = middle + direction * k * step
                last = at if 0 <= at < len(frames) and track in frames[at].crops else last
                values[direction * k] = 10 * last + track
        half = length // 2
        return [values[k - half] for k in range(length)]

    expected = [(i, [clip(i, t) for t in sorted(tracks)]) for i, tracks in enumerate(views)]
    assert _seen(frames, _spec(length, step)) == expected


@pytest.mark.parametrize(("length", "step"), [(1, 1), (8, 1), (4, 3)])
def test_only_the_frames_of_a_clip_are_held(length: int, step: int) -> None:
    drawn = 0

    def frames() -> Iterator[CroppedFrame]:
        nonlocal drawn
        for i in range(25):
            drawn += 1
            yield _frame(i, [0])

    for given_out, _ in enumerate(windows_of(frames(), _spec(length, step)), start=1):
        assert drawn - given_out <= (length - 1) * step


def test_clips_that_score_all_frames_tile_the_source_and_the_last_reaches_back() -> None:
    windows = list(windows_of([_frame(i, [0]) for i in range(7)], _tiling(3, 1)))
    assert [[f.index for f in window.frames] for window in windows] == [[0, 1, 2], [3, 4, 5], [6]]
    (last,) = windows[-1].clips
    assert [int(crop.image[0, 0]) for crop, _ in last.clip] == [40, 50, 60]
    assert last.scored == ((2, 6),)


def test_tiles_of_a_short_source_repeat_its_last_frame() -> None:
    (window,) = windows_of([_frame(i, [0]) for i in range(2)], _tiling(4, 1))
    (asked,) = window.clips
    assert [int(crop.image[0, 0]) for crop, _ in asked.clip] == [0, 10, 10, 10]
    assert asked.scored == ((0, 0), (1, 1))


@given(
    length=st.integers(1, 5),
    step=st.integers(1, 3),
    views=st.lists(st.sets(st.integers(0, 2)), min_size=0, max_size=25),
)
def test_tiles_score_every_face_of_every_frame_once_by_the_frame_itself(
    length: int, step: int, views: list[set[int]]
) -> None:
    frames = [_frame(i, tracks) for i, tracks in enumerate(views)]
    given_out, scored = [], []
    for window in windows_of(frames, _tiling(length, step)):
        given_out += [frame.index for frame in window.frames]
        for asked in window.clips:
            assert len(asked.clip) == length
            shown = [int(crop.image[0, 0]) for crop, _ in asked.clip]
            if len(views) < 25:
                assert {value % 10 for value in shown} == {asked.track}
            for at, frame in asked.scored:
                assert shown[at] == (10 * frame + asked.track) % 256
                assert frame in given_out
                scored.append((frame, asked.track))
    assert given_out == list(range(len(views)))
    assert sorted(scored) == sorted((i, t) for i, tracks in enumerate(views) for t in tracks)


def test_two_windows_of_tiles_are_held_at_most() -> None:
    drawn = 0

    def frames() -> Iterator[CroppedFrame]:
        nonlocal drawn
        for i in range(50):
            drawn += 1
            yield _frame(i, [0])

    done = 0
    for window in windows_of(frames(), _tiling(4, 2)):
        done += len(window.frames)
        assert drawn - done <= 0
