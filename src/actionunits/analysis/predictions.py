"""What somebody or some model said of frames, as a table of predictions ready to be joined with labels.

Columns: ``AU12_c`` (or ``AU12_d``) decision, ``AU12_p`` probability, ``AU12_r`` intensity 0 to 5, ``AU12_t``
the threshold that goes with the probability; a plain ``AU12`` is a decision if it holds 0 and 1 only, else a
probability (within 0 to 1) or an intensity, and is not looked at beside one of the others. Or a row an AU, as
`au detect --format long` writes: ``au`` and ``occurrence``, ``probability``, ``intensity``. A row is found by
``subject, sequence, dataset, view`` (where it has them) and ``frame``. Rows with ``success`` 0 have no face.
"""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.errors import UserError

__all__ = ["KEYS", "Predictions", "predictions_of", "read_predictions"]

#: The columns that name a recording, in the order in which messages give them.
KEYS = ("dataset", "subject", "sequence", "view")

_AU = re.compile(r"AU[ _]?0*(\d{1,2})(?:_([crptd]))?", re.IGNORECASE)
_TOP = {"c": 1.0, "p": 1.0, "t": 1.0, "r": 5.0}
_MEANING = {
    "c": "a decision: 0, 1 or empty",
    "p": "a probability: 0 to 1",
    "t": "a threshold: 0 to 1",
    "r": "an intensity: 0 to 5",
}

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Predictions:
    """Predictions of N frames and A AUs.

    Attributes:
        source: what messages call them.
        keys: a row a frame: those of :data:`KEYS` that the table has (text) and ``frame`` (i64).
        aus: the A AUs, in the table's order.
        decisions: f64[N,A] of 1 and 0, NaN where nothing was decided; a column without decisions is NaN.
        scores: f64[N,A] probabilities, NaN where there is none.
        intensities: f64[N,A], 0 to 5, NaN where there is none.
        faceless: bool[N], the rows that say that no face was found.
        folds: the rows' test folds as text, or None.
        time_s: f64[N], the frames' times, or None where the table has no ``timestamp`` or ``time_s``.
    """

    source: str
    keys: pd.DataFrame
    aus: tuple[int, ...]
    decisions: Values
    scores: Values
    intensities: Values
    faceless: NDArray[np.bool_]
    folds: NDArray[np.object_] | None = None
    time_s: Values | None = None


def read_predictions(path: str | os.PathLike[str], *, face: int | None = None) -> Predictions:
    """Read a CSV (commas, semicolons or tabs) or Parquet file, or a folder of them.

    Columns are as :func:`predictions_of` takes them. In a folder, such as `au detect` writes, the name of a
    file without its suffix is the sequence.

    Raises:
        UserError: no such file, or it is no such table.
    """
    place = Path(path)
    if place.is_dir():
        files = sorted(file for file in place.iterdir() if file.suffix.lower() in (".csv", ".parquet"))
        if not files:
            raise UserError(f"{place} holds no table: expected CSV or Parquet files with AU columns")
        tables = [_read(file).assign(sequence=file.stem) for file in files]
        return predictions_of(pd.concat(tables, ignore_index=True), source=str(place), face=face)
    return predictions_of(_read(place), source=str(place), face=face)


def _read(place: Path) -> pd.DataFrame:
    if not place.is_file():
        raise UserError(f"no predictions at {place}: expected a CSV or Parquet file with AU columns")
    try:
        return pd.read_parquet(place) if place.suffix.lower() == ".parquet" else _read_csv(place)
    except UnicodeDecodeError as problem:
        raise UserError(
            f"{place} is not text in UTF-8: expected a table as of au detect; save yours as CSV in UTF-8"
        ) from problem
    except (OSError, ValueError) as problem:  # ParserError is a ValueError
        why = str(problem).strip().splitlines()[-1]
        raise UserError(f"{place} cannot be read as a table: {why}") from problem


