"""The regions that a paper's networks look at, drawn over a face."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from actionunits.errors import unknown_name
from actionunits.explain.picture import face_of_picture
from actionunits.faces.align import align, to_crop
from actionunits.faces.region_drawing import REGION_COLOURS
from actionunits.faces.regions import MICRO_BOX_POINTS, au_group_regions, micro_expression_regions
from actionunits.facs.sets import au_set
from actionunits.records import ImageArray, Landmarks, Regions

__all__ = ["REGIONS", "draw_regions", "regions_of_picture"]

#: The crop on which the regions are made: side, distance of the eyes, height of the eyes.
SIZE_PX, INTER_OCULAR_PX, EYE_LINE = 200, 80.0, 0.32


def _micro(landmarks: Landmarks) -> tuple[Regions, tuple[str, ...]]:
    return micro_expression_regions(landmarks), tuple(MICRO_BOX_POINTS)


def _groups(landmarks: Landmarks) -> tuple[Regions, tuple[str, ...]]:
    regions = au_group_regions(landmarks, (SIZE_PX, SIZE_PX), au_set("bp4d-12"))
    return regions, tuple(f"box {number}" for number in range(1, len(regions.boxes) + 1))


#: Short name of the paper to what makes its boxes, and their names, of the points on the crop.
REGIONS: Mapping[str, Callable[[Landmarks], tuple[Regions, tuple[str, ...]]]] = {
    "cooccurrence": _micro,
    "au_rcnn": _groups,
}


def draw_regions(face: ImageArray, regions: Regions, names: Sequence[str] = (), zoom: int = 3) -> ImageArray:
    """The face with its boxes, u8[H,W,3] RGB.

    Args:
        face: u8[S,S] or u8[S,S,3] RGB, the picture that the boxes were made on.
        regions: the R boxes.
        names: of the boxes; with them stands a line for each below the face: its name and its AUs.
        zoom: times as large as ``face``.

    Raises:
        ValueError: another number of names.
    """
    if names and len(names) != len(regions.boxes):
        raise ValueError(f"{len(regions.boxes)} boxes got {len(names)} names")
    colour = face if face.ndim == 3 else np.asarray(cv2.cvtColor(face, cv2.COLOR_GRAY2RGB), np.uint8)
    height, width = (side * zoom for side in colour.shape[:2])
    drawn = cv2.resize(colour, (width, height), interpolation=cv2.INTER_CUBIC)
    thickness = max(1, round(zoom * 0.7))
    for number, box in enumerate(regions.boxes):
        left, top, right, bottom = np.rint(((box + 0.5) * zoom) - 0.5).astype(int).tolist()
        cv2.rectangle(
            drawn,
            (left, top),
            (right, bottom),
            REGION_COLOURS[number % len(REGION_COLOURS)],
            thickness,
            cv2.LINE_AA,
        )
    if not names:
        return np.asarray(drawn, np.uint8)
    below = np.full((8 + 24 * len(names), width, 3), 255, np.uint8)
    for number, (name, aus) in enumerate(zip(names, regions.aus, strict=True)):
        text, at = f"{name}: AU {' '.join(map(str, aus))}", (10, 22 + 24 * number)
        cv2.putText(
            below,
            text,
            at,
            cv2.FONT_HERSHEY_SIMPLEX,
            0.55,
            REGION_COLOURS[number % len(REGION_COLOURS)],
            1,
            cv2.LINE_AA,
        )
    return np.concatenate([np.asarray(drawn, np.uint8), below])


def regions_of_picture(path: str | Path, paper: str) -> ImageArray:
    """A paper's regions on the largest face of a picture, aligned to 200 px, drawn three times as large.

    Raises:
        UserError: no such picture, no face in it, or no such paper.
    """
    if paper not in REGIONS:
        raise unknown_name("regions", paper, REGIONS)
    frame, landmarks = face_of_picture(path, "dlib")  # as the papers took them
    crop = align(frame.image, landmarks, SIZE_PX, INTER_OCULAR_PX, EYE_LINE)
    regions, names = REGIONS[paper](Landmarks(to_crop(landmarks.points, crop)))
    return draw_regions(crop.image, regions, names)
