"""The papers' published numbers as data: facts out of their tables, as printed, misprints included.

Scores are shares (0 to 1), whatever the paper prints. ``literature`` holds per-AU F1 of later methods as
their papers or repositories give them; for DISFA one source calls EAC-Net what another calls ROI-Nets, but
for AU9.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from actionunits.errors import UserError

__all__ = [
    "PUBLISHED",
    "misprinted_averages",
    "published",
    "published_base_rates",
    "published_scores",
    "published_table",
]

#: The files of published numbers: name to what one row is.
PUBLISHED = {
    "scores": "a method's score of one AU",
    "averages": "a method's average as printed",
    "facts": "a number of one AU: samples, durations, segments, deviations, counted base rates",
    "correlations": "a method's correlation of score and base rate over the AUs",
    "patterns": "an occurrence pattern and its frames; item counted: out of public label lists",
    "pattern_shares": "how often an occurrence pattern is shown in 100,000 frames of public label lists",
    "summaries": "a mean, variance or correlation over a table's rows, as the table or the text prints it",
    "box_areas": "the mean box area of an AU group, in px of 512 x 512 and as a share",
    "mean_boxes": "the mean box of an AU group, in px of 512 x 512",
    "significance": "the stars of a paired t-test of FACS3D-Net against another network",
    "emotions": "a method's accuracy of one emotion",
    "emotion_confusion": "a cell of the emotions' confusion matrix",
}


@cache
def _file(name: str) -> pd.DataFrame:
    place = files("actionunits.analysis").joinpath("published", f"{name}.csv")
    with place.open("r", encoding="utf-8") as stream:
        return pd.read_csv(
            stream, dtype={"pattern": "str", "part": "str"}, keep_default_na=False, na_values=[""]
        )


def published(name: str) -> pd.DataFrame:
    """One of the files of :data:`PUBLISHED`, as a table that the caller may change.

    Raises:
        KeyError: no such file.
    """
    if name not in PUBLISHED:
        raise KeyError(f"published numbers are {', '.join(PUBLISHED)}, not {name}")
    return _file(name).copy()


def published_scores(**wanted: Any) -> pd.DataFrame:
    """Rows of the scores: ``paper, item, data, method, metric, au, value``.

    Args:
        wanted: columns and the value, or list of values, to keep.

    >>> published_scores(paper="au_rcnn", item="table4", method="ARres", au=12)["value"].tolist()
    [0.87]
    """
    rows = published("scores")
    for column, value in wanted.items():
        rows = rows[rows[column].isin(value if isinstance(value, list | tuple | set) else [value])]
    return rows.reset_index(drop=True)


def published_table(paper: str, item: str, metric: str = "F1") -> pd.DataFrame:
    """A paper's table: a row an AU (``AU12``), a column a method in the paper's order.

    Raises:
        UserError: no such table, or not with that metric; the message lists what there is.

    >>> published_table("facs3d", "table1", "AUC").loc["AU12"].tolist()
    [0.9358, 0.9293, 0.9406]
    """
    rows = published_scores(paper=paper, item=item, metric=metric)
    if rows.empty:
        there = sorted({f"{r.paper} {r.item} {r.metric}" for r in published("scores").itertuples()})
        raise UserError(f"no published {paper} {item} {metric}: there is {', '.join(there)}")
    table = rows.pivot(index="au", columns="method", values="value")
    table = table[list(dict.fromkeys(rows["method"]))]
    return table.set_axis([f"AU{au}" for au in table.index], axis=0).rename_axis(None, axis=1)


def published_base_rates(data: str, rule: str) -> pd.Series[float]:
    """The share of frames that show each AU, by AU number, counted from public label lists.

    Args:
        data: ``bp4d`` or ``disfa``.
        rule: ``coded`` for BP4D; ``intensity >= 1`` or ``intensity >= 2`` for DISFA.

    Raises:
        UserError: no such count.
    """
    facts = published("facts")
    rows = facts[(facts["data"] == data) & (facts["quantity"] == f"base rate, {rule}")]
    if rows.empty:
        there = facts.loc[facts["item"] == "base rates", ["data", "quantity"]].drop_duplicates()
        known = "; ".join(
            f"{r.data} {str(r.quantity).removeprefix('base rate, ')}" for r in there.itertuples()
        )
        raise UserError(f"no counted base rates of {data} {rule}: there are {known}")
    return pd.Series(rows["value"].to_numpy(float), index=rows["au"].to_numpy(int), name="base rate")


def misprinted_averages(tolerance: float = 0.0011) -> pd.DataFrame:
    """The printed averages that are not the mean of the printed rows.

    Args:
        tolerance: largest difference that rounding explains.

    Returns:
        ``paper, item, data, method, metric, printed, mean``.
    """
    keys = ["paper", "item", "data", "method", "metric"]
    means = published("scores").groupby(keys, sort=False)["value"].mean().rename("mean").reset_index()
    both = (
        published("averages")
        .rename(columns={"value": "printed"})
        .merge(means, on=keys, validate="one_to_one")
    )
    return both[(both["printed"] - both["mean"]).abs() > tolerance].reset_index(drop=True)
