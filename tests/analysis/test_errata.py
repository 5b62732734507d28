"""Misprints are found from the printed rows, and docs/papers/patterns.md shows what is found."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actionunits.analysis.errata import (
    accuracy_implied,
    contradicting_columns,
    pattern_errata,
    printed_patterns,
    printed_summaries,
    repeated_columns,
)
from actionunits.analysis.published import published
from actionunits.metrics.classification import COUNT_METRICS, Counts
from actionunits.reports.tables import to_markdown

PAGE = Path(__file__).resolve().parents[2] / "docs/papers/patterns.md"
START, END = "<!-- errata: ", "<!-- end of errata -->"


@given(*[st.integers(1, 10_000)] * 4)
def test_accuracy_follows_from_f1_and_macro_f1(tp, fp, fn, tn):
    counts = Counts(*(np.array([n]) for n in (tp, fp, fn, tn)))
    f1, macro = (pd.Series(COUNT_METRICS[name](counts)) for name in ("F1", "F1-macro"))
    assert accuracy_implied(f1, macro)[0] == pytest.approx((tp + tn) / (tp + fp + fn + tn))


def test_network_one_fits_table_ten_and_not_table_nine():
    found = contradicting_columns().set_index(["table", "method"])["contradicting"]
    assert found["table9", "Network 1"] >= 10
    assert found["table10", "Network 1"] == 0
    assert found["table9", "Network 5"] == found["table9", "Network 6"] == 0
    repeated = repeated_columns()
    assert ("F1-micro", "Network 1", "table9", "table10") in repeated.itertuples(index=False, name=None)
    assert len(repeated) == 3


def test_sums_taken_again():
    found = printed_summaries().set_index(["quantity", "place", "data", "method"]).sort_index()
    again = found["again"]
    assert again["mean correlation", "text", "disfa"].item() == pytest.approx(0.718, abs=1e-3)
    variances = found[found["table"] == "table12"]
    apart = (variances["printed"] - variances["again"]).abs()
    assert apart[[q.endswith("table9") for q, *_ in variances.index]].max() < 1e-4
    assert apart[[q.endswith("table10") for q, *_ in variances.index]].min() > 0.01


def test_the_fifth_row_of_table_four_is_another_pattern():
    row = printed_patterns().query("table == 'table4'").iloc[-1]
    assert (row["printed"], row["at this rank"]) == ("12+25+26", "25+26")
    assert abs(row["frames"] - row["frames there"]) < abs(row["frames"] - row["counted"])


@pytest.mark.shared
def test_counted_patterns_are_those_of_the_label_lists(shared_data):
    counted = published("patterns").query("item == 'counted'")
    for data, name in (("bp4d", "bp4d_pattern_counts"), ("disfa", "disfa_pattern_counts_ge1")):
        lists = pd.read_csv(shared_data / f"facts/{name}.csv", dtype={"pattern": "str"}).head(7)
        ours = counted[counted["data"] == data]
        assert ours["pattern"].tolist() == lists["pattern"].tolist()
        assert ours["frames"].tolist() == lists["frames"].tolist()


def test_the_page_shows_what_is_found():
    tables = [
        f"### {title}\n\n{to_markdown(table, digits=4, index=False)}\n"
        for title, table in pattern_errata().items()
    ]
    block = "\n" + "\n".join(tables)
    text = PAGE.read_text(encoding="utf-8")
    head, rest = text.split(START)
    mark, rest = rest.split("-->\n", 1)
    found, tail = rest.split(END)
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(f"{head}{START}{mark}-->\n{block}{END}{tail}", encoding="utf-8")
    else:
        assert found == block
