from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actionunits.detect.clips import CroppedFrame, clips_around
from actionunits.faces.track import TrackedFace
from actionunits.records import Crop, Face, InputSpec, Landmarks

POINTS = Landmarks(np.zeros((68, 2), np.float32))


def _frame(index: int, tracks: Iterable[int]) -> CroppedFrame:
    """Frame ``index``; the crop of track t is filled with the value 10 * index + t."""
    tracks = sorted(tracks)
    faces = [TrackedFace(Face(np.zeros(4, np.float32), 1.0, t), POINTS, 1.0) for t in tracks]
    maps = np.zeros((2, 3), np.float32)
    crops = {t: (Crop(np.full((2, 2), 10 * index + t, np.uint8), maps), POINTS) for t in tracks}
    return CroppedFrame(index, index / 10, faces, crops, None)


def _spec(length: int, step: int) -> InputSpec:
    return InputSpec(aus=(12,), size_px=2, inter_ocular_px=1.0, clip_length=length, frame_step=step)


def _seen(frames: Iterable[CroppedFrame], spec: InputSpec) -> list[tuple[int, list[list[int]]]]:
    return [
        (frame.index, [[int(crop.image[0, 0]) for crop, _ in clip] for clip in clips])
        for frame, clips in clips_around(frames, spec)
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

    for given_out, _ in enumerate(clips_around(frames(), _spec(length, step)), start=1):
        assert drawn - given_out <= (length - 1) * step