def _read_csv(place: Path) -> pd.DataFrame:
    with place.open(encoding="utf-8-sig") as stream:
        header = stream.readline().rstrip("\n")
    mark = max("\t;,", key=header.count)
    names = [name.strip() for name in header.split(mark)]
    texts = {name: "str" for name in names if name.lower() in (*KEYS, "fold")}
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # cells beyond the header would be dropped
        try:
            table = pd.read_csv(
                place,
                sep=mark,
                skipinitialspace=True,
                dtype=texts,
                encoding="utf-8-sig",
                low_memory=False,
                index_col=False,
            )
        except pd.errors.ParserWarning as more:
            raise ValueError(f"expected {len(names)} cells a line as in the header, got more") from more
    return table.rename(columns=str.strip)


def predictions_of(
    table: pd.DataFrame, *, source: str = "predictions", face: int | None = None
) -> Predictions:
    """Predictions out of a table that is in memory, such as a detection's.

    Args:
        table: its columns are as this module says.
        source: what messages call it.
        face: with several faces in a frame, the ``face_id`` to take; rows without a face stay.

    Raises:
        UserError: no AU column, a cell that cannot be read, no frame numbers, or several faces and no choice.
    """
    rows = table.rename(columns=lambda name: str(name).strip())
    if "au" in rows and {"probability", "occurrence", "intensity"} & set(rows):
        rows = _a_row_a_face(rows, source)
    rows = _one_face(rows, source, face).reset_index(drop=True)
    units = _units(rows, source)
    shape = (len(rows), len(units))
    decisions, scores, intensities = (np.full(shape, np.nan) for _ in range(3))
    for column, kinds in enumerate(units.values()):
        values = {kind: _numbers(rows, name, kind, source) for kind, name in kinds.items()}
        if "p" in values:
            scores[:, column] = values["p"]
        if "r" in values:
            intensities[:, column] = values["r"]
        if "c" in values:
            decisions[:, column] = values["c"]
        elif "p" in values and "t" in values:
            decisions[:, column] = np.where(np.isnan(values["p"]), np.nan, values["p"] >= values["t"])
    faceless = np.zeros(len(rows), bool)
    if "success" in rows:
        faceless = pd.to_numeric(rows["success"], errors="coerce").to_numpy(float) != 1
        for each in (decisions, scores, intensities):
            each[faceless] = np.nan
    folds = rows["fold"].astype(str).to_numpy(object) if "fold" in rows else None
    return Predictions(
        source,
        _keys(rows, source),
        tuple(units),
        decisions,
        scores,
        intensities,
        faceless,
        folds,
        _times(rows),
    )


def _a_row_a_face(rows: pd.DataFrame, source: str) -> pd.DataFrame:
    """A table with a row for each AU, turned into one with a column for each."""
    own = [*KEYS, "fold", "frame", "timestamp", "time_s", "face_id", "success"]
    kept = [name for name in own if name in rows]
    numbers = pd.to_numeric(rows["au"], errors="coerce")
    bad = ~np.isfinite(numbers) | (numbers % 1 != 0)
    if bad.any():
        odd = rows["au"][bad].iloc[0]
        raise UserError(f"{source}: the column au holds {odd!r}: expected numbers such as 12")
    if "frame" not in rows:
        raise UserError(f"{source} has a row for each AU, but no column frame")
    rows = rows.assign(au=numbers.astype(int))
    if rows.duplicated([*kept, "au"]).any():
        raise UserError(f"{source} has two rows of one AU in a frame and face")
    parts = []
    for kind, value in (("c", "occurrence"), ("p", "probability"), ("r", "intensity")):
        if value in rows:
            part = rows.pivot(index=kept, columns="au", values=value)
            parts.append(part.set_axis([f"AU{au:02d}_{kind}" for au in part.columns], axis=1))
    wide = pd.concat(parts, axis=1).reset_index()
    if "face_id" in wide and "success" not in wide:
        wide["success"] = (wide["face_id"] >= 0).astype(int)
    return wide


