"""What every data set's reader gives: the index, and where the folder departs from its layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from actionunits.records import LabelIndex

__all__ = ["DataSet", "Departure", "Reading"]


@dataclass(frozen=True)
class Departure:
    """A place where a data set is not as its makers describe it.

    Attributes:
        path: the file or folder, with a line where there is one.
        expected: what should stand there.
        found: what does.
        remedy: what to do.
        fatal: the data set cannot be used before that.
    """

    path: str
    expected: str
    found: str
    remedy: str
    fatal: bool = False

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, found {self.found}; {self.remedy}"


@dataclass(frozen=True)
class Reading:
    """A data set as it was read.

    Attributes:
        index: its frames, without those that a fatal departure leaves out.
        departures: in order of their paths.
    """

    index: LabelIndex
    departures: tuple[Departure, ...] = ()


@dataclass(frozen=True)
class DataSet:
    """A data set that can be read.

    Attributes:
        name: as on the command line.
        title: its full name.
        codes: what its labels say, and what counts as shown.
        access: where one gets it.
        read: gives the :class:`Reading` of a folder or file; ``positive`` is the lowest intensity code that
            counts as shown, None for the set's own rule. Raises
            :class:`~actionunits.errors.UserError` if nothing can be read.
    """

    name: str
    title: str
    codes: str
    access: str
    read: Callable[[Path, int | None], Reading]
