"""Every item is listed with an honest state; what is ready is made, in seconds."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from actionunits.datasets.fakes import FakeSize
from actionunits.errors import UserError
from actionunits.experiments.fakes import make_fake
from actionunits.experiments.reproduce import ITEMS, MAKERS, reproduce
from actionunits.experiments.reproduce_labels import synthetic_labels

READY = [item for item in ITEMS if item.state == "ready"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Items share crops and trainings."""
    return tmp_path_factory.mktemp("runs")


def test_the_list_is_whole() -> None:
    of = {paper: {item.item for item in ITEMS if item.paper == paper} for paper in {i.paper for i in ITEMS}}
    figures = {"fig4", "fig5", "fig7", "fig9", "fig10"}
    over_time = {"table5-dynamic", "table8-dynamic"}
    assert of["au_rcnn"] == {*(f"table{n}" for n in range(4, 17)), *over_time, *figures}
    assert of["caud"] == {*(f"table{n}" for n in range(1, 6)), "fig5", "fig6"}
    assert of["facs3d"] == {"table1", "table2", "fig4", "fig5"}
    assert of["patterns"] == {*(f"table{n}" for n in range(1, 13)), *(f"fig{n}" for n in range(1, 6))}
    assert of["cooccurrence"] == {*(f"table{n}" for n in range(3, 7)), "fig13", "fig14", "fig15"}
    assert len(ITEMS) == len({(item.paper, item.item) for item in ITEMS}) == 55
    assert set(MAKERS) <= {(item.paper, item.item) for item in ITEMS}


@pytest.mark.parametrize("item", READY, ids=lambda item: f"{item.paper}-{item.item}")
def test_ready_items_are_made(tmp_path: Path, runs: Path, item) -> None:
    files = reproduce(item.paper, item.item, tmp_path, runs=runs)
    page = files[0].read_text()
    assert re.match(r"Data: \w+", page)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in files}
    for path in files:
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG")
    record = json.loads(files[-1].read_text())
    assert record["item"] == f"{item.paper} {item.item}"
    assert record["data"] == page.splitlines()[0]
    for made in record["runs"].values():
        assert {"recipe", "folds", "seeds"} <= set(made)
    assert str(runs) not in files[-1].read_text()


def test_the_correlations_of_seed_004_come_out(tmp_path: Path) -> None:
    reproduce("patterns", "table1", tmp_path)
    disfa = pd.read_csv(tmp_path / "patterns-table1-disfa.csv", index_col=0).dropna()
    assert set(disfa.index) == {"LSVM", "APL", "DRML", "ROI-Nets", "EAC-Net", "JAA-Net"}
    assert (disfa.iloc[:, 0] - disfa.iloc[:, 1]).abs().max() < 0.012
    bp4d = pd.read_csv(tmp_path / "patterns-table1-bp4d.csv", index_col=0).dropna()
    apart = (bp4d.iloc[:, 0] - bp4d.iloc[:, 1]).abs()
    assert apart.median() < 0.02
    # two rows of the paper are from other numbers than those that their own papers print
    assert set(apart.index[apart > 0.03]) == {"LSVM", "JAA-Net"}


def test_what_cannot_be_made_ends_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(MAKERS, ("au_rcnn", "fig9"))
    for paper, item, data, scale, message in (
        ("au_rcnn", "fig9", (), "tiny", "cannot be made yet"),
        ("facs3d", "tabel1", (), "tiny", "did you mean 'table1'"),
        ("facs", "table1", (), "tiny", "did you mean 'facs3d'"),
        ("facs3d", "fig5", (), "big", "unknown scale"),
        ("patterns", "table3", ("bp4d=.",), "tiny", "not yet with bp4d=."),
        ("facs3d", "fig5", ("bp4d=/x/y",), "tiny", "no data set at '/x/y': give --data bp4d=FOLDER"),
        ("facs3d", "fig5", ("bp5d=.",), "tiny", "unknown data set 'bp5d': did you mean 'bp4d'"),
        ("patterns", "table1", (f"bp4d={tmp_path}",), "tiny", "not yet with bp4d="),
    ):
        with pytest.raises(UserError, match=message) as caught:
            reproduce(paper, item, tmp_path / "out", data=data, scale=scale)
        assert caught.value.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_tables_1_and_2_hold_the_papers_numbers_beside_ours(tmp_path: Path, runs: Path) -> None:
    reproduce("facs3d", "table1", tmp_path, runs=runs)
    means = pd.read_csv(tmp_path / "facs3d-table1-means.csv")
    paper = means.set_index(["method", "metric"])["paper"]
    assert paper["FACS3D-Net", "F1"] == pytest.approx(0.5971)
    assert paper["2D CNN", "AUC"] == pytest.approx(0.8390)
    assert (means["low"] <= means["ours"]).all()
    assert (means["ours"] <= means["high"]).all()
    ours = pd.read_csv(tmp_path / "facs3d-table1.csv", index_col=0)
    accuracy, kappa = (ours[f"{name} FACS3D-Net"].to_numpy() for name in ("ACC", "S"))
    assert kappa == pytest.approx(2 * accuracy - 1)  # for two raters and two classes
    rates = ours["base rate"]
    assert ours["F1 Ones"][:-1].to_numpy() == pytest.approx((2 * rates / (1 + rates))[:-1].to_numpy())
    reproduce("facs3d", "table2", tmp_path, runs=runs)
    stars = pd.read_csv(tmp_path / "facs3d-table2.csv", index_col=0)
    assert stars.loc["AU1 against 2D CNN", "F1, paper"] == "***"
    assert stars.loc["AU7 against 2D CNN", "F1, paper"] == "n.s."


def test_a_licensed_set_gives_the_items_too(tmp_path: Path) -> None:
    make_fake("bp4dplus", tmp_path / "set", FakeSize(subjects=6, sequences=1, frames=60))
    files = reproduce("facs3d", "fig5", tmp_path / "out", data=[f"bp4dplus={tmp_path / 'set'}"], scale="tiny")
    assert re.match(r"Data: bp4dplus, \d+ people", files[0].read_text())


def test_synthetic_labels_are_the_same_again_and_hold_smiles() -> None:
    labels = synthetic_labels((6, 12), 300)
    assert (labels == synthetic_labels((6, 12), 300)).all()
    together = labels.all(axis=1).mean()
    assert together > labels[:, 0].mean() * labels[:, 1].mean()
