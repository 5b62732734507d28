"""Where a picture has changed since faces were looked for in it: a new face comes with new pixels."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from actionunits.records import FloatArray, ImageArray

__all__ = ["PictureChanges"]

#: Side of a cell in px, at which pictures are compared, and the change of its mean grey value that counts.
_CELL_PX, _CHANGE = 8, 10.0
#: A window of so many cells, about a small face, has changed where so many of them have.
_WINDOW, _CHANGED_CELLS = 8, 8
#: Around what has changed at least so many px are searched, too: the whole of a face that is seen in part.
_MARGIN_PX = 64
#: A followed face moves within its box and so much around it, in sides of the box.
_AROUND_FACE = 0.35


class PictureChanges:
    """What of a video's picture is new since it was last searched."""

    def __init__(self) -> None:
        self._seen: FloatArray | None = None

    def region(self, grey: ImageArray, followed: Iterable[FloatArray]) -> tuple[int, int, int, int] | None:
        """The part (left, top, right, bottom; px) that holds all that has changed, or None if nothing has.

        Args:
            grey: u8[H,W].
            followed: boxes f32[4] of faces that are known: what changes there is no new face.
        """
        height, width = grey.shape
        view = _view(grey)
        if self._seen is None or self._seen.shape != view.shape:
            return 0, 0, width, height
        changed = (np.abs(view - self._seen) > _CHANGE).astype(np.float32)
        margin = _MARGIN_PX
        for box in followed:
            side = float(box[2] - box[0])
            margin = max(margin, round(_AROUND_FACE * side))  # a face beside it is hidden in part by this one
            low = np.floor((box[:2] - _AROUND_FACE * side) / _CELL_PX).astype(int).clip(0)
            high = np.ceil((box[2:] + _AROUND_FACE * side) / _CELL_PX).astype(int).clip(0)
            changed[low[1] : high[1], low[0] : high[0]] = 0
        window = (_WINDOW, _WINDOW)
        count = cv2.boxFilter(changed, -1, window, normalize=False, borderType=cv2.BORDER_CONSTANT)
        rows, columns = np.nonzero((changed > 0) & (count >= _CHANGED_CELLS))
        if not len(rows):
            return None
        return (
            max(0, int(columns.min()) * _CELL_PX - margin),
            max(0, int(rows.min()) * _CELL_PX - margin),
            min(width, (int(columns.max()) + 1) * _CELL_PX + margin),
            min(height, (int(rows.max()) + 1) * _CELL_PX + margin),
        )

    def searched(self, grey: ImageArray, region: tuple[int, int, int, int] | None = None) -> None:
        """Take note that the picture, or a region of it, has been searched.

        What changes so slowly that no region holds it adds up until it counts.
        """
        view = _view(grey)
        if region is None or self._seen is None or self._seen.shape != view.shape:
            self._seen = view
            return
        left, top, right, bottom = (edge // _CELL_PX for edge in region)
        self._seen[top : bottom + 1, left : right + 1] = view[top : bottom + 1, left : right + 1]


def _view(grey: ImageArray) -> FloatArray:
    height, width = grey.shape
    size = (max(1, round(width / _CELL_PX)), max(1, round(height / _CELL_PX)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)
