"""What is in a data set: the report of ``au datasets check``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from actionunits.datasets.adapter import Departure, Reading
from actionunits.facs.units import au_column

__all__ = ["CheckReport", "check"]


@dataclass(frozen=True)
class CheckReport:
    """A data set in numbers.

    Attributes:
        name: the data set.
        subjects: how many people.
        sequences: how many recordings.
        frames: how many labelled frames.
        units: a row an AU (``AU12``): frames ``shown``, ``not_shown`` and ``unknown``, ``base_rate`` (share
            of the known frames; NaN without one), and ``intensity``, the frames with a known one.
        departures: where it is not as its makers describe it.
    """

    name: str
    subjects: int
    sequences: int
    frames: int
    units: pd.DataFrame
    departures: tuple[Departure, ...]

    @property
    def usable(self) -> bool:
        """There are frames, at least one known label, and nothing fatal."""
        known = int(self.units[["shown", "not_shown"]].to_numpy().sum())
        return self.frames > 0 and known > 0 and not any(one.fatal for one in self.departures)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; an undefined base rate is None."""
        units = {
            str(au): {name: None if pd.isna(value) else value for name, value in row.items()}
            for au, row in self.units.astype(object).to_dict(orient="index").items()
        }
        return {
            "name": self.name,
            "usable": self.usable,
            "subjects": self.subjects,
            "sequences": self.sequences,
            "frames": self.frames,
            "units": units,
            "departures": [asdict(one) for one in self.departures],
        }


def check(name: str, reading: Reading) -> CheckReport:
    """Count what a reading holds."""
    index = reading.index
    rows = []
    for au in index.aus:
        codes = index.table[au_column(au)].to_numpy()
        shown, known = int((codes == 1).sum()), int((codes >= 0).sum())
        intensity = 0
        if au in index.intensity_aus:
            intensity = int(np.isfinite(index.intensities([au])).sum())
        rows.append(
            {
                "shown": shown,
                "not_shown": known - shown,
                "unknown": len(codes) - known,
                "base_rate": shown / known if known else np.nan,
                "intensity": intensity,
            }
        )
    columns = ["shown", "not_shown", "unknown", "base_rate", "intensity"]
    units = pd.DataFrame(rows, index=pd.Index([au_column(au) for au in index.aus]), columns=columns)
    people = index.table[["dataset", "subject"]].drop_duplicates()
    sequences = int(index.sequence_numbers().max(initial=-1)) + 1
    return CheckReport(name, len(people), sequences, len(index), units, reading.departures)
