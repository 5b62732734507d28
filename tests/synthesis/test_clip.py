"""Labelled clips: frames, labels and video agree; motion is a similarity; nothing half-written stays."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from actionunits.errors import UserError
from actionunits.records import Expression
from actionunits.synthesis.animate import AnimatedFace, PortraitAnimator
from actionunits.synthesis.clip import ClipFrame, labels_path, render_clip, write_clip
from actionunits.synthesis.painting import paint_portrait
from actionunits.synthesis.timeline import AUEvent, Timeline

SMILE = Timeline((AUEvent(12, 0.1, 0.4, 0.6, 0.9, 4.0), AUEvent(14, 0.1, 0.4, 0.6, 0.9, 3.0, "L")), 1.0)
PORTRAIT = paint_portrait(29, 240)


class Recorder:
    """An animator that writes down what it is asked and does not move the face."""

    def __init__(self) -> None:
        self.asked: list[tuple[Expression, float]] = []

    def show(
        self, expression: Expression, *, blink: float = 0.0, gaze: tuple[float, float] = (0.0, 0.0)
    ) -> AnimatedFace:
        self.asked.append((expression, blink))
        return AnimatedFace(PORTRAIT.image, PORTRAIT.landmarks.points)


def test_the_animator_is_asked_what_the_timeline_says() -> None:
    animator = Recorder()
    frames = list(render_clip(animator, SMILE, 20.0, head_motion=0.0, blinks=False, grain=0.0))
    assert [round(frame.time_s, 6) for frame in frames] == [number / 20 for number in range(20)]
    for frame, (asked, blink) in zip(frames, animator.asked[1:], strict=True):
        assert asked == SMILE.at(frame.time_s)
        assert blink == 0.0
        np.testing.assert_array_equal(frame.image, PORTRAIT.image)
        np.testing.assert_array_equal(frame.points, PORTRAIT.landmarks.points)


def test_head_motion_is_a_small_smooth_similarity_that_the_picture_follows() -> None:
    line = Timeline((), 4.0)
    frames = list(render_clip(Recorder(), line, 10.0, seed=3, blinks=False, grain=0.0))
    rest = PORTRAIT.landmarks.points
    unit = np.linalg.norm(rest[45] - rest[36])
    moved = np.array([frame.points for frame in frames])
    assert np.linalg.norm(moved - rest, axis=2).max() < 0.25 * unit
    assert np.linalg.norm(moved - rest, axis=2).max() > 0.02 * unit
    assert max(np.abs(b - a).max() for a, b in pairwise(moved)) < 0.06 * unit
    distances = np.linalg.norm(moved[:, :, None] - moved[:, None], axis=3)[:, *np.triu_indices(68, 1)]
    ratio = distances / np.linalg.norm(rest[:, None] - rest[None], axis=2)[np.triu_indices(68, 1)]
    np.testing.assert_allclose(ratio, np.median(ratio, axis=1, keepdims=True) + 0 * ratio, rtol=2e-3)
    last = frames[-1]
    for point in (30, 8, 36):  # the picture moves with its points
        here, there = last.points[point], rest[point]
        patch = [
            image[round(float(y)) - 2 : round(float(y)) + 3, round(float(x)) - 2 : round(float(x)) + 3]
            for image, (x, y) in ((last.image, here), (PORTRAIT.image, there))
        ]
        assert np.abs(patch[0].astype(float).mean() - patch[1].astype(float).mean()) < 14


def test_blinks_are_labelled_and_shut_the_eyes() -> None:
    animator = Recorder()
    frames = list(render_clip(animator, Timeline((), 12.0), 25.0, head_motion=0.0, grain=0.0, seed=1))
    shut = np.array([blink for _, blink in animator.asked[1:]])
    assert shut.max() > 0.95
    assert 0.02 < (shut > 0.1).mean() < 0.2
    np.testing.assert_allclose([frame.expression.intensity(45) for frame in frames], 5 * shut)


def test_an_open_jaw_is_labelled_as_parted_lips() -> None:
    line = Timeline((AUEvent(26, 0.0, 0.3, 0.7, 1.0, 4.0),), 1.0)
    frames = list(render_clip(PortraitAnimator(PORTRAIT), line, 10.0, blinks=False))
    gaps = np.array([frame.points[66, 1] - frame.points[62, 1] for frame in frames])
    lips = np.array([frame.expression.intensity(25) for frame in frames])
    assert lips[0] == 0
    assert lips[5] > 2
    assert 0 < lips[1] < lips[2] <= lips[3]
    assert gaps[5] > gaps[0] + 5


def test_the_video_and_its_labels(tmp_path: Path) -> None:
    rate = 24000 / 1001
    frames = list(render_clip(PortraitAnimator(PORTRAIT), SMILE, rate, seed=4))
    path = tmp_path / "smile.mp4"
    assert write_clip(path, iter(frames), rate, aus=(12, 14, 4), subject="007") == len(frames) == 24
    assert sorted(file.name for file in tmp_path.iterdir()) == ["smile.mp4", "smile_labels.csv"]
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        decoded = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    np.testing.assert_allclose([time for time, _ in decoded], [frame.time_s for frame in frames], atol=1e-4)
    error = [
        np.abs(image.astype(float) - frame.image).mean()
        for (_, image), frame in zip(decoded, frames, strict=True)
    ]
    assert max(error) < 4
    labels = pd.read_csv(labels_path(path), dtype={"subject": str})
    assert list(labels.columns) == [
        *("frame", "timestamp", "subject", "AU12_r", "AU14_r", "AU04_r", "AU12_c", "AU14_c", "AU04_c")
    ]
    assert labels["frame"].tolist() == list(range(1, 25))
    assert set(labels["subject"]) == {"007"}
    times = [frame.time_s for frame in frames]
    np.testing.assert_allclose(labels["timestamp"], times, atol=1e-5)
    np.testing.assert_allclose(
        labels[["AU12_r", "AU14_r", "AU04_r"]], SMILE.intensities(times, (12, 14, 4)), atol=1e-3
    )
    np.testing.assert_array_equal(labels[["AU12_c", "AU14_c", "AU04_c"]], SMILE.labels(times, (12, 14, 4)))


def test_the_same_frames_are_the_same_bytes(tmp_path: Path) -> None:
    """Whatever lies in the memory that the encoder is given."""
    frames, files = list(render_clip(Recorder(), SMILE, 12.0)), set()
    for number in range(4):
        used = [np.random.default_rng(number).bytes(size) for size in range(1000, 300_000, 5000)]
        del used
        write_clip(tmp_path / "clip.mp4", frames, 12.0)
        files.add((tmp_path / "clip.mp4").read_bytes())
    assert len(files) == 1


def test_labels_of_an_earlier_clip_do_not_outlive_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = list(render_clip(Recorder(), SMILE, 5.0))
    write_clip(tmp_path / "clip.mp4", frames, 5.0)

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("actionunits.synthesis.clip.label_table", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_clip(tmp_path / "clip.mp4", frames[:3], 5.0)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_a_clip_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def breaks() -> Iterator[ClipFrame]:
        yield from list(render_clip(Recorder(), SMILE, 5.0))[:3]
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write_clip(tmp_path / "half.mp4", breaks(), 5.0)
    assert list(tmp_path.iterdir()) == []


def test_an_odd_size_loses_its_last_row(tmp_path: Path) -> None:
    frame = next(render_clip(Recorder(), SMILE, 5.0))
    odd = frame._replace(image=np.ascontiguousarray(frame.image[:201, :199]))
    write_clip(tmp_path / "odd.mp4", [odd], 5.0)
    with av.open(str(tmp_path / "odd.mp4")) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (198, 200)


def test_wrong_requests_are_user_errors(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a clip needs a frame"):
        next(render_clip(Recorder(), SMILE, 0.0))
    with pytest.raises(UserError, match=r"a clip is an \.mp4 file"):
        write_clip(tmp_path / "clip.avi", [], 5.0)
    with pytest.raises(UserError, match="no frame"):
        write_clip(tmp_path / "clip.mp4", [], 5.0)
    frames = render_clip(Recorder(), SMILE, 5.0)
    with pytest.raises(UserError, match="cannot write"):
        write_clip(tmp_path / "missing" / "clip.mp4", frames, 5.0)
