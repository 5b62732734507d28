"""BP4D: 41 people, 8 tasks, occurrence of about 30 AUs and intensity of five, frame by frame at 25 Hz.

Layout: pictures in ``Sequences(2D+3D)/F001/T1/0000.jpg`` or ``BP4D-training/F001/T1/488.jpg`` (3 or 4
digits); occurrence in ``AUCoding/F001_T1.csv`` or ``AUCoding/AU_OCC/F001_T1.csv``, intensity in
``AUCoding/AU_INT/AU06/F001_T1_AU06.csv``. The first line of an occurrence file names its columns: ``0`` to
``99`` in the first release, ``1,1,2,4 ..`` in the second; the first column is the frame in both, so columns
are taken by position. 9 is unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actionunits.datasets.adapter import DataSet, LabelProblem, Reading, occurrence_only
from actionunits.datasets.label_text import (
    NumberTable,
    intensity_codes,
    occurrence_codes,
    read_lines,
    read_numbers,
    whole_frames,
)
from actionunits.datasets.listing import child, folders, folders_that_hold, names, numbered_pictures
from actionunits.datasets.survey import Survey
from actionunits.errors import UserError
from actionunits.facs.units import parse_au
from actionunits.records import FloatArray

__all__ = ["DATA_SET", "INTENSITY_AUS", "BinghamtonLayout", "read_binghamton"]

INTENSITY_AUS = (6, 10, 12, 14, 17)
RATE_HZ = 25.0

_SUBJECT = re.compile(r"([FM])(\d{1,3})", re.IGNORECASE)
_TASK = re.compile(r"T(\d{1,2})", re.IGNORECASE)
_FILE = re.compile(r"([FM])(\d{1,3})_T(\d{1,2})(?:_AU(\d{1,2}))?\.csv", re.IGNORECASE)

Key = tuple[str, str]


@dataclass(frozen=True)
class BinghamtonLayout:
    """What tells BP4D and BP4D+ apart.

    Attributes:
        name: of the data set.
        subjects: everyone who is in the distribution.
        tasks: the tasks that are coded.
    """

    name: str
    subjects: tuple[str, ...]
    tasks: tuple[str, ...]


def read_binghamton(root: Path, layout: BinghamtonLayout) -> Reading:
    """Read BP4D or BP4D+.

    Raises:
        UserError: there is no such folder.
    """
    survey = Survey(layout.name, root)
    coding = child(root, "AUCoding") or root
    pictures = _picture_folders(survey, layout)
    occurrence = _files(survey, child(coding, "AU_OCC") or coding)
    _second_coding(survey, coding)
    intensity = _intensity_files(survey, child(coding, "AU_INT"))
    if not occurrence:
        survey.report(
            coding,
            "occurrence files such as AUCoding/AU_OCC/F001_T1.csv",
            "none",
            "give the folder that holds AUCoding and the pictures",
            kind="missing",
            fatal=True,
        )
    for key, file in sorted(occurrence.items()):
        if key not in pictures:
            survey.report(
                file,
                f"the pictures of {key[0]} {key[1]}",
                "no such folder",
                "add them; the sequence is left out",
                kind="missing",
            )
            continue
        with survey.label_file():
            _add_sequence(survey, key, file, pictures[key], intensity)
    _uncoded(survey, layout, pictures, occurrence)
    _absent_people(survey, layout, {subject for subject, _ in pictures})
    return survey.reading()


def _second_coding(survey: Survey, coding: Path) -> None:
    """Report occurrence files of another release beside ``AU_OCC``."""
    newer = child(coding, "AU_OCC")
    beside = [name for name in names(coding, directories=False) if _FILE.fullmatch(name)]
    if newer is not None and beside:
        survey.report(
            coding,
            f"occurrence files in one place, {newer.name}",
            f"{len(beside)} beside it, the first {beside[0]}",
            f"only those in {newer.name} are read: remove it to read the others",
            kind="surplus",
        )


def _picture_folders(survey: Survey, layout: BinghamtonLayout) -> dict[Key, Path]:
    found: dict[Key, Path] = {}
    for place in folders_that_hold(survey.root, _SUBJECT):
        ids = {name: f"{m[1].upper()}{int(m[2]):03d}" for name, m in folders(place, _SUBJECT).items()}
        for subject, folder in survey.one_folder_each(place, ids).items():
            for name, match in folders(folder, _TASK).items():
                found.setdefault((subject, f"T{int(match[1])}"), folder / name)
    if not found:
        survey.report(
            survey.root,
            "pictures such as F001/T1/0000.jpg in a folder of their own",
            "none",
            "give the folder that holds the pictures and AUCoding",
            kind="missing",
            fatal=True,
        )
    return found


def _files(survey: Survey, folder: Path) -> dict[Key, Path]:
    found: dict[Key, Path] = {}
    for name in names(folder, directories=False):
        match = _FILE.fullmatch(name)
        if match is None:
            if name.lower().endswith(".csv"):
                survey.report(
                    folder / name, "a name such as F001_T1.csv", name, "it is not read", kind="surplus"
                )
            continue
        key = (f"{match[1].upper()}{int(match[2]):03d}", f"T{int(match[3])}")
        if key in found:
            both = f"{found[key].name} and {name}"
            survey.report(folder, f"one file for {' '.join(key)}", both, "remove one of them", fatal=True)
        else:
            found[key] = folder / name
    return found


def _intensity_files(survey: Survey, folder: Path | None) -> dict[int, dict[Key, Path]]:
    if folder is None:
        return {}
    found = {}
    for name in names(folder, directories=True):
        try:
            found[parse_au(name)] = _files(survey, folder / name)
        except UserError:
            survey.report(folder / name, "a folder such as AU06", name, "it is not read", kind="surplus")
    return found


def _add_sequence(
    survey: Survey, key: Key, file: Path, folder: Path, intensity: dict[int, dict[Key, Path]]
) -> None:
    table = read_numbers(file, header=True)
    frames = whole_frames(table)
    aus = _columns(table)
    codes = occurrence_codes(table, np.array(list(aus.values()), np.int64))
    pictures = numbered_pictures(folder)
    if pictures.doubled:
        survey.report(
            folder / pictures.doubled[0],
            "one picture a frame",
            f"{len(pictures.doubled)} whose number another has",
            "remove one of each",
        )
    there = np.isin(frames, list(pictures.by_number))
    if not there.all():
        survey.report(
            file,
            f"a picture in {folder} for each of {len(frames)} coded frames",
            f"none for {int((~there).sum())}, the first {frames[~there][0]}",
            "these frames are left out",
            kind="missing",
        )
    graded = {}
    for au, files in intensity.items():
        if key in files:
            with survey.label_file():
                graded[au] = _intensities(files[key], frames)[there]
    order = np.flatnonzero(there)[np.argsort(frames[there])]
    ranks = np.argsort(frames[there])
    base = folder.relative_to(survey.root).as_posix()
    survey.add(
        key[0],
        key[1],
        frames[order],
        [f"{base}/{pictures.by_number[int(frame)]}" for frame in frames[order]],
        rate_hz=RATE_HZ,
        task=key[1],
        occurrence={au: codes[order, column] for column, au in enumerate(aus)},
        intensity={au: values[ranks] for au, values in graded.items()},
    )


def _columns(table: NumberTable) -> dict[int, int]:
    """AU to column, by the header; the first column is the frame whatever it is called."""
    found: dict[int, int] = {}
    for column, name in enumerate(table.header[1:], start=1):
        try:
            au = parse_au(name)
        except UserError as problem:
            remedy = "use the file as distributed"
            raise LabelProblem(table.path, 1, "AU numbers in the first line", repr(name), remedy) from problem
        if au in found:
            raise LabelProblem(table.path, 1, f"AU{au} once", "two columns of it", "remove one")
        found[au] = column
    if not found:
        raise LabelProblem(table.path, 1, "a column for each AU", "one column", "use the file as distributed")
    return found


def _intensities(file: Path, frames: NDArray[np.int64]) -> FloatArray:
    """The intensity of each of these frames, NaN where the file has none."""
    table = read_numbers(file, header=_has_header(file), columns=2)
    coded, values = whole_frames(table), intensity_codes(table, 1)
    result = np.full(len(frames), np.nan, np.float32)
    if len(coded):
        order = np.argsort(coded)
        at = np.minimum(np.searchsorted(coded[order], frames), len(coded) - 1)
        same = coded[order][at] == frames
        result[same] = values[order][at[same]]
    return result


def _has_header(file: Path) -> bool:
    """Whether the first line holds names: text, or the AU's number where a code would stand."""
    first = re.split(r"[,;\t]", read_lines(file)[0][1])
    try:
        return float(first[-1]) > 5 and float(first[-1]) != 9
    except ValueError:
        return bool(first[-1].strip())


