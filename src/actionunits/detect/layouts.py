"""What tables hold: OpenFace's columns, OpenFace's files, py-feat's columns, or one row for each AU.

The layouts differ in what they tell of the head: OpenFace's ``pose_Rx``, ``pose_Ry``, ``pose_Rz`` are pitch,
yaw and roll in radians, py-feat's ``Pitch``, ``Roll``, ``Yaw`` in degrees; signs are those of
:func:`~actionunits.faces.pose.head_pose`. ``outside_pose`` and ``outside_size`` are 1 where the face is
turned farther, or is smaller, than what the model was tested on, and empty where its card does not say what
that was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import radians
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from actionunits.detect.results import FaceResult, FrameResult
from actionunits.errors import UserError, unknown_name
from actionunits.facs.emotions import EMOTIONS
from actionunits.facs.units import ACTION_UNITS, au_column
from actionunits.records import FloatArray

if TYPE_CHECKING:
    from actionunits.faces.video import FrameSource

__all__ = [
    "LAYOUTS",
    "Cell",
    "Column",
    "Layout",
    "OpenFaceLayout",
    "Told",
    "graded",
    "is_own_header",
    "layout_of",
    "names_of_pictures",
]

#: A cell; None is unknown: an empty cell of a CSV table, null in Parquet.
Cell = int | float | str | None

#: py-feat's names of emotions that it calls otherwise.
_PY_FEAT = {"happy": "happiness"}


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: as it stands in the first line.
        kind: ``int``, ``float`` or ``str``.
        decimals: of a float.
    """

    name: str
    kind: Literal["int", "float", "str"]
    decimals: int = 0


@dataclass(frozen=True)
class Told:
    """What a table tells of.

    Attributes:
        aus: the AUs of the results.
        thresholds: f32[A].
        source: what the table is of.
        files: of a folder, the name of each picture in order of the frames; else empty.
        emotions: of the results.
        sides: whether left and right are asked for.
    """

    aus: tuple[int, ...]
    thresholds: FloatArray
    source: str = ""
    files: Sequence[str] = ()
    emotions: Sequence[str] = ()
    sides: bool = False


class Layout(Protocol):
    """Which columns a table has and which rows a frame gives."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in order."""

    @property
    def spaced(self) -> bool:
        """Whether a CSV file has a space after each comma and ``nan`` in unknown cells."""

    def rows(self, result: FrameResult) -> Iterator[Sequence[Cell]]:
        """The rows of a frame; at least one, so that a frame without a face stands in the table."""


def _columns(names: Sequence[str], kind: Literal["int", "float", "str"], decimals: int = 0) -> list[Column]:
    return [Column(name, kind, decimals) for name in names]


def _rounded(values: FloatArray, decimals: int) -> list[float]:
    return [round(value, decimals) for value in values.tolist()]


def graded(values: FloatArray, decimals: int) -> list[float]:
    """Intensities rounded, but never up to 1: from there on an AU is called.

    >>> import numpy as np
    >>> graded(np.array([0.9996, 1.0, 2.126], np.float32), 2)
    [0.99, 1.0, 2.13]
    """
    below = round(1.0 - 10.0**-decimals, decimals)
    return [min(round(v, decimals), below) if v < 1.0 else round(v, decimals) for v in values.tolist()]


def _emotion_cells(face: FaceResult, unknown: Sequence[Cell]) -> Sequence[Cell]:
    """The emotions of a face in a table with as many columns for them; without such columns none."""
    return unknown if face.emotion is None or not unknown else _rounded(face.emotion, 4)


def _outside(face: FaceResult) -> list[Cell]:
    flags = (face.outside_pose, face.outside_size)
    return [None if flag is None else int(flag) for flag in flags]


