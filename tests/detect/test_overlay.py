from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from actionunits.detect.overlay import Annotator, annotated_picture, annotated_video
from actionunits.detect.results import FaceResult, FrameResult
from actionunits.records import Frame

MakeFace = Callable[..., FaceResult]
AUS = (1, 4, 12)
THRESHOLDS = np.full(3, 0.5, np.float32)


def _frame(index: int, time_s: float, shape: tuple[int, int] = (120, 161), value: int = 90) -> Frame:
    image = np.full((*shape, 3), value, np.uint8)
    return Frame(image[:, :, 0].copy(), index, time_s, image)


def _bar(drawn: np.ndarray, colour: tuple[int, int, int]) -> int:
    panel = drawn[:, -300:]
    return int((np.abs(panel.astype(int) - colour).sum(axis=2) < 12).sum())


def test_small_pictures_are_enlarged_and_sides_are_even(face_result: MakeFace) -> None:
    annotator = Annotator(AUS, THRESHOLDS)
    for shape in ((120, 161), (1, 1), (3, 4000), (2160, 3840), (601, 33)):
        frame = _frame(0, 0.0, shape)
        drawn = annotator.draw(frame.image, FrameResult(0, 0.0, (face_result(0, [0.1, 0.5, 0.9]),), frame))
        assert drawn.shape[0] % 2 == 0
        assert drawn.shape[1] % 2 == 0
        assert 540 <= drawn.shape[0] <= 1080
        assert drawn.shape[1] > 300


def test_the_face_is_drawn_where_it_is(face_result: MakeFace) -> None:
    face = face_result(0, [0.1, 0.2, 0.3])
    frame = _frame(0, 0.0, (540, 540))
    drawn = Annotator(AUS, THRESHOLDS).draw(frame.image, FrameResult(0, 0.0, (face,), frame))
    changed = np.argwhere((drawn[:, :540] != 90).any(axis=2))
    assert np.abs(changed.max(axis=0) - [100, 80.5]).max() <= 2
    assert changed[:, 1].min() == pytest.approx(20, abs=2)
    assert (drawn[40, 30] != 90).any()  # the first landmark


def test_bars_grow_with_probability_and_light_up_at_the_threshold(face_result: MakeFace) -> None:
    annotator = Annotator(AUS, THRESHOLDS)
    frame = _frame(0, 0.0)
    lit = [
        _bar(
            annotator.draw(frame.image, FrameResult(0, 0.0, (face_result(0, [p, 0.0, 0.0]),), frame)),
            (255, 196, 61),
        )
        for p in (0.0, 0.49, 0.6, 0.9)
    ]
    assert lit[0] == lit[1] == 0
    assert 0 < lit[2] < lit[3]


def test_the_video_keeps_every_frame_and_its_time(tmp_path: Path, face_result: MakeFace) -> None:
    times = [0.033, 0.1, 0.15, 0.4, 1.001, 1.034]
    path = tmp_path / "x_au.mp4"
    with annotated_video(path, Annotator(AUS, THRESHOLDS), 29.97) as add:
        for i, time_s in enumerate(times):
            faces = (face_result(i, [0.2, 0.6, 0.9], [1, 2, 3]),) if i % 2 else ()
            add(FrameResult(i, time_s, faces, _frame(i, time_s, value=20 + 40 * i)))
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        assert container.streams.video[0].codec_context.name == "h264"
    np.testing.assert_allclose([frame.time for frame in frames], times, atol=1e-4)
    grey = [float(frame.to_ndarray(format="gray")[400:, 400:600].mean()) for frame in frames]
    np.testing.assert_allclose(np.diff(grey), 40, atol=5)


def test_pictures_of_a_folder_become_slides_of_one_size(tmp_path: Path) -> None:
    path = tmp_path / "folder_au.mp4"
    with annotated_video(path, Annotator(AUS, THRESHOLDS)) as add:
        for i, shape in enumerate([(120, 160), (300, 50), (64, 64)]):
            add(FrameResult(i, 0.0, (), _frame(i, 0.0, shape)))
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    assert [frame.time for frame in frames] == pytest.approx([0.0, 0.5, 1.0])
    assert len({(frame.width, frame.height) for frame in frames}) == 1


