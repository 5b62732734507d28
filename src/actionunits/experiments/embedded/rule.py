"""The unlearned rule that any smile detector must beat: how wide the mouth is and how high its corners."""

from __future__ import annotations

import numpy as np

from actionunits.records import FloatArray

__all__ = ["lip_gap", "smile_by_points"]


def _in_eye_frame(points: FloatArray) -> FloatArray:
    """f32[68,2] with the origin between the eyes, x along them, in inter-ocular distances."""
    right, left = points[[36, 39]].mean(axis=0), points[[42, 45]].mean(axis=0)
    axis = (left - right) / max(float(np.hypot(*(left - right))), 1e-6)
    centred = (points - (left + right) / 2) / max(float(np.hypot(*(left - right))), 1e-6)
    along, down = centred @ axis, centred @ np.array([-axis[1], axis[0]])
    return np.stack([along, down], axis=1).astype(np.float32)


def smile_by_points(points: FloatArray) -> float:
    """Mouth width plus corner lift above the lips' middle, in inter-ocular distances; larger = more smile.

    Args:
        points: f32[68,2].
    """
    face = _in_eye_frame(points)
    width = float(np.hypot(*(face[54] - face[48])))
    lift = float(face[[51, 57, 62, 66], 1].mean() - face[[48, 54], 1].mean())
    return width + lift


def lip_gap(points: FloatArray) -> float:
    """Distance of the inner lips at the middle, in inter-ocular distances (0 = closed).

    Args:
        points: f32[68,2].
    """
    face = _in_eye_frame(points)
    return float(max(0.0, face[66, 1] - face[62, 1]))
