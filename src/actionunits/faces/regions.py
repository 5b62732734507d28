"""Parts of the face as boxes, from the 68 points: seed 000's brow, nose and lip crops.

The paper numbers the points from 1; the tables here are 0-based, as everywhere in this package.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from actionunits.records import Landmarks, Regions

__all__ = ["MICRO_AUS", "MICRO_BOX_POINTS", "micro_expression_regions"]

#: For each region the (0-based) points that give its left, top, right and bottom edge. The paper, 1-based:
#: brow (18, 20, 27, 29), nose (18, 29, 27, 34), lip (20, 34, 25, 9).
MICRO_BOX_POINTS: Mapping[str, tuple[int, int, int, int]] = {
    "brow": (17, 19, 26, 28),
    "nose": (17, 28, 26, 33),
    "lip": (19, 33, 24, 8),
}

#: The AUs that the paper looks for in each region. AU17 (chin) lies outside the nose crop; the paper puts it
#: there all the same.
MICRO_AUS: Mapping[str, tuple[int, ...]] = {
    "brow": (1, 2, 4, 7),
    "nose": (9, 17),
    "lip": (10, 12, 15, 20, 24, 25, 26),
}


def micro_expression_regions(landmarks: Landmarks, margin_px: float = 2.0) -> Regions:
    """The brow, nose and lip boxes of seed 000.

    Left and right edges come from the x of a point, top and bottom edges from the y of one, each moved out by
    the margin.

    Args:
        landmarks: the points, in pixels of the picture that is to be cropped.
        margin_px: in the same pixels; 2 in the paper.

    Returns:
        three boxes in the order brow, nose, lip; they may reach over the picture's border.

    Raises:
        ValueError: a box has no area: the points are not those of an upright face.
    """
    points = landmarks.points
    boxes = np.empty((len(MICRO_BOX_POINTS), 4), np.float32)
    for row, (name, (left, top, right, bottom)) in enumerate(MICRO_BOX_POINTS.items()):
        boxes[row] = (
            points[left, 0] - margin_px,
            points[top, 1] - margin_px,
            points[right, 0] + margin_px,
            points[bottom, 1] + margin_px,
        )
        if not (boxes[row, 0] < boxes[row, 2] and boxes[row, 1] < boxes[row, 3]):
            raise ValueError(f"the {name} box has no area: the points are not those of an upright face")
    return Regions(boxes, tuple(MICRO_AUS[name] for name in MICRO_BOX_POINTS))
