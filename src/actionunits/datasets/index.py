"""The one index on disk, and several of them as one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from actionunits.atomic import replace_when_done
from actionunits.errors import UserError
from actionunits.records import INDEX_COLUMNS, LabelIndex

__all__ = ["concatenate", "read_index", "write_index"]


def write_index(path: str | os.PathLike[str], index: LabelIndex) -> None:
    """Write an index as Parquet or CSV, by the suffix.

    Raises:
        UserError: another suffix, or the place cannot be written to.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".parquet", ".csv"):
        raise UserError(f"cannot write an index as {path}: expected a name that ends in .parquet or .csv")
    with replace_when_done(path) as part:
        if suffix == ".csv":
            index.table.to_csv(part, index=False, lineterminator="\n")
        else:
            index.table.to_parquet(part, index=False)


def read_index(path: str | os.PathLike[str]) -> LabelIndex:
    """Read what :func:`write_index` wrote.

    Raises:
        UserError: no such file, or it is not an index.
    """
    place = Path(path)
    if not place.is_file():
        raise UserError(f"no index at {place}: expected a .parquet or .csv file that au wrote")
    try:
        if place.suffix.lower() == ".csv":
            texts = dict.fromkeys(
                ("dataset", "subject", "sequence", "task", "path", "emotion", "view"), "str"
            )
            table = pd.read_csv(place, dtype=texts, keep_default_na=False, na_values={"time_s": [""]})
            for name in [n for n in table.columns if n.endswith("_r")]:
                table[name] = pd.to_numeric(table[name])
        else:
            table = pd.read_parquet(place)
        if tuple(table.columns[: len(INDEX_COLUMNS)]) != INDEX_COLUMNS:
            raise ValueError(f"its columns start with {', '.join(map(str, table.columns[:7]))}")
        return LabelIndex.make(table)
    except (ValueError, OSError, UnicodeDecodeError) as problem:
        line = str(problem).splitlines()[0]
        raise UserError(
            f"{place} is not an index that au wrote: {line}; use `au datasets check table`"
        ) from problem


def concatenate(indices: Sequence[LabelIndex]) -> LabelIndex:
    """Several indices as one; an AU that one does not code is unknown (-1, NaN) there.

    Raises:
        UserError: a frame occurs twice.
    """
    if not indices:
        raise ValueError("no index to concatenate")
    parts = []
    for index in indices:
        part = index.table.copy(deep=False)
        for au in sorted({au for other in indices for au in other.aus} - set(index.aus)):
            part[f"AU{au:02d}"] = -1
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    texts = [n for n in table.columns if n.endswith("_side") or n in ("emotion", "view")]
    return LabelIndex.make(table.assign(**{n: table[n].astype("object").fillna("") for n in texts}))
