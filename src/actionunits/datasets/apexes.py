"""Apexes that a coding table does not give, found from motion in the crops of a cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd

from actionunits.datasets.adapter import Event
from actionunits.faces.apex import apex_frame
from actionunits.records import FloatArray, ImageArray

__all__ = ["with_motion_apexes"]


def with_motion_apexes(
    events: Sequence[Event],
    frames: pd.DataFrame,
    read: Callable[[int], tuple[ImageArray, FloatArray]],
    known: Mapping[Event, int] | None = None,
) -> tuple[Event, ...]:
    """The events; one without an apex, but with an offset, gets ``motion_apex`` where the motion shows one.

    Args:
        events: as coded.
        frames: a cache's frames: what names each, its ``part``, its ``row`` there, and ``found``.
        read: gives a part's crops u8[N,S,S,C] and points f32[N,68,2].
        known: apexes that were found before, by the event as it is coded.
    """
    done = known or {}
    of_sequence = frames.groupby(["dataset", "subject", "sequence"], sort=False).indices
    result = []
    for event in events:
        if event.apexes or event.offset is None:
            result.append(event)
            continue
        apex = done.get(event)
        if apex is None:
            rows = of_sequence.get((event.dataset, event.subject, event.sequence))
            apex = None if rows is None else _apex(event, event.offset, frames.iloc[rows], read)
        result.append(replace(event, motion_apex=apex))
    return tuple(result)


def _apex(
    event: Event,
    offset: int,
    frames: pd.DataFrame,
    read: Callable[[int], tuple[ImageArray, FloatArray]],
) -> int | None:
    """The number of the frame; None where too few have a face."""
    numbers = frames["frame"].to_numpy(np.int64)
    inside = frames[(numbers >= event.onset) & (numbers <= offset) & frames["found"].to_numpy(bool)]
    inside = inside.sort_values("frame")
    if inside["part"].nunique() != 1:  # no frame, or pictures of several parts
        return None
    crops, points = read(int(inside["part"].iloc[0]))
    rows = inside["row"].to_numpy(np.int64)
    some = crops[rows]
    grey = some[..., 0] if some.shape[-1] == 1 else np.stack([_grey(crop) for crop in some])
    at = apex_frame(grey, points[rows])
    return None if at is None else int(inside["frame"].iloc[at])


def _grey(crop: ImageArray) -> ImageArray:
    return np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.uint8)
