"""Recipes: read, scaled, changed, checked, and written back."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actionunits.errors import UserError
from actionunits.experiments.recipe import (
    change_values,
    load_recipe,
    read_recipe,
    recipe_from,
    recipe_names,
    to_toml,
)
from actionunits.models.cooccurrence.ties import Ties
from actionunits.models.registry import REGISTRY

OWN = [name for name in recipe_names() if not name.startswith("embedded/")]


def test_there_is_a_recipe_for_each_family() -> None:
    papers = {row.paper for row in REGISTRY.values()} - {"own"}
    assert {name.split("/")[0] for name in OWN} == papers


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("scale", [None, "tiny", "small", "paper"])
def test_every_recipe_is_whole_at_every_scale(name: str, scale: str | None) -> None:
    recipe = load_recipe(name, scale=scale)
    assert recipe.model.name in REGISTRY
    again = recipe_from(tomllib.loads(to_toml(recipe)))
    assert again == recipe
    assert to_toml(again) == to_toml(recipe)


def test_the_papers_hyper_parameters_stand_in_the_recipes() -> None:
    facs3d = load_recipe("facs3d/cnn2d", scale="paper")
    training = facs3d.training
    assert (training.epochs, training.optimiser, training.lr, training.momentum) == (30, "sgd", 1e-3, 0.9)
    assert (facs3d.batches.size, facs3d.batches.weights, facs3d.folds.count) == (20, "inverse_base_rate", 5)
    for name in ("net", "cnn_lstm"):
        other = load_recipe(f"facs3d/{name}", scale="paper")
        assert (other.training, other.batches.weights) == (training, "inverse_base_rate")
    rcnn = load_recipe("au_rcnn/cnn_res", scale="paper")
    training = rcnn.training
    assert (training.epochs, training.lr, training.weight_decay, training.step_epochs) == (25, 1e-3, 5e-4, 10)
    assert (rcnn.batches.size, rcnn.folds.count, rcnn.batches.augment.flip) == (5, 3, 0.5)
    caud = load_recipe("caud/heads", scale="paper")
    assert (caud.training.epochs, caud.training.lr, caud.training.weight_decay) == (100, 1e-4, 5e-3)
    assert (caud.model.config["units"], caud.folds.count) == (4096, 10)


def test_changes_reach_their_tables() -> None:
    recipe = load_recipe(
        "facs3d/cnn2d", ["lr=0.5", "model.config.code=7", "scores.choose_by=F1", "sequences=3"]
    )
    assert recipe.training.lr == 0.5
    assert recipe.model.config["code"] == 7
    assert recipe.scores.choose_by == "F1"
    assert recipe.data.sequences == 3
    scaled = load_recipe("facs3d/cnn2d", ["epochs=4"], scale="tiny")
    assert (scaled.training.epochs, scaled.training.max_steps) == (4, 1)
    assert scaled.model.name == "facs3d/cnn2d"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("trainin.lr=3", "does not know 'trainin': did you mean 'training'"),
        ("training.epoch=3", "does not know 'epoch': did you mean 'epochs'"),
        ("epoch=3", "did you mean 'epochs'"),
        ("model.config.kernl=3", "did you mean 'kernel'"),
        ("model.name=facs3d/cnn", "did you mean 'facs3d/cnn2d'"),
        ("training.lr=high", "lr must be float"),
        ("training.epochs=0", "must be 1 or more"),
        ("training.optimiser=adam", "cannot be 'adam': did you mean 'adamw'"),
        ("batches.sampler=pattern", "did you mean 'patterns'"),
        ("scores.metrics=['F2']", "unknown metric 'F2'"),
        ("folds.count=1", "count must be 2 or more"),
        ("nonsense", "write key=value"),
        ("title.x=1", "'title' is a value, not a table"),
    ],
)
def test_mistakes_give_one_line_with_the_nearest(change: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        load_recipe("facs3d/cnn2d", [change])
    assert "\n" not in str(caught.value)


def test_unknown_recipes_scales_and_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'facs3d/cnn2d'"):
        read_recipe("facs3d/cnn")
    with pytest.raises(UserError, match="unknown scale 'huge'"):
        load_recipe("facs3d/cnn2d", scale="huge")
    path = tmp_path / "mine.toml"
    path.write_text("title = ")
    with pytest.raises(UserError, match="not valid TOML"):
        read_recipe(path)
    path.write_text('title = "x"\npaper = "facs3d"\n')
    with pytest.raises(UserError, match="needs model"):
        load_recipe(path)


PLAIN = st.one_of(
    st.integers(-9, 9),
    st.floats(-9, 9, allow_nan=False),
    st.booleans(),
    st.text("ab \"\\\n\tÄ'#=", max_size=6),
)
KEYS = st.text("abc_", min_size=1, max_size=4)
TABLES = st.recursive(
    st.dictionaries(KEYS, st.one_of(PLAIN, st.lists(st.integers(0, 3), max_size=3))),
    lambda inner: st.dictionaries(KEYS, st.one_of(PLAIN, inner)),
    max_leaves=8,
)


@given(values=TABLES)
def test_what_is_written_reads_back(values) -> None:
    def without_empty(table):
        return {key: without_empty(v) if isinstance(v, dict) else v for key, v in table.items()}

    assert tomllib.loads(to_toml(values)) == without_empty(values)


def test_ties_are_switched_and_set() -> None:
    plain = load_recipe("facs3d/cnn2d", ["cooccurrence=true"])
    assert plain.ties == Ties()
    set_ = load_recipe("cooccurrence/cnn3d", ["cooccurrence.strength=0.2", "cooccurrence.signs=labels"])
    assert set_.ties == Ties(strength=0.2, signs="labels")
    assert load_recipe("cooccurrence/cnn3d", ["cooccurrence=false"]).ties is None
    with pytest.raises(UserError, match="decides whole AU patterns"):
        load_recipe("patterns/network3", ["cooccurrence=true"])
    with pytest.raises(UserError, match="did you mean 'cooccurrence'"):
        load_recipe("facs3d/cnn2d", ["cooccurence=true"])
    with pytest.raises(UserError, match="cooccurrence must be true or false or a table, got 'True'"):
        load_recipe("facs3d/cnn2d", ["cooccurrence=True"])
    with pytest.raises(UserError, match="did you mean 'strength'"):
        load_recipe("cooccurrence/cnn3d", ["cooccurrence.strenght=0.2"])


def test_a_change_leaves_the_given_values_alone() -> None:
    values = {"training": {"lr": 0.1}}
    assert change_values(values, ["training.lr=0.2"])["training"]["lr"] == 0.2
    assert values == {"training": {"lr": 0.1}}


def test_what_is_no_recipe_is_named_as_what_it_is(tmp_path) -> None:
    (tmp_path / "table.csv").touch()
    with pytest.raises(UserError, match=r"table.csv is not a recipe: expected a .toml file"):
        read_recipe(tmp_path / "table.csv")
    with pytest.raises(UserError, match="is a folder: give a recipe's TOML file"):
        read_recipe(tmp_path)


def test_a_network_of_segments_has_no_logits_to_tie() -> None:
    with pytest.raises(UserError, match="au_rcnn/ar_tal learns whole segments .* leave cooccurrence out"):
        load_recipe("au_rcnn/ar_tal", ["cooccurrence=true"], "tiny")
