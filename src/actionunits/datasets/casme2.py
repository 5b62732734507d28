"""CASME II: micro-expressions at 200 Hz, AUs listed from onset to offset; 21 apexes are missing.

Layout: ``Cropped/sub01/EP02_01f/reg_img46.jpg`` or the whole pictures ``img46.jpg`` in another folder of
``sub01`` .. (numbers without leading zeros), and ``CASME2-coding-20140508.xlsx`` with the columns 0 Subject,
1 Filename, 3 OnsetFrame, 4 ApexFrame, 5 OffsetFrame, 7 Action Units, 8 Estimated Emotion.
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

RATE_HZ = 200.0

_SUBJECT = re.compile(r"sub0*(\d{1,2})", re.IGNORECASE)
_TABLE = re.compile(r"CASME2.*\.xlsx?", re.IGNORECASE)
_COLUMNS = CodingColumns(subject=0, clip=1, onset=3, apexes=(4,), offset=5, aus=7, emotion=8)


def _read(root: Path, positive: int | None) -> Reading:
    occurrence_only("casme2", positive)
    survey = Survey("casme2", root)
    table = find_workbook(survey, _TABLE, "CASME2-coding-20140508.xlsx")
    if table is not None:
        clips = read_coding(survey, table, _COLUMNS, header=True)
        add_clips(survey, table, clips, clip_folders(survey, _SUBJECT), rate_hz=RATE_HZ)
    return survey.reading()


DATA_SET = DataSet(
    name="casme2",
    title="CASME II",
    codes="AUs listed from onset to offset, sides kept; ? unknown",
    access="Chinese Academy of Sciences, on request for research",
    read=_read,
)
