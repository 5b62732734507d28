"""What the CASME family shares: clips of pictures whose expressions a table codes from onset to offset.

The AUs of an expression count as shown from its onset to its offset, the other AUs of the table as not shown;
before and after, and where a ``?`` stands, all is unknown.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actionunits.datasets.adapter import Event, LabelProblem
from actionunits.datasets.au_codes import AUCode, emotion_name, parse_au_string
from actionunits.datasets.listing import Pictures, folders, folders_that_hold, names, numbered_pictures
from actionunits.datasets.survey import Survey
from actionunits.datasets.workbook import Sheet, read_workbook
from actionunits.errors import UserError
from actionunits.facs.sets import AU_SETS

__all__ = [
    "CodedClip",
    "CodingColumns",
    "add_clips",
    "clip_folders",
    "find_workbook",
    "parse_row",
    "read_coding",
]


@dataclass(frozen=True)
class CodingColumns:
    """Where a coding table has what, from 0.

    Attributes:
        subject: number of the person.
        clip: name of the clip.
        onset: first frame.
        apexes: strongest frames; a cell may be empty, 0 or ``/``.
        offset: last frame.
        aus: AU string.
        emotion: its name.
        kind: ``micro-expression`` or ``macro-expression``, or None.
    """

    subject: int
    clip: int
    onset: int
    apexes: tuple[int, ...]
    offset: int
    aus: int
    emotion: int
    kind: int | None = None


@dataclass(frozen=True)
class CodedClip:
    """A row of a coding table.

    Attributes:
        subject: such as ``sub01``.
        clip: name of the clip.
        onset: first frame.
        apexes: strongest frames, perhaps none.
        offset: last frame; None where it is missing.
        codes: AU to code; None where nothing is known.
        emotion: its name.
        kind: ``micro`` or ``macro``.
        line: row of the table, from 1.
    """

    subject: str
    clip: str
    onset: int
    apexes: tuple[int, ...]
    offset: int | None
    codes: Mapping[int, AUCode] | None
    emotion: str
    kind: str
    line: int


_MISSING = ("", "0", "/", "-", "nan", "none")
#: A cell of AUs that says nothing: an expression without a code is not an expression without an AU.
_NOT_GIVEN = ("", "/", "-", "nan")


def find_workbook(survey: Survey, pattern: re.Pattern[str], example: str) -> Path | None:
    """The coding table in the data set's folder or one below; a fatal departure where there is none."""
    for folder in (survey.root, *(survey.root / name for name in names(survey.root, directories=True))):
        fitting = [name for name in names(folder, directories=False) if pattern.fullmatch(name)]
        if len(fitting) > 1:
            survey.report(
                folder, f"one table such as {example}", " and ".join(fitting), f"{fitting[-1]} is read"
            )
        if fitting:
            return folder / fitting[-1]
    survey.report(
        survey.root,
        f"the table {example}",
        "none",
        "put it into this folder",
        kind="missing",
        fatal=True,
    )
    return None


def read_coding(
    survey: Survey, path: Path, columns: CodingColumns, *, header: bool, prefix: str = "sub"
) -> list[CodedClip]:
    """The rows of the first sheet; a row that cannot be read is a fatal departure."""
    clips: list[CodedClip] = []
    with survey.label_file():
        sheet = next(iter(read_workbook(path).values()), [])
        clips += _rows(survey, path, sheet, columns, header=header, prefix=prefix)
    return clips


def _rows(
    survey: Survey, path: Path, sheet: Sheet, columns: CodingColumns, *, header: bool, prefix: str
) -> Iterable[CodedClip]:
    seen: dict[tuple[str, str, int], int] = {}
    for line, row in enumerate(sheet, start=1):
        if not any(row) or (header and line == 1):
            continue
        with survey.label_file():
            clip = parse_row(path, line, row, columns, prefix)
            key = (clip.subject, clip.clip.casefold(), clip.onset)
            if key in seen:
                found = f"{clip.subject} {clip.clip} from {clip.onset}, as in row {seen[key]}"
                raise LabelProblem(path, line, "each expression once", found, "remove one of the rows")
            seen[key] = line
            yield clip


