"""How the head is turned, from the 68 points of one picture.

The points that no Action Unit moves (corners of the eyes, bridge and base of the nose, beginnings of the
jaw) are compared with those of a mean adult head. The camera is not known, so the picture is taken for a
scaled parallel projection: the angles are those between the head and the line of sight to it. People's noses
differ, so pitch is the least certain: see ``docs/benchmarks/detect_options.md``.

The depths are those that the points of a finder show. Our own lie about where a head has them. dlib's lag
behind where a head is turned (the tip of the nose by a sixth, the beginnings of the jaw, which slide along
the outline, by two fifths): with the depths of one finder, turns by the other's points would come out wrong
by a third.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from actionunits.faces.finders import DEFAULT_LANDMARKS
from actionunits.facs.face_template import TEMPLATE_POINTS
from actionunits.records import Finder, FloatArray, Landmarks

__all__ = ["head_pose"]

#: The points that are compared.
_RIGID = np.array([0, 16, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 39, 42, 45])
#: How far they stand out toward the viewer, in inter-ocular distances: least squares over 420 rendered heads
#: of 14 people that the embedded model learned from (benchmarks/head_pose.py). Their places in the
#: picture are the template's.
_DEPTHS: dict[Finder, tuple[float, ...]] = {
    "own": (-0.90, -0.90, 0.39, 0.48, 0.56, 0.64, 0.33, 0.39, 0.41, 0.39, 0.33, -0.03, 0.07, 0.07, -0.03),
    "dlib": (-0.60, -0.60, 0.28, 0.37, 0.46, 0.56, 0.31, 0.36, 0.39, 0.36, 0.31, -0.04, 0.04, 0.04, -0.04),
}


def _head(finder: Finder) -> NDArray[np.float64]:
    """f64[P,3]: x to the picture's right, y down, z away from the viewer."""
    flat = TEMPLATE_POINTS[_RIGID].astype(np.float64)
    return np.column_stack([flat, -np.array(_DEPTHS[finder])])


_FROM_POINTS: dict[Finder, NDArray[np.float64]] = {
    finder: np.linalg.pinv(_head(finder) - _head(finder).mean(axis=0)) for finder in _DEPTHS
}


def head_pose(landmarks: Landmarks, finder: Finder = DEFAULT_LANDMARKS) -> FloatArray:
    """Pitch, yaw and roll, f32[3] in degrees; NaN where the points lie on one spot.

    Positive is: pitch, the nose down; yaw, the nose to the picture's left (the subject's right); roll,
    clockwise in the picture (to the subject's left shoulder). With x to the right, y down and z away from the
    viewer the head's rotation is R = Rx(pitch) Ry(yaw) Rz(roll), OpenFace's convention.

    Args:
        landmarks: in pixels of the frame.
        finder: what found them.
    """
    first, second = (_FROM_POINTS[finder] @ landmarks.points[_RIGID]).T.tolist()
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
