"""What lies in a data set's folders: names without regard to case, pictures by the number in their names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from actionunits.errors import UserError
from actionunits.faces.pictures import PICTURE_SUFFIXES

__all__ = ["Pictures", "child", "folders", "folders_that_hold", "names", "numbered_pictures"]

_LAST_NUMBER = re.compile(r"(\d+)$")


def names(folder: Path, *, directories: bool) -> list[str]:
    """The names of the files, or of the folders, in a folder, sorted; hidden ones left out.

    Raises:
        UserError: the folder is missing or cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(e.name for e in entries if not e.name.startswith(".") and e.is_dir() == directories)
    except OSError as problem:
        raise UserError(f"cannot read the folder {folder}: {problem.strerror}; check the path") from problem


def child(folder: Path, *wanted: str) -> Path | None:
    """The first of these names in a folder, whatever their case; None if there is none."""
    if not folder.is_dir():
        return None
    present = {path.name.casefold(): path for path in sorted(folder.iterdir(), reverse=True)}
    return next((present[name.casefold()] for name in wanted if name.casefold() in present), None)


def folders(folder: Path, pattern: re.Pattern[str]) -> dict[str, re.Match[str]]:
    """The folders whose whole names match, with the match, sorted by name."""
    found = ((name, pattern.fullmatch(name)) for name in names(folder, directories=True))
    return {name: match for name, match in found if match is not None}


def folders_that_hold(root: Path, pattern: re.Pattern[str], depth: int = 2) -> Iterator[Path]:
    """The root and the folders below it, to a depth, in which a folder's whole name matches.

    What lies below such a folder is not searched.
    """
    inside = names(root, directories=True)
    if any(pattern.fullmatch(name) for name in inside):
        yield root
    elif depth > 0:
        for name in inside:
            yield from folders_that_hold(root / name, pattern, depth - 1)


@dataclass
class Pictures:
    """The pictures of a sequence.

    Attributes:
        by_number: frame number to file name, in ascending order of the numbers.
        doubled: names whose number another file has too.
        surplus: files that are no numbered pictures.
    """

    by_number: dict[int, str] = field(default_factory=dict)
    doubled: list[str] = field(default_factory=list)
    surplus: list[str] = field(default_factory=list)


def numbered_pictures(folder: Path) -> Pictures:
    """The pictures of a folder by the last number in their names, however many digits it has."""
    found = Pictures()
    numbered: dict[int, str] = {}
    for name in names(folder, directories=False):
        stem, point, suffix = name.rpartition(".")
        match = _LAST_NUMBER.search(stem)
        if point + suffix.lower() not in PICTURE_SUFFIXES or match is None:
            found.surplus.append(name)
        elif int(match[1]) in numbered:
            found.doubled.append(name)
        else:
            numbered[int(match[1])] = name
    found.by_number = dict(sorted(numbered.items()))
    return found
