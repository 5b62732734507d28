"""What every data set's reader gives: the index, coded events, and departures from the layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from actionunits.errors import UserError
from actionunits.records import LabelIndex

__all__ = [
    "DataSet",
    "Departure",
    "DepartureKind",
    "Event",
    "LabelProblem",
    "Reading",
    "occurrence_only",
    "usable_index",
]

#: ``missing``: something named is not there; ``surplus``: something is there that nothing names; ``label``: a
#: code or a line that cannot be read; ``layout``: all else.
DepartureKind = Literal["layout", "label", "missing", "surplus"]


@dataclass(frozen=True)
class Departure:
    """A place where a data set is not as its makers describe it.

    Attributes:
        path: the file or folder, with a line where there is one.
        expected: what should stand there.
        found: what does.
        remedy: what to do.
        fatal: the data set cannot be used before that.
        kind: what sort of departure it is.
    """

    path: str
    expected: str
    found: str
    remedy: str
    fatal: bool = False
    kind: DepartureKind = "layout"

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, found {self.found}; {self.remedy}"


class LabelProblem(UserError):  # noqa: N818 - it names what is wrong, not the program's state
    """A label file that cannot be read; the reader turns it into a departure and goes on with the next.

    Attributes:
        departure: what is wrong, with file and line.
    """

    def __init__(self, path: Path, line: int | None, expected: str, found: str, remedy: str) -> None:
        place = str(path) if line is None else f"{path} line {line}"
        self.departure = Departure(place, expected, found, remedy, fatal=True, kind="label")
        super().__init__(str(self.departure))


@dataclass(frozen=True)
class Event:
    """An expression that a coder marked in a sequence, with its course.

    Attributes:
        dataset: name of the data set.
        subject: who.
        sequence: as in the index.
        onset: first frame number.
        apexes: frame numbers of the strongest moments, the main one first; empty where it is not given.
        offset: last frame number; None where it is not given.
        aus: the AUs that are shown.
        emotion: as coded, or empty.
        kind: ``micro``, ``macro``, ``posed`` ...
        motion_apex: where no apex is coded, the one that was found from motion when the crops were made
            (:mod:`actionunits.faces.apex`); None where it was not looked for or not found.
    """

    dataset: str
    subject: str
    sequence: str
    onset: int
    apexes: tuple[int, ...]
    offset: int | None
    aus: tuple[int, ...]
    emotion: str = ""
    kind: str = ""
    motion_apex: int | None = None

    @property
    def last(self) -> int:
        """The last frame that is surely part of the expression."""
        return self.offset if self.offset is not None else max((self.onset, *self.apexes))

    @property
    def centre(self) -> int:
        """The first apex; where it is missing the one found from motion, the middle, or else the onset.

        >>> Event("casme2", "sub01", "EP02_01f", 46, (), 86, (12,)).centre
        66
        """
        if self.apexes:
            return self.apexes[0]
        if self.motion_apex is not None:
            return self.motion_apex
        return self.onset if self.offset is None else (self.onset + self.offset) // 2


@dataclass(frozen=True)
class Reading:
    """A data set as it was read.

    Attributes:
        index: its frames, without those that a fatal departure leaves out.
        departures: in order of their paths.
        events: where the set marks expressions in time.
    """

    index: LabelIndex
    departures: tuple[Departure, ...] = ()
    events: tuple[Event, ...] = ()


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


def usable_index(reading: Reading) -> LabelIndex:
    """The index of a reading without fatal departures.

    Raises:
        UserError: the first fatal departure, with the number of others; or there is no frame.
    """
    fatal = [one for one in reading.departures if one.fatal]
    if fatal:
        more = f" (and {len(fatal) - 1} more: au datasets check lists them)" if len(fatal) > 1 else ""
        raise UserError(f"{fatal[0]}{more}")
    if not len(reading.index):
        why = f": {reading.departures[0]}" if reading.departures else ""
        raise UserError(f"the data set has no labelled frame with a picture{why}")
    return reading.index


def occurrence_only(name: str, positive: int | None) -> None:
    """Refuse a lowest intensity for a set that codes occurrence itself.

    Raises:
        UserError: one is given.
    """
    if positive is not None:
        raise UserError(f"{name} codes occurrence as 0 and 1: leave --positive out")
