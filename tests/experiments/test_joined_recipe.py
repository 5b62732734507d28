"""The three CASME sets as one experiment: from their folders to crops, clips and folds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from actionunits.cli.main import app
from actionunits.datasets.cache import CropCache
from actionunits.datasets.fakes import FakeSize
from actionunits.errors import UserError
from actionunits.experiments.crops import data_line, folds_of, open_crops, used_index
from actionunits.experiments.cross_validate import cross_validate, spec_of
from actionunits.experiments.fakes import make_fake
from actionunits.experiments.recipe import load_recipe
from actionunits.experiments.reproduce import reproduce
from actionunits.experiments.reproduced import Request
from actionunits.experiments.train import samples_of_fold

FAMILY = ("casme", "casme2", "casme_squared")
MICRO = "data.expressions=micro"


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("family")
    for name in FAMILY:
        make_fake(name, place / name, FakeSize(subjects=2, sequences=1, frames=9), size_px=200)
    return {name: place / name for name in FAMILY}


@pytest.fixture(scope="module")
def crops(roots: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> CropCache:
    """One command."""
    out = tmp_path_factory.mktemp("joined") / "crops"
    words = [f"{name}={root}" for name, root in roots.items()]
    done = CliRunner().invoke(app, ["prepare", "joined", *words, "--spec", "cooccurrence", "--out", str(out)])
    assert done.exit_code == 0, done.output
    return CropCache(out)


def _recipe(crops: CropCache, *changes: str):
    return load_recipe(
        "cooccurrence/cnn3d",
        ["data.name=joined", f"data.cache={crops.folder}", MICRO, "folds.count=2", *changes],
    )


def test_clips_are_cut_at_the_apexes_of_micro_expressions(crops: CropCache, tmp_path: Path) -> None:
    recipe = _recipe(crops)
    spec = spec_of(recipe)
    opened = open_crops(recipe.data, spec, tmp_path)
    index = used_index(recipe.data, opened)
    assert data_line(recipe.data, index).startswith(
        "Data: casme + casme2 + casme_squared, micro-expressions, 6 people, 6 sequences"
    )
    seen = 0
    for fold in folds_of(recipe.folds, index).folds:
        assert all("/" in subject for subject in (*fold.train, *fold.test))
        samples = samples_of_fold(recipe, opened, spec, fold).test
        seen += len(samples)
        assert (samples.rows.shape[1], samples.spec.clip_length) == (7, 7)
    micro = [event for event in opened.events if event.kind == "micro"]
    known = [event for event in micro if event.aus]
    assert len(micro) < len(opened.events)
    assert seen == len(known)


def test_seven_frames_can_span_the_same_time_in_all_sets(crops: CropCache, tmp_path: Path) -> None:
    recipe = _recipe(crops, "data.clip_rate_hz=30")
    spec = spec_of(recipe)
    fold = folds_of(recipe.folds, crops.index).folds[0]
    samples = samples_of_fold(recipe, crops, spec, fold).train
    table = samples.index.table
    steps = {}
    for rows, repeated in zip(samples.rows, samples.repeated, strict=True):
        if not repeated[3:5].any():
            steps[table["dataset"].iloc[rows[3]]] = int(np.diff(table["frame"].to_numpy()[rows[3:5]])[0])
    assert steps.items() <= {"casme": 2, "casme2": 7, "casme_squared": 1}.items()
    assert steps


def test_joined_sets_are_trained_on_out_of_their_folders(roots: dict[str, Path], tmp_path: Path) -> None:
    words = [f"data.sets.{name}={root}" for name, root in roots.items() if name != "casme2"]
    recipe = load_recipe("cooccurrence/cnn2d", ["data.name=joined", *words, MICRO], "tiny")
    table = cross_validate(recipe, tmp_path / "run")
    assert table.aus == spec_of(recipe).aus
    assert (tmp_path / "run" / "data" / "casme+casme_squared-100px" / "cache.json").is_file()
    assert "casme_squared" in (tmp_path / "run" / "recipe.toml").read_text()


def test_what_is_joined_must_be_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"say what is joined: data\.sets\.casme=FOLDER"):
        load_recipe("cooccurrence/cnn2d", ["data.name=joined"])
    with pytest.raises(UserError, match=r"data\.sets names the folders of data\.name=joined"):
        load_recipe("cooccurrence/cnn2d", ["data.sets.casme=somewhere"])
    with pytest.raises(UserError, match="unknown data set 'casme3': did you mean 'casme'"):
        load_recipe("cooccurrence/cnn2d", ["data.name=joined", "data.sets.casme3=somewhere"])
    said = CliRunner().invoke(app, ["prepare", "casme", "a", "b", "--out", str(tmp_path / "crops")])
    assert "expected the folder of casme, got a b; several sets are `joined`" in str(said.exception)
    said = CliRunner().invoke(app, ["prepare", "joined", "a", "--out", str(tmp_path / "crops")])
    assert "expected NAME=FOLDER" in str(said.exception)


def test_only_papers_that_join_data_sets_take_several(roots: dict[str, Path], tmp_path: Path) -> None:
    words = [f"{name}={root}" for name, root in roots.items()]
    with pytest.raises(UserError, match="facs3d table1 takes one data set, got casme, casme2, casme_squared"):
        reproduce("facs3d", "table1", tmp_path, data=words)
    with pytest.raises(UserError, match="expected casme once"):
        reproduce("cooccurrence", "table6", tmp_path, data=[words[0], words[0]])
    request = Request("tiny", tmp_path, sets=roots)
    assert request.data_name == "casme+casme2+casme_squared"
    assert request.data_changes()[0] == "data.name=joined"
    one = Request("tiny", tmp_path, sets={"casme": roots["casme"]})
    assert one.data_changes() == ["data.name=casme", f"data.root={roots['casme']}"]
    assert Request("tiny", tmp_path).data_changes() == []


def test_the_labels_of_joined_sets_stand_beside_tables_3_and_4(
    roots: dict[str, Path], tmp_path: Path
) -> None:
    words = [f"{name}={root}" for name, root in roots.items()]
    for item in ("table3", "table4"):
        files = reproduce("cooccurrence", item, tmp_path, data=words)
        page = files[0].read_text()
        assert page.startswith("Data: casme + casme2 + casme_squared, 6 micro-expressions of 6 people.")
        assert "as we chose" not in page
    counts = pd.read_csv(tmp_path / "cooccurrence-table4.csv", index_col=0)
    assert counts.loc["AU4", "samples, paper"] == 248
    assert 0 < counts["samples"].sum() < 40
    pairs = pd.read_csv(tmp_path / "cooccurrence-table3.csv", index_col=0)
    assert len(pairs) == 13
    assert pairs.loc["23, 24", "labels say"] == "unknown"  # the fakes do not code AU23
