"""The data sets by name: one literal list, each module imported only when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping

from actionunits.datasets.adapter import DataSet
from actionunits.errors import unknown_name

__all__ = ["DATA_SETS", "MODULES", "data_set"]

#: Name to module below ``actionunits.datasets``; the module's ``DATA_SET`` describes and reads it, and a
#: module of the same name below ``actionunits.datasets.fakes`` writes an imitation of its layout.
MODULES: dict[str, str] = {
    "bp4d": "bp4d",
    "bp4dplus": "bp4dplus",
    "disfa": "disfa",
    "casme": "casme",
    "casme2": "casme2",
    "casme_squared": "casme_squared",
    "ckplus": "ckplus",
    "bosphorus": "bosphorus",
    "rafd": "rafd",
    "table": "table_files",
}


class _DataSets(Mapping[str, DataSet]):
    def __getitem__(self, name: str) -> DataSet:
        found: DataSet = importlib.import_module(f"actionunits.datasets.{MODULES[name]}").DATA_SET
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


#: Every data set that can be read, by name.
DATA_SETS: Mapping[str, DataSet] = _DataSets()


def data_set(name: str) -> DataSet:
    """A data set by name.

    Raises:
        UserError: no such name; the message lists the known ones.

    >>> data_set("disfa").title
    'DISFA'
    """
    if name not in MODULES:
        raise unknown_name("data set", name, MODULES)
    return DATA_SETS[name]
