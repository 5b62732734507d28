"""What au detect may replace: files of its own of an earlier run, and nothing that is somebody's work."""

from __future__ import annotations

import csv
from collections.abc import Callable, Container, Mapping
from pathlib import Path

from actionunits.datasets.elan import is_as_written
from actionunits.detect.layouts import starts_of_tables
from actionunits.detect.overlay import is_annotated_video
from actionunits.errors import UserError

__all__ = ["refuse_to_replace", "refuse_to_replace_a_coders"]

#: How far into a page its maker is looked for, and into a table its first line.
_HEAD = 1 << 16


def refuse_to_replace(protected: Container[Path], paths: Mapping[str, Path]) -> None:
    """See that no output takes the place of a source, or of a file that au detect did not make.

    Args:
        protected: resolved paths of the sources.
        paths: of the outputs, by kind: ``table``, ``video``, ``report``, ``elan``.

    Raises:
        UserError: one does: a source; an ELAN file with a coder's corrections; a recording in place of the
            annotated video; a table with other columns, or a page of other origin.
    """
    for path in paths.values():
        if path.resolve() in protected:
            raise UserError(f"the output {path} would replace a source: choose another --out")
    refuse_to_replace_a_coders(paths)
    for kind, path in paths.items():
        if _is_file(path) and not _is_own(path):
            perhaps = {"video": " (a recording?)", "table": " (a table of your own?)"}.get(kind, "")
            raise UserError(f"{path} was not made by au detect{perhaps}: rename it or choose another --out")


def refuse_to_replace_a_coders(paths: Mapping[str, Path]) -> None:
    """See that no ELAN file which somebody has worked on is replaced.

    Raises:
        UserError: it would be.
    """
    if "elan" in paths and _is_file(paths["elan"]) and not is_as_written(paths["elan"]):
        raise UserError(
            f"{paths['elan']} is not as au detect wrote it (a coder's corrections?): rename it or choose "
            "another --out"
        )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long
        return False


def _is_own(path: Path) -> bool:
    try:
        return path.suffix not in _OWN or _OWN[path.suffix](path)
    except OSError:  # what cannot be read is not known to be ours
        return False


def _is_own_csv(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(_HEAD).decode("utf-8", errors="replace").splitlines()
    return _is_own_table([name.strip() for name in next(csv.reader(head[:1]), [])])


def _is_own_parquet(path: Path) -> bool:
    import pyarrow
    import pyarrow.parquet

    try:
        return _is_own_table(pyarrow.parquet.read_schema(path).names)
    except pyarrow.ArrowException:
        return False


def _is_own_table(names: list[str]) -> bool:
    return any(tuple(names[: len(start)]) == start for start in starts_of_tables())


def _is_own_page(path: Path) -> bool:
    with path.open("rb") as file:
        return b'<meta name="generator" content="actionunits">' in file.read(_HEAD)


_OWN: dict[str, Callable[[Path], bool]] = {
    ".csv": _is_own_csv,
    ".parquet": _is_own_parquet,
    ".html": _is_own_page,
    ".mp4": is_annotated_video,
}
