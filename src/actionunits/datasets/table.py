"""Any table with AU columns as an index: our own, OpenFace's, py-feat's, or a hand-made one.

What a column means is told by its name, and where the name leaves it open, by its values:

- ``AU12_c``: occurrence. ``AU12_r``: intensity 0 to 5. ``AU12_p``: probability, shown from 0.5 up; used where
  there is no ``AU12_c``.
- ``AU12`` (also ``AU 12``, ``au12``, ``AU012``): whole numbers 0 to 5 are codes, shown from ``positive`` up,
  and an intensity if one exceeds 1; fractions within 0 to 1 are probabilities (py-feat), else an intensity.
- 9, -1 and an empty cell are unknown, and so is every AU of a row without a face (``success`` 0).

Other columns: ``subject, sequence, task, frame, path, dataset, emotion, view`` and ``time_s`` (also
``timestamp``, ``approx_time``). Without subject or sequence the file's name stands for it, with the
``face_id`` where the table has several faces.
"""

from __future__ import annotations

import csv
import io
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.facs.units import ACTION_UNITS, au_column
from actionunits.records import LabelIndex

__all__ = ["read_table", "table_index"]

_AU = re.compile(r"AU[ _]?0*(\d{1,2})(?:[ _](c|r|p|side|evidence|intensity|occurrence))?", re.IGNORECASE)
_KINDS = {"c": "c", "occurrence": "c", "r": "r", "intensity": "r", "p": "p", "side": "side"}
_TEXTS = ("dataset", "subject", "sequence", "task", "path", "emotion", "view")
_TIMES = ("time_s", "timestamp", "approx_time")
_CODES = (0, 1, 2, 3, 4, 5)


def read_table(path: str | os.PathLike[str], *, positive: int = 1, dataset: str = "table") -> LabelIndex:
    """Read a CSV (commas, semicolons or tabs) or Parquet file.

    Args:
        path: the file.
        positive: the lowest intensity code that counts as shown, 1 to 5.
        dataset: the name of the set where the table has no such column.

    Raises:
        UserError: no such file, no AU column, or a cell that cannot be read: the message names file and line.
    """
    place = Path(path)
    if not place.is_file():
        raise UserError(f"no table at {place}: expected a CSV or Parquet file with AU columns")
    if place.suffix.lower() == ".parquet":
        try:
            table = pd.read_parquet(place)
        except (OSError, ValueError) as problem:
            raise UserError(f"{place} is not a Parquet file: {str(problem).splitlines()[0]}") from problem
    else:
        table = _read_csv(place)
    return table_index(table, source=str(place), positive=positive, dataset=dataset)


def table_index(
    table: pd.DataFrame, *, source: str = "table", positive: int = 1, dataset: str = "table"
) -> LabelIndex:
    """An index of a table that is already in memory, such as a detection's.

    Args:
        table: its columns are as this module says.
        source: what errors call it; its stem stands for a missing subject or sequence.
        positive: the lowest intensity code that counts as shown, 1 to 5.
        dataset: the name of the set where the table has no such column.

    Raises:
        UserError: no AU column, or a cell that cannot be read.
    """
    if not 1 <= positive <= 5:
        raise UserError(f"the lowest code that counts as shown is 1 to 5, got {positive}")
    columns = {str(name).strip(): name for name in table.columns}
    if len(columns) < table.shape[1]:
        raise UserError(f"{source}: two columns have one name")
    units = _unit_columns(columns, source)
    rows = _leading(table, columns, source, dataset)
    faceless = _faceless(table, columns)
    for au, kinds in sorted(units.items()):
        occurrence, intensity = _unit(table, au, kinds, source, positive)
        occurrence[faceless] = -1
        rows[au_column(au)] = occurrence
        if intensity is not None:
            intensity[faceless] = np.nan
            rows[f"{au_column(au)}_r"] = intensity
        if "side" in kinds:
            rows[f"{au_column(au)}_side"] = _text(table, kinds["side"])
    return LabelIndex.make(pd.DataFrame(rows))


