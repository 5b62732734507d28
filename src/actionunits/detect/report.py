"""The HTML page about one source: timelines, rates, strongest moments, what is shown together, gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from actionunits.detect.layouts import OpenFaceLayout, Told
from actionunits.detect.peaks import PeakMoments
from actionunits.detect.results import FrameResult
from actionunits.facs.units import au_column
from actionunits.records import FloatArray

if TYPE_CHECKING:
    import pandas as pd

    from actionunits.faces.video import FrameSource

__all__ = ["Report"]

#: Rows held; beyond them every second frame is left out, again and again.
_MOST_ROWS = 100_000
#: Faces that get a timeline of their own: those seen longest.
_MOST_TIMELINES = 4
#: Columns before the values: frame, face_id, timestamp, confidence, success.
_START = 5


class Report:
    """Gathers the results of one source and writes a page about them.

    Of a source with more than ``most_rows`` rows (a row a frame and face), every second frame is left out,
    and again when it is still too long; the page says so.

    Args:
        aus: the AUs of the results.
        thresholds: f32[A].
        timed: the frames have times; else they are pictures that need not belong together.
        most_rows: rows that are held.
    """

    def __init__(
        self, aus: Sequence[int], thresholds: FloatArray, *, timed: bool = True, most_rows: int = _MOST_ROWS
    ) -> None:
        self._aus = tuple(aus)
        self._layout = OpenFaceLayout(Told(tuple(aus), thresholds))
        self._timed = timed
        self._most_rows = most_rows
        self._stride = 1
        self._peaks = PeakMoments(aus, thresholds)
        self._thresholds = thresholds
        self._starts: list[NDArray[np.float64]] = []
        self._values: list[FloatArray] = []

    def add(self, result: FrameResult) -> None:
        """Take the results of the next frame."""
        self._peaks.add(result)
        if result.frame_index % self._stride:
            return
        for row in self._layout.rows(result):
            cells = np.array([np.nan if cell is None else cell for cell in row], np.float64)
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
        rows = len(self._starts)
        starts = np.array(self._starts, np.float64).reshape(rows, _START)
        values = np.array(self._values, np.float32).reshape(rows, len(names) - _START)
        table = pd.concat(
            [pd.DataFrame(starts, columns=names[:_START]), pd.DataFrame(values, columns=names[_START:])],
            axis=1,
        )
        table["frame"] = (table["frame"] - 1) // self._stride + 1
        return table.astype({"frame": np.int64, "face_id": np.int64, "success": np.int64})

    def write(
        self,
        path: Path,
        source: FrameSource,
        *,
        model: str,
        settings: str = "",
        notes: Sequence[str] = (),
    ) -> None:
        """Write the page; the source is read a second time for the pictures of the strongest moments.

        Args:
            path: the HTML file.
            source: what the results are of.
            model: the model's name and version.
            settings: what was done with the values; empty if nothing.
            notes: warnings, shown before everything else.

        Raises:
            UserError: it cannot be written, or the source can no longer be read.
        """
        from actionunits.reports.page import write_detection_page

        table = self.table()
        seen = Counter(table.loc[table["success"] == 1, "face_id"].tolist())
        faces = sorted(track for track, _ in seen.most_common(_MOST_TIMELINES))
        write_detection_page(
            path,
            source=source.path.name,
            model=model,
            table=table,
            figures=self._timelines(table, faces, several=len(seen) > 1) if self._timed else {},
            peaks=self._peaks.pictures(source, faces),
            together=self._together(table, faces),
            settings=settings,
            notes=[*notes, *self._notes()],
            timed=self._timed,
        )

    def _together(self, table: pd.DataFrame, faces: Sequence[int]) -> dict[int, bytes]:
        """A picture for each face that shows two AUs or more."""
        from actionunits.analysis.cooccurrence import jaccard
        from actionunits.reports.figures import heat_map

        found = {}
        for face in faces:
            own = table[table["face_id"] == face]
            shown = [au for au in self._aus if (own[f"{au_column(au)}_c"] == 1).any()]
            if len(shown) > 1 and len(own) > 1:
                codes = own[[f"{au_column(au)}_c" for au in shown]].fillna(-1).to_numpy(np.int8)
                names = [f"AU{au}" for au in shown]
                found[face] = heat_map(jaccard(codes), names, names, label="Jaccard index", limits=(0.0, 1.0))
        return found

    def _timelines(self, table: pd.DataFrame, faces: Sequence[int], *, several: bool) -> dict[str, bytes]:
        from actionunits.reports.detection import gaps_without_face
        from actionunits.reports.figures import au_timeline

        if not self._aus:
            return {}
        columns = [f"{column.name}" for column in self._layout.columns if column.name.endswith("_p")]
        absent = [(gap.start_s, gap.end_s) for gap in gaps_without_face(table)]
        figures = {}
        for track in faces:
            own = table[table["face_id"] == track].set_index("frame")[columns]
            times = table.groupby("frame")["timestamp"].first()
            values = own.reindex(times.index).to_numpy(np.float64)
            if len(times) > 1:
                caption = (
                    f"Probability of each AU over time, face {track}"
                    if several
                    else "Probability of each AU over time"
                )
                figures[caption] = au_timeline(
                    times.to_numpy(np.float64), values, self._aus, thresholds=self._thresholds, absent=absent
                )
        return figures

    def _notes(self) -> list[str]:
        notes = [
            "A probability says how sure the model is that an AU is shown, not how strong it is; "
            "check decisions that matter against a certified FACS coder.",
            f"{'Frames' if self._timed else 'Pictures'} without a face are unknown: they count neither as "
            "shown nor as not shown.",
            "The page holds pictures of faces: keep it as you keep the recording.",
        ]
        if self._stride > 1:
            notes.append(
                f"The source is long: the page rests on frame 1 of {self._stride}, the table on all."
            )
        return notes