class OpenFaceLayout:
    """OpenFace's columns, then a probability for each AU.

    ``frame`` (from 1), ``face_id`` (from 0), ``timestamp`` (seconds), ``confidence`` (0 to 1), ``success``
    (0 or 1), ``pose_Rx``, ``pose_Ry``, ``pose_Rz``, ``AU01_r`` .. (intensity, 0 to 5), ``AU01_c`` .. (0 or 1:
    the probability reaches the model's threshold), ``AU01_p`` .. (probability), ``outside_pose``,
    ``outside_size``. A frame without a face is one row with ``face_id`` -1, ``confidence`` 0, ``success`` 0
    and the rest empty: what was not seen is unknown, not 0. A model without intensities leaves ``_r`` empty.
    A model that gives emotions adds ``emotion_neutral`` .. (probability, sum 1). Where sides are asked for,
    ``AU01_left``, ``AU01_right`` .. are the intensities (0 to 5) of the subject's own sides, of the AUs that
    FACS codes by side; the stronger one is ``_r``. Of a folder of pictures, a last column ``file`` names the
    picture.

    Args:
        told: the columns' AUs, thresholds, pictures, emotions and whether sides are asked for.
    """

    spaced = False

    def __init__(self, told: Told) -> None:
        names = [au_column(n) for n in told.aus]
        paired = [told.sides and ACTION_UNITS[n].paired for n in told.aus]
        sided = [name for name, has in zip(names, paired, strict=True) if has]
        self.columns = (
            Column("frame", "int"),
            Column("face_id", "int"),
            Column("timestamp", "float", 6),
            Column("confidence", "float", 3),
            Column("success", "int"),
            *_columns(["pose_Rx", "pose_Ry", "pose_Rz"], "float", 3),
            *_columns([f"{name}_r" for name in names], "float", 3),
            *_columns([f"{name}_c" for name in names], "int"),
            *_columns([f"{name}_p" for name in names], "float", 4),
            *_columns(["outside_pose", "outside_size"], "int"),
            *_columns([f"emotion_{name}" for name in told.emotions], "float", 4),
            *_columns([f"{name}_{side}" for name in sided for side in ("left", "right")], "float", 3),
            *([Column("file", "str")] if told.files else []),
        )
        self._files = told.files
        self._paired = paired
        self._no_sides: list[Cell] = [None] * (2 * len(sided))
        self._thresholds = told.thresholds
        self._unknown: list[Cell] = [None] * len(names)
        self._no_emotion: list[Cell] = [None] * len(told.emotions)

    def rows(self, result: FrameResult) -> Iterator[Sequence[Cell]]:
        """A row for each face, or one row without AUs."""
        frame, time_s = result.frame_index + 1, round(result.time_s, 6)
        file = self._files[result.frame_index : frame]
        if not result.faces:
            empty = [*3 * [None], *3 * self._unknown, None, None, *self._no_emotion, *self._no_sides]
            yield [frame, -1, time_s, 0.0, 0, *empty, *file]
        for face in result.faces:
            strengths = self._unknown if face.intensity is None else graded(face.intensity, 3)
            shown = (face.probability >= self._thresholds).astype(int).tolist()
            start = [frame, face.track, time_s, round(face.confidence, 3), 1]
            pose = [round(radians(angle), 3) for angle in face.pose_deg.tolist()]
            said = [*strengths, *shown, *_rounded(face.probability, 4)]
            felt = _emotion_cells(face, self._no_emotion)
            sides: Sequence[Cell] = self._no_sides
            if face.sides is not None:
                sides = graded(face.sides[self._paired].ravel(), 3)
            yield [*start, *pose, *said, *_outside(face), *felt, *sides, *file]


class OpenFace22Layout:
    """A file as OpenFace 2.2 writes it, for scripts that were written for its files.

    Its order, its decimals and its space after each comma, so that such a script finds `` AU12_r``:
    ``frame``, ``face_id``, ``timestamp``, ``confidence``, ``success``, ``pose_Rx`` .. ``pose_Rz``, ``x_0`` ..
    ``y_67``, ``AU01_r`` .., ``AU01_c`` ... What the package does not estimate (gaze, ``pose_T*``, 3-D points,
    AU28, AU45) has no column. A frame without a face has ``success`` 0 and, as in OpenFace's files, 0 in
    every cell after it: read ``success`` first. A model without intensities has ``nan`` in ``_r``.

    Args:
        told: the columns' AUs and thresholds.
    """

    spaced = True

    def __init__(self, told: Told) -> None:
        names = [au_column(n) for n in told.aus]
        self.columns = (
            *_columns(["frame", "face_id"], "int"),
            Column("timestamp", "float", 3),
            Column("confidence", "float", 2),
            Column("success", "int"),
            *_columns(["pose_Rx", "pose_Ry", "pose_Rz"], "float", 3),
            *_columns([f"{axis}_{i}" for axis in "xy" for i in range(68)], "float", 1),
            *_columns([f"{name}_r" for name in names], "float", 2),
            *_columns([f"{name}_c" for name in names], "float", 1),
        )
        self._thresholds = told.thresholds
        self._unknown: list[Cell] = [None] * len(names)

    def rows(self, result: FrameResult) -> Iterator[Sequence[Cell]]:
        """A row for each face, or one with ``success`` 0."""
        frame, time_s = result.frame_index + 1, round(result.time_s, 3)
        if not result.faces:
            yield [frame, 0, time_s, 0.0, 0, *(len(self.columns) - 5) * [0.0]]
        for face in result.faces:
            strengths = self._unknown if face.intensity is None else graded(face.intensity, 2)
            shown = (face.probability >= self._thresholds).astype(float).tolist()
            pose = [round(radians(angle), 3) for angle in face.pose_deg.tolist()]
            start = [frame, face.track, time_s, round(face.confidence, 2), 1]
            yield [*start, *pose, *_rounded(face.landmarks.T.ravel(), 1), *strengths, *shown]


