"""Every recipe runs one step from data to scores; a stopped cross-validation goes on fold by fold."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from actionunits.datasets.fakes import FakeSize
from actionunits.errors import UserError
from actionunits.experiments.crops import folds_of, open_crops
from actionunits.experiments.cross_validate import cross_validate, score_predictions, spec_of
from actionunits.experiments.evaluate import evaluate_model, evaluate_run, learnt_from
from actionunits.experiments.fakes import make_fake
from actionunits.experiments.recipe import DataSettings, FoldSettings, load_recipe, recipe_from, recipe_names
from actionunits.experiments.synthetic import coded_set, synthetic_crops
from actionunits.experiments.train import samples_of_fold, settings_of_fold
from actionunits.faces.align import inter_ocular_distance
from actionunits.facs.sets import AU_SETS
from actionunits.models.weights import load_model, read_header
from actionunits.records import InputSpec, LabelIndex, Landmarks
from actionunits.training.data import CropSamples

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
    of_each = 1 if recipe.data.scored_clips == "apex" else recipe.data.frames
    frames = recipe.data.subjects * recipe.data.sequences * of_each
    assert 0.8 * frames <= len(predictions) <= frames  # dlib does not find every face
    assert not predictions.duplicated(["subject", "sequence", "frame"]).any()
    assert predictions.groupby("subject")["fold"].nunique().max() == 1
    probability = predictions[[c for c in predictions.columns if c.endswith("_p")]].to_numpy()
    assert ((probability >= 0) & (probability <= 1)).all()
    assert recipe_from(tomllib.loads((tmp_path / "recipe.toml").read_text())) == recipe
    assert (
        json.loads((tmp_path / "run.json").read_text())["versions"]["torch"]
        == torch.__version__.split("+")[0]
    )
    assert "no number here can be compared" in (tmp_path / "report.html").read_text()
    header = read_header(tmp_path / "fold-1" / "model.safetensors")
    tested = set(predictions[predictions["fold"] == 1]["subject"])
    assert set(header.card["subjects"]["test"]) == tested
    if recipe.data.name == "synthetic" and header.spec.clip_length > 1 and recipe.data.clips != "spread":
        assert header.card["frames_hz"] == pytest.approx(recipe.data.rate_hz, rel=1e-3)
    assert not tested & {*header.card["subjects"]["train"], *header.card["subjects"]["validation"]}
    assert load_model(tmp_path / "fold-1" / "model.safetensors").spec.aus == table.aus


def test_folds_that_are_done_are_kept_and_the_rest_goes_on(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = load_recipe("facs3d/cnn2d", scale="tiny")
    whole = cross_validate(recipe, tmp_path / "whole", cache=cache)
    first = cross_validate(recipe, tmp_path / "cut", cache=cache, only=[2])
    assert first.per_fold is not None
    assert len(first.per_fold) == 1
    before = (tmp_path / "cut" / "fold-2" / "predictions.parquet").stat().st_mtime_ns
    resumed = cross_validate(recipe, tmp_path / "cut", cache=cache)
    assert (tmp_path / "cut" / "fold-2" / "predictions.parquet").stat().st_mtime_ns == before
    np.testing.assert_array_equal(resumed.values, whole.values)
    made = json.loads((tmp_path / "cut" / "run.json").read_text())
    (tmp_path / "cut" / "run.json").write_text(json.dumps({**made, "commit": "before"}))
    again = cross_validate(recipe, tmp_path / "cut", cache=cache, only=[2])  # a later look at one fold
    assert again.per_fold is not None
    assert len(again.per_fold) == 2
    assert pd.read_parquet(tmp_path / "cut" / "predictions.parquet")["fold"].nunique() == 2
    assert json.loads((tmp_path / "cut" / "run.json").read_text())["commit"] == "before"
    longer = load_recipe("facs3d/cnn2d", ["training.epochs=3", "training.lr=0.5"], scale="tiny")
    cross_validate(longer, tmp_path / "cut", cache=cache)  # what mends a run may change
    other = load_recipe("facs3d/cnn2d", ["training.optimiser=adamw"], scale="tiny")
    with pytest.raises(UserError, match="holds a run of another recipe"):
        cross_validate(other, tmp_path / "cut", cache=cache)
    with pytest.raises(UserError, match="no fold 3"):
        cross_validate(recipe, tmp_path / "cut", cache=cache, only=[3])
    monkeypatch.setattr("actionunits.experiments.synthetic.ANIMATION_VERSION", "another")
    with pytest.raises(UserError, match="synthetic faces that are drawn otherwise now"):
        cross_validate(recipe, tmp_path / "cut", only=[1])


@pytest.mark.parametrize("name", ["k-fold", "leave-one-subject-out", "thirds"])
def test_nobody_stands_on_two_sides(name: str) -> None:
    people = [f"p{n:02}" for n in range(11)]
    index = LabelIndex.make(pd.DataFrame({"subject": people, "sequence": "s", "frame": 1, "AU12": 0}))
    folds = folds_of(FoldSettings(name=name), index)
    tested = sorted(who for fold in folds.folds for who in fold.test)
    assert len(set(tested)) == len(tested)
    assert tested == people or name == "thirds"
    for fold in folds.folds:
        sides = [set(fold.train), set(fold.validation), set(fold.test)]
        assert set().union(*sides) == set(people)
        assert sum(map(len, sides)) == len(people)
        assert sides[1]


def test_published_folds_and_unknown_ones() -> None:
    people = [f"SN{n:03}" for n in (1, 2, 9, 6, 11, 3, 4)]
    index = LabelIndex.make(pd.DataFrame({"subject": people, "sequence": "s", "frame": 1, "AU12": 0}))
    folds = folds_of(FoldSettings(name="disfa-3", validation=0), index)
    assert [fold.test for fold in folds.folds] == [
        ("SN001", "SN002", "SN009"),
        ("SN006", "SN011"),
        ("SN003", "SN004"),
    ]
    with pytest.raises(UserError, match="unknown folds 'bp4d'"):
        FoldSettings(name="bp4d")


def test_a_run_and_a_model_are_scored_again(tmp_path: Path, cache: Path) -> None:
    recipe = load_recipe("caud/heads", scale="tiny")
    table = cross_validate(recipe, tmp_path, cache=cache)
    assert np.array_equal(evaluate_run(tmp_path, table.metrics).values, table.values, equal_nan=True)
    low = evaluate_run(tmp_path, ["recall"], threshold=0.0).values
    assert set(np.unique(low[~np.isnan(low)])) == {1.0}
    with pytest.raises(UserError, match=r"no predictions\.parquet"):
        evaluate_run(tmp_path / "fold-1" / "run", ["F1"])
    model = tmp_path / "fold-1" / "model.safetensors"
    changes = ["data.subjects=2", "data.sequences=3", "data.seed=8"]
    assert not learnt_from(model, "caud/heads", changes)
    assert learnt_from(
        model, "caud/heads", [f"data.subjects={load_recipe('caud/heads', scale='tiny').data.subjects}"]
    )
    scores = evaluate_model(model, "caud/heads", changes, ["ACC"], cache=cache)
    assert scores.values.shape == (12, 1)


def test_a_table_that_is_no_predictions_is_refused() -> None:
    with pytest.raises(UserError, match="no table of predictions"):
        score_predictions(pd.DataFrame({"a": [1]}), ["F1"])


SPEC = InputSpec(
    aus=(1, 4, 12, 25), size_px=80, inter_ocular_px=30.0, channels=3, normalisation=((0.0,) * 3, (1.0,) * 3)
)


def test_the_synthetic_set_is_the_same_again_aligned_and_labelled_from_b(tmp_path: Path) -> None:
    settings = DataSettings(subjects=2, sequences=12, seed=1)
    crops = synthetic_crops(tmp_path / "a", settings, SPEC)
    other = synthetic_crops(tmp_path / "b", settings, SPEC)
    assert crops.digest == other.digest
    samples = CropSamples(crops, SPEC)
    assert len(samples) + crops.summary["faceless"] == 24
    assert len(samples) >= 20
    for row in (0, 13):
        assert np.array_equal(samples[row].labels, samples[row].intensity >= 2)
        assert inter_ocular_distance(Landmarks(samples[row].landmarks[0])) == pytest.approx(30.0, abs=1e-3)
    assert {0, 1} <= set(np.unique(samples.labels))
    assert set(samples.subject) == set(coded_set(settings, SPEC.aus).names)
    assert [p.name[:9] for p in (tmp_path / "a").iterdir()] == ["synthetic"]


def test_a_synthetic_set_codes_what_its_source_codes() -> None:
    settings = DataSettings(subjects=1, sequences=1, frames=30)
    assert coded_set(settings, (12, 1)).aus == AU_SETS["bp4d-12"]
    assert coded_set(settings, (25, 1)).aus == AU_SETS["disfa-12"]
    assert coded_set(settings, (9, 24)).aus == (9, 24)
    with pytest.raises(UserError, match="bp4d does not code AU 25"):
        coded_set(DataSettings(coding="bp4d"), (25,))


def test_a_licensed_set_is_prepared_and_learnt_from(tmp_path: Path) -> None:
    """A fake of BP4D's layout in the place of the real one: clips of a video model, named folds."""
    make_fake("bp4d", tmp_path / "bp4d", FakeSize(subjects=4, sequences=1, frames=6))
    changes = [
        "data.name=bp4d",
        f"data.root={tmp_path / 'bp4d'}",
        "folds.count=2",
        "model.config.clip_length=4",
        "batches.size=1",
        "training.max_steps=1",
        "model.config.size_px=80",
        "model.config.inter_ocular_px=32.0",
        "model.config.filters=[4,4,4]",
        "training.accumulate=1",
    ]
    recipe = load_recipe("facs3d/cnn_lstm", changes)
    table = cross_validate(recipe, tmp_path / "run")
    assert table.aus == spec_of(recipe).aus
    predictions = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    crops = open_crops(recipe.data, spec_of(recipe), tmp_path / "run" / "data")
    assert len(predictions) == int(crops.frames["found"].sum())
    assert "can be compared" not in (tmp_path / "run" / "report.html").read_text()
    with pytest.raises(UserError, match=r"say where bp4d is: data.root=FOLDER"):
        load_recipe("facs3d/cnn2d", ["data.name=bp4d"])
    with pytest.raises(UserError, match="unknown data set 'bp5d': did you mean 'bp4d'"):
        load_recipe("facs3d/cnn2d", ["data.name=bp5d"])


