"""A part of a picture, also beyond its border."""

from __future__ import annotations

import numpy as np

from actionunits.records import ImageArray

__all__ = ["cut_out"]


def cut_out(grey: ImageArray, x0: int, y0: int, width: int, height: int) -> ImageArray:
    """A part of a picture, which may reach beyond the border: there the nearest pixel is repeated.

    Args:
        grey: u8[H,W].
        x0: left edge in px.
        y0: top edge.
        width: of the part, 0 or more.
        height: 0 or more.
    """
    rows, columns = grey.shape[:2]
    if 0 <= y0 <= rows - height and 0 <= x0 <= columns - width:
        return grey[y0 : y0 + height, x0 : x0 + width]
    ys = np.clip(np.arange(y0, y0 + height), 0, rows - 1)
    xs = np.clip(np.arange(x0, x0 + width), 0, columns - 1)
    return np.ascontiguousarray(grey[ys[:, None], xs[None, :]])
