"""BP4D+ with EB+: 140 and 60 people, occurrence of 34 AUs in the tasks T1, T6, T7 and T8.

Layout: ``2D+3D/F001/T1/000.jpg`` and ``AUCoding/AU_OCC/F001_T1.csv``, else as BP4D. The coding of F041 T7 is
longer than its pictures; frames without a picture are left out and reported.
"""

from __future__ import annotations

from pathlib import Path

from actionunits.datasets.adapter import DataSet, Reading, occurrence_only
from actionunits.datasets.bp4d import BinghamtonLayout, read_binghamton

__all__ = ["DATA_SET"]

_LAYOUT = BinghamtonLayout(
    "bp4dplus",
    tuple(f"F{n:03d}" for n in range(1, 83)) + tuple(f"M{n:03d}" for n in range(1, 59)),
    ("T1", "T6", "T7", "T8"),
)


def _read(root: Path, positive: int | None) -> Reading:
    occurrence_only("bp4dplus", positive)
    return read_binghamton(root, _LAYOUT)


DATA_SET = DataSet(
    name="bp4dplus",
    title="BP4D+ and EB+",
    codes="occurrence (B and up) 0, 1, 9 unknown; 34 AUs",
    access="Binghamton University, on request for research",
    read=_read,
)
