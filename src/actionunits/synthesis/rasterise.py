"""Triangles to pixels with a z-buffer, in NumPy: made for many small triangles.

Every triangle's pixels are written one after another into one long list of candidates, tested together,
and the nearest candidate of each pixel is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actionunits.records import FloatArray

__all__ = ["Fragments", "rasterise"]

#: How far outside of a triangle a pixel may lie, in barycentric units: closes hairline cracks.
_SLACK = np.float32(1e-4)


@dataclass(frozen=True)
class Fragments:
    """The pixels that triangles cover, the nearest triangle of each.

    Attributes:
        pixel: i64[K], row * width + column, each at most once.
        triangle: i64[K], row of the triangle list.
        weights: f32[K,3], barycentric weights of the triangle's corners.
        corners: i32[K,3], the vertices of each pixel's triangle.
    """

    pixel: NDArray[np.int64]
    triangle: NDArray[np.int64]
    weights: FloatArray
    corners: NDArray[np.int32]

    def interpolate(self, values: FloatArray) -> FloatArray:
        """Values of vertices, f32[V,C], between the corners: f32[K,C]."""
        first, second, third = (values[self.corners[:, i]] for i in range(3))
        weights = self.weights
        result: FloatArray = first * weights[:, :1] + second * weights[:, 1:2] + third * weights[:, 2:]
        return result


def rasterise(
    xy: FloatArray, depth: FloatArray, triangles: NDArray[np.int32], height_px: int, width_px: int
) -> Fragments:
    """Find the nearest triangle of each pixel.

    A triangle is drawn only if its corners run counter-clockwise as seen (y down, so its signed area is
    negative); a pixel belongs to a triangle that covers its centre.

    Args:
        xy: f32[V,2], vertices in pixels.
        depth: f32[V], larger is nearer.
        triangles: i32[T,3].
        height_px: rows of the picture.
        width_px: columns.
    """
    x, y = xy[:, 0][triangles], xy[:, 1][triangles]
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    left, right = _extent(x, width_px)
    top, bottom = _extent(y, height_px)
    seen = np.flatnonzero((area < -1e-9) & (right >= left) & (bottom >= top))
    left, top = left[seen], top[seen]
    columns = right[seen] - left + 1
    planes = _planes(x[seen], y[seen], depth[triangles[seen]], area[seen])
    return _nearest(
        triangles, seen, (left, top, columns, bottom[seen] - top + 1), planes, height_px, width_px
    )


def _extent(values: FloatArray, limit: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """First and last whole pixel of each triangle along one axis."""
    low = np.minimum(np.minimum(values[:, 0], values[:, 1]), values[:, 2])
    high = np.maximum(np.maximum(values[:, 0], values[:, 1]), values[:, 2])
    first = np.ceil(np.clip(low, 0, limit)).astype(np.int32)
    last = np.floor(np.clip(high, -1, limit - 1)).astype(np.int32)
    return first, last


def _planes(x: FloatArray, y: FloatArray, depth: FloatArray, area: FloatArray) -> FloatArray:
    """f32[9,T]: corner 0, the two barycentric gradients, and depth as a plane over them."""
    planes = np.empty((9, len(x)), np.float32)
    planes[0], planes[1] = x[:, 0], y[:, 0]
    planes[2], planes[3] = (y[:, 2] - y[:, 0]) / area, -(x[:, 2] - x[:, 0]) / area
    planes[4], planes[5] = -(y[:, 1] - y[:, 0]) / area, (x[:, 1] - x[:, 0]) / area
    planes[6] = depth[:, 0]
    planes[7], planes[8] = depth[:, 1] - depth[:, 0], depth[:, 2] - depth[:, 0]
    return planes


def _nearest(
    triangles: NDArray[np.int32],
    seen: NDArray[np.int64],
    boxes: tuple[NDArray[np.int32], ...],
    planes: FloatArray,
    height_px: int,
    width_px: int,
) -> Fragments:
    left, top, columns, rows = boxes
    counts = columns * rows
    owner = np.repeat(np.arange(len(seen), dtype=np.int32), counts)
    place = np.arange(len(owner), dtype=np.int32) - np.repeat(np.cumsum(counts) - counts, counts)
    wide = columns[owner]
    row = place // wide
    column = place - row * wide + left[owner]
    row += top[owner]
    across, down = column.astype(np.float32) - planes[0][owner], row.astype(np.float32) - planes[1][owner]
    second = across * planes[2][owner] + down * planes[3][owner]
    third = across * planes[4][owner] + down * planes[5][owner]
    inside = np.flatnonzero((second >= -_SLACK) & (third >= -_SLACK) & (second + third <= 1 + _SLACK))
    second, third, owner = second[inside], third[inside], owner[inside]
    pixel = row[inside].astype(np.int64) * width_px + column[inside]
    depth = planes[6][owner] + second * planes[7][owner] + third * planes[8][owner]
    nearest = np.full(height_px * width_px, -np.inf, np.float32)
    np.maximum.at(nearest, pixel, depth)
    front = np.flatnonzero(depth == nearest[pixel])
    winner = np.full(height_px * width_px, -1, np.int64)
    winner[pixel[front][::-1]] = front[::-1]
    covered = np.flatnonzero(winner >= 0)
    chosen = winner[covered]
    weights = np.stack([1 - second[chosen] - third[chosen], second[chosen], third[chosen]], 1)
    triangle = seen[owner[chosen]]
    return Fragments(covered, triangle, weights.astype(np.float32), triangles[triangle])
