"""Tables: OpenFace's columns, py-feat's columns, or one row for each AU; as CSV or Parquet, row by row."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from actionunits.atomic import replace_when_done
from actionunits.detect.results import FaceResult, FrameResult
from actionunits.errors import unknown_name
from actionunits.facs.units import au_column
from actionunits.records import FloatArray

if TYPE_CHECKING:
    from actionunits.faces.video import FrameSource

__all__ = [
    "LAYOUTS",
    "TABLE_TYPES",
    "Column",
    "Layout",
    "TableWriter",
    "layout_of",
    "names_of_pictures",
    "open_table",
]

#: A cell; None is unknown: an empty cell of a CSV table, null in Parquet.
Cell = int | float | str | None

TABLE_TYPES = ("csv", "parquet")
_ROW_GROUP = 4096
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


class Layout(Protocol):
    """Which columns a table has and which rows a frame gives."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in order."""

    def rows(self, result: FrameResult) -> Iterator[Sequence[Cell]]:
        """The rows of a frame; at least one, so that a frame without a face stands in the table."""


def _columns(names: Sequence[str], kind: Literal["int", "float", "str"], decimals: int = 0) -> list[Column]:
    return [Column(name, kind, decimals) for name in names]


def _rounded(values: FloatArray, decimals: int) -> list[float]:
    return [round(value, decimals) for value in values.tolist()]


def _emotion_cells(face: FaceResult, unknown: Sequence[Cell]) -> Sequence[Cell]:
    """The emotions of a face in a table with as many columns for them; without such columns none."""
    return unknown if face.emotion is None or not unknown else _rounded(face.emotion, 4)


class OpenFaceLayout:
    """OpenFace's columns, then a probability for each AU.

    ``frame`` (from 1), ``face_id`` (from 0), ``timestamp`` (seconds), ``confidence`` (0 to 1), ``success``
    (0 or 1), ``AU01_r`` .. (intensity, 0 to 5), ``AU01_c`` .. (0 or 1: the probability reaches the model's
    threshold), ``AU01_p`` .. (probability). A frame without a face is one row with ``face_id`` -1,
    ``confidence`` 0, ``success`` 0 and empty AUs: what was not seen is unknown, not 0. A model without
    intensities leaves ``_r`` empty. A model that gives emotions adds ``emotion_neutral`` .. (probability, sum
    1). Of a folder of pictures, a last column ``file`` names the picture.

    Args:
        aus: the AUs of the results.
        thresholds: f32[A].
        source: what the table is of; not used here.
        files: of a folder, the name of each picture in order of the frames; else empty.
        emotions: of the results.
    """

    def __init__(
        self,
        aus: Sequence[int],
        thresholds: FloatArray,
        source: str = "",
        files: Sequence[str] = (),
        emotions: Sequence[str] = (),
    ) -> None:
        names = [au_column(n) for n in aus]
        self.columns = (
            Column("frame", "int"),
            Column("face_id", "int"),
            Column("timestamp", "float", 6),
            Column("confidence", "float", 3),
            Column("success", "int"),
            *_columns([f"{name}_r" for name in names], "float", 3),
            *_columns([f"{name}_c" for name in names], "int"),
            *_columns([f"{name}_p" for name in names], "float", 4),
            *_columns([f"emotion_{name}" for name in emotions], "float", 4),
            *([Column("file", "str")] if files else []),
        )
        self._files = files
        self._thresholds = thresholds
        self._unknown: list[Cell] = [None] * len(names)
        self._no_emotion: list[Cell] = [None] * len(emotions)

    def rows(self, result: FrameResult) -> Iterator[Sequence[Cell]]:
        """A row for each face, or one row without AUs."""
        frame, time_s = result.frame_index + 1, round(result.time_s, 6)
        file = self._files[result.frame_index : frame]
        if not result.faces:
            yield [frame, -1, time_s, 0.0, 0, *3 * self._unknown, *self._no_emotion, *file]
        for face in result.faces:
            graded = self._unknown if face.intensity is None else _rounded(face.intensity, 3)
            shown = (face.probability >= self._thresholds).astype(int).tolist()
            start = [frame, face.track, time_s, round(face.confidence, 3), 1]
            felt = _emotion_cells(face, self._no_emotion)
            yield [*start, *graded, *shown, *_rounded(face.probability, 4), *felt, *file]


