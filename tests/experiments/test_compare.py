"""Networks are compared on the same frames, with intervals over subjects."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from actionunits.errors import UserError
from actionunits.experiments.compare import Outcome, auc_by_intensity, compare, intervals, mean_difference
from actionunits.experiments.cross_validate import score_predictions
from actionunits.experiments.recipe import load_recipe


def outcome(skill: float, seed: int = 0) -> Outcome:
    """Made predictions of 12 people, 40 frames each, that know the labels by so much."""
    labels = np.random.default_rng(5).integers(0, 2, (480, 2)).astype(np.int8)
    graded = np.where(labels == 1, np.random.default_rng(6).uniform(2, 5, labels.shape), 0.0)
    noise = np.random.default_rng(seed).normal(0, 1, labels.shape)
    said = 1 / (1 + np.exp(-(skill * (graded - 1.5) + noise)))
    columns = {
        "fold": np.repeat([1, 2], 240),
        "dataset": "d",
        "subject": np.repeat([f"p{n:02}" for n in range(12)], 40),
        "sequence": "s",
        "frame": np.tile(np.arange(40), 12),
    }
    for column, name in enumerate(("AU04", "AU12")):
        columns |= {name: labels[:, column], f"{name}_r": graded[:, column]}
        columns |= {f"{name}_p": said[:, column], f"{name}_t": 0.5}
    table = pd.DataFrame(columns)
    return Outcome(table, score_predictions(table, ("F1", "AUC")), Path("run"))


def test_a_better_network_is_better_by_an_interval_above_zero() -> None:
    good, poor = outcome(1.0, 1), outcome(0.1, 2)
    for number, metric in enumerate(("F1", "AUC")):
        value, low, high = mean_difference(good, poor, metric, draws=200)
        apart = (good.scores.values - poor.scores.values)[:, number].mean()
        assert value == pytest.approx(apart)
        assert 0 < low < value < high
        again = mean_difference(poor, good, metric, draws=200)
        assert again == pytest.approx((-value, -high, -low))
    assert mean_difference(good, good, "AUC", draws=50) == (0.0, 0.0, 0.0)
    unknown = good.predictions.assign(AU04=-1, AU12=-1)
    nobody = Outcome(unknown, score_predictions(unknown, ("F1", "AUC")), Path("run"))
    assert np.isnan(mean_difference(nobody, poor, "AUC", draws=20)).all()
    bounds = intervals(good, ("AUC",), draws=200)["AUC"]
    assert bounds.value == pytest.approx(good.scores.values[:, 1])
    assert (bounds.low < bounds.value).all()


def test_weak_occurrences_are_harder_and_scored_by_themselves() -> None:
    made = outcome(0.6)
    weak, strong = auc_by_intensity(made, 2, 3), auc_by_intensity(made, 3, 5.1)
    assert (weak < strong).all()
    table = made.predictions
    rows = table[(table["AU12"] == 0) | table["AU12_r"].between(2, 3, inclusive="left")]
    assert weak[1] == pytest.approx(roc_auc_score(rows["AU12"], rows["AU12_p"]))
    assert np.isnan(auc_by_intensity(made, 5.5, 6)).all()


def test_stills_and_clips_are_scored_on_the_same_frames(tmp_path: Path) -> None:
    recipes = {name: load_recipe(f"facs3d/{name}", scale="tiny") for name in ("cnn2d", "net")}
    outcomes = compare(recipes, tmp_path / "runs", tmp_path / "data")
    keys = ["subject", "sequence", "frame", "fold"]
    first, second = (outcome.predictions for outcome in outcomes.values())
    assert first[keys].equals(second[keys])
    assert len(first) > 150
    assert np.array_equal(outcomes["cnn2d"].labels, outcomes["net"].labels)
    other = load_recipe("facs3d/net", ["data.seed=9"], scale="tiny")
    with pytest.raises(UserError, match="cnn2d, net cannot be compared: their data or folds differ"):
        compare({**recipes, "net": other}, tmp_path / "more", tmp_path / "data")
