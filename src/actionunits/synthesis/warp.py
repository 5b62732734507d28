"""A smooth warp of a part of a picture, driven by points: backward maps for ``cv2.remap``."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.records import FloatArray

__all__ = ["Window", "backward_map", "resample"]

_REACH = 0.5  # inter-ocular units over which a point's pull fades
_CELL = 0.1  # inter-ocular units between the grid's nodes
_STIFFNESS = 2e-4  # how far the map may miss a point, against overshoot between close points


@dataclass(frozen=True)
class Window:
    """A rectangle of a picture.

    Attributes:
        left: first column.
        top: first row.
        width: columns.
        height: rows.
    """

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def around(cls, corners: NDArray[np.floating], picture: tuple[int, ...]) -> Window:
        """The smallest window that holds the points, cut to the picture (its shape, rows first)."""
        low = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
        high = np.minimum(np.ceil(corners.max(axis=0)) + 1, (picture[1], picture[0])).astype(int)
        size = np.maximum(high - low, 1)
        return cls(int(low[0]), int(low[1]), int(size[0]), int(size[1]))

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to cut it from a picture."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    @property
    def origin(self) -> NDArray[np.float64]:
        """(left, top)."""
        return np.array([self.left, self.top], np.float64)

    def grid(self) -> tuple[FloatArray, FloatArray]:
        """f32[h,w] each: x and y of the window's pixels, in the window."""
        x, y = np.meshgrid(np.arange(self.width, dtype=np.float32), np.arange(self.height, dtype=np.float32))
        return x, y


def _kernel(to: NDArray[np.floating], known: NDArray[np.floating], reach: float) -> FloatArray:
    a, b = np.asarray(to, np.float32) / reach, np.asarray(known, np.float32) / reach
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    ratio = np.sqrt(np.maximum(squared, 0))
    weights: FloatArray = (1 + ratio) * np.exp(-ratio)
    return weights


def _border(width: int, height: int, step: float) -> FloatArray:
    across = np.linspace(0, width - 1, max(3, round(width / step)))
    down = np.linspace(0, height - 1, max(3, round(height / step)))
    sides = [(x, y) for x in across for y in (0, height - 1)] + [
        (x, y) for y in down[1:-1] for x in (0, width - 1)
    ]
    return np.array(sides, np.float32)


def backward_map(
    moved: NDArray[np.floating],
    rest: NDArray[np.floating],
    size: tuple[int, int],
    inter_ocular_px: float,
) -> tuple[FloatArray, FloatArray]:
    """Where each pixel of a warped window comes from.

    Between the points the offset is interpolated smoothly; at the window's border it is zero.

    Args:
        moved: [N,2], where the points are to be, px of the window.
        rest: [N,2], where they are in the picture.
        size: (width, height) of the window.
        inter_ocular_px: scale of the face.

    Returns:
        ``(x f32[h,w], y f32[h,w])`` as ``cv2.remap`` takes them.
    """
    width, height = size
    reach = _REACH * inter_ocular_px
    border = _border(width, height, 0.5 * inter_ocular_px)
    known = np.concatenate([np.asarray(moved, np.float32), border])
    offsets = np.zeros((len(known), 2))
    offsets[: len(moved)] = np.asarray(rest, np.float64) - moved
    system = _kernel(known, known, reach).astype(np.float64)
    system[np.diag_indices_from(system)] = 1 + _STIFFNESS
    pull = np.linalg.solve(system, offsets).astype(np.float32)
    columns = max(4, round(width / (_CELL * inter_ocular_px)))
    rows = max(4, round(height / (_CELL * inter_ocular_px)))
    at_x = (np.arange(columns) + 0.5) * width / columns - 0.5
    at_y = (np.arange(rows) + 0.5) * height / rows - 0.5
    nodes = np.stack(np.meshgrid(at_x, at_y), axis=-1).reshape(-1, 2)
    coarse = (_kernel(nodes, known, reach) @ pull).reshape(rows, columns, 2)
    wide = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    field = wide * _edge_taper(width, height, 0.12 * inter_ocular_px)[..., None]
    x, y = Window(0, 0, width, height).grid()
    return x + field[..., 0], y + field[..., 1]


def _edge_taper(width: int, height: int, over: float) -> FloatArray:
    """1 inside, down to 0 at the border."""
    down = np.minimum(np.arange(height), np.arange(height)[::-1]) / over
    across = np.minimum(np.arange(width), np.arange(width)[::-1]) / over
    taper: FloatArray = np.clip(np.minimum(down[:, None], across), 0, 1).astype(np.float32)
    return taper


def resample(image: NDArray[np.uint8], x: FloatArray, y: FloatArray) -> NDArray[np.uint8]:
    """The window's pixels from where the maps say; beyond the window its border is repeated."""
    shown = cv2.remap(image, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(shown, np.uint8)