def _unit_columns(columns: dict[str, str], source: str) -> dict[int, dict[str, str]]:
    """AU number to what its columns are: kind (c, r, p, side, or plain) to column name."""
    units: dict[int, dict[str, str]] = {}
    for stripped, name in columns.items():
        match = _AU.fullmatch(stripped)
        if match is None or int(match[1]) not in ACTION_UNITS:
            continue
        if match[2] and match[2].lower() == "evidence":
            raise UserError(
                f"{source}: {stripped!r} is log odds, no label: turn it into 0 and 1 by a threshold first"
            )
        kind = _KINDS[match[2].lower()] if match[2] else "plain"
        if kind in units.setdefault(int(match[1]), {}):
            raise UserError(f"{source}: columns {units[int(match[1])][kind]!r} and {name!r} are the same AU")
        units[int(match[1])][kind] = name
    units = {au: kinds for au, kinds in units.items() if set(kinds) - {"side"}}
    if not units:
        names = ", ".join(list(columns)[:8])
        raise UserError(f"{source} has no AU column: expected names such as AU12 or AU12_c, got {names}")
    return units


def _leading(table: pd.DataFrame, columns: dict[str, str], source: str, dataset: str) -> dict[str, Any]:
    lower = {name.lower(): original for name, original in reversed(columns.items())}
    rows: dict[str, Any] = {name: _text(table, lower[name]) for name in _TEXTS if name in lower}
    stem = np.full(len(table), Path(source).stem, dtype=object)
    if "face_id" in lower and table[lower["face_id"]].nunique() > 1:
        faces = _numbers(table, lower["face_id"], source)
        stem = np.array([f"{Path(source).stem} face {face:g}" for face in faces], dtype=object)
    rows.setdefault("dataset", dataset)
    rows.setdefault("sequence", stem)
    rows.setdefault("subject", rows["sequence"])
    time = next((lower[name] for name in _TIMES if name in lower), None)
    rows["time_s"] = np.full(len(table), np.nan) if time is None else _times(table, time, source)
    if "frame" in lower:
        frame = _numbers(table, lower["frame"], source)
        wrong = np.flatnonzero(~(np.abs(frame) < 2**53) | (frame != np.round(frame)))
        if len(wrong):
            raise UserError(f"{source} line {wrong[0] + 2}: the frame number is missing or no whole number")
        rows["frame"] = frame.astype(np.int64)
    else:
        counted = pd.DataFrame(
            {name: rows[name] for name in ("subject", "sequence")}, index=range(len(table))
        )
        rows["frame"] = counted.groupby(["subject", "sequence"], sort=False).cumcount().to_numpy()
    return rows


def _faceless(table: pd.DataFrame, columns: dict[str, str]) -> NDArray[np.bool_]:
    if "success" not in columns:
        return np.zeros(len(table), bool)
    return np.asarray(pd.to_numeric(table[columns["success"]], errors="coerce").to_numpy(float) != 1)


@dataclass(frozen=True)
class _Cells:
    """A column's numbers, and a message for its first cell that is not allowed."""

    values: NDArray[np.float64]
    name: str
    source: str

    def refuse(self, wrong: NDArray[np.bool_], expected: str) -> None:
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            where = f"{self.source} line {at + 2}, column {str(self.name).strip()}"
            raise UserError(f"{where}: {self.values[at]:g} is not {expected}")


def _unit(
    table: pd.DataFrame, au: int, kinds: dict[str, str], source: str, positive: int
) -> tuple[NDArray[np.int8], NDArray[np.float32] | None]:
    """Occurrence and intensity of one AU."""
    intensity = _intensity(_cells(table, kinds["r"], source)) if "r" in kinds else None
    if "c" in kinds:
        return _occurrence(_cells(table, kinds["c"], source)), intensity
    if "plain" in kinds:
        occurrence, own = _plain(_cells(table, kinds["plain"], source), positive)
        return occurrence, own if intensity is None else intensity
    if "p" in kinds:
        return _from_probability(_cells(table, kinds["p"], source)), intensity
    assert intensity is not None
    return _at_least(intensity, positive), intensity