def _uncoded(
    survey: Survey, layout: BinghamtonLayout, pictures: dict[Key, Path], occurrence: dict[Key, Path]
) -> None:
    for key, folder in sorted(pictures.items()):
        if key not in occurrence and key[1] in layout.tasks:
            survey.report(
                folder,
                f"codes in {key[0]}_{key[1]}.csv",
                "no such file",
                "its pictures are not used",
                kind="surplus",
            )


def _absent_people(survey: Survey, layout: BinghamtonLayout, present: set[str]) -> None:
    absent = [subject for subject in layout.subjects if subject not in present]
    if absent and present:
        survey.report(
            survey.root,
            f"{len(layout.subjects)} subjects",
            f"{len(present)}: no {', '.join(absent[:3])}{' ..' if len(absent) > 3 else ''}",
            "fine if you have a part of it",
            kind="missing",
        )


_LAYOUT = BinghamtonLayout(
    "bp4d",
    tuple(f"F{n:03d}" for n in range(1, 24)) + tuple(f"M{n:03d}" for n in range(1, 19)),
    tuple(f"T{n}" for n in range(1, 9)),
)


def _read(root: Path, positive: int | None) -> Reading:
    occurrence_only("bp4d", positive)
    return read_binghamton(root, _LAYOUT)


DATA_SET = DataSet(
    name="bp4d",
    title="BP4D-Spontaneous",
    codes="occurrence 0, 1, 9 unknown; intensity 0 to 5 of AU 6 10 12 14 17",
    access="Binghamton University, on request for research",
    read=_read,
)
