"""Seed 004's tables: what stands in them is what NumPy says of the same predictions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from actionunits.datasets.fakes import FakeSize
from actionunits.experiments.compare import Outcome, mean_difference, variance_difference
from actionunits.experiments.cross_validate import score_predictions
from actionunits.experiments.fakes import make_fake
from actionunits.experiments.pattern_experiments import METRICS, _joined, by_threshold, on_aus
from actionunits.experiments.pattern_tables import (
    differences,
    figures,
    rare_aus,
    scores_by_au,
    summary,
    variances,
)
from actionunits.experiments.reproduce import reproduce

AUS = (1, 6, 12, 24)
RATES = (0.15, 0.4, 0.6, 0.1)


def predictions(seed: int, aus: tuple[int, ...] = AUS, *, decided: bool = False) -> pd.DataFrame:
    """240 frames of 8 people; the labels do not depend on the seed."""
    labels = (np.random.default_rng(0).random((240, 4)) < RATES).astype(np.int8)
    said = np.clip(0.3 + 0.4 * labels + np.random.default_rng(seed).normal(0, 0.3, labels.shape), 0, 1)
    columns: dict[str, object] = {
        "fold": np.arange(240) // 120 + 1,
        "dataset": "s",
        "subject": [f"p{row // 30}" for row in range(240)],
        "sequence": "a",
        "frame": np.arange(240),
    }
    for column, au in enumerate(AUS):
        if au in aus:
            name = f"AU{au:02}"
            columns |= {name: labels[:, column], f"{name}_p": said[:, column], f"{name}_t": 0.5}
            if decided:
                columns[f"{name}_d"] = (said[:, column] > 0.4).astype(np.int8)
    return pd.DataFrame(columns)


def outcome(seed: int, *, decided: bool = False) -> Outcome:
    table = predictions(seed, decided=decided)
    return Outcome(table, score_predictions(table, METRICS), Path())


@pytest.fixture(scope="module")
def two() -> dict[str, Outcome]:
    return {"Network 1": outcome(1), "Network 3": outcome(2, decided=True)}


def test_means_correlations_and_variances_are_those_of_the_scores(two) -> None:
    table = summary(two).reset_index().set_index(["metric", "method"])
    rates = two["Network 1"].labels.mean(axis=0)
    for name, each in two.items():
        f1 = each.scores.values[:, 0]
        row = table.loc[("F1-binary", name)]
        assert row["mean"] == pytest.approx(f1.mean())
        assert row["low"] < row["mean"] < row["high"]
        assert row["correlation with base rate"] == pytest.approx(np.corrcoef(f1, rates)[0, 1])
        assert row["variance over AUs"] == pytest.approx(f1.var(ddof=1)) == variances(two)[name]
    ones = table.loc[("F1-binary", "Ones")]
    assert ones["mean"] == pytest.approx((2 * rates / (1 + rates)).mean())
    assert table.loc[("F1-micro", "Zeros"), "mean"] == pytest.approx(1 - rates.mean())
    assert np.isnan(table.loc[("F1-macro", "chance"), "correlation with base rate"])
    by_au = scores_by_au(two)
    assert by_au.loc["AU24", "AUC Network 1"] == two["Network 1"].scores.values[3, 3]
    assert by_au.loc["mean of 4", "base rate"] == pytest.approx(rates.mean())


def test_differences_are_of_the_means_of_the_rare_aus_and_of_the_variances(two) -> None:
    one, three = two["Network 1"], two["Network 3"]
    assert rare_aus(one) == (1, 24)
    apart = three.scores.values - one.scores.values
    table = differences(two, [("Network 3", "Network 1")]).set_index("quantity")
    assert table.loc["mean F1-binary", "difference"] == pytest.approx(apart[:, 0].mean())
    assert table.loc["mean AUC of the 2 rare AUs", "difference"] == pytest.approx(apart[[0, 3], 3].mean())
    wanted = three.scores.values[:, 0].var(ddof=1) - one.scores.values[:, 0].var(ddof=1)
    assert table.loc["variance of F1-binary over AUs", "difference"] == pytest.approx(wanted)
    assert (table["low"] <= table["high"]).all()
    assert mean_difference(one, one, "F1") == (0.0, 0.0, 0.0) == variance_difference(one, one, "F1")


def test_a_networks_own_decisions_are_scored_and_can_be_left_aside(two) -> None:
    three = two["Network 3"]
    own = three.predictions[[f"AU{au:02}_d" for au in AUS]].to_numpy()
    assert np.array_equal(three.decisions, own)
    sums = by_threshold(three)
    assert np.array_equal(sums.decisions, three.of_aus("_p") >= 0.5)
    assert np.array_equal(sums.scores.values[:, 3], three.scores.values[:, 3])
    assert not np.array_equal(sums.scores.values[:, 0], three.scores.values[:, 0])


def test_networks_of_one_au_are_joined_frame_by_frame() -> None:
    tables = [predictions(1, (au,)) for au in AUS]
    shuffled = [tables[0], tables[1].sample(frac=1, random_state=0), tables[2][10:], tables[3]]
    joined = _joined(shuffled, [f"AU{au:02}" for au in AUS])
    assert (joined["AU12"] == -1).sum() == 10
    whole = score_predictions(joined, METRICS).values
    alone = score_predictions(predictions(1), METRICS).values
    assert np.array_equal(whole[[0, 1, 3]], alone[[0, 1, 3]])
    some = on_aus(outcome(1), (6, 24))
    assert some.scores.aus == (6, 24)
    assert np.array_equal(some.scores.values, alone[[1, 3]])


def test_curves_that_cover_one_another_share_a_name(two) -> None:
    pictures = figures(two, "x")
    assert set(pictures) == {"-f1-binary", "-f1-micro", "-f1-macro", "-auc"}
    assert all(picture.startswith(b"\x89PNG") for picture in pictures.values())


def test_a_licensed_set_is_used_with_its_named_folds(tmp_path: Path) -> None:
    make_fake("bp4d", tmp_path / "bp4d", FakeSize(subjects=9, sequences=1, frames=8))
    data = [f"bp4d={tmp_path / 'bp4d'}"]
    files = reproduce("patterns", "table11", tmp_path / "out", data=data, runs=tmp_path / "runs")
    assert files[0].read_text().startswith("Data: bp4d, 9 people")
    assert "that show any other pattern" in files[0].read_text()
    recipe = (
        tmp_path / "runs" / "patterns-tiny-bp4d" / "top-patterns" / "network-3" / "recipe.toml"
    ).read_text()
    assert 'name = "bp4d-3"' in recipe
