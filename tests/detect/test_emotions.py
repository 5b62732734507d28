"""A model that gives emotions adds them to every table; one that gives nothing else is run all the same."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import actionunits as au
from actionunits.detect.backends import load_backend
from actionunits.detect.baseline import Baseline, rebased
from actionunits.detect.layouts import layout_of
from actionunits.detect.outputs import OutputPlan, detect_to_files
from actionunits.detect.pipeline import Detector
from actionunits.detect.results import FaceResult, FrameResult
from actionunits.detect.smoothing import smooth
from actionunits.errors import UserError
from actionunits.facs.emotions import EMOTIONS
from actionunits.models.registry import build_model
from actionunits.models.weights import export_onnx, save_model
from actionunits.synthesis.painting import paint_portrait

NAMES = [f"emotion_{name}" for name in EMOTIONS]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("emotions")
    cv2.imwrite(str(folder / "face.png"), paint_portrait(3, 260).image[:, :, ::-1])
    cv2.imwrite(str(folder / "empty.png"), np.full((200, 200, 3), 90, np.uint8))
    torch.manual_seed(0)
    model = build_model("caud/emotion_net", {"units": 8, "size_px": 64})
    save_model(folder / "e.safetensors", model, name="caud/emotion_net", card={})
    export_onnx(model, folder / "e.onnx", {})
    both = build_model("caud/heads", {"units": 8, "size_px": 64, "aus": [1, 12], "emotion_units": 8})
    save_model(folder / "both.safetensors", both, name="caud/heads", card={})
    return folder


def test_the_emotion_is_the_softmax_and_onnx_gives_the_same(files: Path) -> None:
    torch_, onnx = (au.detect(files / "face.png", model=files / name) for name in ("e.safetensors", "e.onnx"))
    assert list(torch_.columns)[-8:] == NAMES
    assert torch_[NAMES].to_numpy().sum() == pytest.approx(1.0, abs=1e-3)
    np.testing.assert_allclose(torch_[NAMES], onnx[NAMES], atol=2e-4)
    assert not [name for name in torch_.columns if name.startswith("AU")]


def test_aus_and_emotion_come_from_one_model(files: Path) -> None:
    table = au.detect([files / "face.png", files / "empty.png"], model=files / "both.safetensors")
    assert [name for name in table.columns if name.endswith("_p")] == ["AU01_p", "AU12_p"]
    assert table.loc[0, NAMES].notna().all()
    assert table.loc[1, NAMES].isna().all()


@pytest.mark.parametrize("layout", ["openface", "pyfeat", "long"])
def test_every_layout_report_and_picture_are_written(files: Path, tmp_path: Path, layout: str) -> None:
    detector = Detector(files / "both.safetensors")
    plan = OutputPlan(tmp_path, layout, "csv", video=True, report=True)
    summary = detect_to_files(detector, files / "face.png", "face", plan)
    with summary.files[0].open() as stream:
        rows = list(csv.DictReader(stream))
    wanted = {"openface": NAMES, "pyfeat": ["neutral", "happiness", "contempt"], "long": []}[layout]
    assert set(wanted) <= set(rows[0])
    assert all(0 <= float(rows[0][name]) <= 1 for name in wanted)


def test_emotions_alone_are_written_too(files: Path, tmp_path: Path) -> None:
    plan = OutputPlan(tmp_path, "openface", "parquet", video=True, report=True)
    for name in ("face", "empty"):
        summary = detect_to_files(Detector(files / "e.safetensors"), files / f"{name}.png", name, plan)
        assert summary.rows == 1
        assert all(path.stat().st_size for path in summary.files)


def test_rows_have_as_many_cells_as_columns_with_and_without_a_face() -> None:
    thresholds = np.float32([0.5])
    zeros = np.zeros(4, np.float32), np.zeros((68, 2), np.float32)
    felt = np.full(8, 0.125, np.float32)
    face = FaceResult(0, 0.9, *zeros, np.float32([0.7]), None, None, felt)
    for name in ("openface", "pyfeat"):
        layout = layout_of(name, [12], thresholds, "clip.mp4", ["a.png"], EMOTIONS)
        for faces in ((face,), ()):
            (row,) = layout.rows(FrameResult(0, 0.0, faces))
            assert len(row) == len(layout.columns)
            assert list(row).count(0.125) == 8 * len(faces)


def test_emotions_are_smoothed_as_the_rest() -> None:
    zeros = np.zeros(4, np.float32), np.zeros((68, 2), np.float32)
    felt = [np.float32([1, 0]), np.float32([0, 1]), np.float32([1, 0])]
    results = [
        FrameResult(n, n / 10, (FaceResult(0, 1.0, *zeros, np.float32([0.5]), None, None, each),))
        for n, each in enumerate(felt)
    ]
    middle = list(smooth(results, 0.1))[1].faces[0].emotion
    weight = np.exp(-0.5)
    assert middle == pytest.approx([2 * weight / (1 + 2 * weight), 1 / (1 + 2 * weight)], abs=1e-5)


def test_a_model_that_does_not_give_what_it_says_is_refused(files: Path) -> None:
    from dataclasses import replace

    backend = load_backend(files / "e.safetensors")
    backend.spec = replace(backend.spec, emotions=EMOTIONS[:3])
    with pytest.raises(UserError, match="gave no 3 emotions"):
        list(Detector(backend).run(files / "face.png"))


@pytest.mark.parametrize("baseline", ["auto", "first:0.5s"])
def test_a_baseline_leaves_the_emotions_as_they_are(baseline: str) -> None:
    zeros = np.zeros(4, np.float32), np.random.default_rng(0).uniform(0, 90, (68, 2)).astype(np.float32)
    felt = [np.random.default_rng(n).dirichlet(np.ones(8)).astype(np.float32) for n in range(20)]
    results = [
        FrameResult(n, n / 10, (FaceResult(0, 1.0, *zeros, np.float32([0.5]), None, None, each),))
        for n, each in enumerate(felt)
    ]
    found = list(rebased(iter(results), Baseline.parse(baseline), np.float32([0.5]), 8))
    np.testing.assert_array_equal(np.stack([each.faces[0].emotion for each in found]), np.stack(felt))
