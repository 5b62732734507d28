"""Parts of the face as masks and boxes, from the 68 points.

Seed 001's AU groups: each a union of polygons (:mod:`actionunits.facs.groups`), its box the bounding box of
each connected part. Seed 000's brow, nose and lip crops; that paper numbers the points from 1, the table here
is 0-based, as everywhere in this package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from actionunits.faces.align import inter_ocular_distance
from actionunits.facs.groups import AU_GROUPS, LIFT_OF_INTER_OCULAR, box_aus, groups_of_set, roi_polygon
from actionunits.records import FloatArray, ImageArray, Landmarks, Regions

__all__ = [
    "MICRO_AUS",
    "MICRO_BOX_POINTS",
    "SMALLEST_SHARE",
    "au_group_mask",
    "au_group_regions",
    "micro_expression_regions",
    "micro_expression_regions_of_clip",
]

#: A part of a group whose box is a smaller share of the picture is dropped.
SMALLEST_SHARE = 0.01

#: Corners are given to OpenCV in 1/16 px.
_SHIFT = 4

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


def micro_expression_regions_of_clip(points: FloatArray, margin_px: float = 2.0) -> Regions:
    """The three boxes of a sequence, the same for all its frames, so that motion stays in them.

    Args:
        points: f32[T,68,2], those of each frame, in pixels; the boxes are those of their mean.
        margin_px: see :func:`micro_expression_regions`.

    Raises:
        ValueError: not such points, or a box has no area.
    """
    if points.ndim != 3 or points.shape[1:] != (68, 2) or not len(points):
        raise ValueError(f"expected points [T,68,2] of at least one frame, got {points.shape}")
    return micro_expression_regions(Landmarks(points.mean(axis=0).astype(np.float32)), margin_px)


def au_group_mask(
    group: int, landmarks: Landmarks, size: tuple[int, int], lift_px: float | None = None
) -> ImageArray:
    """The union of a group's polygons, u8[H,W], 255 inside.

    Args:
        group: 1 to 8.
        landmarks: the points, in pixels of the mask.
        size: (height, width) of the mask.
        lift_px: how far a brow vertex is moved up for each lift; by default a tenth of the inter-ocular
            distance, which is the paper's 20 px on faces of its size.
    """
    if lift_px is None:
        lift_px = LIFT_OF_INTER_OCULAR * inter_ocular_distance(landmarks)
    mask = np.zeros(size, np.uint8)
    for roi in AU_GROUPS[group].rois:
        corners = np.rint(roi_polygon(roi, landmarks.points, lift_px) * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(mask, [corners], 255, shift=_SHIFT)
    return mask


def au_group_regions(
    landmarks: Landmarks, size: tuple[int, int], aus: Sequence[int], lift_px: float | None = None
) -> Regions:
    """The AU boxes of seed 001, in the paper's order: group 1's two, then the other groups that carry an AU.

    Of group 1's boxes the one on the picture's left, the subject's right, stands first. A box's ``aus`` are
    its group's own and the fetched ones (Table 2), in the order of ``aus``. Right and bottom edges are one
    past the last pixel.

    Args:
        landmarks: the points, in pixels of the crop.
        size: (height, width) of the crop.
        aus: the AU set: a group without any of it (own or fetched) has no box.
        lift_px: see :func:`au_group_mask`.

    Raises:
        ValueError: a group's mask has no part as large as 1 % of the crop: not an upright face in the crop.
    """
    boxes: list[FloatArray] = []
    carried: list[tuple[int, ...]] = []
    for group in groups_of_set(aus):
        parts = _parts(au_group_mask(group, landmarks, size, lift_px))
        if not parts:
            raise ValueError(f"AU group {group} has no box: the points are not those of an upright face")
        boxes += parts
        carried += [box_aus(group, aus)] * len(parts)
    return Regions(np.stack(boxes).astype(np.float32), tuple(carried))


def _parts(mask: ImageArray) -> list[FloatArray]:
    """The boxes of the mask's connected parts (8 neighbours) that are large enough, from left to right."""
    count, _, statistics, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    boxes = []
    for left, top, width, height, _area in statistics[1:count]:
        if width * height >= SMALLEST_SHARE * mask.size:
            boxes.append(np.array([left, top, left + width, top + height], np.float32))
    return sorted(boxes, key=lambda box: float(box[0]))
