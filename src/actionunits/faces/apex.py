"""The strongest frame of a short expression, found from its motion.

From onset to offset an expression moves the face one way and back. The optical flow from the first frame to
each other one is taken over the brow, nose and lip regions of seed 000, without the eyes (blinks). The affine
motion that fits most of it is removed: what alignment has left of the head's motion. The rest is averaged
over cells. Of all courses that rise straight from the onset to an apex, hold, and fall straight to the
offset, the one that explains most of this motion is taken, in whatever direction each cell moves; the middle
of its hold is the apex. The flow to one frame alone is noisier than a micro-expression is strong; a course is
fitted to all frames at once.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.faces.flow import optical_flow
from actionunits.faces.regions import micro_expression_regions_of_clip
from actionunits.records import FloatArray, ImageArray

__all__ = ["apex_frame"]

Array = NDArray[np.float64]

#: Points of the two eyes; what lies nearer to them than this share of the picture's side is left out.
_EYES, _AROUND_EYES = (range(36, 42), range(42, 48)), 0.03
#: Side of a cell as a share of the picture's.
_CELL = 0.05
#: So many places are tried for the begin and for the end of the hold.
_MOST_PLACES = 60
#: A frame that moves more than so many times the median counts as that much: flow can fail in a frame.
_MOST_OF_MEDIAN = 2.0
#: Rounds of the fit in which frames' pixels that do not follow it count less.
_ROUNDS = 4


def apex_frame(crops: ImageArray, points: FloatArray) -> int | None:
    """The apex between the first frame, the onset, and the last, the offset.

    Args:
        crops: u8[T,H,W], grey, aligned; H and W at least 16.
        points: f32[T,68,2] in their pixels.

    Returns:
        the number of the frame from 0; None where there is no frame between the two, nothing moves, or the
        points are not those of an upright face.

    Raises:
        ValueError: the shapes do not fit.
    """
    if crops.ndim != 3 or points.shape != (len(crops), 68, 2):
        raise ValueError(f"expected u8[T,H,W] and f32[T,68,2], got {crops.shape} and {points.shape}")
    where = _looked_at(points, crops.shape[1:])
    if len(crops) < 3 or not where.any():
        return None
    flows = np.stack([optical_flow(crops[0], crop) for crop in crops]).astype(np.float64)
    rows, columns = np.nonzero(where)
    motion = np.stack([_without_affine(flow[rows, columns], rows, columns) for flow in flows])
    return _best_course(_cells(motion, rows, columns, max(1, round(_CELL * crops.shape[1]))))


def _looked_at(points: FloatArray, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """bool[H,W], the regions without the eyes; nothing where they have no area."""
    mask = np.zeros(shape, np.uint8)
    try:
        boxes = micro_expression_regions_of_clip(points).boxes
    except ValueError:  # not an upright face: None says so
        return mask.astype(bool)
    for left, top, right, bottom in np.rint(np.clip(boxes, 0, None)).astype(int).tolist():
        mask[top:bottom, left:right] = 1
    eyes, face = np.zeros(shape, np.uint8), points.mean(axis=0)
    for eye in _EYES:
        cv2.fillConvexPoly(eyes, cv2.convexHull(face[list(eye)].astype(np.float32)).astype(np.int32), 1)
    reach = 2 * max(1, round(_AROUND_EYES * shape[0])) + 1
    return np.asarray((mask > 0) & (cv2.dilate(eyes, np.ones((reach, reach), np.uint8)) == 0))


def _without_affine(flow: Array, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Array:
    """f64[N,2], flow at pixels without the affine motion that most of them follow."""
    about = np.column_stack([np.ones(len(rows)), rows - rows.mean(), columns - columns.mean()])
    about[:, 1:] /= max(np.abs(about[:, 1:]).max(), 1.0)
    weight, rest = np.ones(len(rows)), flow
    for _ in range(_ROUNDS):
        fit, *_others = np.linalg.lstsq(about * weight[:, None], flow * weight[:, None], rcond=None)
        rest = flow - about @ fit
        away = np.hypot(rest[:, 0], rest[:, 1])
        weight = 1 / np.hypot(1.0, away / (2 * np.median(away) + 1e-6))
    return rest


def _cells(motion: Array, rows: NDArray[np.int64], columns: NDArray[np.int64], side: int) -> Array:
    """f64[T,2C], mean motion in each cell of which at least half is looked at."""
    _, cell = np.unique(np.stack([rows // side, columns // side]), axis=1, return_inverse=True)
    sizes = np.bincount(cell.ravel())
    sums = [np.bincount(cell.ravel(), frame[:, axis]) for frame in motion for axis in (0, 1)]
    means = np.stack(sums).reshape(len(motion), 2, -1) / sizes
    kept: Array = means[:, :, sizes * 2 >= side * side].reshape(len(motion), -1)
    return kept


def _best_course(motion: Array) -> int | None:
    """The middle of the hold of the course that explains most of the motion f64[T,K]."""
    last = len(motion) - 1
    places = np.unique(np.linspace(1, last - 1, min(last - 1, _MOST_PLACES)).round()).astype(int)
    first, second = (axis.ravel() for axis in np.meshgrid(places, places))
    begins, ends = first[first <= second], second[first <= second]
    time = np.arange(last + 1)
    courses = np.minimum(time / begins[:, None], (last - time) / (last - ends)[:, None]).clip(0, 1)
    size = np.linalg.norm(motion, axis=1)
    weight = 1 / np.maximum(1.0, size / (_MOST_OF_MEDIAN * np.median(size) + 1e-9))
    counted = (courses * weight) @ (motion * weight[:, None])
    explained = np.linalg.norm(counted, axis=1) / np.linalg.norm(courses * weight, axis=1)
    best = int(explained.argmax())
    return int(begins[best] + ends[best]) // 2 if explained[best] > 0 else None
