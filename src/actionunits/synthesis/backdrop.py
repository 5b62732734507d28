"""What surrounds the face: the photograph as a sheet that goes along with the head and is still far away."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.spatial import KDTree

from actionunits.records import FloatArray
from actionunits.synthesis.rasterise import rasterise

__all__ = ["Backdrop"]

#: The sheet is drawn at this fraction of the size: it is smooth.
_COARSE = 4


class Backdrop:
    """A grid over the photograph, moved by points of the face.

    Args:
        size_px: (height, width) of the photograph.
        samples: f32[S,2], the face's points in the photograph.
        unit_px: the inter-ocular distance.
    """

    def __init__(self, size_px: tuple[int, int], samples: FloatArray, unit_px: float) -> None:
        height, width = size_px
        centre = samples.mean(0)
        low = np.minimum([0, 0], centre - 4.5 * unit_px)
        high = np.maximum([width - 1, height - 1], centre + 4.5 * unit_px)
        steps = np.ceil((high - low) / (0.25 * unit_px)).astype(int) + 1
        axes = [np.linspace(low[i], high[i], steps[i]) for i in (0, 1)]
        grid = np.stack(np.meshgrid(axes[0], axes[1]), -1)
        self._grid = grid.reshape(-1, 2).astype(np.float32)
        self._triangles = _grid_triangles(grid.shape[0], grid.shape[1])
        self._spread = _spread(samples, self._grid, unit_px)
        away = KDTree(samples).query(self._grid)[0] / unit_px
        self._near = np.clip(1.2 - 4 * away, 0, 1).astype(np.float32)

    def draw(
        self, movement: FloatArray, to_window: FloatArray, height_px: int, width_px: int
    ) -> tuple[FloatArray, FloatArray]:
        """Where each pixel of the picture comes from.

        Args:
            movement: f32[S,4], of each sample: x, y in pixels of the photograph, depth, and the logarithm of
                the change of light.
            to_window: f32[2,3], from the photograph to the picture.
            height_px: rows of the picture.
            width_px: columns.

        Returns:
            f32[H,W,2] in pixels of the photograph, and f32[H,W], the change of light.
        """
        moved = self._spread @ movement
        place = (self._grid + moved[:, :2]) @ to_window[:, :2].T + to_window[:, 2]
        coarse = (place + 0.5) / _COARSE + 0.5
        rows, columns = -(-height_px // _COARSE) + 2, -(-width_px // _COARSE) + 2
        fragments = rasterise(coarse.astype(np.float32), moved[:, 2].copy(), self._triangles, rows, columns)
        values = np.concatenate([self._grid, moved[:, 3:4] * self._near[:, None]], 1)
        sheet = np.zeros((rows * columns, 3), np.float32)
        sheet[fragments.pixel] = fragments.interpolate(values)
        fine = cv2.resize(sheet.reshape(rows, columns, 3), None, fx=_COARSE, fy=_COARSE)
        fine = fine[_COARSE : _COARSE + height_px, _COARSE : _COARSE + width_px]
        return np.ascontiguousarray(fine[..., :2]), np.exp(fine[..., 2])


def _grid_triangles(rows: int, columns: int) -> NDArray[np.int32]:
    number = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = (
        part.ravel() for part in (number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1])
    )
    return np.concatenate([np.stack([a, d, c], 1), np.stack([a, c, b], 1)])


def _spread(samples: FloatArray, grid: FloatArray, unit_px: float) -> FloatArray:
    """f32[G,S]: how much each sample moves each point of the grid; still points stand around the head."""
    angles = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    ring = np.stack([np.cos(angles), np.sin(angles)], 1)
    centre = samples.mean(0)
    still = np.concatenate([centre + ring * reach * unit_px for reach in (2.6, 3.4, 4.6)])
    where = np.concatenate([samples, still]) / unit_px
    identity = np.eye(len(where))[:, : len(samples)]
    spline = RBFInterpolator(where, identity, kernel="linear", smoothing=0.2)
    return np.asarray(spline(np.clip(grid, still.min(0), still.max(0)) / unit_px), np.float32)
