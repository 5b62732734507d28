"""How the head is turned, from the 68 points of one picture.

The points that no Action Unit moves (corners of the eyes, bridge and base of the nose, beginnings of the
jaw) are compared with those of a mean adult head. The camera is not known, so the picture is taken for a
scaled parallel projection: the angles are those between the head and the line of sight to it. People's noses
differ, so pitch is the least certain: see ``docs/benchmarks/detect_options.md``.

The depths are those that dlib's points show, not those of anatomy. Where a head is turned these points lag
behind (the tip of the nose by a sixth, the beginnings of the jaw, which slide along the outline, by two
fifths); with the depths of a true head every turn would come out too small by a third.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from actionunits.facs.face_template import TEMPLATE_POINTS
from actionunits.records import FloatArray, Landmarks

__all__ = ["head_pose"]

#: How far the points stand out toward the viewer, in inter-ocular distances: least squares over 420 rendered
#: heads of 14 people that the embedded model learned from. Their places in the picture are the template's.
_DEPTH = {
    0: -0.60, 16: -0.60, 27: 0.28, 28: 0.37, 29: 0.46, 30: 0.56, 31: 0.31, 32: 0.36, 33: 0.39, 34: 0.36,
    35: 0.31, 36: -0.04, 39: 0.04, 42: 0.04, 45: -0.04,
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
    first, second = (_FROM_POINTS @ landmarks.points[_RIGID]).T.tolist()
    across, down = _orthonormal(first, second)
    away_z = across[0] * down[1] - across[1] * down[0]
    turns = (
        math.atan2(-down[2], away_z),
        math.asin(min(max(across[2], -1.0), 1.0)),
        math.atan2(-across[1], across[0]),
    )
    return np.degrees(turns).astype(np.float32)


def _orthonormal(first: list[float], second: list[float]) -> tuple[list[float], list[float]]:
    """The two orthonormal rows nearest to these: (A A')^(-1/2) A, whose root is known in closed form."""
    p, q, r = (
        sum(x * y for x, y in zip(u, v, strict=True))
        for u, v in ((first, first), (second, second), (first, second))
    )
    root = math.sqrt(max(p * q - r * r, 0.0))
    if root < 1e-12 or not math.isfinite(root):
        return [math.nan] * 3, [math.nan] * 3
    share = 1.0 / (root * math.sqrt(p + q + 2.0 * root))
    across = [share * ((q + root) * x - r * y) for x, y in zip(first, second, strict=True)]
    down = [share * ((p + root) * y - r * x) for x, y in zip(first, second, strict=True)]
    return across, down
