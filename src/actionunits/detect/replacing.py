"""What au detect may replace: files that it made itself, and nothing that is somebody's work.

A table is known by its columns, an annotated picture or video and a page by what they say of their maker, an
ELAN file by a digest of its annotations. Cells that somebody changed under our columns are not noticed.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Container, Mapping
from pathlib import Path

from actionunits.datasets.elan import is_as_written
from actionunits.detect.layouts import is_own_header
from actionunits.errors import UserError
from actionunits.faces.annotated import is_annotated

__all__ = ["is_result", "refuse_to_replace"]

#: How far into a page its maker is looked for, and into a table its first line.
_HEAD = 1 << 16

#: What a file of each kind may be, that au detect did not make.
_PERHAPS = {
    "table": "a table of your own",
    "video": "a recording",
    "report": "a page of your own",
    "elan": "a coder's corrections",
}


def refuse_to_replace(protected: Container[Path], paths: Mapping[str, Path]) -> None:
    """See that no output takes the place of a source, or of a file that au detect did not make.

    Args:
        protected: resolved paths of the sources.
        paths: of the outputs, by kind: ``table``, ``video`` (also of a picture), ``report``, ``elan``.

    Raises:
        UserError: one does: a source; an ELAN file with a coder's corrections; a recording or a picture in
            place of the annotated one; a table with other columns, or a page of other origin.
    """
    for kind, path in paths.items():
        if path.resolve() in protected:
            raise UserError(f"the output {path} would replace a source: choose another --out")
        if _holds_something(path) and not is_result(path):
            perhaps = "a picture of your own" if path.suffix == ".png" else _PERHAPS[kind]
            raise UserError(
                f"{path} is not as au detect wrote it ({perhaps}?): rename it or choose another --out"
            )


def _holds_something(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size > 0
    except OSError:  # a name that is too long
        return False


def is_result(path: Path) -> bool:
    """Whether a file is one that au detect wrote, as far as its suffix and what is in it can tell."""
    try:
        return path.is_file() and path.suffix in _IS_OWN and _IS_OWN[path.suffix](path)
    except OSError:  # what cannot be read, or has a name that is too long, is not known to be ours
        return False


def _is_own_csv(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(_HEAD).decode("utf-8", errors="replace").splitlines()
    return is_own_header([name.strip() for name in next(csv.reader(head[:1]), [])])


def _is_own_parquet(path: Path) -> bool:
    import pyarrow
    import pyarrow.parquet

    try:
        return is_own_header(pyarrow.parquet.read_schema(path).names)
    except pyarrow.ArrowException:
        return False


def _is_own_page(path: Path) -> bool:
    with path.open("rb") as file:
        return b'<meta name="generator" content="au detect">' in file.read(_HEAD)


_IS_OWN: dict[str, Callable[[Path], bool]] = {
    ".csv": _is_own_csv,
    ".parquet": _is_own_parquet,
    ".html": _is_own_page,
    ".png": is_annotated,
    ".mp4": is_annotated,
    ".eaf": is_as_written,
}
