"""Results as a pandas table, for work in Python."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actionunits.detect.layouts import Cell, OpenFaceLayout, Told, names_of_pictures
from actionunits.detect.pipeline import Detector

if TYPE_CHECKING:
    import pandas as pd

    from actionunits.faces.video import FrameSource

__all__ = ["detect_table"]

SourcePath = str | os.PathLike[str]


def detect_table(sources: SourcePath | Sequence[SourcePath], **options: Any) -> pd.DataFrame:
    """What ``au.detect`` gives: see :class:`actionunits.detect.DetectPackage`."""
    from actionunits.faces.video import open_source

    single = isinstance(sources, (str, os.PathLike))
    paths = [Path(sources)] if isinstance(sources, (str, os.PathLike)) else [Path(each) for each in sources]
    detector = Detector(**options)
    names = [
        column.name
        for column in OpenFaceLayout(
            Told(detector.aus, detector.thresholds, emotions=detector.emotions)
        ).columns
    ]
    rows: list[Sequence[Cell]] = []
    origin: list[str] = []
    files: list[Cell] = []
    for path in paths:
        frames = open_source(path)
        found = _rows(detector, frames, names_of_pictures(frames))
        rows += [row[: len(names)] for row in found]
        origin += [str(path)] * len(found)
        files += [row[-1] if frames.kind == "folder" else None for row in found]
    table = _frame(rows, names)
    if any(files):
        table["file"] = files
    if not single:
        table.insert(0, "source", origin)
    return table


def _rows(detector: Detector, frames: FrameSource, files: Sequence[str]) -> list[Sequence[Cell]]:
    from actionunits.faces.video import TruncatedSource

    layout = OpenFaceLayout(Told(detector.aus, detector.thresholds, files=files, emotions=detector.emotions))
    rows: list[Sequence[Cell]] = []
    try:
        for result in detector.run(frames):
            rows += layout.rows(result)
    except TruncatedSource as problem:
        if not rows:
            raise
        warnings.warn(str(problem), stacklevel=5)
    return rows


def _frame(rows: Sequence[Sequence[Cell]], names: Sequence[str]) -> pd.DataFrame:
    """Unknown cells are NaN; whole numbers stay whole where none of their column is unknown."""
    import numpy as np
    import pandas as pd

    table = pd.DataFrame(rows, columns=list(names))
    return table.astype({name: np.float64 for name in names if table[name].isna().any()})
