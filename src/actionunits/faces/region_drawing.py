"""Seed 001's regions drawn on a face: the 43 RoIs, a group's mask, the boxes (its Figs. 2, 4 and 5)."""

from __future__ import annotations

import cv2
import numpy as np

from actionunits.faces.regions import au_group_mask
from actionunits.facs.groups import ROIS, roi_polygon
from actionunits.records import FloatArray, ImageArray, Landmarks

__all__ = ["REGION_COLOURS", "draw_boxes", "draw_mask", "draw_rois"]

#: A colour for each of the nine boxes: red, blue, green, orange, purple, cyan, pink, brown, olive.
REGION_COLOURS = (
    (214, 39, 40),
    (31, 119, 180),
    (44, 160, 44),
    (255, 127, 14),
    (148, 103, 189),
    (23, 190, 207),
    (227, 119, 194),
    (140, 86, 75),
    (188, 189, 34),
)
_LINE, _INK, _SHADE = (255, 255, 255), (255, 230, 60), (30, 20, 10)


def draw_rois(face: ImageArray, landmarks: Landmarks, lift_px: float) -> ImageArray:
    """The face u8[H,W,3] with the outline and the number of every RoI (Fig. 2).

    Args:
        face: u8[H,W,3] RGB; stays as it is.
        landmarks: in pixels of the face.
        lift_px: one lift along y (:func:`actionunits.faces.regions.lift_in_crop`).
    """
    drawn = face.copy()
    thick = max(1, round(face.shape[0] / 500))
    size = face.shape[0] / 1300
    for roi in ROIS:
        corners = roi_polygon(roi, landmarks.points, lift_px)
        cv2.polylines(drawn, [np.rint(corners).astype(np.int32)], True, _LINE, thick, cv2.LINE_AA)
        x, y = corners.mean(axis=0)
        (width, height), _ = cv2.getTextSize(str(roi), cv2.FONT_HERSHEY_SIMPLEX, size, thick)
        place = (round(x - width / 2), round(y + height / 2))
        for ink, wide in ((_SHADE, thick + 2), (_INK, thick)):
            cv2.putText(drawn, str(roi), place, cv2.FONT_HERSHEY_SIMPLEX, size, ink, wide, cv2.LINE_AA)
    return drawn


def draw_mask(face: ImageArray, group: int, landmarks: Landmarks, lift_px: float) -> ImageArray:
    """The face u8[H,W,3] with the mask of a group (1 to 8) tinted over it (Fig. 4)."""
    mask = au_group_mask(group, landmarks, face.shape[:2], lift_px) > 0
    colour = np.array(REGION_COLOURS[(group - 1) % len(REGION_COLOURS)])
    drawn = face.copy()
    drawn[mask] = (0.45 * face[mask] + 0.55 * colour).astype(np.uint8)
    return drawn


def draw_boxes(face: ImageArray, boxes: FloatArray) -> ImageArray:
    """The face u8[H,W,3] with boxes f32[R,4], each in a colour of its own (Fig. 5)."""
    drawn = face.copy()
    thick = max(1, round(face.shape[0] / 170))
    for number, box in enumerate(boxes):
        left, top, right, bottom = (round(float(edge)) for edge in box)
        colour = REGION_COLOURS[number % len(REGION_COLOURS)]
        cv2.rectangle(drawn, (left, top), (right - 1, bottom - 1), colour, thick)
    return drawn
