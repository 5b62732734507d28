from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.transform import Rotation

from actionunits.detect.layouts import layout_of
from actionunits.detect.results import FaceResult, FrameResult
from actionunits.detect.tested import TestedRange
from actionunits.detect.writers import open_table
from actionunits.errors import UserError
from actionunits.faces import pose
from actionunits.facs.face_template import TEMPLATE_POINTS

MakeFace = Callable[..., FaceResult]
THRESHOLDS = np.array([0.5, 0.25], np.float32)
AUS = (1, 12)


@pytest.fixture
def results(face_result: MakeFace) -> list[FrameResult]:
    """A face, nobody, two faces."""
    return [
        FrameResult(0, 0.0334, (face_result(0, [0.5, 0.2], [1.25, 0.0]),)),
        FrameResult(1, 0.0667, ()),
        FrameResult(
            2, 75.1, (face_result(0, [0.49996, 0.9], [5.0, 2.0]), face_result(3, [0.0, 1e-6], [0.0, 3.0]))
        ),
    ]


def _write(path: Path, results: Sequence[FrameResult], layout: str, source: str = "talk.mp4") -> int:
    with open_table(path, layout_of(layout, AUS, THRESHOLDS, source)) as table:
        for result in results:
            table.add(result)
    return table.rows_written


def test_openface_columns_and_values(tmp_path: Path, results: list[FrameResult]) -> None:
    path = tmp_path / "t.csv"
    assert _write(path, results, "openface") == 4
    rows = list(csv.reader(path.open(newline="")))
    assert rows[0] == (
        [
            "frame",
            "face_id",
            "timestamp",
            "confidence",
            "success",
            "pose_Rx",
            "pose_Ry",
            "pose_Rz",
            "AU01_r",
            "AU12_r",
            "AU01_c",
            "AU12_c",
            "AU01_p",
            "AU12_p",
            "outside_pose",
            "outside_size",
        ]
    )
    pose = [str(round(float(angle), 3)) for angle in np.radians(results[0].faces[0].pose_deg)]
    assert rows[1] == (
        ["1", "0", "0.033400", "0.875", "1", *pose, "1.25", "0.0", "1", "0", "0.5", "0.2", "", ""]
    )
    assert rows[2] == ["2", "-1", "0.066700", "0.0", "0", *[""] * 11]
    assert rows[3][8:14] == ["5.0", "2.0", "0", "1", "0.5", "0.9"]
    assert rows[4][:2] == ["3", "3"]
    assert "e-" not in path.read_text()


def test_a_model_without_intensity_leaves_them_empty(tmp_path: Path, face_result: MakeFace) -> None:
    _write(tmp_path / "t.csv", [FrameResult(0, 0.0, (face_result(0, [0.5, 0.2]),))], "openface")
    table = pd.read_csv(tmp_path / "t.csv")
    assert table[["AU01_r", "AU12_r"]].isna().all(axis=None)
    assert table[["AU01_p", "AU12_p"]].notna().all(axis=None)


def test_pyfeat_columns_and_values(tmp_path: Path, results: list[FrameResult]) -> None:
    assert _write(tmp_path / "t.csv", results, "pyfeat") == 4
    table = pd.read_csv(tmp_path / "t.csv")
    points = [f"{axis}_{i}" for axis in "xy" for i in range(68)]
    boxes = ["FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore"]
    pose = ["Pitch", "Roll", "Yaw"]
    assert list(table.columns) == [*boxes, *points, *pose, "AU01", "AU12", "input", "frame", "approx_time"]
    assert table.loc[0, boxes].tolist() == [20.0, 30.0, 60.5, 70.0, 0.875]
    face = results[0].faces[0]
    np.testing.assert_allclose(table.loc[0, points].to_numpy(float), face.landmarks.T.ravel(), atol=0.005)
    assert table.loc[1].drop(["input", "frame", "approx_time"]).isna().all()
    assert table["frame"].tolist() == [0, 1, 2, 2]
    assert table["approx_time"].tolist() == ["00:00", "00:00", "01:15", "01:15"]
    pitch, yaw, roll = face.pose_deg
    np.testing.assert_allclose(table.loc[0, pose].to_numpy(float), [pitch, roll, yaw], atol=0.005)