def parse_row(path: Path, line: int, row: Sequence[str], columns: CodingColumns, prefix: str) -> CodedClip:
    """One row of a coding table.

    Raises:
        LabelProblem: a cell is missing or cannot be read.
    """
    remedy = "use the table as distributed"

    def cell(column: int) -> str:
        return row[column].strip() if column < len(row) else ""

    def frame(column: int) -> int | None:
        text = cell(column)
        if text.lower() in _MISSING:
            return None
        if not text.isdecimal():
            raise LabelProblem(path, line, f"a frame number in column {column + 1}", repr(text), remedy)
        return int(text)

    number = re.fullmatch(r"(?:sub|s)?0*(\d{1,3})", cell(columns.subject), re.IGNORECASE)
    if number is None or not cell(columns.clip):
        found = f"{cell(columns.subject)!r} and {cell(columns.clip)!r}"
        raise LabelProblem(path, line, "a subject's number and a clip's name", found, remedy)
    onset, offset = frame(columns.onset), frame(columns.offset)
    apexes = tuple(dict.fromkeys(a for a in map(frame, columns.apexes) if a is not None))
    if onset is None:
        raise LabelProblem(path, line, "an onset frame", repr(cell(columns.onset)), remedy)
    if any(a < onset or (offset is not None and a > offset) for a in apexes) or (offset or onset) < onset:
        found = f"onset {onset}, apex {apexes}, offset {offset}"
        raise LabelProblem(path, line, "onset <= apex <= offset", found, remedy)
    written = cell(columns.aus)
    try:
        codes = None if written.lower() in _NOT_GIVEN else parse_au_string(written)
    except UserError as problem:
        raise LabelProblem(path, line, "AUs such as 4+L12", str(problem), remedy) from problem
    kind = "micro" if columns.kind is None else cell(columns.kind).lower().partition("-")[0]
    return CodedClip(
        f"{prefix}{int(number[1]):02d}",
        cell(columns.clip),
        onset,
        apexes,
        offset,
        codes,
        emotion_name(cell(columns.emotion)),
        kind,
        line,
    )


def clip_folders(
    survey: Survey, subject: re.Pattern[str], prefix: str = "sub"
) -> dict[tuple[str, str], Path]:
    """(subject, clip in small letters) to its folder of pictures; whole pictures before cropped ones."""
    places = list(folders_that_hold(survey.root, subject))
    places.sort(key=lambda place: "crop" in place.relative_to(survey.root).as_posix().lower())
    found: dict[tuple[str, str], Path] = {}
    for place in places:
        ids = {name: f"{prefix}{int(match[1]):02d}" for name, match in folders(place, subject).items()}
        for own, folder in survey.one_folder_each(place, ids).items():
            for clip in names(folder, directories=True):
                found.setdefault((own, clip.casefold()), folder / clip)
    return found


def add_clips(
    survey: Survey,
    table: Path,
    clips: Sequence[CodedClip],
    where: Mapping[tuple[str, str], Path],
    *,
    rate_hz: float,
    around: int | None = None,
) -> None:
    """Add the coded clips' pictures to a survey.

    Args:
        survey: takes rows and events.
        table: the coding table, for messages.
        clips: its rows.
        where: (subject, clip in small letters) to a folder of pictures.
        rate_hz: frames a second.
        around: keep only so many frames before and after an expression; None = the whole clip.
    """
    aus = sorted({*AU_SETS["casme-13"], *(au for clip in clips for au in clip.codes or {})})
    groups: dict[tuple[str, str], list[CodedClip]] = defaultdict(list)
    for clip in clips:
        groups[clip.subject, clip.clip.casefold()].append(clip)
    by_folder: dict[Path, list[CodedClip]] = defaultdict(list)
    for key, coded in groups.items():
        if key in where:
            by_folder[where[key]] += coded
        else:
            survey.report(
                table,
                f"the pictures of {key[0]} {coded[0].clip} (row {coded[0].line})",
                "no such folder",
                "add them; the clip is left out",
                kind="missing",
            )
    for folder, coded in sorted(by_folder.items(), key=lambda item: (item[1][0].subject, item[0])):
        _add_clip(survey, folder, coded, aus, rate_hz, around)
    for _, folder in sorted(where.items()):
        if folder not in by_folder:
            survey.report(
                folder, f"a row in {table.name}", "none", "its pictures are not used", kind="surplus"
            )


