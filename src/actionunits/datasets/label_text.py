"""Label files of numbers: text with a byte order mark or none, any line end, and each fault with its line."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.datasets.adapter import LabelProblem

__all__ = ["NumberTable", "occurrence_codes", "intensity_codes", "read_lines", "read_numbers", "whole_frames"]

_UNKNOWN = (9.0, -1.0)
_EMPTY = ("", "nan", "NaN", "NA")


@dataclass(frozen=True)
class NumberTable:
    """The numbers of a text file.

    Attributes:
        path: the file.
        header: the cells of the first line, or empty.
        values: f64[N,C]; NaN where a cell is empty.
        lines: i64[N], the line of each row in the file, from 1.
    """

    path: Path
    header: tuple[str, ...]
    values: NDArray[np.float64]
    lines: NDArray[np.int64]

    def refuse(self, wrong: NDArray[np.bool_], expected: str, remedy: str) -> None:
        """Raise for the first row where ``wrong`` (bool[N] or bool[N,C]) holds.

        Raises:
            LabelProblem: naming the line and the value.
        """
        if not wrong.any():
            return
        row, *column = np.argwhere(wrong)[0].tolist()
        value = self.values[row, column[0] if column else 0]
        where = f"{value:g} in column {column[0] + 1}" if column else f"{value:g}"
        raise LabelProblem(self.path, int(self.lines[row]), expected, where, remedy)


def read_lines(path: Path) -> list[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1, without a byte order mark and line ends.

    Raises:
        LabelProblem: it cannot be read, is empty or is no text.
    """
    again = "copy the file from the distribution again"
    try:
        raw = path.read_bytes()
    except OSError as problem:
        raise LabelProblem(path, None, "a label file", problem.strerror or "an error", again) from problem
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    if "\0" in text:
        raise LabelProblem(path, None, "a text file", "bytes of 0", again)
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not lines:
        raise LabelProblem(path, None, "a line a frame", "an empty file", again)
    return lines


def read_numbers(path: Path, *, header: bool, columns: int | None = None) -> NumberTable:
    """Read a file with a row of numbers a line: commas, semicolons, tabs or blanks between them.

    Args:
        path: the file.
        header: the first line holds names.
        columns: how many cells a line has; None = as many as the first.

    Raises:
        LabelProblem: it is no text, a line has another number of cells, or a cell is no number.
    """
    lines = read_lines(path)
    mark = next((m for m in ",;\t" if m in lines[0][1]), None)
    names: tuple[str, ...] = ()
    if header:
        names = tuple(cell.strip() for cell in lines[0][1].split(mark))
        lines = lines[1:]
    width = columns or len(names) or len(lines[0][1].split(mark))
    if names and len(names) != width:
        raise LabelProblem(path, 1, f"{width} columns", str(len(names)), "use the file as distributed")
    for number, line in lines:
        cells = line.count(mark) + 1 if mark else len(line.split())
        if cells != width:
            raise LabelProblem(
                path, number, f"{width} cells", str(cells), "the file may be cut short: copy it again"
            )
    values = _values(path, lines, mark, width)
    return NumberTable(path, names, values, np.array([number for number, _ in lines], np.int64))


def _values(path: Path, lines: list[tuple[int, str]], mark: str | None, width: int) -> NDArray[np.float64]:
    if not lines:
        return np.zeros((0, width))
    if '"' not in "".join(line for _, line in lines[:1]):
        try:
            table = pd.read_csv(
                io.StringIO("\n".join(line for _, line in lines)),
                sep=mark or r"\s+",
                header=None,
                dtype=np.float64,
                keep_default_na=False,
                na_values=list(_EMPTY),
                skipinitialspace=True,
            )
            if table.shape == (len(lines), width) and not np.isinf(table.to_numpy()).any():
                return table.to_numpy(np.float64)
        except (ValueError, pd.errors.ParserError):
            pass  # read again cell by cell, to name the line
    return np.array([_row(path, number, line.split(mark)) for number, line in lines])


def _row(path: Path, number: int, cells: list[str]) -> list[float]:
    values = []
    for column, cell in enumerate(cells, start=1):
        text = cell.strip().strip('"').strip()
        try:
            value = float("nan") if text in _EMPTY else float(text)
        except ValueError:
            value = math.inf
        if math.isinf(value):
            expected = f"a number in column {column}"
            raise LabelProblem(path, number, expected, repr(text[:40]), "mend the cell or leave it empty")
        values.append(value)
    return values


def whole_frames(table: NumberTable) -> NDArray[np.int64]:
    """i64[N]: column 0 as frame numbers.

    Raises:
        LabelProblem: one is missing, negative, not whole, or stands there twice.
    """
    frames = table.values[:, 0]
    remedy = "use the file as distributed"
    whole = np.isfinite(frames) & (frames >= 0) & (frames < 1e9) & (frames == np.round(frames))
    table.refuse(~whole, "a frame number", remedy)
    _, first, count = np.unique(frames, return_index=True, return_counts=True)
    again = np.ones(len(frames), bool)
    again[first] = False
    if (count > 1).any():
        table.refuse(again, "each frame once", "remove the line that is wrong")
    return frames.astype(np.int64)


def occurrence_codes(table: NumberTable, columns: NDArray[np.int64]) -> NDArray[np.int8]:
    """i8[N,A] of some columns: 0 and 1; 9, -1 and empty are unknown (-1).

    Raises:
        LabelProblem: another code.
    """
    codes = table.values[:, columns]
    unknown = np.isnan(codes) | np.isin(codes, _UNKNOWN)
    wrong = np.zeros(table.values.shape, bool)
    wrong[:, columns] = ~unknown & (codes != 0) & (codes != 1)
    table.refuse(wrong, "0, 1, or 9 for unknown", "use the file as distributed")
    return np.where(unknown, -1, codes).astype(np.int8)


def intensity_codes(table: NumberTable, column: int) -> NDArray[np.float32]:
    """f32[N] of a column: 0 to 5; 9, -1 and empty are unknown (NaN).

    Raises:
        LabelProblem: another code.
    """
    codes = table.values[:, column]
    unknown = np.isnan(codes) | np.isin(codes, _UNKNOWN)
    wrong = np.zeros(table.values.shape, bool)
    wrong[:, column] = ~unknown & ~np.isin(codes, range(6))
    table.refuse(wrong, "0 to 5, or 9 for unknown", "use the file as distributed")
    return np.where(unknown, np.nan, codes).astype(np.float32)
