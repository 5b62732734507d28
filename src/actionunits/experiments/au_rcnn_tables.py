"""Tables of seed 001's networks, beside the paper's: F1 per AU, means with intervals, differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from actionunits.analysis.published import published, published_table
from actionunits.experiments.au_rcnn_runs import METRICS
from actionunits.experiments.compare import Outcome, intervals, mean_difference
from actionunits.metrics.averages import mean_defined
from actionunits.metrics.classification import f1_score
from actionunits.reports.figures import bars

__all__ = ["difference_table", "f1_table", "mean_bars", "mean_table", "printed_table"]


def f1_table(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """A row an AU with base rate, Ones and each network's F1, and their mean over the AUs."""
    first = next(iter(outcomes.values()))
    labels = first.labels
    rates, _ = mean_defined(np.where(labels >= 0, labels, np.nan))
    columns: dict[str, object] = {"base rate": rates, "F1 Ones": f1_score(labels, np.ones_like(labels))}
    for name, outcome in outcomes.items():
        columns[name] = outcome.scores.values[:, METRICS.index("F1")]
    table = pd.DataFrame(columns, index=[f"AU{au}" for au in first.scores.aus])
    table.loc["mean"] = table.mean()
    return table


def printed_table(item: str) -> pd.DataFrame:
    """The paper's table and, as its last row, the averages that it prints or else those of its columns."""
    table = published_table("au_rcnn", item)
    printed = published("averages")
    printed = printed[(printed["paper"] == "au_rcnn") & (printed["item"] == item)]
    averages = dict(zip(printed["method"], printed["value"].astype(float), strict=True))
    table.loc["mean"] = [averages.get(name, table[name].mean(skipna=False)) for name in table.columns]
    return table


def mean_table(outcomes: Mapping[str, Outcome], paper: pd.DataFrame) -> pd.DataFrame:
    """Mean F1 and AUC over the AUs with their intervals, and the paper's mean F1."""
    rows = {}
    for name, outcome in outcomes.items():
        bounds = intervals(outcome, ("F1", "AUC"))
        printed = paper[name]["mean"] if name in paper.columns else np.nan
        rows[name] = (*bounds["F1"].mean, printed, *bounds["AUC"].mean)
    names = ["F1", "low", "high", "F1, paper", "AUC", "AUC low", "AUC high"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=names)


def difference_table(
    outcomes: Mapping[str, Outcome], pairs: Sequence[tuple[str, str]], paper: pd.DataFrame
) -> pd.DataFrame:
    """How much higher one network's mean is than another's, with its interval."""
    rows = {}
    for ours, theirs in pairs:
        for metric in ("F1", "AUC"):
            printed = np.nan
            if metric == "F1" and {ours, theirs} <= set(paper.columns):
                printed = paper[ours]["mean"] - paper[theirs]["mean"]
            apart = mean_difference(outcomes[ours], outcomes[theirs], metric)
            rows[f"{metric}, {ours} - {theirs}"] = (*apart, printed)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["ours", "low", "high", "paper"])


def mean_bars(means: pd.DataFrame) -> bytes:
    """The means of :func:`mean_table` as a picture (PNG)."""
    below, above = means["F1"] - means["low"], means["high"] - means["F1"]
    return bars(
        list(means.index),
        {"ours": means["F1"], "paper": means["F1, paper"]},
        errors={"ours": np.stack([below, above])},
        title="Mean F1 over the AUs, ours with 95 % intervals over subjects",
        axis="F1",
    )