def test_a_picture_of_a_folder_is_named_where_a_video_has_its_time(face_result: MakeFace) -> None:
    def header(names: list[str], index: int) -> np.ndarray:
        annotator, frame = Annotator(AUS, THRESHOLDS, names=names), _frame(index, 0.0)
        return annotator.draw(frame.image, FrameResult(index, 0.0, (), frame))[:30, -300:]

    long = "x" * 40
    names = ["a.jpg", f"{long}a{long}1.jpg", f"{long}b{long}1.jpg", f"{long}a{long}2.jpg"]
    drawn = [header(names, index) for index in range(4)]
    assert not np.array_equal(drawn[0], header([], 0)), "the time is not there"
    same = [header([name], 0) for name in names]
    assert np.array_equal(same[1], same[2]), "the middle of a long name is left out"
    assert not np.array_equal(same[1], same[3]), "its end is not"
    assert not np.array_equal(drawn[1], drawn[2]), "their numbers tell such names apart"
    for picture in drawn:
        assert (picture[:, 225:] == picture[0, -1]).all(), "the face's number has its place"


def test_points_grow_with_the_face(face_result: MakeFace) -> None:
    def marked(side: int) -> int:
        face = face_result(0, [0.1, 0.2, 0.3])
        away = np.full((68, 2), 5000.0, np.float32)
        away[0] = 400
        face = replace(face, box=np.float32([600, 100, 600 + side, 100 + side]), landmarks=away)
        frame = _frame(0, 0.0, (1080, 1600))
        drawn = Annotator(AUS, THRESHOLDS).draw(frame.image, FrameResult(0, 0.0, (face,), frame))
        return int((drawn[380:420, 380:420] != 90).any(axis=2).sum())

    assert marked(80) == marked(200) < marked(450) < marked(900)


def test_a_failure_leaves_no_video(tmp_path: Path) -> None:
    def fail() -> None:
        with annotated_video(tmp_path / "x_au.mp4", Annotator(AUS, THRESHOLDS), 25.0) as add:
            add(FrameResult(0, 0.0, (), _frame(0, 0.0)))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_picture_becomes_a_png(tmp_path: Path, face_result: MakeFace) -> None:
    path = tmp_path / "x_au.png"
    annotator = Annotator(AUS, THRESHOLDS)
    result = FrameResult(0, 0.0, (face_result(0, [0.2, 0.6, 0.9]),), _frame(0, 0.0))
    with annotated_picture(path, annotator) as add:
        add(result)
    assert result.frame is not None
    written = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(written, annotator.draw(result.frame.image, result))


def test_names_and_numbers_can_be_read_on_every_part_of_a_bar(face_result: MakeFace) -> None:
    """The name of AU 1 is dark where the bar is filled and light where it is not."""
    annotator, frame = Annotator(AUS, THRESHOLDS), _frame(0, 0.0)
    panels = []
    for probability in (0.0, 0.6, 1.0):
        face = face_result(0, [probability, 0.0, 0.0])
        panels.append(annotator.draw(frame.image, FrameResult(0, 0.0, (face,), frame))[:, -300:].astype(int))
    empty, part, full = (panel[68:96].mean(axis=2) for panel in panels)
    end = 70 + round(0.6 * 180)
    np.testing.assert_array_equal(part[:, : end - 1], full[:, : end - 1])  # one column at the seam is blended
    np.testing.assert_array_equal(part[:, end + 3 : 250], empty[:, end + 3 : 250])
    written = empty[:, 72:end] > 180
    assert written.sum() > 100
    assert (full[:, 72:end][written] < 90).all()


def test_au_boxes_are_drawn_on_request(face_result: MakeFace) -> None:
    corners = np.float32([[[200, 200], [300, 200], [300, 260], [200, 260]]])
    face = replace(face_result(0, [0.1, 0.2, 0.3]), regions=corners)
    frame = _frame(0, 0.0, (540, 540))
    result = FrameResult(0, 0.0, (face,), frame)
    plain = Annotator(AUS, THRESHOLDS).draw(frame.image, result)
    drawn = Annotator(AUS, THRESHOLDS, boxes=True).draw(frame.image, result)
    changed = np.argwhere((drawn != plain).any(axis=2))
    assert np.abs(changed.min(axis=0) - [200, 200]).max() <= 2
    assert np.abs(changed.max(axis=0) - [260, 300]).max() <= 2
    assert (drawn[230, 250] == plain[230, 250]).all()  # an outline, not a patch