def _one_face(rows: pd.DataFrame, source: str, face: int | None) -> pd.DataFrame:
    if "face_id" not in rows:
        return rows
    numbers = pd.to_numeric(rows["face_id"], errors="coerce").to_numpy(float)
    there = sorted({int(n) for n in numbers if n >= 0})
    names = ", ".join(map(str, there))
    if face is not None:
        if face not in there:
            raise UserError(f"{source} has no face {face}: its faces are {names or 'none'}")
        return rows.iloc[np.flatnonzero((numbers == face) | ~(numbers >= 0))]
    if len(there) > 1 and rows.duplicated([*(k for k in KEYS if k in rows), "frame"]).any():
        raise UserError(f"{source} shows several faces ({names}) in a frame: choose one with --face")
    return rows


def _units(rows: pd.DataFrame, source: str) -> dict[int, dict[str, str]]:
    """AU to its columns by kind; a plain column gets the kind that its values show."""
    found: dict[int, dict[str, str]] = {}
    for name in rows.columns:
        match = _AU.fullmatch(name)
        if match:
            kind = (match[2] or "plain").lower()
            found.setdefault(int(match[1]), {})["c" if kind == "d" else kind] = name
    for kinds in found.values():
        plain = kinds.pop("plain", None)
        if plain is not None and not set(kinds) & set("crp"):
            kinds[_kind(rows, plain)] = plain
    units = {au: kinds for au, kinds in found.items() if set(kinds) & set("crp")}
    if not units:
        names = ", ".join(map(str, rows.columns[:8]))
        raise UserError(f"{source} has no AU column: expected names such as AU12_c or AU12_p, got {names}")
    return units


def _kind(rows: pd.DataFrame, name: str) -> str:
    values = pd.to_numeric(rows[name], errors="coerce").to_numpy(float)
    known = values[~np.isnan(values) & (values != -1) & (values != 9)]
    if np.isin(known, (0, 1)).all():
        return "c"
    return "p" if ((known >= 0) & (known <= 1)).all() else "r"


def _numbers(rows: pd.DataFrame, name: str, kind: str, source: str) -> Values:
    values = pd.to_numeric(rows[name], errors="coerce").to_numpy(float)
    empty = rows[name].isna().to_numpy() | (rows[name].astype(str).str.strip() == "").to_numpy()
    if kind in "cr":
        unknown = (values == -1) | (values == 9)
        values, empty = np.where(unknown, np.nan, values), empty | unknown
    fine = (values >= 0) & (values <= _TOP[kind])
    if kind == "c":
        fine &= np.isin(values, (0, 1))
    wrong = np.flatnonzero(~fine & ~empty)
    if len(wrong):
        cell = rows[name].iloc[wrong[0]]
        raise UserError(f"{source} row {wrong[0] + 1}, column {name}: {cell} is not {_MEANING[kind]}")
    return np.asarray(values, np.float64)


def _times(rows: pd.DataFrame) -> Values | None:
    name = next((name for name in ("timestamp", "time_s") if name in rows), None)
    return None if name is None else pd.to_numeric(rows[name], errors="coerce").to_numpy(np.float64)


def _keys(rows: pd.DataFrame, source: str) -> pd.DataFrame:
    if "frame" not in rows:
        raise UserError(f"{source} has no column frame: predictions are joined with labels by it")
    frame = pd.to_numeric(rows["frame"], errors="coerce").to_numpy(float)
    wrong = np.flatnonzero(~np.isfinite(frame) | (frame != np.round(frame)))
    if len(wrong):
        raise UserError(f"{source} row {wrong[0] + 1}: the frame number is missing or no whole number")
    keys = {
        name: rows[name].astype("object").where(rows[name].notna(), "").astype(str).str.strip()
        for name in KEYS
        if name in rows
    }
    return pd.DataFrame({**keys, "frame": frame.astype(np.int64)})
