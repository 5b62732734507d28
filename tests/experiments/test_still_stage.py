"""Networks over time begin with a trained network of stills, and learn from codes where it is frozen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from actionunits.detect.backends import TorchBackend
from actionunits.errors import UserError
from actionunits.experiments.crops import folds_of, open_crops, used_index
from actionunits.experiments.cross_validate import cross_validate, spec_of
from actionunits.experiments.predict import said_of_frames
from actionunits.experiments.recipe import Recipe, load_recipe
from actionunits.experiments.still_stage import codes_of_frames, still_of, take_still
from actionunits.experiments.train import make_model, samples_of_fold
from actionunits.models.interface import CodedModel
from actionunits.models.registry import build_model
from actionunits.models.weights import load_model, read_header
from actionunits.training.codes import ClipCodeBatches

DATA = ["data.subjects=4", "data.sequences=1", "data.frames=12", "data.rate_hz=12.5", "data.seed=7"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("samples")


@pytest.fixture(scope="module")
def stills(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """A run of AR_res on the frames of the sequences."""
    run = tmp_path_factory.mktemp("run") / "arres"
    cross_validate(load_recipe("au_rcnn/ar_res", [*DATA, "data.clips=frames"], "tiny"), run, cache=cache)
    return run


def of_run(stills: Path, name: str = "ar_crf") -> Recipe:
    return load_recipe(f"au_rcnn/{name}", [*DATA, f"still.run={stills}"], "tiny")


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in other)


def test_each_fold_begins_with_its_own_stills_and_a_frozen_one_stays(
    tmp_path: Path, cache: Path, stills: Path
) -> None:
    cross_validate(of_run(stills), tmp_path / "crf", cache=cache)
    for fold in ("fold-1", "fold-2"):
        file = tmp_path / "crf" / fold / "model.safetensors"
        given = stills / fold / "model.safetensors"
        assert same(still_of(load_model(file)).state_dict(), load_model(given).state_dict())
        assert read_header(file).card["still"] == f"au_rcnn/ar_res {read_header(given).digest}"
    crops = open_crops(of_run(stills).data, spec_of(of_run(stills)), cache)
    assert len(list((crops.folder / "codes").iterdir())) == 4  # train and validation of two folds


def test_without_a_run_the_stills_are_trained_first(tmp_path: Path, cache: Path) -> None:
    recipe = load_recipe("au_rcnn/ar_crf", [*DATA, "still.stride=2", "still.training={epochs = 1}"], "tiny")
    cross_validate(recipe, tmp_path / "run", cache=cache, only=[1])
    fold = tmp_path / "run" / "fold-1"
    state = torch.load(fold / "still" / "last.pt", weights_only=True)["model"]
    model = load_model(fold / "model.safetensors")
    assert same(still_of(model).state_dict(), state)
    fresh = make_model(recipe, recipe.training.seed)
    assert not same(still_of(fresh).state_dict(), state)
    assert read_header(fold / "model.safetensors").card["still"] == "trained in this run"


def test_stills_that_have_seen_who_is_tested_are_refused(tmp_path: Path, cache: Path, stills: Path) -> None:
    recipe = of_run(stills)
    folds = folds_of(recipe.folds, used_index(recipe.data, open_crops(recipe.data, spec_of(recipe), cache)))
    model = make_model(recipe, 0)
    with pytest.raises(UserError, match="who is tested here: its folds are others"):
        take_still(model, stills, 0, folds.folds[1])
    with pytest.raises(UserError, match="give a finished run over the same folds"):
        take_still(model, tmp_path, 0, folds.folds[0])
    other = build_model("au_rcnn/ar_crf", {**recipe.model.config, "backbone": "resnet34"})
    with pytest.raises(UserError, match="of other sizes than the network of stills in ArCrf"):
        take_still(other, stills, 0, folds.folds[0])
    with pytest.raises(UserError, match="no network of stills inside: leave"):
        still_of(build_model("au_rcnn/ar_res", {"backbone": "resnet18", "size_px": 64}))


def test_codes_say_what_pictures_say(cache: Path, stills: Path) -> None:
    recipe = of_run(stills)
    crops = open_crops(recipe.data, spec_of(recipe), cache)
    fold = folds_of(recipe.folds, used_index(recipe.data, crops)).folds[0]
    model = make_model(recipe, 0)
    assert isinstance(model, CodedModel)
    train = samples_of_fold(recipe, crops, model.spec, fold).train
    codes = codes_of_frames(model, train, recipe.training)
    stored = said_of_frames(TorchBackend(model), train, stored=codes)
    seen = said_of_frames(TorchBackend(model), train)
    np.testing.assert_array_equal(stored.labels, seen.labels)
    np.testing.assert_allclose(stored.probability, seen.probability, atol=2e-3)  # kept in half precision
    batches = list(ClipCodeBatches(codes, 2).epoch(0, 1))
    again = list(ClipCodeBatches(codes, 2).epoch(0, 1))
    for one, other in zip(batches, again, strict=True):
        assert one.codes is not None
        assert other.codes is not None
        assert torch.equal(one.codes, other.codes)
        assert one.frames.shape == (2, 6, 0, 0, 0)
        assert one.codes.shape == (2, 6, model.code_length)


_SLOW = """
import sys, time
import torch
from actionunits.training.codes import FILE_ROWS, encode_once
from pathlib import Path
def encode(rows):
    if rows[0, 0] >= FILE_ROWS:
        print("second file", flush=True)
        time.sleep(float(sys.argv[2]))
    return rows / 8
pictures = lambda numbers: torch.arange(numbers.start, numbers.stop)[:, None].float()
encode_once(Path(sys.argv[1]), FILE_ROWS + 40, pictures, encode, key="k")
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_a_killed_encoding_goes_on_to_the_same_codes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _SLOW, str(tmp_path / "killed")]
    with subprocess.Popen([*command, "60"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "second file\n"
        process.send_signal(signal.SIGKILL)
    first = tmp_path / "killed" / "codes-000000.npy"
    made = first.stat().st_mtime_ns
    assert not (tmp_path / "killed" / "codes-000001.npy").exists()
    time.sleep(0.01)
    subprocess.run([*command, "0"], check=True, capture_output=True)
    assert first.stat().st_mtime_ns == made  # what was whole was kept
    subprocess.run([*command[:-1], str(tmp_path / "whole"), "0"], check=True, capture_output=True)
    for name in ("codes-000000.npy", "codes-000001.npy"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert json.loads((tmp_path / "killed" / "codes.json").read_text()) == "k"
