"""Tables as Markdown, CSV, LaTeX and HTML, with published numbers beside ours.

A value that is not defined stands as an em dash in Markdown, LaTeX and HTML, and as ``NaN`` in CSV.
"""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from actionunits.atomic import replace_when_done
from actionunits.errors import UserError
from actionunits.records import ScoreTable

__all__ = [
    "MISSING",
    "beside",
    "score_frame",
    "table_suffix",
    "to_csv",
    "to_html",
    "to_latex",
    "to_markdown",
    "write_table",
]

#: What stands for an undefined value where people read.
MISSING = "—"

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    MISSING: "---",
}


def score_frame(table: ScoreTable, *, average: bool = True) -> pd.DataFrame:
    """A score table as a data frame: a row an AU, a column a metric, and the averages below.

    Args:
        table: the scores.
        average: add the mean over the AUs whose score is defined. The row's name says how many entered; where
            that differs between metrics, a row of these numbers follows.

    >>> table = ScoreTable((1, 12), ("F1",), np.array([[0.5], [np.nan]]))
    >>> print(to_markdown(score_frame(table)))
    |             |    F1 |
    |:------------|------:|
    | AU1         | 0.500 |
    | AU12        |     — |
    | mean        | 0.500 |
    | AUs in mean |     1 |
    """
    names = [f"AU{number}" for number in table.aus]
    frame = pd.DataFrame(table.values, index=pd.Index(names), columns=list(table.metrics))
    if not average:
        return frame
    entered = np.isfinite(table.values).sum(axis=0)
    total = np.where(np.isfinite(table.values), table.values, 0.0).sum(axis=0)
    mean = np.where(entered > 0, total / np.maximum(entered, 1), np.nan)
    if np.all(entered == len(names)):
        frame.loc[f"mean of {len(names)}"] = mean
        return frame
    frame.loc["mean"] = mean
    frame = frame.astype(object)
    frame.loc["AUs in mean"] = [int(n) for n in entered]
    return frame


def beside(
    ours: pd.DataFrame, published: pd.DataFrame, names: tuple[str, str] = ("ours", "paper")
) -> pd.DataFrame:
    """Our numbers and the published ones in pairs of columns, joined by row name.

    A row or column that only one side has is kept, with NaN on the other.

    >>> ours = pd.DataFrame({"F1": [0.5]}, index=["AU1"])
    >>> paper = pd.DataFrame({"F1": [0.6]}, index=["AU1"])
    >>> list(beside(ours, paper).columns)
    ['F1, ours', 'F1, paper']
    """
    rows = [*ours.index, *(name for name in published.index if name not in ours.index)]
    columns = [*ours.columns, *(name for name in published.columns if name not in ours.columns)]
    pairs: dict[str, pd.Series[Any]] = {}
    for column in columns:
        for side, name in zip((ours, published), names, strict=True):
            found = side[column] if column in side.columns else pd.Series(np.nan, index=side.index)
            pairs[f"{column}, {name}"] = found.reindex(rows)
    return pd.DataFrame(pairs, index=pd.Index(rows))


def _cell(value: object, digits: int, missing: str) -> str:
    if value is None or value is pd.NA or (isinstance(value, float | np.floating) and np.isnan(value)):
        return missing
    if isinstance(value, float | np.floating):
        return f"{value:.{digits}f}"
    return str(value)


def _cells(
    frame: pd.DataFrame, digits: int, missing: str, index: bool
) -> tuple[list[str], list[list[str]], list[bool]]:
    """Header, rows of text, and for each column whether it holds numbers."""
    header = [str(column) for column in frame.columns]
    columns = [
        [_cell(value, 0 if _counts(frame.iloc[:, i]) else digits, missing) for value in frame.iloc[:, i]]
        for i in range(frame.shape[1])
    ]
    numeric = [all(_is_number(value) for value in frame.iloc[:, i]) for i in range(frame.shape[1])]
    if index:
        header.insert(0, "" if frame.index.name is None else str(frame.index.name))
        columns.insert(0, [str(name) for name in frame.index])
        numeric.insert(0, False)
    rows = [list(row) for row in zip(*columns, strict=True)]
    return header, rows, numeric


def _counts(column: pd.Series) -> bool:
    """Whether a column holds whole numbers above 1: counts that a NaN has made floating-point values."""
    if column.dtype.kind != "f":
        return False
    known = column.dropna()
    return bool(len(known)) and bool((known == known.round()).all()) and bool((known > 1).any())


