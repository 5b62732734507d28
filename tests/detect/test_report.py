from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from actionunits.detect.report import Report
from actionunits.detect.results import FaceResult, FrameResult

MakeFace = Callable[..., FaceResult]
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
    report.write(tmp_path / "long.html", source="long.mp4", model="tiny")
    assert f"frame 1 of {round(steps[0])}" in (tmp_path / "long.html").read_text()


def test_a_face_that_is_not_there_leaves_a_gap_and_each_face_has_its_timeline(
    tmp_path: Path, face_result: MakeFace
) -> None:
    report = Report((4, 12), THRESHOLDS)
    for i in range(20):
        faces = [face_result(0, [0.2, 0.3])] + ([face_result(7, [0.8, 0.9])] if i >= 10 else [])
        report.add(FrameResult(i, i / 25, tuple(faces)))
    report.write(tmp_path / "two.html", source="two.mp4", model="tiny")
    page = (tmp_path / "two.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    assert "face 7" in page


def test_pictures_of_a_folder_are_laid_out_by_number(tmp_path: Path, face_result: MakeFace) -> None:
    report = Report((4, 12), THRESHOLDS, timed=False)
    for i in range(3):
        report.add(FrameResult(i, 0.0, (face_result(0, [0.2, 0.3]),)))
    assert report.table()["timestamp"].tolist() == [0.0, 1.0, 2.0]
    report.write(tmp_path / "folder.html", source="folder", model="tiny")
    assert "have no times" in (tmp_path / "folder.html").read_text()
