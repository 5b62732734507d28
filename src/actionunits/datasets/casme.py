"""CASME: micro-expressions at 60 Hz, AUs listed from onset to offset, up to two apexes.

Layout: ``Section A/sub07/EP01_6/EP01_6-113.jpg`` (also Section B),
``Cropped/sub01/EP01_5/reg_EP01_5-113.jpg`` and a table .xls with Subject, Filename, -, OnsetF, ApexF1,
ApexF2, OffsetF, -, AU, Emotion. The whole pictures are used; the cropped ones where they are missing.
"""

from __future__ import annotations

import re
from pathlib import Path

from actionunits.datasets.adapter import DataSet, Reading, occurrence_only
from actionunits.datasets.coded_clips import (
    CodingColumns,
    add_clips,
    clip_folders,
    find_workbook,
    read_coding,
)
from actionunits.datasets.survey import Survey

__all__ = ["DATA_SET"]

RATE_HZ = 60.0

_SUBJECT = re.compile(r"sub0*(\d{1,2})", re.IGNORECASE)
_TABLE = re.compile(r".*\.xlsx?", re.IGNORECASE)
_COLUMNS = CodingColumns(subject=0, clip=1, onset=3, apexes=(4, 5), offset=6, aus=8, emotion=9)


def _read(root: Path, positive: int | None) -> Reading:
    occurrence_only("casme", positive)
    survey = Survey("casme", root)
    table = find_workbook(survey, _TABLE, "CASME.xls")
    if table is not None:
        clips = read_coding(survey, table, _COLUMNS, header=True)
        add_clips(survey, table, clips, clip_folders(survey, _SUBJECT), rate_hz=RATE_HZ)
    return survey.reading()


DATA_SET = DataSet(
    name="casme",
    title="CASME",
    codes="AUs listed from onset to offset, sides kept; ? unknown",
    access="Chinese Academy of Sciences, on request for research",
    read=_read,
)