class PyFeatLayout:
    """py-feat's columns: box, score, 68 points, pose, AU probabilities, source, frame, time.

    ``frame`` is from 0, ``approx_time`` is ``MM:SS`` as there. A model that gives emotions adds them by
    py-feat's names (``happiness`` ..) after the AUs. A frame without a face is one row of empty
    cells with its frame and time.

    Args:
        told: the columns' AUs and emotions, and the source, or the names of its pictures, for ``input``.
    """

    spaced = False

    def __init__(self, told: Told) -> None:
        self._source = told.source
        self._files = told.files
        self._aus = len(told.aus) + len(told.emotions)
        self._no_emotion: list[Cell] = [None] * len(told.emotions)
        self.columns = (
            *_columns(["FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight"], "float", 2),
            Column("FaceScore", "float", 3),
            *_columns([f"{axis}_{i}" for axis in "xy" for i in range(68)], "float", 2),
            *_columns(["Pitch", "Roll", "Yaw"], "float", 2),
            *_columns([au_column(n) for n in told.aus], "float", 4),
            *_columns([_PY_FEAT.get(name, name) for name in told.emotions], "float", 4),
            Column("input", "str"),
            Column("frame", "int"),
            Column("approx_time", "str"),
        )

    def rows(self, result: FrameResult) -> Iterator[Sequence[Cell]]:
        """A row for each face, or one empty row."""
        minutes, seconds = divmod(int(result.time_s), 60)
        source = self._files[result.frame_index] if self._files else self._source
        end: list[Cell] = [source, result.frame_index, f"{minutes:02d}:{seconds:02d}"]
        if not result.faces:
            yield [*[None] * (5 + 136 + 3 + self._aus), *end]
        for face in result.faces:
            left, top, right, bottom = face.box.tolist()
            box = [round(value, 2) for value in (left, top, right - left, bottom - top)]
            points = _rounded(face.landmarks.T.ravel(), 2)
            values = [*_rounded(face.probability, 4), *_emotion_cells(face, self._no_emotion)]
            pitch, yaw, roll = _rounded(face.pose_deg, 2)
            yield [*box, round(face.confidence, 3), *points, pitch, roll, yaw, *values, *end]