def test_long_has_a_row_for_each_face_and_au(tmp_path: Path, results: list[FrameResult]) -> None:
    assert _write(tmp_path / "t.csv", results, "long") == 8
    table = pd.read_csv(tmp_path / "t.csv")
    assert list(table.columns) == [
        *("source", "frame", "timestamp", "face_id", "au"),
        *("probability", "intensity", "occurrence", "confidence"),
        *("pitch", "yaw", "roll", "outside_pose", "outside_size"),
    ]
    nobody = table[table["frame"] == 2]
    assert nobody["au"].tolist() == [1, 12]
    assert nobody["face_id"].tolist() == [-1, -1]
    assert nobody[["probability", "intensity", "occurrence"]].isna().all(axis=None)
    last = table[(table["frame"] == 3) & (table["face_id"] == 0) & (table["au"] == 12)].iloc[0]
    assert (last["probability"], last["intensity"], last["occurrence"]) == (0.9, 2.0, 1.0)


@pytest.mark.parametrize("layout", ["openface", "pyfeat", "long"])
def test_parquet_holds_what_csv_holds(tmp_path: Path, results: list[FrameResult], layout: str) -> None:
    many = [FrameResult(i, i / 30, results[i % 3].faces) for i in range(6000)]
    assert _write(tmp_path / "t.csv", many, layout) == _write(tmp_path / "t.parquet", many, layout)
    from_csv, from_parquet = pd.read_csv(tmp_path / "t.csv"), pd.read_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(from_csv, from_parquet, check_dtype=False, rtol=0, atol=1e-9)


def test_faces_outside_what_was_tested_are_flagged(tmp_path: Path, face_result: MakeFace) -> None:
    def flags(tested: TestedRange | None, turned: float = 0.0) -> list[float]:
        face = replace(face_result(0, [0.5, 0.2]), tested=tested, landmarks=_head(turned))
        _write(tmp_path / "t.csv", [FrameResult(0, 0.0, (face,))], "openface")
        return pd.read_csv(tmp_path / "t.csv").loc[0, ["outside_pose", "outside_size"]].tolist()

    assert flags(TestedRange(20.0, 25.0, 60.0)) == [0, 0]
    assert flags(TestedRange(20.0, 25.0, 60.0), turned=30.0) == [1, 0]
    assert flags(TestedRange(20.0, 25.0, 80.0)) == [0, 1]
    assert np.isnan(flags(None)).all()
    nobody = FrameResult(0, 0.0, ())
    _write(tmp_path / "t.csv", [nobody], "long")
    assert pd.read_csv(tmp_path / "t.csv")[["pitch", "outside_pose", "outside_size"]].isna().all(axis=None)


def _head(yaw_deg: float) -> np.ndarray:
    """The 68 points of a mean head, 70 px between the eyes, turned to the subject's right."""
    turn = Rotation.from_euler("y", yaw_deg, degrees=True).as_matrix()
    points = TEMPLATE_POINTS[:68].astype(np.float32) * 70
    points[pose._RIGID] = (70 * pose._head("own") @ turn.T)[:, :2]
    return points


def test_a_failure_leaves_the_older_table_and_nothing_else(
    tmp_path: Path, results: list[FrameResult]
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("older")

    def fail() -> None:
        with open_table(path, layout_of("openface", AUS, THRESHOLDS)) as table:
            table.add(results[0])
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]
    assert path.read_text() == "older"


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(UserError, match="did you mean 'openface'"):
        layout_of("opnface", AUS, THRESHOLDS)
    with (
        pytest.raises(UserError, match=r"unknown table type 'xlsx'.*csv, parquet"),
        open_table(Path("t.xlsx"), layout_of("long", AUS, THRESHOLDS)),
    ):
        pass
