"""Results put aside on disk and read again, for what must see a whole source before its first row."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO

import numpy as np

from actionunits.detect.results import FaceResult, FrameResult
from actionunits.detect.tested import TestedRange
from actionunits.faces.finders import DEFAULT_LANDMARKS
from actionunits.records import Finder, FloatArray

__all__ = ["Spool"]

#: Of a frame: its number, its time, how many faces follow, and how many AU boxes of each behind them.
_FRAME = struct.Struct("<qdqqq")


class Spool:
    """A file without a name that holds one model's results but not the pictures; it is gone with this object.

    Args:
        aus: number of AUs.
        emotions: number of emotions that the model gives beside them.
    """

    def __init__(self, aus: int, emotions: int = 0) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="actionunits-")  # noqa: SIM115 - see close
        self._tested: TestedRange | None = None
        self._finder: Finder = DEFAULT_LANDMARKS
        self._emotions = emotions
        self._face = np.dtype(
            [
                ("track", "<i8"),
                ("confidence", "<f8"),
                ("box", "<f4", 4),
                ("landmarks", "<f4", (68, 2)),
                ("graded", "?"),
                ("probability", "<f4", aus),
                ("intensity", "<f4", aus),
                ("emotion", "<f4", emotions),
                ("sided", "?"),
                ("sides", "<f4", (aus, 2)),
            ]
        )

    def add(self, result: FrameResult) -> None:
        """Put the next frame's results at the end."""
        boxes = [face.regions for face in result.faces if face.regions is not None]
        count = len(boxes[0]) if boxes else 0
        self._file.write(
            _FRAME.pack(result.frame_index, result.time_s, len(result.faces), count, result.left_out)
        )
        for face in result.faces:
            row = np.zeros((), self._face)
            row["track"], row["confidence"] = face.track, face.confidence
            row["box"], row["landmarks"], row["probability"] = face.box, face.landmarks, face.probability
            self._tested, self._finder = face.tested, face.finder
            row["graded"] = face.intensity is not None
            row["intensity"] = 0.0 if face.intensity is None else face.intensity
            row["sided"] = face.sides is not None
            row["sides"] = 0.0 if face.sides is None else face.sides
            if face.emotion is not None:
                row["emotion"] = face.emotion
            self._file.write(row.tobytes())
        for corners in boxes:
            self._file.write(corners.astype("<f4").tobytes())

    def __iter__(self) -> Iterator[FrameResult]:
        """The results from the first on."""
        self._file.seek(0)
        while head := self._file.read(_FRAME.size):
            index, time_s, count, boxes, left_out = _FRAME.unpack(head)
            rows = np.frombuffer(self._file.read(count * self._face.itemsize), self._face)
            regions: Iterable[FloatArray | None] = [None] * count
            if boxes:
                corners = np.frombuffer(self._file.read(count * boxes * 32), "<f4")
                regions = corners.reshape(count, boxes, 4, 2)
            yield FrameResult(index, time_s, tuple(map(self._read, rows, regions)), left_out=left_out)

    def _read(self, row: np.void, regions: FloatArray | None) -> FaceResult:
        return FaceResult(
            int(row["track"]),
            float(row["confidence"]),
            row["box"],
            row["landmarks"],
            row["probability"],
            row["intensity"] if row["graded"] else None,
            self._tested,
            regions,
            row["emotion"] if self._emotions else None,
            row["sides"] if row["sided"] else None,
            self._finder,
        )

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()