class LongLayout:
    """A row for each frame, face and AU.

    ``source``, ``frame`` (from 1), ``timestamp`` (seconds), ``face_id``, ``au`` (its number),
    ``probability``, ``intensity``, ``occurrence`` (0 or 1), ``confidence``, ``pitch``, ``yaw``, ``roll``
    (degrees), ``outside_pose``, ``outside_size``. A frame without a face has one row for each AU with
    ``face_id`` -1, ``confidence`` 0 and the rest empty. Emotions do not stand in it. Where sides are asked
    for, ``left`` and ``right`` are the intensities of the subject's own sides, empty for AUs without them.

    Args:
        told: AUs, thresholds, whether sides are asked for, and the source, or the names of its pictures, for
            ``source``.
    """

    spaced = False
    _always = (
        Column("source", "str"),
        Column("frame", "int"),
        Column("timestamp", "float", 6),
        Column("face_id", "int"),
        Column("au", "int"),
        Column("probability", "float", 4),
        Column("intensity", "float", 3),
        Column("occurrence", "int"),
        Column("confidence", "float", 3),
        *_columns(["pitch", "yaw", "roll"], "float", 2),
        *_columns(["outside_pose", "outside_size"], "int"),
    )

    def __init__(self, told: Told) -> None:
        self.columns = (*self._always, *(_columns(["left", "right"], "float", 3) if told.sides else []))
        self._aus = told.aus
        self._thresholds = told.thresholds
        self._source = told.source
        self._files = told.files
        self._sides = told.sides

    def rows(self, result: FrameResult) -> Iterator[Sequence[Cell]]:
        """A row for each face and AU."""
        source = self._files[result.frame_index] if self._files else self._source
        start: list[Cell] = [source, result.frame_index + 1, round(result.time_s, 6)]
        if not result.faces:
            missing: list[Cell] = [None] * (7 if self._sides else 5)
            yield from ([*start, -1, au, None, None, None, 0.0, *missing] for au in self._aus)
        for face in result.faces:
            yield from self._face_rows(start, face)

    def _face_rows(self, start: list[Cell], face: FaceResult) -> Iterator[Sequence[Cell]]:
        strengths: Sequence[Cell] = [None] * len(self._aus)
        if face.intensity is not None:
            strengths = graded(face.intensity, 3)
        shown = (face.probability >= self._thresholds).astype(int).tolist()
        end = [round(face.confidence, 3), *_rounded(face.pose_deg, 2), *_outside(face)]
        rows = zip(self._aus, _rounded(face.probability, 4), strengths, shown, strict=True)
        for place, cells in enumerate(rows):
            yield [*start, face.track, *cells, *end, *self._side_cells(face, place)]

    def _side_cells(self, face: FaceResult, place: int) -> list[Cell]:
        if not self._sides:
            return []
        if face.sides is None or not ACTION_UNITS[self._aus[place]].paired:
            return [None, None]
        return list(graded(face.sides[place], 3))


#: The layouts by the names that ``--format`` takes.
LAYOUTS: dict[str, Callable[[Told], Layout]] = {
    "openface": OpenFaceLayout,
    "openface22": OpenFace22Layout,
    "pyfeat": PyFeatLayout,
    "long": LongLayout,
}

#: Those of them that have columns for left and right.
WITH_SIDES = ("openface", "long")


def layout_of(
    name: str,
    aus: Sequence[int],
    thresholds: FloatArray,
    source: str = "",
    files: Sequence[str] = (),
    emotions: Sequence[str] = (),
    *,
    sides: bool = False,
) -> Layout:
    """The layout of a name, for a source and, where it is a folder, the names of its pictures.

    Raises:
        UserError: no such layout, or one that has no place for left and right.
    """
    if name not in LAYOUTS:
        raise unknown_name("format", name, LAYOUTS)
    if sides and name not in WITH_SIDES:
        raise UserError(
            f"the format {name} has no columns for left and right: choose {' or '.join(WITH_SIDES)}, or "
            "leave --sides out"
        )
    return LAYOUTS[name](Told(tuple(aus), thresholds, source, files, emotions, sides))


def is_own_header(names: Sequence[str]) -> bool:
    """Whether a table's columns are all those, and only those, that one of the layouts writes.

    OpenFace's and py-feat's own files have others besides, as has a table to which somebody added one.
    """
    aus = tuple(dict.fromkeys(int(name[2:4]) for name in names if re.match(r"AU\d\d(_|$)", name)))
    if not set(aus) <= set(ACTION_UNITS):
        return False
    last = max((place for place, name in enumerate(names) if re.fullmatch(r"AU\d\d", name)), default=-1)
    emotions = [name.removeprefix("emotion_") for name in names if name.startswith("emotion_")]
    emotions = emotions or [
        name for name in names[last + 1 :] if name not in ("input", "frame", "approx_time")
    ]
    if not set(emotions) <= {*EMOTIONS, *_PY_FEAT.values()}:
        emotions = []
    unknown = np.zeros(len(aus), np.float32)
    return any(
        [column.name for column in make(Told(aus, unknown, "", files, told, sides)).columns] == list(names)
        for make in LAYOUTS.values()
        for files in ((), ("a picture",))
        for told in ((), emotions)
        for sides in (False, True)
    )


def names_of_pictures(frames: FrameSource) -> list[str]:
    """The file names of a folder's pictures, in order of its frames; empty for other sources."""
    return [picture.name for picture in frames.pictures] if frames.kind == "folder" else []
