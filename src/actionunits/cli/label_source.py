"""What stands for labels on the command line: a table, a data set's folder as ``NAME=ROOT``, an ELAN file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actionunits.analysis.predictions import Predictions
    from actionunits.records import LabelIndex

__all__ = ["chosen_aus", "is_elan", "labels_at", "read_labels"]


def is_elan(source: str | Path) -> bool:
    """Whether it is named as ELAN's files are."""
    return Path(source).suffix.lower() == ".eaf"


def labels_at(
    source: str, predictions: Predictions, positive: int | None = None, face: int | None = None
) -> tuple[LabelIndex, list[str]]:
    """The labels of predicted frames: an ELAN file has times, which need the frames of a table.

    Args:
        source: a file, a data set's folder, ``NAME=FOLDER``, or an ELAN file.
        predictions: whose frames and times are taken for an ELAN file.
        positive: the lowest intensity code that counts as shown; None = the set's rule.
        face: which face of an ELAN file.

    Raises:
        UserError: no such file or data set, it cannot be used, or the predictions have no times.
    """
    from actionunits.errors import UserError

    if not is_elan(source):
        return read_labels(source, positive)
    if positive is not None:
        raise UserError(f"{source} marks when an AU is shown: leave --positive out")
    if predictions.time_s is None:
        raise UserError(
            f"{source} has times, and {predictions.source} none that are exact: expected a column timestamp "
            "(au detect --format openface or long, OpenFace)"
        )
    from actionunits.datasets.elan import elan_index

    return elan_index(source, predictions.keys["frame"].to_numpy(), predictions.time_s, face=face)


def read_labels(
    source: str, positive: int | None = None, data: str = "table"
) -> tuple[LabelIndex, list[str]]:
    """The labels, and what a reader has to know about them.

    Args:
        source: a file, a data set's folder, or ``NAME=FOLDER``.
        positive: the lowest intensity code that counts as shown; None = the set's rule.
        data: the data set's name unless ``source`` gives one.

    Raises:
        UserError: no such file or data set, or it cannot be used.
    """
    from actionunits.datasets.adapter import usable_index
    from actionunits.datasets.registry import MODULES, data_set
    from actionunits.datasets.table import read_table
    from actionunits.errors import UserError

    if is_elan(source):
        raise UserError(f"{source} has times, not frames: give it to `au score` beside a table of the video")
    name, mark, rest = source.partition("=")
    if mark and name in MODULES:
        data, source = name, rest
    elif mark and not Path(source).exists():
        data_set(name)  # says which names there are
    place = Path(source)
    if data == "table" and place.is_dir() and not [*place.glob("*.csv"), *place.glob("*.parquet")]:
        raise UserError(
            f"{place} is a folder: say which data set it is, such as bp4d={place}; known: "
            + ", ".join(sorted(MODULES))
        )
    if data == "table" and not place.is_dir():
        index = read_table(place, positive=1 if positive is None else positive)
        return index, _not_coded(index, positive)
    reading = data_set(data).read(place, positive)
    number = len(reading.departures)
    note = f"{number} departures from the layout: au datasets check {data} {place} lists them"
    return usable_index(reading), [note] if number else []


def _not_coded(index: LabelIndex, positive: int | None) -> list[str]:
    """A note on the AUs that a lowest code above 1 does not reach, for they hold 0 and 1 only."""
    plain = [au for au in index.aus if au not in index.intensity_aus]
    if positive is None or positive == 1 or not plain:
        return []
    names = " ".join(map(str, plain))
    return [f"no intensities, so shown as the table says, not from {positive} up: AU {names}"]


def chosen_aus(text: str) -> tuple[int, ...]:
    """The AUs of a set's name or of a list of numbers.

    Raises:
        UserError: neither.

    >>> chosen_aus("disfa-8"), chosen_aus("AU12, 6")
    ((1, 2, 4, 6, 9, 12, 25, 26), (12, 6))
    """
    from actionunits.facs.sets import au_set
    from actionunits.facs.units import parse_au

    words = text.replace(",", " ").split()
    if len(words) == 1 and not words[0].upper().removeprefix("AU").isdigit():
        return au_set(words[0])
    return tuple(dict.fromkeys(parse_au(word) for word in words))
