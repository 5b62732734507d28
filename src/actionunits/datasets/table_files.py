"""``table``: any CSV or Parquet file with AU columns, as a data set like the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from actionunits.datasets.adapter import DataSet, Departure, Reading
from actionunits.datasets.table import read_table
from actionunits.errors import UserError

__all__ = ["DATA_SET", "read"]


def read(path: Path, positive: int | None) -> Reading:
    """Read the table; pictures and videos that it names are looked for beside it.

    Raises:
        UserError: it is not such a table.
    """
    if path.is_dir():
        tables = sorted([*path.glob("*.csv"), *path.glob("*.parquet")])
        if len(tables) != 1:
            raise UserError(f"{path} holds {len(tables)} tables: name the one to read")
        path = tables[0]
    index = read_table(path, positive=1 if positive is None else positive)
    named = index.table["path"].to_numpy(str)
    absent = sorted(name for name in set(named) if name and not (path.parent / name).exists())
    if not absent:
        return Reading(index)
    departure = Departure(
        f"{path}, column path",
        f"{len(set(named))} files at their paths from {path.parent}",
        f"{len(absent)} that do not exist, the first {absent[0]}",
        "put them there or mend the paths; rows without a picture are left out",
        kind="missing",
    )
    return Reading(index.take(~np.isin(named, absent)), (departure,))


DATA_SET = DataSet(
    name="table",
    title="any CSV or Parquet file with AU columns",
    codes="0, 1 or 0 to 5; shown from 1 up; 9, -1 and empty unknown",
    access="yours",
    read=read,
)
