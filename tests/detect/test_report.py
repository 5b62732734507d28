from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from actionunits.detect.peaks import PeakMoments
from actionunits.detect.report import Report
from actionunits.detect.results import FaceResult, FrameResult
from actionunits.faces.video import FrameSource, open_source
from actionunits.records import Frame

MakeFace = Callable[..., FaceResult]


@dataclass(frozen=True)
class _Source:
    """A source whose pictures are as bright as their number."""

    path: Path
    kind: str
    asked: list[int] = field(default_factory=list)

    @property
    def pictures(self) -> tuple[Path, ...]:
        return tuple(self.path / f"{number}.png" for number in range(100 if self.kind == "folder" else 0))

    def frames_at(self, numbers: Set[int]) -> Iterator[Frame]:
        for number in sorted(numbers):
            self.asked.append(number)
            image = np.full((120, 160, 3), number % 256, np.uint8)
            yield Frame(image[:, :, 0], number, number / 25, image)


def _source(name: str, kind: str = "video") -> FrameSource:
    return cast(FrameSource, _Source(Path(name), kind))


class _Page(HTMLParser):
    """Tags, addresses, and the words that stand in each kind of tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.pictures: list[tuple[str, str]] = []
        self.words: dict[str, list[str]] = {}
        self._inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        values = dict(attrs)
        if tag == "img":
            self.pictures.append((values["src"] or "", values["alt"] or ""))
        if tag not in ("img", "br", "meta"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._inside.pop() == tag, "tags are closed in order"

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.setdefault(self._inside[-1], []).append(data.strip())


THRESHOLDS = np.array([0.5, 0.5], np.float32)


def test_a_long_source_is_thinned_evenly_and_stays_bounded(tmp_path: Path, face_result: MakeFace) -> None:
    report = Report((4, 12), THRESHOLDS, most_rows=100)
    for i in range(1000):
        faces = () if 400 <= i < 600 else (face_result(0, [i / 1000, 0.9], [1.0, 2.0]),)
        report.add(FrameResult(i, i / 30, faces))
    table = report.table()
    assert 50 <= len(table) <= 100
    assert table["frame"].tolist() == list(range(1, len(table) + 1))
    steps = np.diff(table["timestamp"]) * 30
    np.testing.assert_allclose(steps, steps[0], atol=1e-3)
    assert abs(float((table["success"] == 0).mean()) - 0.2) < 0.03
    seen = table[table["success"] == 1]
    np.testing.assert_allclose(seen["AU04_p"], seen["timestamp"] * 30 / 1000, atol=1e-4)
    report.write(tmp_path / "long.html", _source("long.mp4"), model="tiny")
    assert f"frame 1 of {round(steps[0])}" in (tmp_path / "long.html").read_text()


def test_a_face_that_is_not_there_leaves_a_gap_and_each_face_has_its_timeline(
    tmp_path: Path, face_result: MakeFace
) -> None:
    report = Report((4, 12), THRESHOLDS)
    for i in range(20):
        faces = [face_result(0, [0.2, 0.3])] + ([face_result(7, [0.8, 0.9])] if i >= 10 else [])
        report.add(FrameResult(i, i / 25, tuple(faces)))
    report.write(tmp_path / "two.html", _source("two.mp4"), model="tiny")
    page = (tmp_path / "two.html").read_text()
    assert page.count("Probability of each AU over time") == 4  # a caption and what stands for the picture
    assert "face 7" in page


def test_the_page_of_a_folder_knows_no_time(tmp_path: Path, face_result: MakeFace) -> None:
    """Its pictures may be of anybody: no rates, no events, no line from one to the next."""
    report = Report((4, 12), THRESHOLDS, timed=False)
    for i in range(3):
        report.add(FrameResult(i, 0.0, (face_result(0, [0.2, 0.9]),)))
    report.write(tmp_path / "folder.html", _source("folder", "folder"), model="tiny")
    page = (tmp_path / "folder.html").read_text()
    assert "Share of pictures" in page
    assert "100.0 %" in page
    assert "0.png" in page, "the file of the strongest picture"
    for word in ("vent", "per minute", " s</dd>", "over time", "Faces"):
        assert word not in page


def _talk(make: MakeFace) -> list[FrameResult]:
    """100 frames at 25 Hz; 40 to 59 without a face; AU4 peaks at 20, AU12 at 75; both from 80 on."""
    found = []
    for i in range(100):
        probability = [0.9 if 18 <= i < 23 or 80 <= i < 84 else 0.1, 0.8 if 70 <= i < 84 else 0.2]
        intensity = [3.5 if i == 20 else 1.2, 4.25 if i == 75 else 2.0]
        face = make(3, [p if i != 5 else 0.01 for p in probability], intensity)
        found.append(FrameResult(i, i / 25, () if 40 <= i < 60 else (face,)))
    return found


def test_the_page_of_a_talk(tmp_path: Path, face_result: MakeFace) -> None:
    report = Report((4, 12), THRESHOLDS)
    for result in _talk(face_result):
        report.add(result)
    source = _source("talk.mp4")
    report.write(tmp_path / "talk.html", source, model="tiny", settings="baseline auto")
    text = (tmp_path / "talk.html").read_text()
    page = _Page(text)
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert all(address.startswith("data:image/") for address, _ in page.pictures)
    assert "http" not in text.replace("http-equiv", "")
    assert len(text) < 400_000
    assert page.words["h2"] == ["Action Units", "Gaps without a face"]
    assert page.words["h3"] == ["Strongest moments", "Shown together"]
    assert "baseline auto" in page.words["dd"]
    moments = {alt: address for address, alt in page.pictures if address.startswith("data:image/jpeg")}
    assert list(moments) == [
        "Calmest: lowest mean probability, frame 6, 0.20 s",
        "AU4 Brow Lowerer: intensity 3.50, frame 21, 0.80 s",
        "AU12 Lip Corner Puller: intensity 4.25, frame 76, 3.00 s",
    ]
    assert source.asked == [5, 20, 75]  # type: ignore[attr-defined]
    for (_, address), number in zip(moments.items(), (5, 20, 75), strict=True):
        data = np.frombuffer(base64.b64decode(address.split(",")[1]), np.uint8)
        assert abs(float(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE).mean()) - number) < 3
    # the gap from 1.6 s, 20 frames long; AU4 twice and AU12 once in 80 frames, 3.2 s
    cells = page.words["td"]
    assert cells[-3:] == ["1.60", "0.80", "20"]
    assert "37.5" in cells
    assert {"18.7", "18.8"} & set(cells)


def test_what_is_held_does_not_grow_with_the_frames(face_result: MakeFace) -> None:
    moments = PeakMoments((4, 12), THRESHOLDS)
    face = face_result(0, [0.9, 0.9], [2.0, 3.0])
    for i in range(500):
        moments.add(FrameResult(i, i / 25, (face,)))
    assert sum(map(len, moments._peaks.values())) + len(moments._rest) == 3


def test_of_equal_intensities_the_surest_frame_is_the_peak(face_result: MakeFace) -> None:
    moments = PeakMoments((4, 12), THRESHOLDS)
    for i, shown in enumerate([0.6, 0.9, 0.95, 0.7]):
        moments.add(FrameResult(i, i / 25, (face_result(0, [0.0, shown], [0.0, 1.0]),)))
    assert moments._peaks[0][1].frame == 2


def test_pictures_come_from_the_very_frames(tmp_path: Path, talk: Path, face_result: MakeFace) -> None:
    """On a real video with a variable rate: the frame of a number is the one that the detector saw."""
    every = list(open_source(talk))
    found = list(open_source(talk).frames_at({0, 19, 20, 35}))
    assert [frame.index for frame in found] == [0, 19, 20, 35]
    for frame in found:
        assert frame.time_s == every[frame.index].time_s
        np.testing.assert_array_equal(frame.image, every[frame.index].image)
    assert list(open_source(talk).frames_at(set())) == []
