from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actionunits.analysis.predictions import Predictions, read_predictions
from actionunits.datasets.elan import elan_index, read_elan
from actionunits.detect.elan import ElanEvents
from actionunits.detect.layouts import layout_of
from actionunits.detect.results import FaceResult, FrameResult
from actionunits.detect.writers import open_table
from actionunits.metrics.events import segments
from actionunits.records import LabelIndex

MakeFace = Callable[..., FaceResult]
AUS = (1, 12)
THRESHOLDS = np.array([0.5, 0.25], np.float32)


@st.composite
def recordings(draw: st.DrawFn) -> list[tuple[float, list[int], int]]:
    """(time, tracks in view, seed of the values) of each frame: any rate up to 500 Hz, steady or not."""
    count = draw(st.integers(1, 25))
    if draw(st.booleans()):
        times = (np.arange(count) / draw(st.floats(5, 500))).tolist()
    else:
        steps = draw(st.lists(st.floats(0.002, 0.4), min_size=count, max_size=count))
        times = np.cumsum(steps).tolist()
    tracks = st.lists(st.sampled_from([0, 3]), unique=True, max_size=2)
    return [(t, sorted(draw(tracks)), draw(st.integers(0, 2**31))) for t in times]


@settings(max_examples=60)
@given(recordings(), st.booleans())
def test_table_to_elan_to_table(
    tmp_path_factory: pytest.TempPathFactory,
    recording: list[tuple[float, list[int], int]],
    graded: bool,
) -> None:
    """Every frame of our table comes back from our ELAN file: decisions, gaps, and the peaks' intensities."""
    results = [FrameResult(i, t, tuple(_face(track, seed, graded) for track in there))
               for i, (t, there, seed) in enumerate(recording)]  # fmt: skip
    folder = tmp_path_factory.mktemp("round")
    events = ElanEvents(AUS, THRESHOLDS)
    with open_table(folder / "talk.csv", layout_of("openface", AUS, THRESHOLDS)) as table:
        for result in results:
            table.add(result)
            events.add(result)
    events.write(folder / "talk.eaf", folder / "talk.mp4")
    tracks = sorted({track for _, there, _ in recording for track in there})
    for track in tracks:
        said = read_predictions(folder / "talk.csv", face=track)
        assert said.time_s is not None
        frames = said.keys["frame"].to_numpy()
        index, notes = elan_index(folder / "talk.eaf", frames, said.time_s, face=track)
        assert notes == []
        one = {frame: row for row, frame in enumerate(index.table["frame"])}
        rows = [one[frame] for frame in frames]
        back = index.labels(AUS)[rows].astype(float)
        back[back < 0] = np.nan
        np.testing.assert_array_equal(back, said.decisions)
        if graded:
            _check_peaks(index, said, rows)


def _face(track: int, seed: int, graded: bool) -> FaceResult:
    rng = np.random.default_rng([seed, track])
    probability = rng.random(2).astype(np.float32)
    shown = probability >= THRESHOLDS
    intensity = np.where(shown, rng.uniform(1, 5, 2), rng.uniform(0, 0.999, 2)).astype(np.float32)
    points = rng.uniform(10, 90, (68, 2)).astype(np.float32)
    box = np.float32([0, 0, 99, 99])
    return FaceResult(track, 0.9, box, points, probability, intensity if graded else None)


def _check_peaks(index: LabelIndex, said: Predictions, rows: list[int]) -> None:
    """Each event has one known intensity: at its strongest frame in our table, and rounded from that."""
    frames = said.keys["frame"].to_numpy()
    for column, au in enumerate(AUS):
        shown = said.decisions[:, column] == 1
        if au not in index.intensity_aus:
            assert not shown.any()
            continue
        values = index.intensities((au,))[rows, 0]
        ours = said.intensities[:, column]
        for first, end in segments(shown, np.diff(frames, prepend=-2) != 1):
            known = np.flatnonzero(values[first:end] > 0)
            assert len(known) == 1
            peak = first + known[0]
            assert ours[peak] == pytest.approx(ours[first:end].max(), abs=1.01e-3)
            assert abs(values[peak] - ours[peak]) <= 0.5 + 1e-3
        assert (values[said.decisions[:, column] == 0] == 0).all()


def test_one_face_is_not_numbered_and_several_are(tmp_path: Path, face_result: MakeFace) -> None:
    events = ElanEvents(AUS, THRESHOLDS)
    for i in range(10):
        shown = 0.9 if 3 <= i < 6 else 0.1
        events.add(FrameResult(i, i / 10, (face_result(4, [shown, 0.0], [3.4 if i == 4 else 1.0, 0.0]),)))
    events.write(tmp_path / "one.eaf", tmp_path / "one.mp4")
    coding = read_elan(tmp_path / "one.eaf")
    assert coding.aus == ((1, None), (12, None))
    assert [(e.onset_ms, e.offset_ms, e.intensity, e.peak_ms) for e in coding.events] == [(300, 600, 3, 400)]
    assert coding.seen == {None: ((0, 1000),)}


def test_of_equal_intensities_the_surest_frame_is_the_peak(face_result: MakeFace) -> None:
    events = ElanEvents(AUS, THRESHOLDS)
    for i, shown in enumerate([0.1, 0.6, 0.9, 0.95, 0.7, 0.1]):
        events.add(FrameResult(i, i / 10, (face_result(0, [shown, 0.0], [1.0, 0.0]),)))
    assert [(event.onset_ms, event.peak_ms) for event in events.coding().events] == [(100, 300)]


def test_without_intensities_there_is_no_letter(tmp_path: Path, face_result: MakeFace) -> None:
    events = ElanEvents(AUS, THRESHOLDS)
    for i in range(4):
        events.add(FrameResult(i, i / 10, (face_result(0, [0.9, 0.0]),) if i < 2 else ()))
    event = events.coding().events[0]
    assert event.text == "peak 0.000"
    assert (event.onset_ms, event.offset_ms) == (0, 200)


def test_a_video_without_a_face_is_coded_as_unknown(tmp_path: Path) -> None:
    events = ElanEvents(AUS, THRESHOLDS)
    events.add(FrameResult(0, 0.0, ()))
    events.write(tmp_path / "none.eaf", tmp_path / "none.mp4")
    index, _ = elan_index(tmp_path / "none.eaf", [1], [0.0])
    assert index.labels(AUS).tolist() == [[-1, -1]]
