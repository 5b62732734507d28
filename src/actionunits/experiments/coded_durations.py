"""How long AUs last in BP4D and DISFA, from seed 001's Tables 14 and 15, and how often they come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from actionunits.analysis.published import published

__all__ = ["VIDEOS", "Videos", "au_seconds", "published_durations"]


@dataclass(frozen=True)
class Videos:
    """A data set's videos.

    Attributes:
        item: the table of seed 001.
        rate_hz: frames a second.
        frames: of a video, on average: BP4D's 146,847 coded frames of 328, DISFA's 4,845 of each.
    """

    item: str
    rate_hz: float
    frames: float


VIDEOS = {"bp4d": Videos("table14", 25.0, 146_847 / 328), "disfa": Videos("table15", 20.0, 4_845.0)}


def published_durations(data: str) -> pd.DataFrame:
    """A row an AU (``AU12``): ``segments``, ``mean (frames)`` and ``mean (s)``, as printed.

    >>> published_durations("bp4d").loc["AU12"].tolist()
    [448.0, 184.0, 7.36]
    """
    videos = VIDEOS[data]
    facts = published("facts")
    facts = facts[(facts["paper"] == "au_rcnn") & (facts["item"] == videos.item)]
    table = facts.pivot(index="au", columns="quantity", values="value").astype(float)
    table = table.rename(columns={"mean duration (frames)": "mean (frames)"})[["segments", "mean (frames)"]]
    table["mean (s)"] = table["mean (frames)"] / videos.rate_hz
    return table.set_axis([f"AU{au}" for au in table.index], axis=0).rename_axis(None, axis=1)


def au_seconds(data: str, aus: tuple[int, ...]) -> tuple[float, ...]:
    """Mean length in seconds of each AU's segments, whole ones.

    The tables count what lies in a video: a segment that goes on where the video ends is cut there. In videos
    of T seconds segments of a mean length d are counted as d / (1 + d / T), whatever the spread, if the AU is
    as frequent at all times; this is taken back here. What is counted in synthetic sequences as long as the
    data set's (18 s of BP4D's) is then the published mean, in shorter ones less. An AU without a published
    length gets the median of the others.
    """
    table, videos = published_durations(data), VIDEOS[data]
    counted = table["mean (s)"]
    whole = counted / (1 - counted * videos.rate_hz / videos.frames)
    usual = float(np.median(whole))
    return tuple(float(whole.get(f"AU{au}", usual)) for au in aus)
