"""Spreadsheets, old (.xls) and new (.xlsx), to rows of text."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

from actionunits.datasets.adapter import LabelProblem
from actionunits.errors import UserError

__all__ = ["Sheet", "read_workbook"]

#: Rows of a sheet, cells as text without blanks around; whole numbers without a point.
Sheet = list[list[str]]

#: What openpyxl raises for a damaged archive or sheet.
_DAMAGED = (zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError, OSError, SyntaxError, EOFError)
_OLD, _NEW = b"\xd0\xcf\x11\xe0", b"PK\x03\x04"


def read_workbook(path: Path) -> dict[str, Sheet]:
    """The sheets of a workbook by name, in order; its kind is told by content, not by the name's end.

    Raises:
        LabelProblem: it is no workbook, or damaged.
        UserError: the library that reads it is not installed.
    """
    again = "copy the file from the distribution again"
    try:
        with path.open("rb") as file:
            begin = file.read(4)
    except OSError as problem:
        raise LabelProblem(path, None, "a workbook", problem.strerror or "an error", again) from problem
    if begin not in (_OLD, _NEW):
        raise LabelProblem(path, None, "a workbook (.xls or .xlsx)", "another kind of file", again)
    return _old(path, again) if begin == _OLD else _new(path, again)


def _old(path: Path, again: str) -> dict[str, Sheet]:
    try:
        import xlrd
    except ImportError as problem:
        raise _not_installed("xlrd") from problem
    try:
        book = xlrd.open_workbook(str(path), logfile=io.StringIO())
        return {
            sheet.name: [[_text(cell) for cell in sheet.row_values(row)] for row in range(sheet.nrows)]
            for sheet in book.sheets()
        }
    except Exception as problem:  # xlrd raises whatever its parsing of damaged bytes meets
        raise LabelProblem(path, None, "a whole workbook", f"{problem!r:.80}", again) from problem


def _new(path: Path, again: str) -> dict[str, Sheet]:
    try:
        import openpyxl
    except ImportError as problem:
        raise _not_installed("openpyxl") from problem
    try:
        book = openpyxl.load_workbook(path, data_only=True)
    except _DAMAGED as problem:
        raise LabelProblem(path, None, "a whole workbook", f"{problem!r:.80}", again) from problem
    return {
        sheet.title: [[_text(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        for sheet in book.worksheets
    }


def _not_installed(library: str) -> UserError:
    return UserError(f"spreadsheets need {library}: pip install 'actionunits[train]'")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