def _unknown(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(np.isnan(values) | (values == 9) | (values == -1))


def _at_least(values: NDArray[np.floating], bound: float) -> NDArray[np.int8]:
    return np.where(np.isnan(values), -1, values >= bound).astype(np.int8)


def _occurrence(cells: _Cells) -> NDArray[np.int8]:
    unknown = _unknown(cells.values)
    cells.refuse(
        ~unknown & ~np.isin(cells.values, (0, 1)), "an occurrence: 0, 1, or 9, -1, empty for unknown"
    )
    return _at_least(np.where(unknown, np.nan, cells.values), 1)


def _intensity(cells: _Cells) -> NDArray[np.float32]:
    unknown = _unknown(cells.values)
    cells.refuse(~unknown & ~((cells.values >= 0) & (cells.values <= 5)), "an intensity: 0 to 5")
    return np.where(unknown, np.nan, cells.values).astype(np.float32)


def _from_probability(cells: _Cells) -> NDArray[np.int8]:
    unknown = _unknown(cells.values)
    cells.refuse(~unknown & ~((cells.values >= 0) & (cells.values <= 1)), "a probability: 0 to 1")
    return _at_least(np.where(unknown, np.nan, cells.values), 0.5)


def _plain(cells: _Cells, positive: int) -> tuple[NDArray[np.int8], NDArray[np.float32] | None]:
    known = cells.values[~_unknown(cells.values)]
    if np.isin(known, _CODES).all() and (known > 1).any():
        intensity = _intensity(cells)
        return _at_least(intensity, positive), intensity
    if np.isin(known, (0, 1)).all():
        return _occurrence(cells), None
    if ((known >= 0) & (known <= 1)).all():
        return _from_probability(cells), None
    intensity = _intensity(cells)
    return _at_least(intensity, positive), intensity


def _cells(table: pd.DataFrame, name: str, source: str) -> _Cells:
    return _Cells(_numbers(table, name, source), name, source)


def _numbers(table: pd.DataFrame, name: str, source: str) -> NDArray[np.float64]:
    column = table[name]
    if column.dtype.kind in "fiub":
        return column.to_numpy(np.float64)
    texts = column.astype("str").str.strip()
    empty = (column.isna() | texts.isin(("", "nan", "NaN", "NA"))).to_numpy(bool)
    numbers = pd.to_numeric(texts.where(~empty), errors="coerce").to_numpy(np.float64)
    wrong = np.flatnonzero(np.isnan(numbers) & ~empty)
    if len(wrong):
        where = f"{source} line {wrong[0] + 2}, column {str(name).strip()}"
        raise UserError(f"{where}: expected a number, got {texts.iloc[wrong[0]]!r}")
    return numbers


def _times(table: pd.DataFrame, name: str, source: str) -> NDArray[np.float64]:
    """Seconds; py-feat's ``approx_time`` is a text m:ss or h:mm:ss."""
    column = table[name]
    if column.dtype.kind in "fiub":
        return column.to_numpy(np.float64)
    texts = column.astype("str").str.strip()
    if not texts.str.contains(":").any():
        return _numbers(table, name, source)
    parts = texts.str.split(":", expand=True).apply(pd.to_numeric, errors="coerce").to_numpy(float)
    weight = 60.0 ** np.arange(parts.shape[1])
    number = np.isfinite(parts).sum(axis=1)
    seconds = np.full(len(texts), np.nan)
    for length in np.unique(number[number > 0]):
        chosen = number == length
        seconds[chosen] = parts[chosen, :length] @ weight[:length][::-1]
    return seconds


def _text(table: pd.DataFrame, name: str) -> NDArray[np.object_]:
    column = table[name]
    texts = column.astype("str").str.strip().where(column.notna(), "")
    return texts.to_numpy(object)


def _read_csv(place: Path) -> pd.DataFrame:
    raw = place.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    if "\0" in text:
        raise UserError(f"{place} is not a text file: expected a CSV with AU columns")
    lines = text.rstrip(" \r\n").splitlines()  # tabs at the end are empty cells
    if not lines:
        raise UserError(f"{place} is empty: expected a header with AU columns, then a line a frame")
    mark = max("\t;,", key=lines[0].count)
    header = next(csv.reader([lines[0]], delimiter=mark, skipinitialspace=True))
    if twice := [name for at, name in enumerate(header) if name.strip() in map(str.strip, header[:at])]:
        raise UserError(f"{place} line 1: two columns are called {twice[0].strip()!r}: remove or rename one")
    widths = _widths(lines, mark)
    wrong = np.flatnonzero(widths != len(header))
    if len(wrong):
        got = widths[wrong[0]]
        raise UserError(
            f"{place} line {wrong[0] + 1}: expected {len(header)} cells as in the header, got {got}"
        )
    texts = {name: "str" for name in header if name.strip().lower() in _TEXTS}
    return pd.read_csv(
        io.StringIO("\n".join(lines)),
        sep=mark,
        dtype=texts,
        skipinitialspace=True,
        keep_default_na=False,
        na_values=["", "nan", "NaN", "NA"],
        low_memory=False,
        index_col=False,
    )


def _widths(lines: list[str], mark: str) -> NDArray[np.int64]:
    """The number of cells of each line."""
    if any('"' in line for line in lines):
        return np.array([len(row) for row in csv.reader(lines, delimiter=mark, skipinitialspace=True)])
    return np.array([line.count(mark) + 1 if line else 0 for line in lines])
