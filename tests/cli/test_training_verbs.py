"""The verbs around training, from the command line: what they print, write and refuse."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from actionunits.cli import evaluate, explain, export, models, reproduce, train, training_parts
from actionunits.errors import UserError
from actionunits.models.registry import REGISTRY
from actionunits.synthesis.painting import paint_portrait

app = typer.Typer()
for verb in (train.train, evaluate.evaluate, export.export, explain.explain, reproduce.reproduce):
    app.command()(verb)
app.add_typer(models.app)


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None:
        raise result.exception
    return result.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "r"
    printed = run("train", "facs3d/cnn2d", "--scale", "tiny", "--out", out)
    assert "| AU24 " in printed
    assert "fold-1/model.safetensors" in printed
    return out


def test_from_a_recipe_to_an_exported_model_and_its_scores(trained: Path, tmp_path: Path) -> None:
    assert "AUC" in run("evaluate", trained, "--metric", "AUC")
    model = trained / "fold-1" / "model.safetensors"
    onnx = tmp_path / "m.onnx"
    assert "m.onnx" in run("export", model, "--out", onnx)
    shown = [json.loads(run("models", "show", file)) for file in (model, onnx)]
    assert shown[0]["card"]["subjects"] == shown[1]["card"]["subjects"]
    assert shown[0]["input"] == shown[1]["input"]
    words = (
        "facs3d/cnn2d",
        "data.subjects=2",
        "data.sequences=4",
        "--cache",
        tmp_path / "c",
        "--metric",
        "AUC",
    )
    assert run("evaluate", model, *words) == run("evaluate", onnx, *words)


def test_a_map_is_drawn_for_a_picture(trained: Path, tmp_path: Path) -> None:
    portrait = tmp_path / "face.png"
    cv2.imwrite(str(portrait), paint_portrait(3).image[:, :, ::-1])
    model, out = trained / "fold-1" / "model.safetensors", tmp_path / "map.png"
    printed = run("explain", portrait, "--au", "AU12", "--model", model, "--out", out)
    assert "AU12: probability 0." in printed
    assert out.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UserError, match="does not give AU26"):
        run("explain", portrait, "--au", "26", "--model", model, "--out", tmp_path / "no.png")
    cv2.imwrite(str(portrait), np.full((200, 200, 3), 90, np.uint8))
    with pytest.raises(UserError, match="no face was found"):
        run("explain", portrait, "--au", "12", "--model", model, "--out", tmp_path / "no.png")
    assert not (tmp_path / "no.png").exists()


def test_models_are_listed_and_shown() -> None:
    listed = run("models")
    assert all(name in listed for name in REGISTRY)
    shown = json.loads(run("models", "show", "facs3d/cnn2d"))
    assert shown["configuration"]["filters"] == [64, 128, 128]
    with pytest.raises(UserError, match="did you mean"):
        run("models", "show", "facs3d/cnn3")


def test_reproduce_lists_and_makes(tmp_path: Path) -> None:
    listed = run("reproduce")
    assert "facs3d        table1   ready" in listed
    assert "patterns      table5   not yet" in listed
    assert "patterns      table1   ready" in listed
    assert "Data: " in run("reproduce", "patterns", "table2", "--out", tmp_path)
    with pytest.raises(UserError, match="which item of facs3d"):
        run("reproduce", "facs3d")


def test_mistakes_in_the_command(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give --portraits"):
        run("train", "default", "--out", tmp_path / "x")
    with pytest.raises(UserError, match="belong to `au train default`"):
        run("train", "facs3d/cnn2d", "--portraits", tmp_path)
    with pytest.raises(UserError, match="no predictions"):
        run("evaluate", tmp_path)


def test_without_pytorch_a_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    found = training_parts.importlib.util.find_spec
    monkeypatch.setattr(
        training_parts.importlib.util, "find_spec", lambda name: None if name == "torch" else found(name)
    )
    with pytest.raises(UserError, match=r"au train needs torch: .*pip install 'actionunits\[train\]'"):
        run("train", "facs3d/cnn2d")


def test_the_verbs_load_nothing_heavy_before_they_run() -> None:
    code = (
        "import sys\n"
        "from actionunits.cli import evaluate, explain, export, models, reproduce, train\n"
        "print([m for m in ('torch', 'pandas', 'cv2', 'lightning', 'rich.progress') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
