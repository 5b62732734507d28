"""DISFA: 27 people, one video each of 4845 frames at 20 Hz, intensity 0 to 5 of twelve AUs.

Layout: ``Videos_LeftCamera/LeftVideoSN001_comp.avi``, ``Video_RightCamera/RightVideoSN001_Comp.avi`` and
``ActionUnit_Labels/SN001/SN001_au1.txt`` with lines ``frame,intensity``, frames from 1. The left camera's
video is used, the right one's where the left is missing. An AU counts as shown from intensity 2 on.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actionunits.datasets.adapter import DataSet, Reading
from actionunits.datasets.folds import NAMED_FOLDS
from actionunits.datasets.label_text import intensity_codes, read_numbers, whole_frames
from actionunits.datasets.listing import child, folders, names
from actionunits.datasets.survey import Survey
from actionunits.errors import UserError
from actionunits.faces.video import open_source
from actionunits.facs.sets import AU_SETS
from actionunits.records import FloatArray

__all__ = ["DATA_SET", "POSITIVE", "read"]

RATE_HZ = 20.0
#: The lowest intensity that counts as shown; seeds 001 (the authors' code) and 004 take 1.
POSITIVE = 2

_SUBJECT = re.compile(r"SN0*(\d{1,3})", re.IGNORECASE)
_LABELS = re.compile(r"SN0*(\d{1,3})_au(\d{1,2})\.txt", re.IGNORECASE)
_VIDEO = re.compile(r"(Left|Right)VideoSN0*(\d{1,3})_comp\.(avi|mp4)", re.IGNORECASE)
_PEOPLE = NAMED_FOLDS["disfa-3"].subjects


def read(root: Path, positive: int | None = None) -> Reading:
    """Read DISFA.

    Args:
        root: the folder that holds ActionUnit_Labels and the videos' folders.
        positive: the lowest intensity that counts as shown; 2 without it.

    Raises:
        UserError: there is no such folder, or the lowest intensity is not 1 to 5.
    """
    lowest = POSITIVE if positive is None else positive
    if not 1 <= lowest <= 5:
        raise UserError(f"the lowest intensity that counts as shown is 1 to 5, got {positive}")
    survey = Survey("disfa", root)
    videos = _videos(survey)
    labels = child(root, "ActionUnit_Labels", "ActionUnit_Label")
    if labels is None:
        remedy = "give the folder that holds it and the videos"
        survey.report(root, "a folder ActionUnit_Labels", "none", remedy, kind="missing", fatal=True)
        return survey.reading()
    ids = {name: f"SN{int(m[1]):03d}" for name, m in folders(labels, _SUBJECT).items()}
    people = survey.one_folder_each(labels, ids)
    for subject, folder in people.items():
        if subject not in videos:
            survey.report(
                folder,
                f"a video such as Videos_LeftCamera/LeftVideo{subject}_comp.avi",
                "none",
                "add it; the person is left out",
                kind="missing",
            )
            continue
        _add_person(survey, subject, folder, videos[subject], lowest)
    for subject in sorted(set(videos) - set(people)):
        survey.report(
            videos[subject],
            f"codes in ActionUnit_Labels/{subject}",
            "no such folder",
            "the video is not used",
            kind="surplus",
        )
    if absent := [subject for subject in _PEOPLE if subject not in people]:
        some = f"{len(people)}: no {', '.join(absent[:3])}{' ..' if len(absent) > 3 else ''}"
        survey.report(
            labels, f"{len(_PEOPLE)} subjects", some, "fine if you have a part of it", kind="missing"
        )
    return survey.reading()


def _videos(survey: Survey) -> dict[str, Path]:
    """The left video of each person, else the right one."""
    found: dict[str, dict[str, Path]] = {}
    for folder in names(survey.root, directories=True):
        if "camera" not in folder.lower():
            continue
        for name in names(survey.root / folder, directories=False):
            if match := _VIDEO.fullmatch(name):
                sides = found.setdefault(f"SN{int(match[2]):03d}", {})
                sides.setdefault(match[1].lower(), survey.root / folder / name)
            else:
                survey.report(
                    survey.root / folder / name,
                    "a name such as LeftVideoSN001_comp.avi",
                    name,
                    "it is not read",
                    kind="surplus",
                )
    for subject, sides in sorted(found.items()):
        if "left" not in sides and len(found) > 1 and any("left" in other for other in found.values()):
            survey.report(
                sides["right"],
                f"a left video of {subject}",
                "only the right one",
                "the right one is used",
                kind="missing",
            )
    return {subject: sides.get("left") or sides["right"] for subject, sides in found.items()}


def _add_person(survey: Survey, subject: str, folder: Path, video: Path, lowest: int) -> None:
    coded: dict[int, tuple[NDArray[np.int64], FloatArray]] = {}
    for name in names(folder, directories=False):
        match = _LABELS.fullmatch(name)
        if match is None:
            survey.report(
                folder / name, f"a name such as {subject}_au1.txt", name, "it is not read", kind="surplus"
            )
            continue
        with survey.label_file():
            table = read_numbers(folder / name, header=False, columns=2)
            coded[int(match[2])] = whole_frames(table), intensity_codes(table, 1)
    _check_files(survey, subject, folder, set(coded))
    if not coded:
        return
    frames = np.unique(np.concatenate([each for each, _ in coded.values()]))
    intensity = {}
    for au, (own, values) in coded.items():
        if len(own) < len(frames):
            survey.report(
                folder / f"{subject}_au{au}.txt",
                f"{len(frames)} frames as in the other AUs' files",
                str(len(own)),
                "AU unknown in the others; copy the file again if it is cut short",
                kind="label",
            )
        graded = np.full(len(frames), np.nan, np.float32)
        graded[np.searchsorted(frames, own)] = values
        intensity[au] = graded
    frames, kept = _within_video(survey, video, frames)
    survey.add(
        subject,
        subject,
        frames,
        video.relative_to(survey.root).as_posix(),
        rate_hz=RATE_HZ,
        first_frame=1,
        occurrence={
            au: np.where(np.isnan(v[kept]), -1, v[kept] >= lowest).astype(np.int8)
            for au, v in intensity.items()
        },
        intensity={au: v[kept] for au, v in intensity.items()},
    )


def _check_files(survey: Survey, subject: str, folder: Path, aus: set[int]) -> None:
    if absent := sorted(set(AU_SETS["disfa-12"]) - aus):
        survey.report(
            folder,
            f"files of AU {' '.join(map(str, AU_SETS['disfa-12']))}",
            f"no readable one of AU {' '.join(map(str, absent))}",
            f"these are unknown for {subject}",
            kind="missing",
        )


def _within_video(
    survey: Survey, video: Path, frames: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The frames that a video can have: none, with a fatal departure, where it cannot be opened."""
    try:
        count = open_source(video).frame_count
    except UserError as problem:
        survey.report(video, "a video", str(problem), "copy it again", fatal=True)
        return frames[:0], np.zeros(len(frames), bool)
    wrong = frames < 1
    if wrong.any():
        survey.report(
            video, "frames from 1", f"{int(wrong.sum())} coded below", "they are left out", kind="label"
        )
    if count is not None and frames[-1] > count:
        survey.report(
            video,
            f"{frames[-1]} frames as coded",
            f"{count} by its header",
            "copy it again if it is cut short; `au prepare` leaves out what is not there",
            kind="missing",
        )
    return frames[~wrong], ~wrong


DATA_SET = DataSet(
    name="disfa",
    title="DISFA",
    codes="intensity 0 to 5 of 12 AUs; shown from 2 up (papers differ: --positive 1)",
    access="University of Denver, on request for research",
    read=read,
)