def _is_number(value: object) -> bool:
    return value is None or value is pd.NA or isinstance(value, int | float | np.number)


def _as_frame(table: ScoreTable | pd.DataFrame) -> pd.DataFrame:
    return score_frame(table) if isinstance(table, ScoreTable) else table


def to_markdown(table: ScoreTable | pd.DataFrame, *, digits: int = 3, index: bool = True) -> str:
    """A pipe table with aligned columns, numbers to the right; no newline at the end.

    Args:
        table: what to show.
        digits: decimals of floating-point values.
        index: show the row names as the first column.
    """
    header, rows, numeric = _cells(_as_frame(table), digits, MISSING, index)
    header, rows = [_escape_pipe(c) for c in header], [[_escape_pipe(c) for c in row] for row in rows]
    widths = [
        max(3, len(head), *(len(row[i]) for row in rows)) if rows else max(3, len(head))
        for i, head in enumerate(header)
    ]

    def line(cells: Sequence[str]) -> str:
        padded = (c.rjust(w) if n else c.ljust(w) for c, w, n in zip(cells, widths, numeric, strict=True))
        return "| " + " | ".join(padded) + " |"

    rule = (
        "|"
        + "|".join(
            "-" * (w + 1) + ":" if n else ":" + "-" * (w + 1) for w, n in zip(widths, numeric, strict=True)
        )
        + "|"
    )
    return "\n".join([line(header), rule, *(line(row) for row in rows)])


def _escape_pipe(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def to_csv(table: ScoreTable | pd.DataFrame, *, index: bool = True) -> str:
    """Comma-separated, full precision, ``NaN`` where a value is not defined."""
    return _as_frame(table).to_csv(index=index, na_rep="NaN", lineterminator="\n")


def to_latex(table: ScoreTable | pd.DataFrame, *, digits: int = 3, index: bool = True) -> str:
    """A ``tabular`` with booktabs rules."""
    header, rows, numeric = _cells(_as_frame(table), digits, MISSING, index)
    lines = [" & ".join(_escape_latex(c) for c in cells) + r" \\" for cells in [header, *rows]]
    columns = "".join("r" if n else "l" for n in numeric)
    return "\n".join(
        [
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _escape_latex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)


def to_html(table: ScoreTable | pd.DataFrame, *, digits: int = 3, index: bool = True) -> str:
    """A ``<table>`` with class ``data``; numbers carry class ``n``; all text is escaped."""
    header, rows, numeric = _cells(_as_frame(table), digits, MISSING, index)

    def row(cells: Sequence[str], tag: str) -> str:
        parts = []
        for i, (cell, number) in enumerate(zip(cells, numeric, strict=True)):
            name = "th" if tag == "td" and index and i == 0 else tag
            scope = ' scope="row"' if name != tag else ' scope="col"' if tag == "th" else ""
            aligned = ' class="n"' if number else ""
            parts.append(f"<{name}{scope}{aligned}>{html.escape(cell)}</{name}>")
        return f"<tr>{''.join(parts)}</tr>"

    body = "\n".join(row(cells, "td") for cells in rows)
    return f'<table class="data">\n<thead>{row(header, "th")}</thead>\n<tbody>\n{body}\n</tbody>\n</table>'


def table_suffix(path: str | os.PathLike[str]) -> str:
    """The suffix, in small letters, of a table's file.

    Raises:
        UserError: it is none of ``.md``, ``.csv``, ``.tex`` and ``.html``.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".md", ".csv", ".tex", ".html"):
        raise UserError(
            f"cannot write a table as {suffix or 'a file without suffix'}: expected .md, .csv, .tex or .html"
        )
    return suffix


def write_table(
    path: str | os.PathLike[str], table: ScoreTable | pd.DataFrame, *, digits: int = 3, index: bool = True
) -> None:
    """Write a table in the format of the suffix: ``.md``, ``.csv``, ``.tex`` or ``.html`` (the bare table).

    Raises:
        UserError: another suffix, or the place cannot be written to.
    """
    suffix = table_suffix(path)
    if suffix == ".csv":
        text = to_csv(table, index=index)
    else:
        writer = {".md": to_markdown, ".tex": to_latex, ".html": to_html}[suffix]
        text = writer(table, digits=digits, index=index) + "\n"
    with replace_when_done(path) as part:
        part.write_text(text, encoding="utf-8")
