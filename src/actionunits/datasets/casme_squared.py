"""CAS(ME)^2: micro- and macro-expressions in long videos at 30 Hz, AUs listed from onset to offset.

Layout: pictures in ``rawpic/s15/15_0101disgustingteeth/img1.jpg``; ``CAS(ME)^2code_final.xlsx`` without a
header: subject, clip (``disgust1_1``), onset, apex, offset (0 = missing), AUs, emotion, type, self-report.
The subject's number and the clip's name there are not those of the folders: the sheets ``naming rule1``
(clip name to the four digits in the folder's name) and ``naming rule2`` (number to ``s15``) say which is
which. Of a video only the frames from half a second before an expression to half a second after it are
used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from actionunits.datasets.adapter import DataSet, LabelProblem, Reading, occurrence_only
from actionunits.datasets.coded_clips import (
    CodedClip,
    CodingColumns,
    add_clips,
    clip_folders,
    find_workbook,
    read_coding,
)
from actionunits.datasets.survey import Survey
from actionunits.datasets.workbook import Sheet, read_workbook

__all__ = ["DATA_SET"]

RATE_HZ = 30.0
#: Frames that are kept before an onset and after an offset.
AROUND = 15

_SUBJECT = re.compile(r"s0*(\d{1,2})", re.IGNORECASE)
_TABLE = re.compile(r"CAS\(ME\)\^?2.*\.xlsx?", re.IGNORECASE)
_FOLDER = re.compile(r"0*(\d{1,2})_(\d{4}).*")
_COLUMNS = CodingColumns(subject=0, clip=1, onset=2, apexes=(3,), offset=4, aus=5, emotion=6, kind=7)


def _read(root: Path, positive: int | None) -> Reading:
    occurrence_only("casme_squared", positive)
    survey = Survey("casme_squared", root)
    table = find_workbook(survey, _TABLE, "CAS(ME)^2code_final.xlsx")
    if table is None:
        return survey.reading()
    clips = read_coding(survey, table, _COLUMNS, header=False, prefix="s")
    with survey.label_file():
        clips = list(_renamed(survey, table, clips))
    where = {}
    for (subject, name), folder in clip_folders(survey, _SUBJECT, "s").items():
        match = _FOLDER.fullmatch(name)
        if match is None:
            expected = "a name such as 15_0101disgustingteeth"
            survey.report(folder, expected, folder.name, "its pictures are not used", kind="surplus")
        else:
            where[subject, match[2]] = folder
    add_clips(survey, table, clips, where, rate_hz=RATE_HZ, around=AROUND)
    return survey.reading()


def _renamed(survey: Survey, table: Path, clips: Iterable[CodedClip]) -> Iterable[CodedClip]:
    """The rows with the subject and the four digits that stand in the folders' names."""
    clips = list(clips)
    codes, people = _naming(table, {int(clip.subject[1:]) for clip in clips})
    for clip in clips:
        name, number = clip.clip.rpartition("_")[0] or clip.clip, int(clip.subject[1:])
        if name.casefold() not in codes or number not in people:
            survey.report(
                table,
                f"subject {number} and clip {name} (row {clip.line}) in the naming rules",
                "no such row",
                "complete the sheets; the row is left out",
                kind="missing",
            )
            continue
        yield replace(clip, subject=people[number], clip=codes[name.casefold()])


def _naming(table: Path, numbers: set[int]) -> tuple[dict[str, str], dict[int, str]]:
    """Clip name to four digits, and number in the table to ``s15``; the columns may stand in either order."""
    sheets = {name.casefold().replace(" ", ""): rows for name, rows in read_workbook(table).items()}
    for wanted in ("namingrule1", "namingrule2"):
        if wanted not in sheets:
            raise LabelProblem(
                table, None, f"a sheet {wanted}", ", ".join(sheets), "use the table as distributed"
            )
    codes: dict[str, str] = {}
    for cells in _pairs(sheets["namingrule1"]):
        digits = [c for c in cells if c.isdecimal() and len(c) in (3, 4)]
        texts = [c for c in cells if c not in digits]
        if len(digits) == 1 and texts:
            codes[texts[0].casefold()] = digits[0].zfill(4)
    people: list[tuple[str, str]] = []
    for cells in _pairs(sheets["namingrule2"]):
        matches = [_number(c) for c in cells[:2]]
        if all(matches) and len(cells) >= 2:
            people.append((cells[0], cells[1]))
    return codes, _people(people, numbers)


def _people(pairs: list[tuple[str, str]], numbers: set[int]) -> dict[int, str]:
    """Which of the two columns is the table's number: the one without ``s``, or the one that has them all."""
    lettered = [sum(not pair[i].isdecimal() for pair in pairs) for i in (0, 1)]
    of_table = 0 if lettered[0] <= lettered[1] else 1
    if lettered[0] == lettered[1]:
        first = {int(_number(pair[0])) for pair in pairs}
        of_table = 0 if numbers <= first else 1
    return {int(_number(p[of_table])): f"s{int(_number(p[1 - of_table])):02d}" for p in pairs}


def _number(cell: str) -> str:
    match = _SUBJECT.fullmatch(cell) or re.fullmatch(r"0*(\d{1,2})", cell)
    return match[1] if match else ""


def _pairs(sheet: Sheet) -> Iterable[list[str]]:
    for row in sheet:
        cells = [cell.strip() for cell in row if cell.strip()]
        if len(cells) >= 2:
            yield cells


DATA_SET = DataSet(
    name="casme_squared",
    title="CAS(ME)^2",
    codes="AUs listed from onset to offset, sides kept; ? unknown; micro and macro",
    access="Chinese Academy of Sciences, on request for research",
    read=_read,
)
