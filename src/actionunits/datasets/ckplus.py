"""CK+: 123 people, 593 posed sequences from neutral to peak, AUs of the peak, an emotion for 327 of them.

Layout: ``cohn-kanade-images/S005/001/S005_001_00000011.png``, ``FACS/S005/001/S005_001_00000011_facs.txt``
with lines ``AU intensity`` (0 = not given), ``Emotion/S005/001/S005_001_00000011_emotion.txt`` with one
number. The first picture is neutral: no AU is shown; the last one shows what FACS lists and no other AU;
between them all is unknown. The label files' names give the number of the peak: where that picture is
missing, no other one takes its labels, and the peak is unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from actionunits.datasets.adapter import DataSet, Event, LabelProblem, Reading, occurrence_only
from actionunits.datasets.label_text import read_lines, read_numbers
from actionunits.datasets.listing import child, folders, names, numbered_pictures
from actionunits.datasets.survey import Survey
from actionunits.facs.sets import AU_SETS

__all__ = ["DATA_SET", "EMOTION_NUMBERS"]

#: The emotions by their number in the files.
EMOTION_NUMBERS = ("neutral", "anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")

_SUBJECT = re.compile(r"S(\d{3})", re.IGNORECASE)
_SEQUENCE = re.compile(r"(\d{3})")
_PEAK = re.compile(r".*_(\d+)_(?:facs|emotion)\.txt", re.IGNORECASE)


@dataclass(frozen=True)
class _Sequence:
    subject: str
    name: str
    folder: Path
    shown: dict[int, float] | None
    emotion: str


def _read(root: Path, positive: int | None) -> Reading:
    occurrence_only("ckplus", positive)
    survey = Survey("ckplus", root)
    images = child(root, "cohn-kanade-images", "extended-cohn-kanade-images")
    if images is not None and (inner := child(images, "cohn-kanade-images")) is not None:
        images = inner
    if images is None:
        remedy = "give the folder that holds it, FACS and Emotion"
        survey.report(root, "a folder cohn-kanade-images", "none", remedy, kind="missing", fatal=True)
        return survey.reading()
    sequences = _sequences(survey, images)
    coded = {au for one in sequences for au in one.shown or {}}
    for one in sequences:
        _add_sequence(survey, one, sorted({*AU_SETS["disfa-12"], *coded}))
    return survey.reading()


def _sequences(survey: Survey, images: Path) -> list[_Sequence]:
    found = []
    ids = {name: f"S{match[1]}" for name, match in folders(images, _SUBJECT).items()}
    for subject, folder in survey.one_folder_each(images, ids).items():
        for name in folders(folder, _SEQUENCE):
            facs, emotion = (_label_file(survey, part, subject, name) for part in ("FACS", "Emotion"))
            facs, emotion = (_at_the_peak(survey, folder / name, file) for file in (facs, emotion))
            shown = None
            if facs is None:
                survey.report(
                    folder / name,
                    f"a file FACS/{subject}/{name}/.._facs.txt",
                    "none",
                    "the AUs of its peak are unknown",
                    kind="missing",
                )
            else:
                with survey.label_file():
                    shown = _facs(facs)
            label = ""
            if emotion is not None:
                with survey.label_file():
                    label = _emotion(emotion)
            found.append(_Sequence(subject, name, folder / name, shown, label))
    return found


def _label_file(survey: Survey, part: str, subject: str, name: str) -> Path | None:
    """The one text file of a sequence in FACS or Emotion (``Emotion_labels`` in some copies)."""
    folder: Path | None = child(survey.root, part, f"{part}_labels")
    if folder is not None and (inner := child(folder, part)) is not None:
        folder = inner
    for step in (subject, name):
        folder = None if folder is None else child(folder, step)
    if folder is None:
        return None
    files = [one for one in names(folder, directories=False) if one.lower().endswith(".txt")]
    if len(files) > 1:
        survey.report(
            folder, "one file", f"{len(files)}: {', '.join(files)}", "remove the others", fatal=True
        )
    return folder / files[0] if files else None


def _at_the_peak(survey: Survey, pictures: Path, file: Path | None) -> Path | None:
    """The label file, or None, with a departure, where the picture that it names is not the last one."""
    match = None if file is None else _PEAK.fullmatch(file.name)
    numbers = list(numbered_pictures(pictures).by_number)
    if file is None or match is None or not numbers or int(match[1]) == numbers[-1]:
        return file
    survey.report(
        file,
        f"picture {int(match[1])} as the last one in {pictures}",
        f"picture {numbers[-1]}",
        "copy the pictures again; the peak's labels are left out",
        kind="missing",
    )
    return None


def _facs(path: Path) -> dict[int, float]:
    """AU to intensity, NaN where it is not given; an empty file lists none."""
    try:
        read_lines(path)
    except LabelProblem as problem:
        if problem.departure.found == "an empty file":
            return {}
        raise
    table = read_numbers(path, header=False, columns=2)
    aus, values = table.values.T
    remedy = "use the file as distributed"
    table.refuse(~np.isin(aus, range(1, 100)), "an AU's number", remedy)
    table.refuse(~np.isin(values, range(6)), "an intensity 0 to 5", remedy)
    return {int(au): float(value) or np.nan for au, value in zip(aus, values, strict=True)}


def _emotion(path: Path) -> str:
    table = read_numbers(path, header=False, columns=1)
    table.refuse(~np.isin(table.values[:, 0], range(8)), "an emotion 0 to 7", "use the file as distributed")
    return EMOTION_NUMBERS[int(table.values[0, 0])]


def _add_sequence(survey: Survey, one: _Sequence, aus: list[int]) -> None:
    pictures = numbered_pictures(one.folder)
    frames = np.array(list(pictures.by_number), np.int64)
    if len(frames) < 2:
        survey.report(
            one.folder,
            "a picture of the neutral face and one of the peak",
            f"{len(frames)} pictures",
            "copy the folder again; the sequence is left out",
            kind="missing",
        )
        return
    occurrence = {au: np.full(len(frames), -1, np.int8) for au in aus}
    intensity = {au: np.full(len(frames), np.nan, np.float32) for au in aus}
    for au in aus:
        occurrence[au][0], intensity[au][0] = 0, 0.0
        if one.shown is not None:
            occurrence[au][-1] = au in one.shown
            intensity[au][-1] = one.shown.get(au, 0.0)
    emotion = ["neutral", *[""] * (len(frames) - 2), one.emotion]
    base = one.folder.relative_to(survey.root).as_posix()
    survey.add(
        one.subject,
        one.name,
        frames,
        [f"{base}/{pictures.by_number[int(frame)]}" for frame in frames],
        emotion=emotion,
        occurrence=occurrence,
        intensity=intensity,
    )
    peak = int(frames[-1])
    listed = tuple(sorted(one.shown or {}))
    survey.events.append(
        Event(survey.name, one.subject, one.name, int(frames[0]), (peak,), peak, listed, one.emotion, "posed")
    )


DATA_SET = DataSet(
    name="ckplus",
    title="CK+ (extended Cohn-Kanade)",
    codes="AUs and intensity of the peak, none at the first picture; eight emotions",
    access="University of Pittsburgh, on request for research",
    read=_read,
)
