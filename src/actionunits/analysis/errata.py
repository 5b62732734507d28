"""Misprints in the papers' tables, found from the printed rows alone: contradictions, and the sums anew.

Nothing here needs the papers' data: averages are taken again, columns compared, and the scores of one row
checked against each other, for they are made of the same counts.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from actionunits.analysis.baselines import ones_f1
from actionunits.analysis.published import (
    misprinted_averages,
    published,
    published_base_rates,
    published_scores,
    published_table,
)
from actionunits.facs.patterns import parse_pattern, pattern_name
from actionunits.facs.sets import AU_SETS
from actionunits.metrics.agreement import pearson

__all__ = [
    "accuracy_implied",
    "contradicting_columns",
    "pattern_errata",
    "printed_patterns",
    "printed_summaries",
    "repeated_columns",
]


def accuracy_implied(f1: pd.Series[float], macro: pd.Series[float]) -> pd.Series[float]:
    """The accuracy that F1 and F1-macro of the same decisions leave possible.

    F1-macro gives the F1 of the negative class, n = 2 macro - F1. With e the share of errors,
    tp / e = F1 / (2 (1 - F1)) and tn / e = n / (2 (1 - n)), and these three shares add up to 1.

    >>> f1, macro = pd.Series([0.5]), pd.Series([0.7])  # tp 1, fp 1, fn 1, tn 9
    >>> float(accuracy_implied(f1, macro).round(6).iloc[0])
    0.833333
    """
    negative = 2 * macro - f1
    right = f1 / (1 - f1) + negative / (1 - negative)
    return pd.Series(right / (2 + right), index=f1.index, name="implied accuracy")


def contradicting_columns(paper: str = "patterns", tolerance: float = 0.03) -> pd.DataFrame:
    """Per table and method: how many rows have an F1-micro that their F1 and F1-macro rule out.

    Args:
        paper: one that prints F1, F1-macro and F1-micro.
        tolerance: largest difference of the accuracy that is not counted; averaging over folds and rounding
            explain a part of it.

    Returns:
        ``table, method, rows, contradicting``, ``median`` and ``largest`` absolute difference.
    """
    scores = published_scores(paper=paper, metric=["F1", "F1-macro", "F1-micro"])
    wide = scores.pivot(index=["item", "method", "au"], columns="metric", values="value").dropna()
    apart = (wide["F1-micro"] - accuracy_implied(wide["F1"], wide["F1-macro"])).abs()
    gaps = pd.DataFrame({"gap": apart, "over": apart > tolerance}).groupby(level=["item", "method"])
    found = pd.DataFrame(
        {
            "rows": gaps["gap"].size(),
            "contradicting": gaps["over"].sum(),
            "median": gaps["gap"].median(),
            "largest": gaps["gap"].max(),
        }
    ).reset_index(names=["table", "method"])
    return found.sort_values(["table", "method"], key=_numbers_within, ignore_index=True)


def repeated_columns(paper: str = "patterns") -> pd.DataFrame:
    """Columns that stand, number for number, in two tables of a paper: ``metric, method, first, second``."""
    scores = published_scores(paper=paper)
    rows = []
    for (metric, method), columns in scores.groupby(["metric", "method"], sort=False):
        wide = columns.pivot(index="au", columns="item", values="value")
        for one, other in combinations(sorted(wide.columns, key=_number), 2):
            if wide[one].notna().all() and wide[one].equals(wide[other]):
                rows.append((metric, method, one, other))
    return pd.DataFrame(rows, columns=["metric", "method", "first", "second"])


def printed_summaries() -> pd.DataFrame:
    """Sums over tables that "Impact of Action Unit Occurrence Patterns" prints, and the same taken again.

    Returns:
        ``table, data, method, quantity, place, printed, again``.
    """
    printed = published("summaries").query("paper == 'patterns'").drop(columns="paper")
    printed = printed.rename(columns={"item": "table", "value": "printed"})
    keys = printed[["table", "data", "method", "quantity"]].astype(str)
    again = [_again(*(str(value) for value in key)) for key in keys.itertuples(index=False)]
    return printed.assign(again=again).reset_index(drop=True)


def _again(table: str, data: str, method: str, quantity: str) -> float:
    if table == "table1":
        rows = published("correlations").query(f"item == 'table1' and data == {data!r}")
        return float(rows["value"].mean())
    if table == "table2":
        deviations = published("facts").query(f"item == 'table2' and data == {data!r}")["value"]
        return float((deviations if quantity == "mean deviation" else deviations**2).mean())
    if table == "table7":
        rates = published_base_rates("bp4d", "coded").to_numpy(float)
        scores = {"F1": ones_f1(rates), "F1-macro": ones_f1(rates) / 2, "F1-micro": rates}
        metric = quantity.removeprefix("correlation of ")
        return float(pearson(scores[metric][:, None], rates[:, None])[0])
    if table == "table12":
        return float(published_table("patterns", quantity.split()[-1], "F1")[method].var(ddof=1))
    return float(published_table("patterns", table, "F1")[method].loc[quantity.split()[-1]])


def printed_patterns() -> pd.DataFrame:
    """The most frequent patterns of Tables III and IV beside what the public label lists count.

    Returns:
        ``table``; the row's ``printed`` AUs and ``frames``; how often the lists ``count`` that pattern (NaN:
        not among their seven most frequent); and the pattern ``at this rank`` with its ``frames there``.
    """
    patterns = published("patterns")
    rows = []
    for item, data, aus in (
        ("table3", "bp4d", AU_SETS["bp4d-12"]),
        ("table4", "disfa", AU_SETS["disfa-12"]),
    ):
        printed = patterns[(patterns["item"] == item) & (patterns["frames"] > 1)]
        counted = patterns[(patterns["item"] == "counted") & (patterns["data"] == data)]
        frames = dict(zip(counted["pattern"], counted["frames"], strict=True))
        for (_, row), (_, rank) in zip(printed.iterrows(), counted.iterrows(), strict=False):
            rows.append(
                (
                    item,
                    pattern_name(parse_pattern(row["pattern"]), aus),
                    int(row["frames"]),
                    frames.get(row["pattern"], np.nan),
                    pattern_name(parse_pattern(rank["pattern"]), aus),
                    int(rank["frames"]),
                )
            )
    columns = ["table", "printed", "frames", "counted", "at this rank", "frames there"]
    return pd.DataFrame(rows, columns=columns).astype({"counted": "Int64"})


def pattern_errata() -> dict[str, pd.DataFrame]:
    """Everything of this module for "Impact of Action Unit Occurrence Patterns": title to table."""
    averages = misprinted_averages().query("paper == 'patterns'")
    averages = averages[["item", "method", "metric", "printed", "mean"]].rename(columns={"item": "table"})
    return {
        "Averages that are not the mean of their rows": averages.reset_index(drop=True),
        "Columns that stand in two tables": repeated_columns(),
        "Accuracy against F1 and F1-macro": contradicting_columns(),
        "Sums and correlations": printed_summaries(),
        "Most frequent patterns": printed_patterns(),
    }


def _number(item: str) -> int:
    return int("".join(filter(str.isdigit, item)) or 0)


def _numbers_within(texts: pd.Series[str]) -> pd.Series[int]:
    return texts.map(_number)
