"""How near to the true apex of a micro-expression the one lies that is found from motion.

Run from the repository: ``python benchmarks/apex.py``. Draws micro-expressions of painted people at 60 and
200 frames/s (``--crops`` keeps their crops for another run) and compares three ways to an apex where a coding
table gives onset and offset only: the middle between the two, the frame that differs most from the onset, and
:func:`actionunits.faces.apex.apex_frame`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.datasets.cache import CropCache
from actionunits.experiments.recipe import DataSettings
from actionunits.experiments.synthetic import synthetic_crops
from actionunits.faces.apex import apex_frame
from actionunits.facs.sets import AU_SETS
from actionunits.records import FloatArray, ImageArray, InputSpec
from actionunits.reports.tables import to_markdown

SPEC = InputSpec(aus=AU_SETS["casme-13"], size_px=200, inter_ocular_px=80.0, eye_line=0.32, channels=1)
#: Frames a second and frames of a clip.
RATES = {60: 40, 200: 110}
#: A frame shows the apex from this share of the greatest intensity on.
FULL = 0.98


@dataclass(frozen=True)
class Shown:
    """A micro-expression from onset to offset: u8[T,S,S], f32[T,68,2], and f32[T], the sum of its AUs."""

    crops: ImageArray
    points: FloatArray
    intensity: FloatArray


def shown_in(cache: CropCache) -> Iterator[Shown]:
    """Each expression of a cache."""
    table = cache.index.table
    part, row, _ = cache.locate(cache.index)
    intensity = cache.index.intensities(cache.index.aus).sum(axis=1)
    for event in cache.events:
        same = (table["subject"] == event.subject) & (table["sequence"] == event.sequence)
        inside = same & table["frame"].between(event.onset, event.offset or event.onset)
        rows = np.flatnonzero(inside.to_numpy())
        where = row[rows]
        number = int(part[rows[0]])
        yield Shown(cache.crops(number)[where, ..., 0], cache.points(number)[where], intensity[rows])


def middle(shown: Shown) -> int:
    """The middle between onset and offset."""
    return (len(shown.crops) - 1) // 2


def most_different(shown: Shown) -> int:
    """The frame with the greatest mean difference of grey values to the onset."""
    away = np.abs(shown.crops.astype(np.int16) - shown.crops[0].astype(np.int16))
    return int(away.mean(axis=(1, 2)).argmax())


def from_motion(shown: Shown) -> int:
    """The package's."""
    found = apex_frame(shown.crops, shown.points)
    return middle(shown) if found is None else found


WAYS: Mapping[str, Callable[[Shown], int]] = {
    "middle": middle,
    "most different": most_different,
    "from motion": from_motion,
}


def errors(shown: Shown, at: int) -> tuple[float, float, float]:
    """Frames to the first full frame, to the nearest full one, and the share of the intensity lost."""
    full = np.flatnonzero(shown.intensity >= FULL * shown.intensity.max())
    lost = 1 - shown.intensity[at] / shown.intensity.max()
    return abs(at - int(full[0])), float(np.abs(full - at).min()), float(lost)


def row_of(values: NDArray[np.float64]) -> dict[str, float]:
    """Means and shares of f64[N,3]."""
    first, nearest, lost = values.T
    return {
        "frames to the first full one": first.mean(),
        "to the nearest": nearest.mean(),
        "within 1": (nearest <= 1).mean(),
        "90 % within": float(np.percentile(nearest, 90)),
        "intensity lost": lost.mean(),
        "lost, 90 % below": float(np.percentile(lost, 90)),
        "lost over half": (lost > 0.5).mean(),
    }


def main() -> None:
    """Print a table for each rate."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--seed", type=int, default=27)
    parser.add_argument("--crops", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        for rate, frames in RATES.items():
            people = max(2, round(asked.people * 60 / rate))
            settings = DataSettings(
                coding="micro",
                subjects=people,
                sequences=asked.clips,
                frames=frames,
                rate_hz=rate,
                seed=asked.seed,
            )
            cache = synthetic_crops(asked.crops or Path(place), settings, SPEC)
            every = list(shown_in(cache))
            rows = {
                way: row_of(np.array([errors(shown, find(shown)) for shown in every]))
                for way, find in WAYS.items()
            }
            print(f"{rate} frames/s, {people} people, {len(every)} expressions\n")
            print(to_markdown(pd.DataFrame(rows).T.round(3)) + "\n")


if __name__ == "__main__":
    main()
