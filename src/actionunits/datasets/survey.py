"""Collects a data set while it is read: rows, events, and what departs from the layout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.datasets.adapter import Departure, DepartureKind, Event, LabelProblem, Reading
from actionunits.errors import UserError
from actionunits.facs.units import au_column
from actionunits.records import FloatArray, LabelIndex

__all__ = ["Survey"]


@dataclass
class Survey:
    """What has been read so far.

    Attributes:
        name: the data set.
        root: its folder; paths of the index are relative to it.

    Raises:
        UserError: there is no such folder.
    """

    name: str
    root: Path
    departures: list[Departure] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    _parts: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.root.is_dir():
            raise UserError(f"no folder {self.root}: expected the data set {self.name} as it was distributed")

    def report(
        self,
        path: Path,
        expected: str,
        found: str,
        remedy: str,
        *,
        kind: DepartureKind = "layout",
        fatal: bool = False,
    ) -> None:
        """Note a departure."""
        self.departures.append(Departure(str(path), expected, found, remedy, fatal, kind))

    @contextmanager
    def label_file(self) -> Iterator[None]:
        """A label file that cannot be read becomes a fatal departure, and the reader goes on."""
        try:
            yield
        except LabelProblem as problem:
            self.departures.append(problem.departure)

    def one_folder_each(self, folder: Path, ids: Mapping[str, str]) -> dict[str, Path]:
        """Id to folder, for folder names with their ids; two folders of one id are a fatal departure."""
        found: dict[str, Path] = {}
        for name, own in ids.items():
            if own in found:
                both = f"{found[own].name} and {name}"
                remedy = "merge them, or rename the one that is another person"
                self.report(folder, f"one folder for subject {own}", both, remedy, fatal=True)
            else:
                found[own] = folder / name
        return found

    def add(
        self,
        subject: str,
        sequence: str,
        frames: NDArray[np.int64],
        paths: Sequence[str] | str,
        *,
        rate_hz: float | None = None,
        first_frame: int = 0,
        task: str = "",
        view: str | None = None,
        emotion: Sequence[str] | str | None = None,
        occurrence: Mapping[int, NDArray[np.int8]] | None = None,
        intensity: Mapping[int, FloatArray] | None = None,
        side: Mapping[int, Sequence[str]] | None = None,
    ) -> None:
        """Add rows of a sequence; see :class:`~actionunits.records.LabelIndex`.

        Args:
            subject: who.
            sequence: its name, unique for the subject.
            frames: i64[N].
            paths: of each picture, or of the video, from the root.
            rate_hz: frames a second; gives the times.
            first_frame: the number of the frame at 0 s.
            task: where the set has tasks.
            view: where it has several cameras.
            emotion: of each frame or of all.
            occurrence: AU to codes i8[N].
            intensity: AU to f32[N].
            side: AU to ``L``, ``R`` or empty for each frame.
        """
        if not len(frames):
            return
        rows: dict[str, Any] = {
            "subject": subject,
            "sequence": sequence,
            "task": task,
            "frame": frames,
            "time_s": np.nan if rate_hz is None else (frames - first_frame) / rate_hz,
            "path": paths,
        }
        rows |= {name: text for name, text in (("view", view), ("emotion", emotion)) if text is not None}
        for suffix, columns in (("", occurrence), ("_r", intensity), ("_side", side)):
            rows |= {f"{au_column(au)}{suffix}": codes for au, codes in (columns or {}).items()}
        self._parts.append((len(frames), rows))

    def reading(self) -> Reading:
        """All of it; AUs that no frame has a known code of are left out."""
        names = dict.fromkeys(name for _, rows in self._parts for name in rows)
        table = pd.DataFrame({name: self._column(name) for name in names})
        for name in {"subject", "sequence", "frame"} - set(names):
            table[name] = []
        table["dataset"] = self.name
        empty = [
            name for name in names if name.startswith("AU") and len(name) == 4 and (table[name] < 0).all()
        ]
        drop = [name for name in names if name[:4] in empty]
        index = LabelIndex.make(table.drop(columns=drop))
        ordered = sorted(self.departures, key=lambda one: one.path)
        return Reading(index, tuple(dict.fromkeys(ordered)), tuple(self.events))

    def _column(self, name: str) -> NDArray[Any]:
        """One column of all parts, filled where a part does not have it."""
        fill: Any = ""
        if name == "time_s" or name.endswith("_r"):
            fill = np.nan
        elif name.startswith("AU") and not name.endswith("_side"):
            fill = -1
        kind: Any = {"frame": np.int64, "time_s": np.float64}.get(name, object)
        if name.startswith("AU"):
            kind = np.float32 if name.endswith("_r") else object if name.endswith("_side") else np.int8
        column = np.empty(sum(count for count, _ in self._parts), kind)
        at = 0
        for count, rows in self._parts:
            column[at : at + count] = rows.get(name, fill)
            at += count
        return column
