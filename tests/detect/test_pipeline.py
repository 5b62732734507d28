from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from actionunits.detect.pipeline import Detector
from actionunits.detect.results import FrameResult
from actionunits.errors import UserError
from actionunits.faces.align import align_for
from actionunits.faces.batch import collate, sample_of
from actionunits.faces.detect import HogDetector
from actionunits.faces.landmarks import find_landmarks
from actionunits.faces.video import TruncatedSource, open_source
from actionunits.records import Frame, Landmarks

MakeModel = Callable[..., Path]


def _threads() -> int:
    return sum(thread.name == "actionunits-ahead" for thread in threading.enumerate())


def _probabilities(results: list[FrameResult]) -> np.ndarray:
    return np.array([r.faces[0].probability if r.faces else [np.nan, np.nan] for r in results])


def test_every_frame_comes_in_order_with_its_time(make_model: MakeModel, talk: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    results = list(
        Detector(make_model()).run(talk, on_progress=lambda done, total: seen.append((done, total)))
    )
    frames = list(open_source(talk))
    assert [r.frame_index for r in results] == list(range(36))
    assert [r.time_s for r in results] == [f.time_s for f in frames]
    assert results[20].time_s - results[19].time_s == pytest.approx(0.533, abs=0.002)
    assert [done for done, _ in seen] == list(range(1, 37))
    with_face = [len(r.faces) for r in results]
    assert with_face[:24] == [1] * 24
    assert with_face[26:29] == [0, 0, 0]
    assert with_face[-3:] == [1, 1, 1]
    assert len({face.track for r in results for face in r.faces}) == 1
    assert all(r.frame is None for r in results)


def test_the_numbers_are_those_of_the_model_on_the_aligned_crop(make_model: MakeModel, talk: Path) -> None:
    """The same frame done by hand: align, collate, mean grey value."""
    detector = Detector(make_model(needs_landmarks=True))
    spec = detector.backend.spec
    results = list(detector.run(talk, keep_frames=True))
    for index in (0, 7, 23):
        result = results[index]
        assert result.frame is not None
        points = Landmarks(result.faces[0].landmarks)
        crop = align_for(spec, result.frame, points)
        batch = collate([sample_of([crop], [points], spec)], spec)
        assert batch.landmarks is not None
        grey = (crop.image.astype(float).mean() - 127.5) / 64.0
        logits = grey * np.array([1, 2]) + 0.01 * float(batch.landmarks.mean())
        np.testing.assert_allclose(result.faces[0].probability, 1 / (1 + np.exp(-logits)), atol=1e-5)


@pytest.mark.parametrize("batch", [1, 5, 64])
def test_the_batch_does_not_change_the_results(make_model: MakeModel, talk: Path, batch: int) -> None:
    model = make_model()
    expected = list(Detector(model).run(talk))
    found = list(Detector(model, batch=batch).run(talk))
    assert [r.frame_index for r in found] == [r.frame_index for r in expected]
    np.testing.assert_allclose(_probabilities(found), _probabilities(expected), atol=1e-6)


def test_a_clip_model_answers_for_the_frame_in_the_middle(make_model: MakeModel, talk: Path) -> None:
    stills = list(Detector(make_model()).run(talk))
    clips = list(Detector(make_model(clip_length=5, frame_step=2)).run(talk))
    np.testing.assert_allclose(_probabilities(clips), _probabilities(stills), atol=1e-5)


def test_smoothing_reaches_the_results(make_model: MakeModel, talk: Path) -> None:
    model = make_model()
    plain = _probabilities(list(Detector(model).run(talk)))
    smoothed = _probabilities(list(Detector(model, smooth_s=0.1).run(talk)))
    assert (np.isnan(plain) == np.isnan(smoothed)).all()
    assert smoothed[0, 1] > plain[0, 1]  # the face gets brighter, so what follows pulls the start up
    assert np.nanmax(np.abs(np.diff(smoothed[:20, 1], 2))) < np.nanmax(np.abs(np.diff(plain[:20, 1], 2)))


@pytest.mark.parametrize("baseline", ["auto", "first:0.6s"])
def test_the_baseline_reaches_the_results_and_pictures_are_read_again(
    make_model: MakeModel, talk: Path, baseline: str
) -> None:
    model = make_model()
    plain = list(Detector(model).run(talk, keep_frames=True))
    based = list(Detector(model, baseline=baseline).run(talk, keep_frames=True))
    assert [(r.frame_index, r.time_s, len(r.faces)) for r in based] == [
        (r.frame_index, r.time_s, len(r.faces)) for r in plain
    ]
    for one, other in zip(based, plain, strict=True):
        assert one.frame is not None
        assert other.frame is not None
        np.testing.assert_array_equal(one.frame.grey, other.frame.grey)
    change = _probabilities(plain) - _probabilities(based)
    assert np.nanmin(change) > -1e-6
    assert np.nanmax(change) > 0.05


def test_progress_moves_while_a_baseline_waits_for_the_end(make_model: MakeModel, talk: Path) -> None:
    seen: list[int] = []
    results = Detector(make_model(), baseline="auto").run(talk, on_progress=lambda done, _: seen.append(done))
    next(results)
    assert seen == list(range(1, 37))
    results.close()


def test_the_card_says_which_faces_are_outside(make_model: MakeModel, talk: Path) -> None:
    def faces(**tested: float) -> list[tuple[bool | None, bool | None]]:
        card = {"tested": tested} if tested else None
        found = [f for r in Detector(make_model(card=card)).run(talk) for f in r.faces]
        return [(face.outside_pose, face.outside_size) for face in found]

    assert set(faces()) == {(None, None)}
    assert set(faces(pitch_deg=89, yaw_deg=89, inter_ocular_px=5)) == {(False, False)}
    assert set(faces(pitch_deg=89, yaw_deg=0, inter_ocular_px=500)) == {(True, True)}
    with pytest.raises(UserError, match="expected numbers for pitch_deg, yaw_deg, inter_ocular_px"):
        faces(pitch_deg=20)


def test_all_faces_of_a_picture_or_the_largest(
    make_model: MakeModel, portrait: np.ndarray, tmp_path: Path
) -> None:
    small = np.asarray(Image.fromarray(portrait).resize((180, 180)))
    canvas = np.full((300, 520, 3), 100, np.uint8)
    canvas[30:210, 20:200] = small
    canvas[30:270, 260:500] = portrait
    Image.fromarray(canvas).save(tmp_path / "two.png")
    (result,) = Detector(make_model(), faces="all").run(tmp_path / "two.png")
    assert [face.track for face in result.faces] == [0, 1]
    (largest,) = Detector(make_model(), faces="largest").run(tmp_path / "two.png")
    assert len(largest.faces) == 1
    assert largest.faces[0].landmarks[:, 0].min() > 250


class _Source:
    """What ``open_source`` gives, with frames made here."""

    kind = "video"
    frame_count = None
    rate_hz = 30.0
    name = "made"
    path = Path("made.mp4")

    def __init__(self, frames: Callable[[], Iterator[Frame]]) -> None:
        self.frames = frames

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()


def _grey(index: int) -> Frame:
    image = np.full((90, 90, 3), 128, np.uint8)
    return Frame(image[:, :, 0].copy(), index, index / 30, image)


def test_the_good_frames_come_before_the_break(make_model: MakeModel) -> None:
    def frames() -> Iterator[Frame]:
        yield from (_grey(i) for i in range(7))
        raise TruncatedSource("made.mp4 breaks off after 7 frames", 7)

    found = []
    with pytest.raises(TruncatedSource, match="7 frames"):
        for result in Detector(make_model()).run(_Source(frames)):
            found.append(result.frame_index)
    assert found == list(range(7))


def test_another_exception_of_the_source_reaches_the_caller(make_model: MakeModel) -> None:
    def frames() -> Iterator[Frame]:
        yield _grey(0)
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        list(Detector(make_model()).run(_Source(frames)))
    assert _threads() == 0


def test_stopping_early_stops_the_threads_and_closes_the_source(make_model: MakeModel) -> None:
    drawn = 0
    closed = threading.Event()

    def frames() -> Iterator[Frame]:
        nonlocal drawn
        try:
            while True:
                drawn += 1
                yield _grey(drawn - 1)
        finally:
            closed.set()

    results = Detector(make_model(), batch=4).run(_Source(frames))
    for _ in range(30):
        next(results)
    assert drawn <= 30 + 8 + 2 * 5 + 2  # a batch of frames, two queues, one in each hand
    results.close()
    assert closed.is_set()
    assert _threads() == 0


@pytest.mark.parametrize("detector", ["hog", "viola-jones"])
def test_a_process_of_its_own_gives_the_same(make_model: MakeModel, talk: Path, detector: str) -> None:
    model = make_model(needs_landmarks=True)
    here = list(Detector(model, detector=detector).run(talk))
    engine = Detector(model, detector=detector, apart=True)
    for _ in range(2):  # the second source is read by the same process
        there = list(engine.run(talk))
        assert [r.time_s for r in there] == [r.time_s for r in here]
        for one, other in zip(here, there, strict=True):
            assert [f.track for f in one.faces] == [f.track for f in other.faces]
            for face, same in zip(one.faces, other.faces, strict=True):
                np.testing.assert_array_equal(face.landmarks, same.landmarks)
                np.testing.assert_array_equal(face.probability, same.probability)
                assert face.confidence == same.confidence


def test_pictures_can_be_kept_although_faces_are_found_apart(make_model: MakeModel, talk: Path) -> None:
    results = list(Detector(make_model(), apart=True).run(talk, keep_frames=True))
    assert all(result.frame is not None for result in results)


def test_a_break_is_told_from_a_process_of_its_own(make_model: MakeModel, talk: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(talk.read_bytes()[: talk.stat().st_size // 2])
    found = []
    with pytest.raises(TruncatedSource, match="breaks off after") as raised:
        for result in Detector(make_model(), apart=True).run(cut):
            found.append(result.frame_index)
    assert found == list(range(raised.value.frames_read))
    assert found


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"faces": "biggest"}, "value of faces 'biggest'"),
        ({"detector": "hogg"}, "did you mean 'hog'"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"smooth_s": -1.0}, "within 0 to 5 seconds"),
        ({"smooth_s": float("nan")}, "within 0 to 5 seconds"),
        ({"baseline": "early"}, "a baseline is auto, none, or first:"),
    ],
)
def test_options_are_checked(make_model: MakeModel, options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Detector(make_model(), **options)


@pytest.mark.shared
def test_rows_and_times_of_real_videos(make_model: MakeModel, shared_data: Path) -> None:
    import av

    detector = Detector(make_model())
    for path in (shared_data / "videos/eat.mkv", shared_data / "oddities/single_face.mp4"):
        with av.open(str(path)) as container:
            times = [frame.time for frame in container.decode(video=0)]
        results = list(detector.run(path))
        np.testing.assert_allclose([r.time_s for r in results], times, atol=1e-3)
        assert sum(len(r.faces) for r in results) == len(times)


@pytest.mark.parametrize(("length", "step"), [(1, 1), (5, 1), (4, 3), (50, 1)])
def test_a_model_that_scores_all_frames_says_each_frame_once(
    make_model: MakeModel, talk: Path, length: int, step: int
) -> None:
    """The small model looks at each frame by itself, so the clips must not change what it says of it."""
    expected = list(Detector(make_model()).run(talk))
    found = list(Detector(make_model(clip_length=length, frame_step=step, scored="all")).run(talk))
    assert [r.frame_index for r in found] == list(range(36))
    np.testing.assert_allclose(_probabilities(found), _probabilities(expected), atol=1e-6)


@pytest.mark.parametrize("scored", ["middle", "all"])
def test_pictures_of_long_clips_are_read_again_instead_of_held(
    make_model: MakeModel, talk: Path, scored: str
) -> None:
    detector = Detector(make_model(clip_length=12, scored=scored))
    kept = []
    for result in detector.run(talk, keep_frames=True):
        assert result.frame is not None
        assert result.frame.index == result.frame_index
        kept.append(result.frame.time_s == result.time_s)
    assert kept == [True] * 36


@pytest.mark.parametrize("learnt_from", ["own", "dlib"])
def test_the_points_are_found_as_the_model_learnt_them(
    make_model: MakeModel, talk: Path, learnt_from
) -> None:
    detector = Detector(make_model(landmarks=learnt_from))
    assert detector.landmarks == learnt_from
    frame = next(iter(detector.run(talk, keep_frames=True)))
    grey, face = frame.frame.grey, HogDetector().find(frame.frame.grey)[0]
    found = find_landmarks(grey, face, learnt_from).points
    other = find_landmarks(grey, face, "own" if learnt_from == "dlib" else "dlib").points
    away = [np.abs(frame.faces[0].landmarks - each).mean() for each in (found, other)]
    assert away[0] < away[1] / 2


def test_other_points_may_be_asked_for(make_model: MakeModel) -> None:
    assert Detector(make_model(landmarks="own"), landmarks="dlib").landmarks == "dlib"
    with pytest.raises(UserError, match="unknown finder of landmarks 'dlip': did you mean 'dlib'"):
        Detector(make_model(landmarks="own"), landmarks="dlip")


def test_a_missing_file_of_dlib_is_told_before_any_source(make_model: MakeModel, monkeypatch) -> None:
    from actionunits.faces import finders

    monkeypatch.setattr(finders.importlib.util, "find_spec", lambda name: None)
    Detector(make_model(landmarks="own"))
    with pytest.raises(UserError, match=r"pip install 'actionunits\[dlib\]'"):
        Detector(make_model(landmarks="dlib"))
