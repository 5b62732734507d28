"""The unlearned rule that any smile detector must beat: how wide the mouth is and how high its corners."""

from __future__ import annotations

import numpy as np

from actionunits.facs.motion import face_frame
from actionunits.records import FloatArray

__all__ = ["smile_by_points"]


def smile_by_points(points: FloatArray) -> float:
    """Mouth width plus corner lift above the lips' middle, in inter-ocular distances; larger = more smile.

    Args:
        points: f32[68,2].
    """
    origin, axes = face_frame(points)
    face = (points - origin) @ axes.T / (axes[0] @ axes[0])
    width = float(np.hypot(*(face[54] - face[48])))
    lift = float(face[[51, 57, 62, 66], 1].mean() - face[[48, 54], 1].mean())
    return width + lift
