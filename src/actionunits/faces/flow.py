"""Optical flow between two pictures of one size."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.errors import unknown_name
from actionunits.records import ImageArray

__all__ = ["FLOW_METHODS", "MOST_FLOW_PX", "crop_flow", "optical_flow"]

#: DIS: dense inverse search (Kroeger 2016), fast. TV-L1: Zach, Pock and Bischof 2007, slow and smooth.
FLOW_METHODS = ("dis", "tvl1")
#: Larger motion is clipped to this.
MOST_FLOW_PX = 20.0


@lru_cache(maxsize=8)
def _solver(method: str, shape: tuple[int, ...], thread: int) -> Any:
    """OpenCV's solver for pictures of one size, in one thread.

    A small picture changes a solver's own settings for good, so that after it a larger one gets another flow.
    """
    if method == "dis":
        return cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    if method == "tvl1":
        return cv2.optflow.DualTVL1OpticalFlow.create()
    raise unknown_name("optical flow", method, FLOW_METHODS)


def optical_flow(
    previous_grey: ImageArray, next_grey: ImageArray, method: str = "dis"
) -> NDArray[np.float16]:
    """Where each pixel of the first picture goes to in the second.

    Args:
        previous_grey: u8[H,W], at least 16 px on each side.
        next_grey: u8[H,W].
        method: ``dis`` or ``tvl1``.

    Returns:
        f16[H,W,2], (x, y) in px, clipped to -20 to 20.

    Raises:
        UserError: the method is not known.
        ValueError: the pictures differ in size or are not grey.
    """
    solver = _solver(method, previous_grey.shape, threading.get_ident())
    if previous_grey.shape != next_grey.shape or previous_grey.ndim != 2:
        raise ValueError(
            f"flow needs two grey pictures of one size, got {previous_grey.shape} and {next_grey.shape}"
        )
    flow = solver.calc(previous_grey, next_grey, None)
    return np.asarray(np.clip(flow, -MOST_FLOW_PX, MOST_FLOW_PX), dtype=np.float16)


def crop_flow(previous: ImageArray, crop: ImageArray, method: str = "dis") -> NDArray[np.float16]:
    """Where each pixel of a crop's predecessor goes to; nothing moves between two that are the same.

    Args:
        previous: u8[S,S,C], grey or RGB, at least 16 px on each side.
        crop: u8[S,S,C].
        method: ``dis`` or ``tvl1``.

    Returns:
        f16[S,S,2], (x, y) in px, clipped to -20 to 20.

    Raises:
        UserError: the method is not known.
        ValueError: the crops differ in size.
    """
    if np.array_equal(previous, crop):
        return np.zeros((*crop.shape[:2], 2), np.float16)
    return optical_flow(_grey(previous), _grey(crop), method)


def _grey(crop: ImageArray) -> ImageArray:
    if crop.shape[2] == 1:
        return np.ascontiguousarray(crop[:, :, 0])
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(crop), cv2.COLOR_RGB2GRAY))
