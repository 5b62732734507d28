"""Do AUs that last longer gain more: durations counted plainly, correlations by scipy."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr, spearmanr

from actionunits.experiments.compare import Outcome
from actionunits.experiments.cross_validate import score_predictions
from actionunits.experiments.duration_gain import DurationGain, correlations, duration_gain
from actionunits.experiments.reproduce_gain import claim

AUS = ("AU01", "AU04", "AU12", "AU17")
#: Frames that an AU lasts, and how often the second network's decisions are right.
LENGTHS, SKILLS = (2, 5, 10, 20), (0.6, 0.7, 0.8, 0.95)


def _outcome(skills: tuple[float, ...], seed: int) -> Outcome:
    """6 people, two sequences of 120 frames; the AUs come and go, every person at another time."""
    rng = np.random.default_rng(seed)
    people, frames = np.repeat(np.arange(6), 240), np.tile(np.arange(120), 12)
    columns = {"fold": 1, "dataset": "d", "subject": [f"p{n}" for n in people]}
    columns |= {"sequence": np.tile(np.repeat(["a", "b"], 120), 6), "frame": frames}
    for name, length, skill in zip(AUS, LENGTHS, skills, strict=True):
        label = ((frames + people) // length % 2).astype(np.int8)
        right = rng.random(len(label)) < skill
        columns |= {name: label, f"{name}_p": np.where(right, label, 1 - label) * 0.8 + 0.1, f"{name}_t": 0.5}
    table = pd.DataFrame(columns)
    return Outcome(table, score_predictions(table, ("F1", "AUC")), Path("run"))


def _mean_length(outcome: Outcome, name: str) -> float:
    """Frame by frame, sequence by sequence."""
    lengths = []
    for _, part in outcome.predictions.groupby(["subject", "sequence"]):
        run = 0
        for shown in [*part.sort_values("frame")[name], 0]:
            if shown == 1:
                run += 1
            elif run:
                lengths.append(run)
                run = 0
    return float(np.mean(lengths))


def test_durations_are_counted_within_sequences_and_gains_are_differences() -> None:
    still, over_time = _outcome((0.6,) * 4, 1), _outcome(SKILLS, 2)
    found = duration_gain(still, over_time, draws=300)
    assert found.aus == (1, 4, 12, 17)
    assert found.frames[0] == pytest.approx([_mean_length(still, name) for name in AUS])
    assert found.gain[0] == pytest.approx((over_time.scores.values - still.scores.values)[:, 0])
    table = found.table()
    assert list(table.index) == ["AU1", "AU4", "AU12", "AU17"]
    assert (table["low"] <= table["gain"]).all()
    assert (table["gain"] <= table["high"]).all()
    assert found.correlation_table().loc["Spearman", "ours"] == pytest.approx(1.0), "it was made so"


def test_correlations_are_scipys_and_leave_out_what_is_undefined() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, 9)), rng.normal(size=(3, 9))
    x[1, 4], y[1, 7] = np.nan, np.nan
    y[2, :5] = 1.0  # ties
    found = correlations(x, y)
    for row in range(3):
        known = np.isfinite(x[row]) & np.isfinite(y[row])
        assert found["Pearson"][row] == pytest.approx(pearsonr(x[row, known], y[row, known]).statistic)
        assert found["Spearman"][row] == pytest.approx(spearmanr(x[row, known], y[row, known]).statistic)


def test_a_correlation_that_most_draws_lack_has_no_interval() -> None:
    gain = np.vstack([[0.1, 0.2, 0.4], np.full((9, 3), np.nan), [[0.1, 0.3, 0.2]]])
    table = DurationGain((1, 2, 4), np.tile([1.0, 2.0, 3.0], (11, 1)), gain).correlation_table()
    assert np.isfinite(table["ours"]).all()
    assert table[["low", "high"]].isna().all(axis=None)
    assert "not defined for enough draws" in claim(table)


@pytest.mark.parametrize(
    ("bounds", "said"),
    [((0.1, 0.8), "longer AUs gain more"), ((-0.8, -0.1), "gain less"), ((-0.1, 0.8), "cannot be told")],
)
def test_the_claim_is_told_by_the_interval(bounds: tuple[float, float], said: str) -> None:
    table = pd.DataFrame([[0.3, *bounds]], index=["Pearson"], columns=["ours", "low", "high"])
    assert said in claim(table)