def test_stills_and_clips_of_the_same_frames_weigh_the_aus_alike(cache: Path) -> None:
    weights = []
    for name in ("cnn2d", "cnn_lstm", "net"):
        recipe = load_recipe(f"facs3d/{name}", scale="tiny")
        crops = open_crops(recipe.data, spec_of(recipe), cache)
        fold = folds_of(recipe.folds, crops.index).folds[0]
        samples = samples_of_fold(recipe, crops, spec_of(recipe), fold)
        weights.append(settings_of_fold(recipe, samples.train.frame_labels, 0).label_weights)
    assert weights[0] == weights[1] == weights[2]
    assert np.mean(weights[0]) == pytest.approx(1)
    assert np.ptp(weights[0]) > 0.2


def test_clips_need_frames_that_follow_one_another(tmp_path: Path, cache: Path) -> None:
    small = ["data.frames=120", "data.sequences=1", "model.config.frame_step=1"]
    thinned = ["data.thin_frames=56", "data.thin_step=2", *small]
    recipe = load_recipe("facs3d/net", thinned, scale="tiny")
    crops = open_crops(recipe.data, spec_of(recipe), cache)
    fold = folds_of(recipe.folds, crops.index).folds[0]
    samples = samples_of_fold(recipe, crops, spec_of(recipe), fold)  # one clip a sequence, over the gaps
    assert {len(np.unique(rows)) for rows in samples.train.rows} == {56}
    tiled = load_recipe("facs3d/net", [*thinned, "data.clips=tile"], scale="tiny")
    with pytest.raises(UserError, match="clips of 56 frames show 1 different ones"):
        samples_of_fold(tiled, crops, spec_of(tiled), fold)


