import io

import numpy as np
import pandas as pd
import pytest

from actionunits.errors import UserError
from actionunits.records import ScoreTable
from actionunits.reports.tables import (
    beside,
    score_frame,
    to_csv,
    to_html,
    to_latex,
    to_markdown,
    write_table,
)

SCORES = ScoreTable((1, 4, 12), ("F1", "AUC"), np.array([[0.5, 0.75], [0.25, np.nan], [0.75, 0.85]]))


def test_the_mean_leaves_undefined_scores_out_and_says_how_many_entered():
    frame = score_frame(SCORES)
    assert frame.loc["mean", "F1"] == pytest.approx(0.5)
    assert frame.loc["mean", "AUC"] == pytest.approx(0.8)
    assert frame.loc["AUs in mean"].tolist() == [3, 2]


def test_the_mean_row_names_the_number_where_all_enter():
    whole = ScoreTable((1, 4), ("F1",), np.array([[0.5], [0.25]]))
    assert score_frame(whole).index.tolist() == ["AU1", "AU4", "mean of 2"]
    assert score_frame(whole, average=False).index.tolist() == ["AU1", "AU4"]


def test_a_metric_without_any_score_has_no_mean():
    empty = ScoreTable((1,), ("F1",), np.array([[np.nan]]))
    assert np.isnan(score_frame(empty).loc["mean", "F1"])


def test_markdown_columns_are_aligned_and_undefined_is_a_dash():
    lines = to_markdown(SCORES).split("\n")
    assert len({len(line) for line in lines}) == 1
    assert lines[1].count("-:") == 2
    assert lines[3].endswith("|     — |")


def test_markdown_escapes_what_would_break_the_table():
    text = to_markdown(pd.DataFrame({"a|b": ["x\ny"]}), index=False)
    assert text.split("\n")[0] == "| a\\|b |"
    assert text.split("\n")[2] == "| x y  |"


def test_an_empty_table_has_its_header():
    assert to_markdown(pd.DataFrame({"F1": []}), index=False).split("\n")[0] == "|  F1 |"


def test_csv_keeps_every_digit_and_comes_back():
    frame = pd.DataFrame({"F1": [1 / 3, np.nan]}, index=["AU1", "AU2"])
    assert "NaN" in to_csv(frame)
    back = pd.read_csv(io.StringIO(to_csv(frame)), index_col=0)
    pd.testing.assert_frame_equal(back, frame)


def test_html_escapes_names_and_texts():
    text = to_html(pd.DataFrame({"<b>": ["<script>"]}, index=["A&B"]))
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "A&amp;B" in text


def test_latex_escapes_and_aligns():
    text = to_latex(pd.DataFrame({"F1_%": [0.5, np.nan]}, index=["a&b", "c"]))
    assert r"\begin{tabular}{lr}" in text
    assert r"F1\_\%" in text
    assert r"a\&b & 0.500 \\" in text
    assert r"c & --- \\" in text


def test_published_numbers_stand_beside_ours_and_nothing_is_lost():
    ours = pd.DataFrame({"F1": [0.5, 0.6]}, index=["AU1", "AU2"])
    paper = pd.DataFrame({"F1": [0.7], "AUC": [0.8]}, index=["AU2"])
    both = beside(ours, paper)
    assert list(both.columns) == ["F1, ours", "F1, paper", "AUC, ours", "AUC, paper"]
    assert both.loc["AU2", "F1, paper"] == 0.7
    assert np.isnan(both.loc["AU1", "F1, paper"])
    assert both["AUC, ours"].isna().all()


@pytest.mark.parametrize("suffix", [".md", ".csv", ".tex", ".html"])
def test_every_format_is_written_whole(tmp_path, suffix):
    path = tmp_path / f"scores{suffix}"
    write_table(path, SCORES)
    assert "AU12" in path.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_format_is_the_users_mistake(tmp_path):
    with pytest.raises(UserError, match=r"expected \.md"):
        write_table(tmp_path / "scores.docx", SCORES)


def test_counts_stay_whole_numbers_beside_a_missing_one() -> None:
    table = pd.DataFrame({"shown": [12.0, np.nan, 7.0], "F1": [1.0, 0.0, np.nan]})
    text = to_markdown(table)
    assert "| 12 |" in text.replace("  ", " ").replace("  ", " ")
    assert "1.000" in text
    assert "12.0" not in text
