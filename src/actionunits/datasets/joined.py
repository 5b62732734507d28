"""Several data sets as one: their frames and expressions, with paths from a folder that holds them all.

People are kept apart by their set: folds and intervals name them ``casme2/sub01``. Whether some took part in
several sets is not published; whoever did counts as several people.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from actionunits.datasets.adapter import Departure, Event, Reading, usable_index
from actionunits.datasets.index import concatenate
from actionunits.datasets.registry import data_set
from actionunits.errors import UserError
from actionunits.records import LabelIndex

__all__ = ["join_data_sets"]


def join_data_sets(
    roots: Mapping[str, Path],
    chosen: Callable[[str, LabelIndex], LabelIndex] | None = None,
    positive: int | None = None,
) -> tuple[Reading, Path]:
    """Read data sets and put them together; an AU that one of them does not code is unknown there.

    Args:
        roots: data set to its folder, or the file of a table.
        chosen: gives the part of a set's frames to use; all without it.
        positive: the lowest intensity code that counts as shown; None = each set's own rule.

    Returns:
        what was read, and the folder from which its paths start.

    Raises:
        UserError: a place is not there, a set cannot be used, or there is none.
    """
    if not roots:
        raise UserError("there is no data set to join: name one or more with their folders")
    places = {name: root.resolve() for name, root in roots.items()}
    for name, place in places.items():
        if not place.exists():
            raise UserError(f"there is no {name} at {roots[name]}: give its folder")
    folders = {name: place if place.is_dir() else place.parent for name, place in places.items()}
    base = Path(os.path.commonpath(list(folders.values())))
    indices: list[LabelIndex] = []
    events: list[Event] = []
    departures: list[Departure] = []
    for name, place in places.items():
        reading = data_set(name).read(place, positive)
        index = usable_index(reading)
        indices.append(_moved(index if chosen is None else chosen(name, index), folders[name], base))
        events += reading.events
        departures += reading.departures
    return Reading(concatenate(indices), tuple(departures), tuple(events)), base


def _moved(index: LabelIndex, folder: Path, base: Path) -> LabelIndex:
    """The index with paths from ``base`` instead of ``folder``."""
    before = folder.relative_to(base)
    paths = [(before / path).as_posix() if path else "" for path in index.table["path"].astype(str)]
    return LabelIndex.make(index.table.assign(path=paths))
