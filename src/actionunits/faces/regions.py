"""Parts of the face as masks and boxes, from the 68 points.

Seed 001's AU groups: each a union of polygons (:mod:`actionunits.facs.groups`), its box the bounding box of
each connected part. Seed 000's brow, nose and lip crops; that paper numbers the points from 1, the table here
is 0-based, as everywhere in this package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.faces.align import POINT_MARGINS, inter_ocular_distance
from actionunits.facs.groups import (
    AU_GROUPS,
    LIFT_OF_INTER_OCULAR,
    ROIS,
    Vertex,
    box_aus,
    box_groups,
    groups_of_set,
    roi_polygon,
)
from actionunits.records import FloatArray, ImageArray, InputSpec, Landmarks, Regions

__all__ = [
    "MICRO_AUS",
    "MICRO_BOX_POINTS",
    "SMALLEST_SHARE",
    "au_group_mask",
    "au_group_regions",
    "lift_in_crop",
    "micro_expression_regions",
    "micro_expression_regions_of_clip",
    "regions_of",
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
        parts = _parts(au_group_mask(group, landmarks, size, lift_px), SMALLEST_SHARE)
        if not parts:
            raise ValueError(f"AU group {group} has no box: the points are not those of an upright face")
        boxes += parts
        carried += [box_aus(group, aus)] * len(parts)
    return Regions(np.stack(boxes).astype(np.float32), tuple(carried))


def lift_in_crop(spec: InputSpec, landmarks: Landmarks) -> float:
    """One lift (the paper's 20 px) in pixels of a model's crop, along y.

    A crop by the points has its own scale along y. It leaves 50 of the paper's pixels above the points, so a
    lift is two fifths of that; where the picture ends sooner, lifts end with it.

    Args:
        spec: of the model.
        landmarks: the points in pixels of its crop.
    """
    if spec.crop == "points":
        above = max(float(landmarks.points[:, 1].min()) + 0.5, 0.0)
        return LIFT_OF_INTER_OCULAR / POINT_MARGINS[1] * above
    return LIFT_OF_INTER_OCULAR * inter_ocular_distance(landmarks)


def regions_of(spec: InputSpec, landmarks: Landmarks) -> Regions:
    """The boxes that a model with ``needs_regions`` takes: for every face as many, in one order.

    They are those of :func:`au_group_regions` on an ordinary face. Turned and half hidden faces have them
    too: where group 1's two parts are one, both its boxes are around it; where another group falls into
    parts, its box is around all; where no part is large enough, around what there is; a group that lies
    outside the crop gets the whole crop, as the paper does with a face that is not found.

    Args:
        spec: of the model: its AUs and crop.
        landmarks: the points in pixels of its crop.

    Returns:
        R boxes, as :func:`actionunits.facs.groups.box_groups` orders them.
    """
    side, lift_px = spec.size_px, lift_in_crop(spec, landmarks)
    boxes: list[FloatArray] = []
    for group in groups_of_set(spec.aus):
        parts = _parts_by_corners(group, landmarks, side, lift_px)
        if parts is None:
            mask = au_group_mask(group, landmarks, (side, side), lift_px)
            parts = _parts(mask, SMALLEST_SHARE) or _parts(mask, 0.0)
        if not parts:
            parts = [np.array([0, 0, side, side], np.float32)]
        boxes += [parts[0], parts[-1]] if group == 1 else [_around(parts)]
    carried = tuple(box_aus(group, spec.aus) for group in box_groups(spec.aus))
    return Regions(np.stack(boxes).astype(np.float32), carried)


@cache
def _corners_of(group: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """A group's vertices: i64[V,2] their points, f64[V] lifts, and where each of its parts begins.

    RoIs that share a vertex belong to one part.
    """
    parts: list[set[Vertex]] = []
    for roi in AU_GROUPS[group].rois:
        grown = set(ROIS[roi])
        apart = [part for part in parts if not part & grown]
        for part in parts:
            grown |= part if part & grown else set()
        parts = [*apart, grown]
    vertices = [vertex for part in parts for vertex in part]
    pairs = np.array([(v.points[0], v.points[-1]) for v in vertices])
    begins = np.cumsum([0, *(len(part) for part in parts[:-1])])
    return pairs, np.array([v.lifts for v in vertices], np.float64), begins


def _parts_by_corners(group: int, landmarks: Landmarks, side: int, lift_px: float) -> list[FloatArray] | None:
    """The boxes of a group's parts without drawing its mask; None where that would be needed.

    A part's box is that of its vertices, if they lie within the crop, each part is large enough, and no two
    parts come near each other.
    """
    pairs, lifts, begins = _corners_of(group)
    corners = landmarks.points[pairs].mean(axis=1, dtype=np.float64)
    corners[:, 1] -= lift_px * lifts
    pixels = np.floor(np.rint(corners * (1 << _SHIFT)) / (1 << _SHIFT) + 0.5)
    if pixels.min() < 0 or pixels.max() > side:
        return None
    first = np.minimum.reduceat(pixels, begins)
    last = np.minimum(np.maximum.reduceat(pixels, begins) + 1, side)
    if ((last - first).prod(axis=1) < SMALLEST_SHARE * side * side).any():
        return None
    order = np.argsort(first[:, 0])
    first, last = first[order], last[order]
    if (first[1:, 0] <= last[:-1, 0] + 1).any():
        return None
    return list(np.concatenate([first, last], axis=1).astype(np.float32))


def _around(boxes: Sequence[FloatArray]) -> FloatArray:
    together = np.stack(boxes)
    return np.concatenate([together[:, :2].min(axis=0), together[:, 2:].max(axis=0)])


def _parts(mask: ImageArray, smallest: float) -> list[FloatArray]:
    """The boxes of the mask's connected parts (8 neighbours) of at least a share, from left to right."""
    count, _, statistics, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    boxes = []
    for left, top, width, height, _area in statistics[1:count]:
        if width * height >= smallest * mask.size:
            boxes.append(np.array([left, top, left + width, top + height], np.float32))
    return sorted(boxes, key=lambda box: float(box[0]))
