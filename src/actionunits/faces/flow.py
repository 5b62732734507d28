"""Optical flow between two grey pictures."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.errors import unknown_name
from actionunits.records import ImageArray

__all__ = ["FLOW_METHODS", "MOST_FLOW_PX", "optical_flow"]

#: DIS: dense inverse search (Kroeger 2016), fast. TV-L1: Zach, Pock and Bischof 2007, slow and smooth.
FLOW_METHODS = ("dis", "tvl1")
#: Larger motion is clipped to this.
MOST_FLOW_PX = 20.0


@cache
def _solver(method: str) -> Any:
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
    solver = _solver(method)
    if previous_grey.shape != next_grey.shape or previous_grey.ndim != 2:
        raise ValueError(
            f"flow needs two grey pictures of one size, got {previous_grey.shape} and {next_grey.shape}"
        )
    flow = solver.calc(previous_grey, next_grey, None)
    return np.asarray(np.clip(flow, -MOST_FLOW_PX, MOST_FLOW_PX), dtype=np.float16)
