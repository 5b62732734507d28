"""Tables read the way scripts for OpenFace and py-feat read theirs; nothing of this package reads here."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from actionunits.detect.layouts import layout_of
from actionunits.detect.results import FaceResult, FrameResult
from actionunits.detect.writers import open_table

AUS = (1, 6, 12)
THRESHOLDS = np.array([0.5, 0.25, 0.4], np.float32)


@pytest.fixture
def results(face_result: Callable[..., FaceResult]) -> list[FrameResult]:
    """50 frames at 25 Hz; from frame 20 to 29 nobody; a smile from frame 35 on."""
    found = []
    for i in range(50):
        smile = 0.9 if i >= 35 else 0.1
        face = face_result(0, [0.1, smile - 0.05, smile], [0.2, 1.5, 3.25] if i >= 35 else [0.2, 0.0, 0.1])
        found.append(FrameResult(i, i / 25, () if 20 <= i < 30 else (face,)))
    return found


def _written(path: Path, results: list[FrameResult], layout: str) -> Path:
    with open_table(path, layout_of(layout, AUS, THRESHOLDS, "talk.mp4")) as table:
        for result in results:
            table.add(result)
    return path


def _spaced_names(path: Path) -> pd.DataFrame:
    """Names as they stand in OpenFace's file: `` AU12_r``."""
    return pd.read_csv(path).rename(columns=lambda name: name[1:] if name.startswith(" ") else name)


def _comma_and_space(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep=", ", engine="python")


def _stripped(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path)
    table.columns = table.columns.str.strip()
    return table


def _skipping(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, skipinitialspace=True)


@pytest.mark.parametrize("read", [_spaced_names, _comma_and_space, _stripped, _skipping])
def test_an_openface_script_on_openface22(
    tmp_path: Path, results: list[FrameResult], read: Callable[[Path], pd.DataFrame]
) -> None:
    """Success and confidence first, then means of intensities and the share of frames with an AU."""
    table = read(_written(tmp_path / "t.csv", results, "openface22"))
    assert all(kind.kind in "if" for kind in table.dtypes)
    good = table[(table["success"] == 1) & (table["confidence"] > 0.8)]
    assert len(table) == 50
    assert len(good) == 40
    assert table["frame"].tolist() == list(range(1, 51))
    np.testing.assert_allclose(table["timestamp"], np.arange(50) / 25)
    intensities = good[[name for name in good.columns if name.endswith("_r") and name.startswith("AU")]]
    assert list(intensities.columns) == ["AU01_r", "AU06_r", "AU12_r"]
    assert intensities["AU12_r"].max() == 3.25
    smiles = good[(good["AU06_c"] == 1) & (good["AU12_c"] == 1)]
    assert smiles["frame"].tolist() == list(range(36, 51))
    points = good[[f"{axis}_{i}" for i in range(68) for axis in "xy"]].to_numpy().reshape(40, 68, 2)
    np.testing.assert_allclose(points[0], results[0].faces[0].landmarks, atol=0.051)
    np.testing.assert_allclose(good["pose_Ry"], np.radians(results[0].faces[0].pose_deg[1]), atol=6e-4)


def test_the_header_is_openfaces_own(tmp_path: Path, results: list[FrameResult]) -> None:
    lines = _written(tmp_path / "t.csv", results, "openface22").read_text().splitlines()
    assert lines[0].startswith(
        "frame, face_id, timestamp, confidence, success, pose_Rx, pose_Ry, pose_Rz, x_0, "
    )
    assert lines[0].endswith(", y_67, AU01_r, AU06_r, AU12_r, AU01_c, AU06_c, AU12_c")
    assert lines[1].startswith("1, 0, 0.0, 0.88, 1, ")
    assert lines[21] == ", ".join(["21", "0", "0.8", "0.0", "0", *["0.0"] * (3 + 136 + 6)])


@pytest.mark.parametrize("layout", ["openface", "openface22"])
def test_plain_readers_of_numbers(tmp_path: Path, results: list[FrameResult], layout: str) -> None:
    """`numpy.genfromtxt` by position and `csv.DictReader` by stripped name."""
    path = _written(tmp_path / "t.csv", results, layout)
    numbers = np.genfromtxt(path, delimiter=",", skip_header=1)
    assert numbers.shape[0] == 50
    assert np.isfinite(numbers[:, :5]).all()
    np.testing.assert_allclose(numbers[:, 2], np.arange(50) / 25)
    with path.open(newline="") as file:
        rows = [{key.strip(): value.strip() for key, value in row.items()} for row in csv.DictReader(file)]
    shown = [int(row["frame"]) for row in rows if row["success"] == "1" and float(row["AU12_c"]) == 1]
    assert shown == list(range(36, 51))


def test_a_pyfeat_script(tmp_path: Path, results: list[FrameResult]) -> None:
    """Columns are found as py-feat's own table does: AUs by name, box, pose and points by fixed lists."""
    table = pd.read_csv(_written(tmp_path / "t.csv", results, "pyfeat"))
    aus = table[[name for name in table.columns if "AU" in name]]
    boxes = table[["FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore"]]
    pose = table[["Pitch", "Roll", "Yaw"]]
    points = table[[f"{axis}_{i}" for axis in "xy" for i in range(68)]]
    assert list(aus.columns) == ["AU01", "AU06", "AU12"]
    nobody = table["frame"].between(20, 29)
    for part in (aus, boxes, pose, points):
        assert part[nobody].isna().all(axis=None)
        assert part[~nobody].notna().all(axis=None)
        assert all(kind.kind == "f" for kind in part.dtypes)
    assert aus.stack().dropna().between(0, 1).all()
    per_video = table.groupby("input")[list(aus.columns)].mean()
    np.testing.assert_allclose(per_video.loc["talk.mp4", "AU12"], (15 * 0.9 + 25 * 0.1) / 40, atol=1e-6)
    assert table["frame"].tolist() == list(range(50))
    assert table["approx_time"].iloc[-1] == "00:01"
    width, height = boxes["FaceRectWidth"].iloc[0], boxes["FaceRectHeight"].iloc[0]
    left, top, right, bottom = results[0].faces[0].box
    assert (width, height) == (right - left, bottom - top)
    face_x, face_y = points.iloc[0, :68], points.iloc[0, 68:]
    np.testing.assert_allclose(np.column_stack([face_x, face_y]), results[0].faces[0].landmarks, atol=0.006)
