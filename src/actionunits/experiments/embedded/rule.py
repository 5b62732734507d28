"""The unlearned rule that any smile detector must beat: how wide the mouth is and how high its corners."""

from __future__ import annotations

import numpy as np

from actionunits.facs.motion import smile_measure
from actionunits.records import FloatArray

__all__ = ["smile_by_points"]


def smile_by_points(points: FloatArray) -> float:
    """:func:`~actionunits.facs.motion.smile_measure` of one face.

    Args:
        points: f32[68,2].
    """
    return float(smile_measure(points.astype(np.float64)))
