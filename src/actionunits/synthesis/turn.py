"""A picture of a face, turned: the head as a smooth relief over its 68 points, seen from the side.

The relief is a general one (a rounded head, a nose), placed on the points; no 3-D model is needed. Each row
of the picture is turned by itself about the head's vertical axis, and what the near side hides is hidden.
What the photograph does not show (a cheek behind the nose, an ear) is stretched out of its neighbours, so
views up to about 45 degrees look like a face and a profile cannot be had. The light is not turned.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.facs.motion import face_frame
from actionunits.records import FloatArray, ImageArray
from actionunits.synthesis.relief import head_height, head_outline

__all__ = ["turn_face"]

Array = NDArray[np.float64]

#: The axis lies this far behind the eyes' plane of the relief's rim, in inter-ocular distances.
_AXIS_DEPTH = 0.35
#: Beyond the head's outline its movement (hair, neck) fades out over this many inter-ocular distances.
_FADE = 0.9


def turn_face(image: ImageArray, points: FloatArray, yaw_deg: float) -> tuple[ImageArray, FloatArray]:
    """The picture with the head turned, and where its points then are.

    Args:
        image: u8[H,W,3] RGB, a face from the front.
        points: f32[68,2] px.
        yaw_deg: turn to the subject's left (the picture's right); plausible within -45 to 45.

    Returns:
        u8[H,W,3] and f32[68,2].

    Raises:
        ValueError: the turn is beyond 60 degrees.
    """
    if abs(yaw_deg) > 60:
        raise ValueError(f"a relief can be turned by up to 60 degrees, got {yaw_deg:g}")
    if yaw_deg == 0:
        return image.copy(), points.copy()
    height, width = image.shape[:2]
    shift = _shift_px(points, (height, width), np.deg2rad(yaw_deg))
    columns = np.arange(width, dtype=np.float64)
    source = _seen_columns(columns + shift, yaw_deg > 0)
    rows = np.repeat(np.arange(height, dtype=np.float32)[:, None], width, axis=1)
    turned = cv2.remap(
        image, source.astype(np.float32), rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    x, y = (np.ascontiguousarray(part, np.float32) for part in points.T)
    moved = cv2.remap(shift.astype(np.float32), x[:, None], y[:, None], cv2.INTER_LINEAR)
    return np.asarray(turned, np.uint8), np.stack([x + np.asarray(moved)[:, 0], y], axis=1)


def _shift_px(points: FloatArray, shape: tuple[int, int], yaw: float) -> Array:
    """f64[H,W]: how far to the right each pixel of the picture goes."""
    origin, axes = face_frame(points)
    unit = float(np.hypot(*axes[0]))
    to_face = np.linalg.inv(axes)
    own = (points.astype(np.float64) - origin) @ to_face
    across, down = np.meshgrid(np.arange(shape[1]), np.arange(shape[0]))
    x, y = np.moveaxis((np.stack([across, down], -1) - origin) @ to_face, -1, 0)
    outline = head_outline(own)
    relief = head_height(outline, float(own[8, 1]), x, y) + _nose(own, x, y)
    relief = np.asarray(cv2.GaussianBlur(relief, (0, 0), 0.06 * unit), np.float64)
    middle = float(own[[0, 16], 0].mean())
    moved = (x - middle) * (np.cos(yaw) - 1) + (relief - _AXIS_DEPTH) * np.sin(yaw)
    return np.asarray(unit * moved * _share(outline, own, axes, origin, shape, unit))


def _nose(own: Array, x: Array, y: Array) -> Array:
    """The nose's height over the face, in inter-ocular distances."""
    knots = [-0.35, *own[[27, 28, 29], 1], own[30, 1] + 0.02, own[33, 1] - 0.06, own[33, 1] + 0.05]
    height = np.interp(y, knots, [0.0, 0.05, 0.14, 0.22, 0.31, 0.24, 0.0])
    middle = np.interp(y, own[[27, 30, 33], 1], own[[27, 30, 33], 0])
    return np.asarray(height * np.exp(-(((x - middle) / 0.13) ** 2)))


def _share(
    outline: Array, own: Array, axes: Array, origin: Array, shape: tuple[int, int], unit: float
) -> Array:
    """f64[H,W]: 1 on the head, falling softly to 0 beside it."""
    mask = np.zeros(shape, np.uint8)
    px = np.rint(outline @ axes + origin).astype(np.int32)
    cv2.fillPoly(mask, [px], 1)
    away = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5) / unit
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * np.clip(away / _FADE, 0, 1)), np.float64)


def _seen_columns(places: Array, to_the_right: bool) -> Array:
    """f64[H,W]: the source column that is seen at each column, where ``places`` says where columns go.

    Where several fall on one place the nearest hides the others: seen from the front after a turn to the
    right, that is the one furthest to the left before it, and the other way round.
    """
    columns = np.arange(places.shape[1], dtype=np.float64)
    if to_the_right:
        rising = np.maximum.accumulate(places, axis=1)
    else:
        rising = np.minimum.accumulate(places[:, ::-1], axis=1)[:, ::-1]
    rising = rising + 1e-6 * columns
    return np.stack([np.interp(columns, row, columns) for row in rising])
