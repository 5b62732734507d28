"""Every recipe runs one step from data to scores; a stopped cross-validation goes on fold by fold."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from actionunits.errors import UserError
from actionunits.experiments.cross_validate import cross_validate, folds_of, score_predictions, spec_of
from actionunits.experiments.evaluate import evaluate_model, evaluate_run
from actionunits.experiments.recipe import DataSettings, load_recipe, recipe_from, recipe_names
from actionunits.experiments.synthetic import synthetic_samples
from actionunits.faces.align import inter_ocular_distance
from actionunits.models.weights import load_model, read_header
from actionunits.records import InputSpec, Landmarks

OWN = [name for name in recipe_names() if not name.startswith("embedded/")]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("samples")


@pytest.mark.parametrize("name", OWN)
def test_one_step_of_every_recipe(tmp_path: Path, cache: Path, name: str) -> None:
    recipe = load_recipe(name, scale="tiny")
    epochs = []
    table = cross_validate(recipe, tmp_path, cache=cache, on_epoch=lambda fold, record: epochs.append(fold))
    assert table.aus == spec_of(recipe).aus
    assert table.metrics == recipe.scores.metrics
    assert table.per_fold is not None
    assert len(table.per_fold) == 2
    predictions = pd.read_parquet(tmp_path / "predictions.parquet")
    assert len(predictions) == recipe.data.subjects * recipe.data.pictures
    assert predictions.groupby("subject")["fold"].nunique().max() == 1
    probability = predictions[[c for c in predictions.columns if c.endswith("_p")]].to_numpy()
    assert ((probability >= 0) & (probability <= 1)).all()
    assert recipe_from(tomllib.loads((tmp_path / "recipe.toml").read_text())) == recipe
    assert (
        json.loads((tmp_path / "run.json").read_text())["versions"]["torch"]
        == torch.__version__.split("+")[0]
    )
    assert "No number here can be compared" in (tmp_path / "report.html").read_text()
    header = read_header(tmp_path / "fold-1" / "model.safetensors")
    tested = set(predictions[predictions["fold"] == 1]["subject"])
    assert set(header.card["subjects"]["test"]) == tested
    assert not tested & {*header.card["subjects"]["train"], *header.card["subjects"]["validation"]}
    assert load_model(tmp_path / "fold-1" / "model.safetensors").spec.aus == table.aus


def test_folds_that_are_done_are_kept_and_the_rest_goes_on(tmp_path: Path, cache: Path) -> None:
    recipe = load_recipe("facs3d/cnn2d", scale="tiny")
    whole = cross_validate(recipe, tmp_path / "whole", cache=cache)
    first = cross_validate(recipe, tmp_path / "cut", cache=cache, only=[2])
    assert first.per_fold is not None
    assert len(first.per_fold) == 1
    before = (tmp_path / "cut" / "fold-2" / "predictions.parquet").stat().st_mtime_ns
    resumed = cross_validate(recipe, tmp_path / "cut", cache=cache)
    assert (tmp_path / "cut" / "fold-2" / "predictions.parquet").stat().st_mtime_ns == before
    np.testing.assert_array_equal(resumed.values, whole.values)
    other = load_recipe("facs3d/cnn2d", ["training.lr=0.5"], scale="tiny")
    with pytest.raises(UserError, match="holds a run of another recipe"):
        cross_validate(other, tmp_path / "cut", cache=cache)
    with pytest.raises(UserError, match="no fold 3"):
        cross_validate(recipe, tmp_path / "cut", cache=cache, only=[3])


def test_nobody_stands_on_two_sides() -> None:
    recipe = load_recipe("facs3d/cnn2d")
    names = [f"p{n}" for n in range(11)]
    folds = folds_of(recipe, names)
    assert sorted(name for fold in folds.folds for name in fold.test) == sorted(names)
    for fold in folds.folds:
        sides = [set(fold.train), set(fold.validation), set(fold.test)]
        assert set().union(*sides) == set(names)
        assert sum(map(len, sides)) == len(names)
        assert sides[1]


def test_a_run_and_a_model_are_scored_again(tmp_path: Path, cache: Path) -> None:
    recipe = load_recipe("caud/heads", scale="tiny")
    table = cross_validate(recipe, tmp_path, cache=cache)
    assert np.array_equal(evaluate_run(tmp_path, table.metrics).values, table.values, equal_nan=True)
    low = evaluate_run(tmp_path, ["recall"], threshold=0.0).values
    assert set(np.unique(low[~np.isnan(low)])) == {1.0}
    with pytest.raises(UserError, match=r"no predictions\.parquet"):
        evaluate_run(tmp_path / "fold-1" / "run", ["F1"])
    model = tmp_path / "fold-1" / "model.safetensors"
    changes = ["data.subjects=2", "data.pictures=3", "data.seed=8"]
    scores = evaluate_model(model, "caud/heads", changes, ["ACC"], cache=cache)
    assert scores.values.shape == (12, 1)


def test_a_table_that_is_no_predictions_is_refused() -> None:
    with pytest.raises(UserError, match="no table of predictions"):
        score_predictions(pd.DataFrame({"a": [1]}), ["F1"])


SPEC = InputSpec(
    aus=(1, 4, 12, 25), size_px=80, inter_ocular_px=30.0, channels=3, normalisation=((0.0,) * 3, (1.0,) * 3)
)


def test_synthetic_samples_are_the_same_again_aligned_and_labelled_from_b(tmp_path: Path) -> None:
    settings = DataSettings(subjects=2, pictures=12, seed=1)
    store = synthetic_samples(tmp_path / "a", settings, SPEC)
    other = synthetic_samples(tmp_path / "b", settings, SPEC)
    assert len(store) == 24
    for row in (0, 13):
        assert np.array_equal(store[row].frames, other[row].frames)
        assert np.array_equal(store[row].labels, store[row].intensity >= 2)
        assert inter_ocular_distance(Landmarks(store[row].landmarks[0])) == pytest.approx(30.0, abs=1e-3)
    assert (store.labels == 1).any()
    assert (store.labels == 0).any()
    assert {store[row].subject for row in range(24)} == set(store.subjects)
    assert [p.name[:9] for p in (tmp_path / "a").iterdir()] == ["synthetic"]
    one = store.of_subjects([store.subjects[1]])
    assert len(one) == 12
    assert np.array_equal(one[0].frames, store[12].frames)
    assert not np.array_equal(store[0].frames, store[12].frames)
    with pytest.raises(UserError, match="not made yet"):
        synthetic_samples(
            tmp_path, settings, InputSpec(aus=(1,), size_px=80, inter_ocular_px=30.0, clip_length=7)
        )
