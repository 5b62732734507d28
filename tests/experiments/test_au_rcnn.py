"""Seed 001's items on licensed data, its recipes, mean boxes of a run, and the clock of Table 11."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from actionunits.datasets.fakes import FakeSize
from actionunits.errors import UserError
from actionunits.experiments.au_rcnn_boxes import box_table, mean_box_predictions, mean_of_boxes
from actionunits.experiments.au_rcnn_runs import METHODS, au_rcnn_outcomes, au_rcnn_recipes, pretrained_note
from actionunits.experiments.au_rcnn_speed import Speed, measured, outside_in_torch, ratio
from actionunits.experiments.crops import open_crops
from actionunits.experiments.cross_validate import spec_of
from actionunits.experiments.fakes import make_fake
from actionunits.experiments.recipe import load_recipe
from actionunits.experiments.reproduce import reproduce
from actionunits.experiments.reproduced import Request
from actionunits.facs.sets import AU_SETS


@pytest.mark.parametrize("data", ["bp4d", "disfa"])
def test_on_licensed_data_the_protocol_is_the_papers(tmp_path: Path, data: str) -> None:
    (tmp_path / "imagenet").mkdir()
    (tmp_path / "imagenet" / "resnet101.pth").touch()
    (tmp_path / "imagenet" / "vgg19.safetensors").touch()
    request = Request("paper", tmp_path, (data, tmp_path / "set"))
    recipes = au_rcnn_recipes(request, data, list(METHODS))
    for recipe in recipes.values():
        assert (recipe.data.name, recipe.folds.name, recipe.folds.validation) == (data, f"{data}-3", 0.0)
        assert recipe.model.config["aus"] == list(AU_SETS[{"bp4d": "bp4d-22", "disfa": "disfa-12"}[data]])
        training = recipe.training
        assert (training.epochs, training.lr, training.momentum, training.weight_decay) == (
            25,
            1e-3,
            0.9,
            5e-4,
        )
        assert (training.schedule, training.step_epochs, training.step_factor) == ("step", 10, 0.1)
        assert (recipe.batches.size, recipe.batches.augment.flip, recipe.scores.thresholds) == (
            5,
            0.5,
            "half",
        )
        assert recipe.model.config.get("size_px", 512) == 512
    assert {recipe.data.positive for recipe in recipes.values()} == {1 if data == "disfa" else None}
    files = {name: Path(recipe.model.pretrained).name for name, recipe in recipes.items()}
    assert files["ARres"] == files["CNNres"] == files["ARFPN"] == "resnet101.pth"
    assert (files["ARvgg19"], files["ARvgg16"]) == ("vgg19.safetensors", "")
    assert re.search(
        "CNNres, ARvgg19, ARres, ARFPN begin from ImageNet's.*the others", pretrained_note(recipes)
    )
    other = "disfa" if data == "bp4d" else "bp4d"
    with pytest.raises(UserError, match=f"this item is of {other}, got {data}"):
        au_rcnn_recipes(request, other, ["ARres"])


@pytest.mark.parametrize("name", ["bp4d", "disfa"])
def test_the_recipes_of_the_licensed_sets_are_the_same_protocol(tmp_path: Path, name: str) -> None:
    recipe = load_recipe(f"au_rcnn/{name}", scale="paper")
    table = au_rcnn_recipes(Request("paper", tmp_path, (name, Path(name.upper()))), name, ["ARres"])["ARres"]
    for part in ("data", "folds", "batches", "training", "scores"):
        ours, theirs = getattr(recipe, part), getattr(table, part)
        if part == "data":
            assert (ours.name, ours.root, ours.positive) == (theirs.name, theirs.root, theirs.positive)
        else:
            assert ours == theirs
    assert recipe.model.config == table.model.config


def test_mean_boxes_of_a_licensed_set(tmp_path: Path) -> None:
    make_fake("bp4d", tmp_path / "set", FakeSize(subjects=3, sequences=1, frames=4))
    files = reproduce(
        "au_rcnn", "table12", tmp_path / "out", data=[f"bp4d={tmp_path / 'set'}"], runs=tmp_path / "runs"
    )
    assert re.match(r"Data: bp4d, 3 people", files[0].read_text())
    table = pd.read_csv(tmp_path / "out" / "au_rcnn-table12.csv", index_col=0)
    assert table["AU group"].tolist() == [1, 1, 2, 3, 4, 5, 6, 7, 8]
    published = pd.read_csv(tmp_path / "out" / "au_rcnn-table12-published.csv", index_col=0).dropna()
    ours = table[table["AU group"] == 5].iloc[0]
    theirs = published[published["AU group"] == 5].iloc[0]
    assert np.abs(ours - theirs).max() < 60  # painted faces: the same place, not the same numbers
    with pytest.raises(UserError, match="these boxes are of disfa"):
        reproduce("au_rcnn", "table13", tmp_path / "out", data=[f"bp4d={tmp_path / 'set'}"])


def test_mean_boxes_change_the_boxes_and_nothing_else(tmp_path: Path) -> None:
    request = Request("tiny", tmp_path)
    outcomes, recipes, _ = au_rcnn_outcomes(request, "bp4d", ("ARres", "ARmean_box"))
    own, mean = outcomes["ARres"].predictions, outcomes["ARmean_box"].predictions
    plain = [name for name in own.columns if not name.endswith("_p")]
    pd.testing.assert_frame_equal(own[plain], mean[plain], check_dtype=False)
    said = [name for name in own.columns if name.endswith("_p")]
    apart = (own[said] - mean[said]).abs().to_numpy()
    assert 0 < apart.max() < 0.5
    recipe = recipes["ARres"]
    crops = open_crops(recipe.data, spec_of(recipe), tmp_path / "data")
    boxes = mean_of_boxes(crops, spec_of(recipe), crops.index)
    assert boxes.shape == (8, 4)
    assert boxes.min() >= 0
    assert boxes.max() <= 1
    table = box_table(spec_of(recipe), boxes * spec_of(recipe).size_px)
    assert table.iloc[5, 1:].to_numpy() == pytest.approx(512 * boxes[5, [1, 0, 3, 2]])
    done = (outcomes["ARres"].run / "mean-box" / "predictions.parquet").stat().st_mtime_ns
    mean_box_predictions(recipe, outcomes["ARres"].run, crops, outcomes["ARres"].run / "mean-box")
    assert (outcomes["ARres"].run / "mean-box" / "predictions.parquet").stat().st_mtime_ns == done


def test_networks_are_timed_in_turns() -> None:
    order: list[str] = []

    def network(name: str, seconds: float):
        def run() -> None:
            order.append(name)
            time.sleep(seconds)

        return run

    speeds = measured({"Ours": network("Ours", 0.004), "LCN": network("LCN", 0.012)}, trials=4, passes=2)
    assert order == ["Ours", "LCN"] * 9  # once to warm up
    assert (speeds["Ours"].ms >= 4).all()
    middle, low, high = ratio(
        {"Ours": Speed(np.array([1.0, 2, 6])), "LCN": Speed(np.array([2.0, 8, 8]))}, "LCN"
    )
    assert (middle, low, high) == (0.5, 0.25, 0.75)


def test_the_shares_of_a_profile_are_of_the_whole_time() -> None:
    shares = outside_in_torch(64, "resnet18", passes=1)
    outside = shares.pop("outside")
    assert sum(shares.values()) == pytest.approx(1.0)
    assert 0 < outside < 1
    assert outside == pytest.approx(
        sum(share for name, share in shares.items() if not re.search("conv|addmm|linear|aten::mm$", name)),
        abs=1e-6,
    )
    assert any("convolution" in name for name in shares)
