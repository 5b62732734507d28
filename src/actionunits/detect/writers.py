"""Tables written row by row, as CSV or Parquet."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from actionunits.atomic import replace_when_done
from actionunits.detect.layouts import Cell, Column, Layout
from actionunits.detect.results import FrameResult
from actionunits.errors import unknown_name

__all__ = ["TABLE_TYPES", "TableWriter", "open_table"]

TABLE_TYPES = ("csv", "parquet")
_ROW_GROUP = 4096


class TableWriter:
    """Writes the rows of results; made by :func:`open_table`.

    Attributes:
        rows_written: so far.
    """

    def __init__(self, layout: Layout, write: Callable[[Sequence[Cell]], object]) -> None:
        self.rows_written = 0
        self._layout = layout
        self._write = write

    def add(self, result: FrameResult) -> None:
        """Write the rows of a frame."""
        for row in self._layout.rows(result):
            self._write(row)
            self.rows_written += 1


@contextmanager
def open_table(path: Path, layout: Layout) -> Iterator[TableWriter]:
    """A table that grows row by row and appears, or replaces an older one, when the ``with`` block ends well.

    Args:
        path: ``.csv`` or ``.parquet``.
        layout: its columns.

    Raises:
        UserError: it cannot be written, or the suffix is another.
    """
    kind = path.suffix.lstrip(".")
    if kind not in TABLE_TYPES:
        raise unknown_name("table type", kind, TABLE_TYPES)
    with replace_when_done(path) as beside:
        rows = _csv_rows(beside, layout) if kind == "csv" else _parquet_rows(beside, layout.columns)
        with rows as write:
            yield TableWriter(layout, write)


def _spaced_line(file: TextIO) -> Callable[[Sequence[Cell]], object]:
    """Writes numbers with a space after each comma; there is nothing to quote."""
    return lambda cells: file.write(", ".join("nan" if cell is None else str(cell) for cell in cells) + "\n")


@contextmanager
def _csv_rows(path: Path, layout: Layout) -> Iterator[Callable[[Sequence[Cell]], object]]:
    columns = layout.columns
    # str() writes small numbers as 1e-05, which some readers take for text
    fine = [(i, f"{{:.{c.decimals}f}}") for i, c in enumerate(columns) if c.decimals > 4]
    with path.open("w", encoding="utf-8", newline="") as file:
        line = _spaced_line(file) if layout.spaced else csv.writer(file, lineterminator="\n").writerow
        line([column.name for column in columns])

        def write(row: Sequence[Cell]) -> None:
            cells = list(row)
            for i, pattern in fine:
                cells[i] = None if cells[i] is None else pattern.format(cells[i])
            line(cells)

        yield write


@contextmanager
def _parquet_rows(path: Path, columns: Sequence[Column]) -> Iterator[Callable[[Sequence[Cell]], object]]:
    import pyarrow
    import pyarrow.parquet

    kinds = {"int": pyarrow.int64(), "float": pyarrow.float64(), "str": pyarrow.string()}
    schema = pyarrow.schema([(column.name, kinds[column.kind]) for column in columns])
    held: list[Sequence[Cell]] = []
    with pyarrow.parquet.ParquetWriter(str(path), schema) as writer:

        def flush() -> None:
            cells = zip(*held, strict=True)
            arrays = [pyarrow.array(column, kind.type) for column, kind in zip(cells, schema, strict=True)]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
            held.clear()

        def write(row: Sequence[Cell]) -> None:
            held.append(row)
            if len(held) >= _ROW_GROUP:
                flush()

        yield write
        if held:
            flush()