class PyFeatLayout:
    """py-feat's columns: box, score, 68 points, pose, AU probabilities, source, frame, time.

    ``frame`` is from 0, ``approx_time`` is ``MM:SS`` as there. ``Pitch``, ``Roll`` and ``Yaw`` are empty:
    they are not estimated. A model that gives emotions adds them by py-feat's names (``happiness`` ..) after
    the AUs. A frame without a face is one row of empty cells with its frame and time.

    Args:
        aus: the AUs of the results.
        thresholds: f32[A]; not used here.
        source: goes to the column ``input``.
        files: of a folder, the name of each picture, which goes to ``input`` instead; else empty.
        emotions: of the results.
    """

    def __init__(
        self,
        aus: Sequence[int],
        thresholds: FloatArray,
        source: str = "",
        files: Sequence[str] = (),
        emotions: Sequence[str] = (),
    ) -> None:
        self._source = source
        self._files = files
        self._aus = len(aus) + len(emotions)
        self._no_emotion: list[Cell] = [None] * len(emotions)
        self.columns = (
            *_columns(["FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight"], "float", 2),
            Column("FaceScore", "float", 3),
            *_columns([f"{axis}_{i}" for axis in "xy" for i in range(68)], "float", 2),
            *_columns(["Pitch", "Roll", "Yaw"], "float", 3),
            *_columns([au_column(n) for n in aus], "float", 4),
            *_columns([_PY_FEAT.get(name, name) for name in emotions], "float", 4),
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
            yield [*box, round(face.confidence, 3), *points, None, None, None, *values, *end]


class LongLayout:
    """A row for each frame, face and AU.

    ``source``, ``frame`` (from 1), ``timestamp`` (seconds), ``face_id``, ``au`` (its number),
    ``probability``, ``intensity``, ``occurrence`` (0 or 1), ``confidence``. A frame without a face has one
    row for each AU with ``face_id`` -1, ``confidence`` 0 and the rest empty. Emotions do not stand in it.

    Args:
        aus: the AUs of the results.
        thresholds: f32[A].
        source: goes to the column ``source``.
        files: of a folder, the name of each picture, which goes to ``source`` instead; else empty.
        emotions: of the results; not used here.
    """

    columns = (
        Column("source", "str"),
        Column("frame", "int"),
        Column("timestamp", "float", 6),
        Column("face_id", "int"),
        Column("au", "int"),
        Column("probability", "float", 4),
        Column("intensity", "float", 3),
        Column("occurrence", "int"),
        Column("confidence", "float", 3),
    )

    def __init__(
        self,
        aus: Sequence[int],
        thresholds: FloatArray,
        source: str = "",
        files: Sequence[str] = (),
        emotions: Sequence[str] = (),
    ) -> None:
        self._aus = tuple(aus)
        self._thresholds = thresholds
        self._source = source
        self._files = files

    def rows(self, result: FrameResult) -> Iterator[Sequence[Cell]]:
        """A row for each face and AU."""
        source = self._files[result.frame_index] if self._files else self._source
        start: list[Cell] = [source, result.frame_index + 1, round(result.time_s, 6)]
        if not result.faces:
            yield from ([*start, -1, au, None, None, None, 0.0] for au in self._aus)
        for face in result.faces:
            yield from self._face_rows(start, face)

    def _face_rows(self, start: list[Cell], face: FaceResult) -> Iterator[Sequence[Cell]]:
        graded: Sequence[Cell] = [None] * len(self._aus)
        if face.intensity is not None:
            graded = _rounded(face.intensity, 3)
        shown = (face.probability >= self._thresholds).astype(int).tolist()
        confidence = round(face.confidence, 3)
        for cells in zip(self._aus, _rounded(face.probability, 4), graded, shown, strict=True):
            yield [*start, face.track, *cells, confidence]


#: The layouts by the names that ``--format`` takes.
LAYOUTS: dict[str, Callable[[Sequence[int], FloatArray, str, Sequence[str], Sequence[str]], Layout]] = {
    "openface": OpenFaceLayout,
    "pyfeat": PyFeatLayout,
    "long": LongLayout,
}


def layout_of(
    name: str,
    aus: Sequence[int],
    thresholds: FloatArray,
    source: str = "",
    files: Sequence[str] = (),
    emotions: Sequence[str] = (),
) -> Layout:
    """The layout of a name, for a source and, where it is a folder, the names of its pictures.

    Raises:
        UserError: no such layout.
    """
    if name not in LAYOUTS:
        raise unknown_name("format", name, LAYOUTS)
    return LAYOUTS[name](aus, thresholds, source, files, emotions)


def names_of_pictures(frames: FrameSource) -> list[str]:
    """The file names of a folder's pictures, in order of its frames; empty for other sources."""
    return [picture.name for picture in frames.pictures] if frames.kind == "folder" else []


class TableWriter:
    """Writes the rows of results; made by :func:`open_table`.

    Attributes:
        rows_written: so far.
    """

    def __init__(self, layout: Layout, write: Callable[[Sequence[Cell]], object]) -> None:
        self.rows_written = 0
        self._layout = layout
        self._write = write

    def add(self, result: FrameResult) -> None:
        """Write the rows of a frame."""
        for row in self._layout.rows(result):
            self._write(row)
            self.rows_written += 1


@contextmanager
def open_table(path: Path, layout: Layout) -> Iterator[TableWriter]:
    """A table that grows row by row and appears, or replaces an older one, when the ``with`` block ends well.

    Args:
        path: ``.csv`` or ``.parquet``.
        layout: its columns.

    Raises:
        UserError: it cannot be written, or the suffix is another.
    """
    kind = path.suffix.lstrip(".")
    if kind not in TABLE_TYPES:
        raise unknown_name("table type", kind, TABLE_TYPES)
    with replace_when_done(path) as beside:
        rows = _csv_rows(beside, layout.columns) if kind == "csv" else _parquet_rows(beside, layout.columns)
        with rows as write:
            yield TableWriter(layout, write)


@contextmanager
def _csv_rows(path: Path, columns: Sequence[Column]) -> Iterator[Callable[[Sequence[Cell]], object]]:
    # str() writes small numbers as 1e-05, which some readers take for text
    fine = [(i, f"{{:.{c.decimals}f}}") for i, c in enumerate(columns) if c.decimals > 4]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([column.name for column in columns])

        def write(row: Sequence[Cell]) -> None:
            cells = list(row)
            for i, pattern in fine:
                cells[i] = None if cells[i] is None else pattern.format(cells[i])
            writer.writerow(cells)

        yield write


@contextmanager
def _parquet_rows(path: Path, columns: Sequence[Column]) -> Iterator[Callable[[Sequence[Cell]], object]]:
    import pyarrow
    import pyarrow.parquet

    kinds = {"int": pyarrow.int64(), "float": pyarrow.float64(), "str": pyarrow.string()}
    schema = pyarrow.schema([(column.name, kinds[column.kind]) for column in columns])
    held: list[Sequence[Cell]] = []
    with pyarrow.parquet.ParquetWriter(str(path), schema) as writer:

        def flush() -> None:
            cells = zip(*held, strict=True)
            arrays = [pyarrow.array(column, kind.type) for column, kind in zip(cells, schema, strict=True)]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
            held.clear()

        def write(row: Sequence[Cell]) -> None:
            held.append(row)
            if len(held) >= _ROW_GROUP:
                flush()

        yield write
        if held:
            flush()
