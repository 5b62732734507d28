"""Tables 14 and 15 of seed 001: how long the AUs of BP4D and DISFA last, and how many segments there are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from actionunits.analysis.durations import durations
from actionunits.datasets.adapter import usable_index
from actionunits.datasets.registry import data_set
from actionunits.errors import UserError
from actionunits.experiments.au_rcnn_runs import REPORTED, Data
from actionunits.experiments.coded_durations import VIDEOS, published_durations
from actionunits.experiments.crops import data_line
from actionunits.experiments.recipe import DataSettings
from actionunits.experiments.reproduced import Maker, Product, Request, Scale
from actionunits.experiments.synthetic import coded_set, synthetic_index
from actionunits.facs.sets import AU_SETS
from actionunits.metrics.averages import mean_defined
from actionunits.records import LabelIndex
from actionunits.reports.figures import bars
from actionunits.reports.tables import beside

__all__ = ["DURATION_MAKERS", "duration_table"]

#: Synthetic people and sequences of each; both sets' own at the larger scales.
SIZES: Mapping[tuple[Data, Scale], tuple[int, int]] = {
    ("bp4d", "tiny"): (8, 2),
    ("bp4d", "small"): (41, 8),
    ("bp4d", "paper"): (41, 8),
    ("disfa", "tiny"): (2, 1),
    ("disfa", "small"): (27, 1),
    ("disfa", "paper"): (27, 1),
}


def duration_table(index: LabelIndex, aus: tuple[int, ...], rate_hz: float) -> pd.DataFrame:
    """A row an AU: ``segments``, ``mean (frames)``, ``mean (s)``, ``base rate``.

    A segment that goes on where its sequence begins or ends is counted with the part that is there, and
    frames that are not coded are left out before segments are made: so the paper's counts come out.

    Args:
        index: the labels.
        aus: which.
        rate_hz: frames a second.
    """
    labels = index.labels(aus)
    table = durations(labels, aus, index.starts()).table()[["segments", "mean (frames)"]]
    table["mean (s)"] = table["mean (frames)"] / rate_hz
    table["base rate"], _ = mean_defined(np.where(labels >= 0, labels, np.nan))
    return table


def _index(request: Request, data: Data) -> tuple[LabelIndex, str]:
    """The labels, and a line on them; no picture is read or drawn."""
    if request.data is not None:
        name, root = request.data
        if name != data:
            raise UserError(f"this item is of {data}, got {name}: give --data {data}=FOLDER")
        index = usable_index(data_set(name).read(root, 1 if name == "disfa" else None))
        return index, data_line(DataSettings(name=name, root=str(root)), index)
    people, sequences = SIZES[data, request.scale]
    settings = DataSettings(
        coding=data,
        durations="published",
        subjects=people,
        sequences=sequences,
        frames=round(VIDEOS[data].frames),
        rate_hz=VIDEOS[data].rate_hz,
    )
    index = synthetic_index(coded_set(settings, AU_SETS[REPORTED[data]]))
    return index, data_line(settings, index)


def _durations(data: Data) -> Maker:
    def make(request: Request) -> Product:
        index, line = _index(request, data)
        videos, paper = VIDEOS[data], published_durations(data)
        ours = duration_table(index, AU_SETS[REPORTED[data]], videos.rate_hz)
        seconds = {"ours": ours["mean (s)"], "paper": paper["mean (s)"].reindex(ours.index)}
        notes = [
            f"Seconds are of {videos.rate_hz:g} frames/s. A segment that goes on where its video ends is "
            "counted with the part that is there, as in the paper: the AUs themselves last longer than that, "
            "the more so in short videos. Frames that are not coded break no segment.",
        ]
        if data == "disfa":
            notes.append("The paper counts 54 videos, each person seen by two cameras: twice our segments.")
        if request.data is None:
            apart = (ours["mean (s)"] / seconds["paper"] - 1).abs()
            notes.append(
                "The synthetic AUs are made to last that long, whatever the frame rate; the rest is chance "
                f"({apart.mean():.1%} on average over the AUs, {apart.max():.1%} at most)."
            )
        if request.data is None and data == "disfa":
            notes.append(
                "The synthetic people show DISFA's patterns of AUs coded from intensity B on, and the paper "
                "counts from A on: as long, but fewer segments."
            )
        picture = bars(list(ours.index), seconds, title="Mean duration of an AU", axis="s")
        return Product(line, {"": beside(ours, paper)}, {"": picture}, tuple(notes))

    return make


DURATION_MAKERS: Mapping[tuple[str, str], Maker] = {
    ("au_rcnn", "table14"): _durations("bp4d"),
    ("au_rcnn", "table15"): _durations("disfa"),
}
