"""HTML pages that hold all they show: pictures inside, no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from actionunits.atomic import replace_when_done
from actionunits.records import ScoreTable
from actionunits.reports.detection import (
    FaceSummary,
    Gap,
    PeakPicture,
    gaps_without_face,
    share_outside,
    summarise,
)
from actionunits.reports.figures import au_label, clock
from actionunits.reports.tables import MISSING, to_html

__all__ = ["Section", "write_detection_page", "write_page"]

#: Rows of the table of gaps: the longest.
_MOST_GAPS = 20


@dataclass(frozen=True)
class Section:
    """One part of a page.

    Attributes:
        title: its heading.
        text: paragraphs of plain text.
        table: shown below the text.
        figures: caption to PNG or SVG bytes, shown below the table.
        digits: decimals of the table's floating-point values.
        index: show the table's row names.
    """

    title: str
    text: Sequence[str] = ()
    table: ScoreTable | pd.DataFrame | None = None
    figures: Mapping[str, bytes] = field(default_factory=dict)
    digits: int = 3
    index: bool = True


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("actionunits.reports", "templates"),
        autoescape=select_autoescape(enabled_extensions=("j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _data_address(picture: bytes) -> str:
    if picture.startswith(b"\x89PNG"):
        kind = "png"
    elif picture.startswith(b"\xff\xd8"):
        kind = "jpeg"
    elif picture.lstrip().startswith((b"<?xml", b"<svg")):
        kind = "svg+xml"
    else:
        raise ValueError("a figure must be PNG, JPEG or SVG bytes")
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode('ascii')}"


def _write(path: str | os.PathLike[str], template: str, **values: Any) -> None:
    text = _environment().get_template(template).render(version=version("actionunits"), **values)
    with replace_when_done(path) as part:
        part.write_text(text, encoding="utf-8")


def write_page(
    path: str | os.PathLike[str],
    title: str,
    sections: Sequence[Section],
    *,
    subtitle: str = "",
    notes: Sequence[str] = (),
) -> None:
    """Write a page of sections.

    Args:
        path: the HTML file.
        title: the page's heading.
        sections: shown in order.
        subtitle: a line under the heading, such as the data that was used.
        notes: warnings, shown before everything else.

    Raises:
        UserError: the place cannot be written to.
    """
    filled = [
        {
            "title": section.title,
            "text": list(section.text),
            "table": None
            if section.table is None
            else Markup(to_html(section.table, digits=section.digits, index=section.index)),
            "figures": [(caption, _data_address(picture)) for caption, picture in section.figures.items()],
        }
        for section in sections
    ]
    _write(path, "page.html.j2", title=title, subtitle=subtitle, notes=list(notes), sections=filled)


def write_detection_page(
    path: str | os.PathLike[str],
    *,
    source: str,
    model: str,
    table: pd.DataFrame,
    figures: Mapping[str, bytes],
    peaks: Mapping[int, Sequence[PeakPicture]] | None = None,
    together: Mapping[int, bytes] | None = None,
    settings: str = "",
    notes: Sequence[str] = (),
    timed: bool = True,
) -> None:
    """Write the page of one detected video or picture.

    Args:
        path: the HTML file.
        source: the video's name.
        model: the model's name and version.
        table: OpenFace's columns: a row a frame and face, with ``frame``, ``timestamp`` (s), and, where it
            has them, ``face_id``, ``confidence``, ``success``, ``AUnn_r``, ``AUnn_c``, ``AUnn_p``,
            ``outside_pose``, ``outside_size``.
        figures: caption to PNG bytes, such as the timeline.
        peaks: face number to pictures of its strongest moments.
        together: face number to PNG bytes: which AUs it shows together.
        settings: what was done with the values (baseline, smoothing); empty if nothing.
        notes: warnings, shown before everything else.
        timed: a row is a moment of a video; else a picture, and nothing is said of events.

    Raises:
        UserError: the place cannot be written to.
    """
    frames = int(table["frame"].nunique())
    with_face = table.loc[table["success"] == 1, "frame"].nunique() if "success" in table else frames
    _write(
        path,
        "detection.html.j2",
        title=f"Action Units in {Path(source).name or source}",
        subtitle="",
        notes=list(notes),
        source=source,
        model=model,
        frames=frames,
        timed=timed,
        duration=_duration(table) if timed else "",
        without_face=frames - int(with_face),
        settings=settings,
        outside=_outside(table),
        gaps=_gap_values(gaps_without_face(table)),
        faces=[_face_values(face, peaks or {}, together or {}) for face in summarise(table)],
        figures=[(caption, _data_address(picture)) for caption, picture in figures.items()],
    )


def _duration(table: pd.DataFrame) -> str:
    times = np.unique(table["timestamp"].to_numpy(float))
    if len(times) < 2:
        return ""
    length_s = float(times[-1] - times[0] + np.median(np.diff(times)))
    return f"{clock(length_s)} ({length_s:.2f} s)" if length_s >= 60 else f"{length_s:.2f} s"


def _outside(table: pd.DataFrame) -> str:
    shares = [
        f"{what} {100 * share:.1f} %"
        for what, column in (("pose", "outside_pose"), ("size", "outside_size"))
        if np.isfinite(share := share_outside(table, column))
    ]
    return ", ".join(shares)


def _gap_values(gaps: Sequence[Gap]) -> dict[str, Any]:
    """The longest gaps in order of time, and how many there are."""
    longest = sorted(sorted(gaps, key=lambda gap: gap.frames)[-_MOST_GAPS:], key=lambda gap: gap.start_s)
    rows = [(f"{gap.start_s:.2f}", f"{gap.end_s - gap.start_s:.2f}", f"{gap.frames:,}") for gap in longest]
    return {"count": len(gaps), "rows": rows}


def _face_values(
    face: FaceSummary, peaks: Mapping[int, Sequence[PeakPicture]], together: Mapping[int, bytes]
) -> dict[str, Any]:
    def moment(time_s: float) -> str:
        return clock(time_s) if face.last_s >= 120 else f"{time_s:.2f} s"

    units = [
        {
            "name": au_label(unit.au),
            "bar": f"{100 * unit.share:.1f}" if np.isfinite(unit.share) else "0",
            "share": f"{100 * unit.share:.1f} %" if np.isfinite(unit.share) else MISSING,
            "intensity": f"{unit.intensity:.2f}" if np.isfinite(unit.intensity) else MISSING,
            "events": f"{unit.events:,}",
            "rate": f"{unit.per_minute:.1f}" if np.isfinite(unit.per_minute) else MISSING,
            "longest": f"{unit.longest_s:.2f}" if unit.events else MISSING,
        }
        for unit in face.units
    ]
    return {
        "name": face.face_id,
        "frames": face.frames,
        "first": moment(face.first_s),
        "last": moment(face.last_s),
        "confidence": f"{face.confidence:.2f}" if np.isfinite(face.confidence) else "",
        "with_intensity": any(np.isfinite(unit.intensity) for unit in face.units),
        "units": units,
        "peaks": [(p.title, p.text, _data_address(p.picture)) for p in peaks.get(face.face_id, ())],
        "together": _data_address(together[face.face_id]) if face.face_id in together else "",
    }