def test_a_cache_of_other_data_is_refused(tmp_path: Path, cache: Path) -> None:
    recipe = load_recipe("patterns/network5", scale="tiny")
    crops = open_crops(recipe.data, spec_of(recipe), cache)
    with pytest.raises(UserError, match="holds crops of synthetic, not of bp4d"):
        open_crops(DataSettings(name="bp4d", cache=str(crops.folder)), spec_of(recipe), cache)


def test_clips_are_not_scored_on_stills(tmp_path: Path, cache: Path) -> None:
    recipe = load_recipe("facs3d/net", scale="tiny")
    cross_validate(recipe, tmp_path, cache=cache, only=[1])
    model = tmp_path / "fold-1" / "model.safetensors"
    with pytest.raises(UserError, match="takes clips of 56 frames, these painted data have 1"):
        evaluate_model(model, None, [], ["F1"], cache=cache)


def test_a_refused_value_leaves_nothing_that_refuses_the_corrected_one(tmp_path: Path) -> None:
    for change, message in (
        ("data.around=1", "reach 3 frames from the apex"),
        ("data.frames=3", r"data\.coding=micro"),
        ("folds.count=9", "subjects"),
    ):
        with pytest.raises(UserError, match=message):
            cross_validate(load_recipe("cooccurrence/cnn3d", [change], "tiny"), tmp_path / "run")
        assert not (tmp_path / "run" / "recipe.toml").exists()
        assert not (tmp_path / "run" / "run.json").exists()
