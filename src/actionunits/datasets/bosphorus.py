"""Bosphorus: 105 people, pictures that show an AU, an emotion or a pose, as their names say.

Layout: ``bs000/bs000_E_HAPPY_0.png`` (emotion), ``bs000_N_N_1`` (neutral), ``bs000_LFAU_12LW_0`` (AU12,
low; also ``UFAU_``, and ``CAU_`` for several), ``bs000_YR_R10_0`` (turned head; ``PR_``, ``CR_``), ``O_``
and ``IGN_`` (covered). The AU that a name gives is shown, what else the face shows is unknown; in a neutral
picture no AU is shown. A turned or covered face has its name as its view.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from actionunits.datasets.adapter import DataSet, Reading, occurrence_only
from actionunits.datasets.au_codes import emotion_name
from actionunits.datasets.listing import folders, folders_that_hold, names
from actionunits.datasets.survey import Survey
from actionunits.faces.pictures import PICTURE_SUFFIXES

__all__ = ["DATA_SET", "NamedPicture", "parse_name"]

_SUBJECT = re.compile(r"bs(\d{3})", re.IGNORECASE)
_NAME = re.compile(r"bs(\d{3})_([A-Z]+)_(.+)_(\d+)", re.IGNORECASE)
_AU = re.compile(r"A?(\d{1,2})(LW|[LR])?", re.IGNORECASE)
_POSES, _COVERED = ("YR", "PR", "CR"), ("O", "IGN")


@dataclass(frozen=True)
class NamedPicture:
    """What a picture's name says.

    Attributes:
        subject: such as ``bs000``.
        sequence: the name without subject.
        emotion: its name, or empty.
        aus: AU to side (``L``, ``R`` or empty) of what is shown.
        neutral: no AU is shown.
        view: ``frontal``, or the pose's or cover's name.
    """

    subject: str
    sequence: str
    emotion: str = ""
    aus: tuple[tuple[int, str], ...] = ()
    neutral: bool = False
    view: str = "frontal"


def parse_name(stem: str) -> NamedPicture | None:
    """What a file's name says; None if it is not of this data set.

    >>> parse_name("bs000_LFAU_12LW_0").aus, parse_name("bs000_LFAU_12L_0").aus
    (((12, ''),), ((12, 'L'),))
    >>> parse_name("bs000_CAU_A22A25_0").aus, parse_name("bs000_YR_R10_0").view
    (((22, ''), (25, '')), 'YR_R10')
    """
    match = _NAME.fullmatch(stem)
    if match is None:
        return None
    subject, kind, what = f"bs{match[1]}", match[2].upper(), match[3].upper()
    sequence = f"{kind}_{what}_{match[4]}"
    if kind == "N":
        return NamedPicture(subject, sequence, "neutral", neutral=True)
    if kind == "E":
        return NamedPicture(subject, sequence, emotion_name(what))
    if kind in _POSES:
        return NamedPicture(subject, sequence, "neutral", view=f"{kind}_{what}")
    if kind in _COVERED:
        return NamedPicture(subject, sequence, view=f"{kind}_{what}")
    if kind.endswith("AU"):
        found = list(_AU.finditer(what.replace("_", "")))
        if "".join(m[0] for m in found) != what.replace("_", "") or not found:
            return None
        aus = [(int(m[1]), m[2].upper() if m[2] and m[2].upper() != "LW" else "") for m in found]
        return NamedPicture(subject, sequence, aus=tuple(aus))
    return None


def _read(root: Path, positive: int | None) -> Reading:
    occurrence_only("bosphorus", positive)
    survey = Survey("bosphorus", root)
    pictures: list[tuple[Path, NamedPicture]] = []
    for place in folders_that_hold(root, _SUBJECT):
        ids = {name: f"bs{match[1]}" for name, match in folders(place, _SUBJECT).items()}
        for subject, folder in survey.one_folder_each(place, ids).items():
            pictures += _pictures(survey, subject, folder)
    if not pictures:
        remedy = "give the folder that holds bs000, bs001 .."
        survey.report(
            root, "pictures such as bs000/bs000_N_N_0.png", "none", remedy, kind="missing", fatal=True
        )
    aus = sorted({au for _, one in pictures for au, _ in one.aus})
    for path, one in pictures:
        shown = dict(one.aus)
        rest = 0 if one.neutral else -1
        survey.add(
            one.subject,
            one.sequence,
            np.zeros(1, np.int64),
            [path.relative_to(root).as_posix()],
            emotion=one.emotion,
            view=one.view,
            occurrence={au: np.array([1 if au in shown else rest], np.int8) for au in aus},
            side={au: [side] for au, side in one.aus if side},
        )
    return survey.reading()


def _pictures(survey: Survey, subject: str, folder: Path) -> list[tuple[Path, NamedPicture]]:
    found = []
    for name in names(folder, directories=False):
        path = folder / name
        if path.suffix.lower() not in PICTURE_SUFFIXES:
            continue  # the scans (.bnt) and points (.lm2, .lm3) beside the pictures
        one = parse_name(path.stem)
        if one is None or one.subject != subject:
            expected = f"a name such as {subject}_LFAU_12_0.png"
            survey.report(path, expected, name, "it is not used", kind="surplus")
        else:
            found.append((path, one))
    return found


DATA_SET = DataSet(
    name="bosphorus",
    title="Bosphorus",
    codes="the AU, emotion or pose of a picture's name; other AUs unknown",
    access="Bogazici University, on request for research",
    read=_read,
)
