"""How the head is turned, from the 68 points of one picture.

The points that no Action Unit moves (corners of the eyes, bridge and base of the nose, beginnings of the
jaw) are compared with those of a mean adult head. The camera is not known, so the picture is taken for a
scaled parallel projection: the angles are those between the head and the line of sight to it. People's noses
differ, so pitch is the least certain: see ``docs/benchmarks/detect_options.md``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actionunits.facs.face_template import TEMPLATE_POINTS
from actionunits.records import FloatArray, Landmarks

__all__ = ["head_pose"]

#: How far the points stand out toward the viewer, in inter-ocular distances; their places in the picture are
#: the template's.
_DEPTH = {
    0: -0.98, 16: -0.98, 27: 0.29, 28: 0.41, 29: 0.54, 30: 0.66, 31: 0.32, 32: 0.40, 33: 0.42, 34: 0.40,
    35: 0.32, 36: -0.05, 39: 0.05, 42: 0.05, 45: -0.05,
}  # fmt: skip
_RIGID = np.array(list(_DEPTH))


def _head() -> NDArray[np.float64]:
    """f64[P,3]: x to the picture's right, y down, z away from the viewer."""
    flat = TEMPLATE_POINTS[_RIGID].astype(np.float64)
    return np.column_stack([flat, -np.array(list(_DEPTH.values()))])


_HEAD = _head() - _head().mean(axis=0)
_FROM_POINTS: NDArray[np.float64] = np.linalg.pinv(_HEAD)


def head_pose(landmarks: Landmarks) -> FloatArray:
    """Pitch, yaw and roll, f32[3] in degrees; NaN where the points lie on one spot.

    Positive is: pitch, the nose down; yaw, the nose to the picture's left (the subject's right); roll,
    clockwise in the picture (to the subject's left shoulder). With x to the right, y down and z away from the
    viewer the head's rotation is R = Rx(pitch) Ry(yaw) Rz(roll), OpenFace's convention.

    Args:
        landmarks: in pixels of the frame.
    """
    points = landmarks.points[_RIGID].astype(np.float64)
    linear = (_FROM_POINTS @ (points - points.mean(axis=0))).T
    left, scale, right = np.linalg.svd(linear, full_matrices=False)
    if scale[0] < 1e-9:
        return np.full(3, np.nan, np.float32)
    across, down = left @ right  # the nearest two orthonormal rows
    away = np.cross(across, down)
    turns = (
        np.arctan2(-down[2], away[2]),
        np.arcsin(np.clip(across[2], -1.0, 1.0)),
        np.arctan2(-across[1], across[0]),
    )
    return np.degrees(turns).astype(np.float32)
