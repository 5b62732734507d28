from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from actionunits.detect.results import FaceResult, FrameResult
from actionunits.detect.writers import layout_of, open_table
from actionunits.errors import UserError

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
            "AU01_r",
            "AU12_r",
            "AU01_c",
            "AU12_c",
            "AU01_p",
            "AU12_p",
        ]
    )
    assert rows[1] == ["1", "0", "0.033400", "0.875", "1", "1.25", "0.0", "1", "0", "0.5", "0.2"]
    assert rows[2] == ["2", "-1", "0.066700", "0.0", "0", "", "", "", "", "", ""]
    assert rows[3] == ["3", "0", "75.100000", "0.875", "1", "5.0", "2.0", "0", "1", "0.5", "0.9"]
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
    assert table[pose].isna().all(axis=None)


def test_long_has_a_row_for_each_face_and_au(tmp_path: Path, results: list[FrameResult]) -> None:
    assert _write(tmp_path / "t.csv", results, "long") == 8
    table = pd.read_csv(tmp_path / "t.csv")
    assert list(table.columns) == [
        *("source", "frame", "timestamp", "face_id", "au"),
        *("probability", "intensity", "occurrence", "confidence"),
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
