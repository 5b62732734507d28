"""What is in a data set: the report of ``au datasets check``."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from actionunits.datasets.adapter import Departure, Reading
from actionunits.datasets.registry import data_set
from actionunits.errors import UserError
from actionunits.facs.units import au_column

__all__ = ["CheckReport", "check", "check_data_set"]


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
        emotions: frames of each emotion, the commonest first; empty where the set has none.
        events: coded expressions, and how many of them have no apex.
    """

    name: str
    subjects: int
    sequences: int
    frames: int
    units: pd.DataFrame
    departures: tuple[Departure, ...]
    emotions: dict[str, int] = field(default_factory=dict)
    events: tuple[int, int] = (0, 0)

    @property
    def usable(self) -> bool:
        """There are frames, at least one known AU or emotion, and nothing fatal."""
        known = int(self.units[["shown", "not_shown"]].to_numpy().sum()) + sum(self.emotions.values())
        return self.frames > 0 and known > 0 and not any(one.fatal for one in self.departures)

    @property
    def kinds(self) -> dict[str, int]:
        """How many departures of each kind there are."""
        return dict(Counter(one.kind for one in self.departures))

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
            "emotions": self.emotions,
            "events": {"coded": self.events[0], "without_apex": self.events[1]},
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
    emotions = index.table["emotion"].to_numpy(str) if "emotion" in index.table else np.zeros(0, str)
    return CheckReport(
        name,
        len(people),
        sequences,
        len(index),
        units,
        reading.departures,
        dict(Counter(emotions[emotions != ""].tolist()).most_common()),
        (len(reading.events), sum(not event.apexes for event in reading.events)),
    )


def check_data_set(name: str, root: Path, positive: int | None = None) -> CheckReport:
    """Read a data set and count what it holds; one that cannot be read at all is reported as unusable.

    Raises:
        UserError: no data set of that name.
    """
    described = data_set(name)
    try:
        return check(name, described.read(root, positive))
    except UserError as problem:
        wanted = f"{described.title} as it was distributed"
        remedy = "mend that, or give the right folder"
        columns = ["shown", "not_shown", "unknown", "base_rate", "intensity"]
        failed = Departure(str(root), wanted, str(problem), remedy, fatal=True)
        return CheckReport(name, 0, 0, 0, pd.DataFrame([], columns=columns), (failed,))
