"""The flow of clips in use: what it would be clip by clip, each pair of crops once, and little is held."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from actionunits.detect.clip_flow import ClipFlow
from actionunits.detect.clips import CroppedFrame, windows_of
from actionunits.faces import flow as faces_flow
from actionunits.faces.batch import clip_flow
from actionunits.faces.flow import crop_flow
from actionunits.records import Crop, InputSpec, Landmarks

POINTS = Landmarks(np.zeros((68, 2), np.float32))


@dataclass(frozen=True)
class Tracked:
    """As much of a followed face as clips look at."""

    track: int

    @property
    def face(self) -> Tracked:
        return self


def frames(count: int, channels: int, tracks: tuple[int, ...] = (0, 3)) -> list[CroppedFrame]:
    """Textures that drift; of one track each seventh frame is missing."""
    rng = np.random.default_rng(0)
    shape = (32, 32, 3) if channels == 3 else (32, 32)
    start = {track: rng.integers(0, 256, shape, np.uint8) for track in tracks}
    found = []
    for at in range(count):
        there = [track for track in tracks if track == 0 or at % 7 != 5]
        images = {track: np.roll(start[track], at, axis=track % 2) for track in there}
        crops = {
            track: (Crop(image, np.zeros((2, 3), np.float32)), POINTS) for track, image in images.items()
        }
        found.append(CroppedFrame(at, at / 25, [Tracked(track) for track in there], crops, None))
    return found


@pytest.mark.parametrize(
    ("scored", "length", "step", "channels"),
    [("middle", 5, 1, 1), ("middle", 3, 2, 3), ("last", 4, 1, 1), ("all", 4, 2, 1)],
)
def test_each_pair_is_computed_once(monkeypatch, scored, length, step, channels) -> None:
    calls: list[bytes] = []

    def counted(before, crop, method):
        calls.append(before.tobytes() + crop.tobytes())
        return crop_flow(before, crop, method)

    monkeypatch.setattr(faces_flow, "crop_flow", counted)
    spec = InputSpec(
        (1,),
        32,
        12.0,
        clip_length=length,
        frame_step=step,
        scored=scored,
        channels=channels,
        normalisation=((0.0,) * channels, (1.0,) * channels),
    )
    flow, most, asked = ClipFlow(spec), 0, set()
    for window in windows_of(frames(40, channels), spec):
        for clip, found in zip(window.clips, flow.of_clips(window.clips), strict=True):
            pictures = np.stack([crop.image.reshape(32, 32, channels) for crop, _ in clip.clip])
            assert found.dtype == np.float16
            np.testing.assert_array_equal(found, clip_flow(pictures))
            asked |= {(clip.track, *pair) for pair in pairwise(clip.frames) if pair[0] != pair[1]}
        most = max(most, len(flow._held))
    assert len(calls) == len(asked)
    assert most <= 2 * 2 * length * step


def test_nothing_moves_between_a_frame_and_itself(monkeypatch) -> None:
    spec = InputSpec((1,), 32, 12.0, clip_length=3)
    (window, *_) = windows_of(frames(2, 1), spec)
    monkeypatch.setattr(faces_flow, "crop_flow", lambda *_: np.ones((32, 32, 2), np.float16))
    (found, _) = ClipFlow(spec).of_clips(window.clips)
    assert window.clips[0].frames == (0, 0, 1)
    assert found.all(axis=(1, 2, 3)).tolist() == [False, False, True]