def _add_clip(
    survey: Survey,
    folder: Path,
    coded: Sequence[CodedClip],
    aus: Sequence[int],
    rate_hz: float,
    around: int | None,
) -> None:
    pictures = numbered_pictures(folder)
    frames = np.array(list(pictures.by_number), np.int64)
    near = np.zeros(len(frames), bool)
    for clip in coded:
        last = _last(clip)
        if around is not None:
            near |= (frames >= clip.onset - around) & (frames <= last + around)
        _report_gaps(survey, folder, clip, pictures)
    frames = frames if around is None else frames[near]
    if not len(frames):
        return
    occurrence = {au: np.full(len(frames), -1, np.int8) for au in aus}
    side = {au: np.full(len(frames), "", object) for au in aus}
    emotion = np.full(len(frames), "", object)
    intensity = {
        au: np.full(len(frames), np.nan, np.float32)
        for au in aus
        if any(c.intensity is not None for clip in coded for a, c in (clip.codes or {}).items() if a == au)
    }
    for clip in coded:
        inside = (frames >= clip.onset) & (frames <= _last(clip))
        emotion[inside] = clip.emotion
        _write_codes(clip, inside, occurrence, side)
        for au, values in intensity.items():
            graded = (clip.codes or {}).get(au, AUCode()).intensity
            if graded is not None:
                values[inside] = graded
        survey.events.append(_event(survey, clip, folder.name))
    base = folder.relative_to(survey.root).as_posix()
    survey.add(
        coded[0].subject,
        folder.name,
        frames,
        [f"{base}/{pictures.by_number[int(frame)]}" for frame in frames],
        rate_hz=rate_hz,
        task=coded[0].kind,
        emotion=emotion.tolist(),
        occurrence=occurrence,
        intensity=intensity,
        side={au: texts.tolist() for au, texts in side.items() if any(texts)},
    )


def _write_codes(
    clip: CodedClip,
    inside: NDArray[np.bool_],
    occurrence: dict[int, NDArray[np.int8]],
    side: dict[int, NDArray[np.object_]],
) -> None:
    if clip.codes is None:
        return
    for au, codes in occurrence.items():
        code = clip.codes.get(au)
        if code is None:
            codes[inside & (codes < 0)] = 0
        elif not code.doubtful:
            codes[inside] = 1
            side[au][inside] = code.side


def _last(clip: CodedClip) -> int:
    """The last frame that is surely part of the expression."""
    return clip.offset if clip.offset is not None else max((clip.onset, *clip.apexes))


def _event(survey: Survey, clip: CodedClip, sequence: str) -> Event:
    sure = tuple(sorted(au for au, code in (clip.codes or {}).items() if not code.doubtful))
    return Event(
        survey.name,
        clip.subject,
        sequence,
        clip.onset,
        clip.apexes,
        clip.offset,
        sure,
        clip.emotion,
        clip.kind,
    )


def _report_gaps(survey: Survey, folder: Path, clip: CodedClip, pictures: Pictures) -> None:
    wanted = range(clip.onset, _last(clip) + 1)
    absent = [frame for frame in wanted if frame not in pictures.by_number]
    if absent:
        survey.report(
            folder,
            f"a picture for each frame {wanted.start} to {wanted.stop - 1}",
            f"none for {len(absent)}, the first {absent[0]}",
            "these frames are left out",
            kind="missing",
        )
    if pictures.doubled:
        survey.report(
            folder / pictures.doubled[0],
            "one picture a frame",
            f"{len(pictures.doubled)} whose number another has",
            "remove one of each",
        )
