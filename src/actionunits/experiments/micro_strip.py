"""A synthetic micro-expression to look at: seven frames with the regions, and what has changed."""

from __future__ import annotations

import cv2
import numpy as np

from actionunits.errors import UserError
from actionunits.explain.draw_regions import EYE_LINE, INTER_OCULAR_PX, SIZE_PX, draw_regions
from actionunits.faces.align import align, to_crop
from actionunits.faces.detect import make_detector
from actionunits.faces.regions import micro_expression_regions_of_clip
from actionunits.faces.track import FaceTracker
from actionunits.records import FloatArray, Frame, ImageArray
from actionunits.reports.figures import contact_sheet
from actionunits.synthesis.micro_set import MicroSet

__all__ = ["micro_strip"]

FRAMES = 7
#: Differences of grey values are shown so many times as large, about a middle grey.
TIMES = 8


def micro_strip(people: MicroSet, subject: int, sequence: int) -> ImageArray:
    """Seven frames from before the onset to after the offset, the apex in the middle, u8[H,W,3] RGB.

    Below each stands how it differs from the first, eight times as strong. The faces are found, followed and
    aligned as in use; the boxes are one set for the sequence, as the network that looks at seven frames takes
    them.

    Args:
        people: the set.
        subject: whose.
        sequence: which.

    Raises:
        UserError: a frame in which no face is found.
    """
    (course,) = people.courses(subject, sequence)
    before, after = max(course.onset - 1, 0), min(course.offset + 1, people.frames - 1)
    half = FRAMES // 2 + 1
    chosen = [*np.linspace(before, course.apex, half), *np.linspace(course.apex, after, half)[1:]]
    crops, points = _crops(people, subject, sequence)
    regions = micro_expression_regions_of_clip(points)
    rows = [round(float(each)) for each in chosen]
    faces = [draw_regions(crops[row], regions, zoom=1) for row in rows]
    changes = [
        (128 + TIMES * (crops[row].astype(np.int16) - crops[rows[0]])).clip(0, 255).astype(np.uint8)
        for row in rows
    ]
    at = [f"{1000 * (row - rows[0]) / people.rate_hz:.0f} ms" for row in rows]
    at[FRAMES // 2] += f": apex, AU {' '.join(map(str, course.aus))}"
    captions = [*at, *[f"change x {TIMES}"] * FRAMES]
    return contact_sheet([*faces, *changes], captions, FRAMES, tile_px=SIZE_PX)


def _crops(people: MicroSet, subject: int, sequence: int) -> tuple[ImageArray, FloatArray]:
    """u8[T,S,S] and f32[T,68,2], aligned as in use."""
    tracker = FaceTracker(make_detector("hog"), keep="largest", landmarks="dlib")
    crops, points = [], []
    for number, image in enumerate(people.pictures(people.animator(subject), subject, sequence)):
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        faces = tracker.update(Frame(grey, number, float(people.times_s[number]), image))
        if not faces:
            raise UserError(f"no face was found in frame {number} of the drawn clip: take another sequence")
        crop = align(grey, faces[0].landmarks, SIZE_PX, INTER_OCULAR_PX, EYE_LINE)
        crops.append(crop.image)
        points.append(to_crop(faces[0].landmarks.points, crop))
    return np.stack(crops), np.stack(points)
