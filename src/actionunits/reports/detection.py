"""What a detection table says of each face: how often, how strongly and how long each AU is shown."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.metrics.events import segments

__all__ = [
    "FaceSummary",
    "Gap",
    "PeakPicture",
    "UnitSummary",
    "detected_aus",
    "gaps_without_face",
    "share_outside",
    "summarise",
]

_COLUMN = re.compile(r"AU(\d\d)_([rcp])")


@dataclass(frozen=True)
class UnitSummary:
    """One AU on one face.

    Attributes:
        au: its number.
        share: share of the face's frames that show it, 0 to 1; NaN where it is never known.
        intensity: mean while it is shown, 0 to 5; NaN where it is never shown or no intensity is given.
        events: number of unbroken runs of frames that show it.
        longest_s: length of the longest of them in seconds; 0 where there is none.
        per_minute: events in a minute of the face in view; NaN where the frames have no times.
    """

    au: int
    share: float
    intensity: float
    events: int
    longest_s: float
    per_minute: float


@dataclass(frozen=True)
class FaceSummary:
    """One face of a detection table.

    Attributes:
        face_id: its number in the table.
        frames: frames that show the face.
        first_s: time of the first of them.
        last_s: time of the last.
        confidence: mean of the table's confidence; NaN where it has none.
        units: its AUs, in the table's order.
    """

    face_id: int
    frames: int
    first_s: float
    last_s: float
    confidence: float
    units: tuple[UnitSummary, ...]


@dataclass(frozen=True)
class Gap:
    """A run of frames without a face.

    Attributes:
        start_s: time of its first frame.
        end_s: time of the next frame with a face, or the end of the source.
        frames: how many.
    """

    start_s: float
    end_s: float
    frames: int


@dataclass(frozen=True)
class PeakPicture:
    """A face at its strongest moment of one AU, or at its calmest.

    Attributes:
        title: what it shows.
        text: how strongly and when.
        picture: PNG or JPEG.
    """

    title: str
    text: str
    picture: bytes


def gaps_without_face(table: pd.DataFrame) -> tuple[Gap, ...]:
    """The runs of frames without any face, in order; none where the table has no ``success``."""
    if "success" not in table or table.empty:
        return ()
    frames = table.groupby("frame", sort=True).agg(time_s=("timestamp", "first"), seen=("success", "max"))
    times = frames["time_s"].to_numpy(float)
    ends = np.append(times[1:], times[-1] + _frame_interval(table))
    runs = segments(frames["seen"].to_numpy() != 1)
    return tuple(Gap(float(times[a]), float(ends[b - 1]), int(b - a)) for a, b in runs.tolist())


def share_outside(table: pd.DataFrame, column: str) -> float:
    """The share of the faces whose ``column`` (``outside_pose`` or ``outside_size``) is 1; NaN: not known."""
    if column not in table:
        return np.nan
    known = table[column].dropna()
    return float((known == 1).mean()) if len(known) else np.nan


def detected_aus(table: pd.DataFrame) -> tuple[int, ...]:
    """The AUs with an occurrence or a probability column, in the table's order.

    >>> detected_aus(pd.DataFrame(columns=["frame", "AU06_r", "AU06_c", "AU12_p"]))
    (6, 12)
    """
    found = [_COLUMN.fullmatch(str(column)) for column in table.columns]
    return tuple(dict.fromkeys(int(m[1]) for m in found if m and m[2] in "cp"))


def summarise(table: pd.DataFrame) -> tuple[FaceSummary, ...]:
    """Summarise a table in OpenFace's columns, a row a frame and face.

    Needs ``frame`` and ``timestamp``; ``face_id``, ``success`` and ``confidence`` where it has them. An AU is
    shown where ``AUnn_c`` is 1, or, without that column, where ``AUnn_p`` is at least 0.5. Rows without a
    face count for no face. An event ends where the AU, the face, or the run of frame numbers ends; it lasts
    from its first frame to the frame after its last.
    """
    seen = table[table["success"] == 1] if "success" in table else table
    if "face_id" not in seen:
        seen = seen.assign(face_id=0)
    frame_s = _frame_interval(table)
    numbers = sorted({int(number) for number in seen["face_id"]})
    return tuple(
        _summarise_face(number, seen[seen["face_id"] == number].sort_values("frame"), frame_s)
        for number in numbers
    )


def _frame_interval(table: pd.DataFrame) -> float:
    times = np.unique(table["timestamp"].to_numpy(float))
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.0


def _summarise_face(number: int, rows: pd.DataFrame, frame_s: float) -> FaceSummary:
    times = rows["timestamp"].to_numpy(float)
    starts = np.diff(rows["frame"].to_numpy(np.int64), prepend=-2) != 1
    last_of_run = np.append(starts[1:], True)
    after = np.where(last_of_run, times + frame_s, np.append(times[1:], np.nan))
    minutes = len(rows) * frame_s / 60
    units = tuple(_summarise_unit(rows, au, times, after, starts, minutes) for au in detected_aus(rows))
    confidence = float(rows["confidence"].mean()) if "confidence" in rows else np.nan
    return FaceSummary(number, len(rows), float(times[0]), float(times[-1]), confidence, units)


def _summarise_unit(
    rows: pd.DataFrame,
    au: int,
    times: NDArray[np.float64],
    after: NDArray[np.float64],
    starts: NDArray[np.bool_],
    minutes: float,
) -> UnitSummary:
    name = f"AU{au:02d}"
    source, bound = (f"{name}_c", 1.0) if f"{name}_c" in rows else (f"{name}_p", 0.5)
    values = rows[source].to_numpy(float)
    known = np.isfinite(values)
    shown = known & (values >= bound)
    events = segments(shown, starts)
    longest_s = float((after[events[:, 1] - 1] - times[events[:, 0]]).max(initial=0.0))
    share = float(shown.sum() / known.sum()) if known.any() else np.nan
    with_intensity = f"{name}_r" in rows and shown.any()
    intensity = float(rows[f"{name}_r"].to_numpy(float)[shown].mean()) if with_intensity else np.nan
    per_minute = len(events) / minutes if minutes > 0 else np.nan
    return UnitSummary(au, share, intensity, len(events), longest_s, per_minute)
