"""The data sets by name."""

from __future__ import annotations

from pathlib import Path

from actionunits.datasets.adapter import DataSet, Reading
from actionunits.datasets.table import read_table
from actionunits.errors import unknown_name

__all__ = ["DATA_SETS", "data_set"]


def _table(path: Path, positive: int | None) -> Reading:
    return Reading(read_table(path, positive=1 if positive is None else positive))


#: Every data set that can be read, by name.
DATA_SETS: dict[str, DataSet] = {
    one.name: one
    for one in (
        DataSet(
            "table",
            "any CSV or Parquet file with AU columns",
            "0, 1 or 0 to 5; shown from 1 up",
            "yours",
            _table,
        ),
    )
}


def data_set(name: str) -> DataSet:
    """A data set by name.

    Raises:
        UserError: no such name; the message lists the known ones.
    """
    if name not in DATA_SETS:
        raise unknown_name("data set", name, DATA_SETS)
    return DATA_SETS[name]
