"""Left and right, from the network to the table."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from actionunits.cli.main import app
from actionunits.detect.agreement import agreeing
from actionunits.detect.baseline import Baseline, rebased
from actionunits.detect.layouts import layout_of
from actionunits.detect.outputs import OutputPlan, detect_to_files
from actionunits.detect.pipeline import Detector
from actionunits.detect.results import FaceResult, FrameResult
from actionunits.detect.smoothing import smooth
from actionunits.errors import UserError
from actionunits.facs.sets import DEFAULT_17
from actionunits.facs.units import ACTION_UNITS
from actionunits.synthesis.painting import paint_portrait

AUS = (12, 17, 25)
THRESHOLDS = np.float32([0.5, 0.5, 0.5])
GRADE = st.floats(0, 5, width=32)


def _face(probability: float, intensity: float, left: float, right: float) -> FaceResult:
    points = np.random.default_rng(0).uniform(0, 90, (68, 2)).astype(np.float32)
    sides = np.float32([[left, right], [np.nan, np.nan], [np.nan, np.nan]])
    values = np.float32([probability] * 3), np.float32([intensity] * 3)
    return FaceResult(0, 1.0, np.zeros(4, np.float32), points, *values, sides=sides)


def _frames(*faces: FaceResult) -> list[FrameResult]:
    return [FrameResult(n, n / 10, (face,)) for n, face in enumerate(faces)]


@given(st.floats(0, 1, width=32), GRADE, GRADE, GRADE)
def test_the_stronger_side_is_the_intensity_and_a_mirror_swaps_them(
    probability: float, intensity: float, left: float, right: float
) -> None:
    told, mirrored = (
        next(agreeing(_frames(_face(probability, intensity, *sides)), THRESHOLDS)).faces[0]
        for sides in ((left, right), (right, left))
    )
    assert told.sides is not None
    assert mirrored.sides is not None
    assert told.intensity is not None
    assert told.sides[0].max() == pytest.approx(told.intensity[0], rel=1e-6)
    assert (told.sides[0].max() >= 1) == (probability >= 0.5)
    assert np.isnan(told.sides[1:]).all()
    np.testing.assert_array_equal(told.sides[:, ::-1], mirrored.sides)
    if left > right > 0:
        assert told.sides[0, 0] >= told.sides[0, 1]


def test_sides_are_smoothed_as_the_rest() -> None:
    results = _frames(*(_face(0.9, 4.0, *sides) for sides in ((4, 0), (0, 4), (4, 0))))
    middle = list(smooth(results, 0.1))[1].faces[0].sides
    weight = np.exp(-0.5)
    share = 4 / (1 + 2 * weight)
    assert middle is not None
    np.testing.assert_allclose(middle[0], [2 * weight * share, share], atol=1e-5)
    assert np.isnan(middle[1:]).all()


@pytest.mark.parametrize("baseline", ["auto", "first:0.5s"])
def test_with_a_baseline_they_keep_their_proportion(baseline: str) -> None:
    results = _frames(*[_face(0.1, 0.5, 0.5, 0.2)] * 30, _face(0.9, 4.5, 4.0, 1.0))
    last = list(agreeing(rebased(results, Baseline.parse(baseline), THRESHOLDS), THRESHOLDS))[-1].faces[0]
    assert last.sides is not None
    assert last.intensity is not None
    np.testing.assert_allclose(last.sides[0], [last.intensity[0], last.intensity[0] / 4], rtol=1e-5)


@pytest.mark.parametrize("name", ["openface", "long"])
def test_rows_have_as_many_cells_as_columns_with_and_without_a_face(name: str) -> None:
    layout = layout_of(name, AUS, THRESHOLDS, "clip.mp4", ["a.png"], sides=True)
    for faces in ((_face(0.9, 3.0, 3.0, 1.5),), ()):
        for row in layout.rows(FrameResult(0, 0.0, faces)):
            assert len(row) == len(layout.columns)
            named = {column.name: cell for column, cell in zip(layout.columns, row, strict=True)}
            if name == "openface":
                found = (named["AU12_left"], named["AU12_right"])
                assert not {"AU17_left", "AU25_left"} & set(named), "they have no sides"
                assert found == ((3.0, 1.5) if faces else (None, None))
            elif faces:
                assert (named["left"], named["right"]) == ((3.0, 1.5) if named["au"] == 12 else (None, None))


@pytest.mark.parametrize("name", ["openface22", "pyfeat"])
def test_other_tools_files_have_no_place_for_them(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"the format {name} has no columns for left and right"):
        OutputPlan(tmp_path, name, sides=True)


def test_without_being_asked_for_the_table_stays_as_it_was() -> None:
    for name in ("openface", "long"):
        names = [column.name for column in layout_of(name, AUS, THRESHOLDS).columns]
        assert not [each for each in names if "left" in each or "right" in each]


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sides") / "face.png"
    cv2.imwrite(str(path), paint_portrait(3, 300).image[:, :, ::-1])
    return path


def test_the_embedded_model_tells_them(picture: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["detect", str(picture), "--sides", "--out", str(tmp_path)], catch_exceptions=False
    )
    assert done.exit_code == 0
    row = pd.read_csv(tmp_path / "face.csv").iloc[0]
    paired = [au for au in DEFAULT_17 if ACTION_UNITS[au].paired]
    for au in paired:
        name = f"AU{au:02d}"
        assert max(row[f"{name}_left"], row[f"{name}_right"]) == pytest.approx(row[f"{name}_r"], abs=1e-3)
    assert "AU17_left" not in row


def test_a_mirrored_face_has_them_the_other_way_round(picture: Path, tmp_path: Path) -> None:
    image = cv2.imread(str(picture))
    cv2.imwrite(str(tmp_path / "mirror.png"), image[:, ::-1])
    detector = Detector()
    one, other = (
        next(iter(detector.run(path))).faces[0].sides for path in (picture, tmp_path / "mirror.png")
    )
    assert one is not None
    assert other is not None
    # the network is no exact mirror of itself, but near
    difference = np.nanmean(np.abs(one[:, ::-1] - other))
    assert difference < 0.5


def test_pytorch_and_onnx_give_the_same(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from actionunits.detect.backends import OnnxBackend, TorchBackend
    from actionunits.models.embedded.net import EmbeddedConfig, build
    from actionunits.models.weights import export_onnx
    from actionunits.records import Batch

    model = build(EmbeddedConfig(aus=AUS)).eval()
    export_onnx(model, tmp_path / "m.onnx", card={})
    rng = np.random.default_rng(0)
    frames = rng.normal(0, 1, (3, 1, 1, 112, 112)).astype(np.float32)
    points = rng.uniform(0, 112, (3, 1, 68, 2)).astype(np.float32)
    batch = Batch(frames, landmarks=points)
    backends = (OnnxBackend(tmp_path / "m.onnx"), TorchBackend(model))
    assert all(backend.gives_sides for backend in backends)
    one, other = (backend.predict(batch).sides for backend in backends)
    assert one is not None
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_a_model_without_them_is_refused_before_the_source_is_opened(tmp_path: Path) -> None:
    detector = Detector()
    detector.backend._extra = ("intensity",)  # type: ignore[attr-defined]
    with pytest.raises(UserError, match="does not tell left from right"):
        detect_to_files(detector, tmp_path / "none.mp4", "none", OutputPlan(tmp_path / "out", sides=True))
    assert not (tmp_path / "out").exists()


def test_they_come_back_from_the_disk() -> None:
    from actionunits.detect.spool import Spool

    spool = Spool(3)
    given_faces = _face(0.9, 3.0, 3.0, 1.5), replace(_face(0.9, 3.0, 3.0, 1.5), sides=None)
    for result in _frames(*given_faces):
        spool.add(result)
    found = [result.faces[0].sides for result in spool]
    np.testing.assert_array_equal(found[0], given_faces[0].sides)
    assert found[1] is None
    spool.close()


def test_the_long_table_reads_back(tmp_path: Path) -> None:
    from actionunits.detect.writers import open_table

    with open_table(tmp_path / "t.csv", layout_of("long", AUS, THRESHOLDS, "c", sides=True)) as table:
        table.add(FrameResult(0, 0.0, (_face(0.9, 3.0, 3.0, 1.5),)))
    with (tmp_path / "t.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["left"], row["right"]) for row in rows] == [("3.0", "1.5"), ("", ""), ("", "")]
