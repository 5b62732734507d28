"""RaFD: 67 people, eight emotions, three directions of gaze, five cameras, as the pictures' names say.

Layout: ``Rafd090_01_Caucasian_female_happy_frontal.jpg``: camera (000 045 090 135 180; 090 is frontal),
person, group, sex, emotion, gaze. There are no AU codes.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from actionunits.datasets.adapter import DataSet, Reading, occurrence_only
from actionunits.datasets.au_codes import emotion_name
from actionunits.datasets.listing import names
from actionunits.datasets.survey import Survey
from actionunits.faces.pictures import PICTURE_SUFFIXES

__all__ = ["DATA_SET"]

_EMOTIONS = "angry|contemptuous|disgusted|fearful|happy|neutral|sad|surprised"
_NAME = re.compile(
    rf"Rafd(?P<camera>000|045|090|135|180)_(?P<person>\d{{1,2}})_(?P<group>[A-Za-z]+)_(?P<sex>male|female)"
    rf"_(?P<emotion>{_EMOTIONS})_(?P<gaze>left|frontal|right)",
    re.IGNORECASE,
)


def _read(root: Path, positive: int | None) -> Reading:
    occurrence_only("rafd", positive)
    survey = Survey("rafd", root)
    seen: dict[tuple[str, str, str], Path] = {}
    who: dict[str, str] = {}
    for folder in (root, *(root / name for name in names(root, directories=True))):
        for name in names(folder, directories=False):
            path = folder / name
            if path.suffix.lower() in PICTURE_SUFFIXES:
                _add(survey, path, seen, who)
    if not seen:
        example = "pictures such as Rafd090_01_Caucasian_female_happy_frontal.jpg"
        survey.report(root, example, "none", "give the folder that holds them", kind="missing", fatal=True)
    return survey.reading()


def _add(survey: Survey, path: Path, seen: dict[tuple[str, str, str], Path], who: dict[str, str]) -> None:
    match = _NAME.fullmatch(path.stem)
    if match is None:
        expected = "a name such as Rafd090_01_Caucasian_female_happy_frontal.jpg"
        survey.report(path, expected, path.name, "it is not used", kind="surplus")
        return
    subject = f"{int(match['person']):02d}"
    group = f"{match['group']}_{match['sex']}".lower()
    if who.setdefault(subject, group) != group:
        survey.report(
            path,
            f"person {subject} to be {who[subject]} as elsewhere",
            group,
            "two people have one number: rename one",
            fatal=True,
        )
        return
    sequence = f"{match['emotion']}_{match['gaze']}".lower()
    key = (subject, sequence, match["camera"])
    if key in seen:
        survey.report(path, "each picture once", f"the same as {seen[key].name}", "remove one", fatal=True)
        return
    seen[key] = path
    survey.add(
        subject,
        sequence,
        np.zeros(1, np.int64),
        [path.relative_to(survey.root).as_posix()],
        emotion=emotion_name(match["emotion"]),
        view=match["camera"],
    )


DATA_SET = DataSet(
    name="rafd",
    title="Radboud Faces Database",
    codes="emotion by name, no AUs; five cameras",
    access="Radboud University, on request for research",
    read=_read,
)
