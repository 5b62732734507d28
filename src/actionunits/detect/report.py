"""The HTML page about one source: a timeline of each face and a summary, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from actionunits.detect.layouts import OpenFaceLayout
from actionunits.detect.results import FrameResult
from actionunits.records import FloatArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Report"]

#: Rows held; beyond them every second frame is left out, again and again.
_MOST_ROWS = 100_000
#: Faces that get a timeline of their own: those seen longest.
_MOST_TIMELINES = 4
#: Columns before the AUs: frame, face_id, timestamp, confidence, success.
_START = 5


class Report:
    """Gathers the results of one source and writes a page about them.

    Of a source with more than ``most_rows`` rows (a row a frame and face), every second frame is left out,
    and again when it is still too long; the page says so.

    Args:
        aus: the AUs of the results.
        thresholds: f32[A].
        timed: the frames have times; else (a folder of pictures) their numbers stand in for seconds.
        most_rows: rows that are held.
    """

    def __init__(
        self, aus: Sequence[int], thresholds: FloatArray, *, timed: bool = True, most_rows: int = _MOST_ROWS
    ) -> None:
        self._aus = tuple(aus)
        self._layout = OpenFaceLayout(aus, thresholds)
        self._timed = timed
        self._most_rows = most_rows
        self._stride = 1
        self._starts: list[NDArray[np.float64]] = []
        self._values: list[FloatArray] = []

    def add(self, result: FrameResult) -> None:
        """Take the results of the next frame."""
        if result.frame_index % self._stride:
            return
        for row in self._layout.rows(result):
            cells = np.array([np.nan if cell is None else cell for cell in row], np.float64)
            if not self._timed:
                cells[2] = result.frame_index
            self._starts.append(cells[:_START])
            self._values.append(cells[_START:].astype(np.float32))
        if len(self._starts) > self._most_rows:
            self._stride *= 2
            kept = [i for i, start in enumerate(self._starts) if (int(start[0]) - 1) % self._stride == 0]
            self._starts = [self._starts[i] for i in kept]
            self._values = [self._values[i] for i in kept]

    def table(self) -> pd.DataFrame:
        """What was gathered, in OpenFace's columns; frames are counted anew where some were left out."""
        import pandas as pd

        names = [column.name for column in self._layout.columns]
        starts = np.array(self._starts, np.float64).reshape(-1, _START)
        values = np.array(self._values, np.float32).reshape(-1, len(names) - _START)
        table = pd.concat(
            [pd.DataFrame(starts, columns=names[:_START]), pd.DataFrame(values, columns=names[_START:])],
            axis=1,
        )
        table["frame"] = (table["frame"] - 1) // self._stride + 1
        return table.astype({"frame": np.int64, "face_id": np.int64, "success": np.int64})

    def write(self, path: Path, *, source: str, model: str, notes: Sequence[str] = ()) -> None:
        """Write the page.

        Raises:
            UserError: it cannot be written.
        """
        from actionunits.reports.page import write_detection_page

        table = self.table()
        write_detection_page(
            path,
            source=source,
            model=model,
            table=table,
            figures=self._figures(table),
            notes=[*notes, *self._notes()],
        )

    def _figures(self, table: pd.DataFrame) -> dict[str, bytes]:
        from actionunits.reports.figures import au_timeline

        seen = Counter(table.loc[table["success"] == 1, "face_id"].tolist())
        columns = [f"{column.name}" for column in self._layout.columns if column.name.endswith("_p")]
        figures = {}
        for track, _ in seen.most_common(_MOST_TIMELINES):
            own = table[table["face_id"] == track].set_index("frame")[columns]
            times = table.groupby("frame")["timestamp"].first()
            values = own.reindex(times.index).to_numpy(np.float64)
            if len(times) > 1:
                caption = (
                    f"Probability of each AU over time, face {track}"
                    if len(seen) > 1
                    else "Probability of each AU over time"
                )
                figures[caption] = au_timeline(times.to_numpy(np.float64), values, self._aus)
        return figures

    def _notes(self) -> list[str]:
        notes = [
            "A probability says how sure the model is that an AU is shown, not how strong it is; "
            "check decisions that matter against a certified FACS coder.",
            "Frames without a face are unknown: they count neither as shown nor as not shown.",
        ]
        if not self._timed:
            notes.append(
                "The pictures of a folder have no times: their numbers, from 0, stand in for seconds."
            )
        if self._stride > 1:
            notes.append(
                f"The source is long: page and timeline rest on frame 1 of {self._stride}, the table on all."
            )
        return notes
