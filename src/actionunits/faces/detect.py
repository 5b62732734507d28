"""Faces in a picture: dlib's HOG detector, or OpenCV's Viola-Jones cascade."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import cv2
import cv2.data
import dlib
import numpy as np

from actionunits.errors import UserError, unknown_name
from actionunits.faces.cutting import cut_out
from actionunits.records import Face, FloatArray, ImageArray

__all__ = [
    "DETECTORS",
    "LEAST_PART",
    "FaceDetector",
    "HogDetector",
    "ViolaJonesDetector",
    "find_faces",
    "make_detector",
    "overlap",
    "viola_jones_box",
]

#: The smaller of a face's least size in px and this part of the picture's shorter side bounds the search.
LEAST_PART = 0.06
_MOST_PIXELS = 2.4e6
#: The smallest face box of dlib's detector.
_HOG_FACE_PX = 76.0
#: The face's size and the picture's size for a check of one place.
_CHECK_FACE_PX, _CHECK_PX = 90.0, 160
#: The HOG detector's box in the cascade's: how far its middle lies away, and half its side, in sides.
_HOG_SHIFT, _HOG_HALF = np.array([0.01, 0.09]), 0.444


class FaceDetector(Protocol):
    """What finds faces."""

    def find(self, grey: ImageArray, least_px: float = 0.0) -> list[Face]:
        """All faces of a picture that are at least about ``least_px`` wide, the largest first."""

    def check(self, grey: ImageArray, box: FloatArray) -> Face | None:
        """The face at a place, found again within about half its size, or None."""

    def confidence(self, score: float) -> float:
        """A score as a probability, 0 to 1, that it is a face."""


@cache
def _hog() -> Any:
    """Made once (0.3 s); each user copies it, since searching changes it and lets other threads run."""
    return dlib.get_frontal_face_detector()


class HogDetector:
    """dlib's frontal face detector: histograms of oriented gradients and five linear classifiers.

    The picture is searched at a scale where its smallest faces, ``min_face_px`` or 6 % of the shorter side if
    that is larger, have the detector's own size (about 76 px): small pictures are enlarged, large ones
    reduced, so that the time is bounded (at most 2.4 megapixels are searched). Threads need a detector each.
    """

    def __init__(self, min_face_px: int = 60) -> None:
        self.min_face_px = min_face_px
        self._detector = copy(_hog())

    def __copy__(self) -> HogDetector:
        other = object.__new__(type(self))
        other.min_face_px, other._detector = self.min_face_px, copy(self._detector)
        return other

    def find(self, grey: ImageArray, least_px: float = 0.0) -> list[Face]:
        """All faces, the largest first; ``Face.score`` is the HOG score, at least 0.

        Args:
            grey: u8[H,W].
            least_px: smaller faces may be left out, which is faster.
        """
        height, width = grey.shape
        least_px = max(least_px, float(self.min_face_px), LEAST_PART * min(height, width))
        scale = min(_HOG_FACE_PX / least_px, (_MOST_PIXELS / (height * width)) ** 0.5)
        return _largest_first(self._run(grey, scale, 0.0))

    def check(self, grey: ImageArray, box: FloatArray) -> Face | None:
        """Look again for the face at ``box`` (f32[4] px) with a lower threshold (-0.3).

        Returns:
            The best face that overlaps it, with its own box and score; None if there is none.
        """
        size = max(float(box[2] - box[0]), 8.0)
        side = max(8, round(size * _CHECK_PX / _CHECK_FACE_PX))
        x0 = round(float(box[0] + box[2]) / 2 - side / 2)
        y0 = round(float(box[1] + box[3]) / 2 - side / 2)
        shift = np.array([x0, y0, x0, y0], dtype=np.float32)
        faces = self._run(cut_out(grey, x0, y0, side, side), _CHECK_PX / side, -0.3)
        near = [Face(f.box + shift, f.score) for f in faces if overlap(f.box + shift, box) > 0.2]
        return max(near, key=lambda f: f.score, default=None)

    def confidence(self, score: float) -> float:
        """Logistic in the score: 0.27 at 0, 0.5 at 0.2, 0.98 at 1.

        Fitted to the best scores of 574 pictures with a face and 174 without, both kinds given equal weight.
        """
        return float(1.0 / (1.0 + np.exp(-(5.07 * score - 1.02))))

    def _run(self, grey: ImageArray, scale: float, threshold: float) -> list[Face]:
        work, (fx, fy) = _scaled(grey, scale)
        if min(work.shape) < 40:
            return []
        boxes, scores, _ = self._detector.run(work, 0, threshold)
        return [
            Face(_unscaled((b.left(), b.top(), b.right(), b.bottom()), fx, fy), float(s))
            for b, s in zip(boxes, scores, strict=True)
        ]


class ViolaJonesDetector:
    """OpenCV's cascade of Haar features (``haarcascade_frontalface_default``), Viola and Jones 2001.

    Its boxes are brought to the place and size that the HOG detector would give, so that the points are found
    in the same way.
    """

    def __init__(self, min_face_px: int = 60) -> None:
        self.min_face_px = min_face_px
        file = Path(cv2.data.haarcascades) / "haarcascade_frontalface_default.xml"
        self._cascade = cv2.CascadeClassifier(str(file))
        if self._cascade.empty():
            raise UserError(
                f"OpenCV's cascade {file.name} is missing: install opencv-contrib-python-headless<5"
            )

    def __reduce__(self) -> tuple[type[ViolaJonesDetector], tuple[int]]:
        """A copy, also in another process, loads the cascade again: OpenCV's cannot be copied."""
        return type(self), (self.min_face_px,)

    def find(self, grey: ImageArray, least_px: float = 0.0) -> list[Face]:
        """All faces, the largest first; ``Face.score`` is the weight of the last stage, at least 2.

        (Measured: 4.9 and more on 81 faces, at most 3.8 on two false alarms, most of which are below 1.)

        Args:
            grey: u8[H,W].
            least_px: smaller faces may be left out, which is faster.
        """
        height, width = grey.shape
        least_px = max(least_px, float(self.min_face_px), LEAST_PART * min(height, width))
        scale = min(1.0, 48.0 / least_px, (_MOST_PIXELS / (height * width)) ** 0.5)
        faces = self._run(grey, scale, least_px * scale, None)
        return _largest_first([f for f in faces if f.score >= 2.0])

    def check(self, grey: ImageArray, box: FloatArray) -> Face | None:
        """Look again for the face at ``box`` (f32[4] px); None if there is none."""
        size = max(float(box[2] - box[0]), 8.0)
        side = round(2.2 * size)
        x0 = round(float(box[0] + box[2]) / 2 - side / 2)
        y0 = round(float(box[1] + box[3]) / 2 - side / 2)
        shift = np.array([x0, y0, x0, y0], dtype=np.float32)
        faces = self._run(cut_out(grey, x0, y0, side, side), 60.0 / size, 40.0, 100.0)
        near = [Face(f.box + shift, f.score) for f in faces if overlap(f.box + shift, box) > 0.2]
        return max(near, key=lambda f: f.score, default=None)

    def confidence(self, score: float) -> float:
        """Logistic in the score: 0.18 at 2, 0.5 at 3, 0.95 at 5."""
        return float(1.0 / (1.0 + np.exp(-1.5 * (score - 3.0))))

    def _run(self, grey: ImageArray, scale: float, least_px: float, most_px: float | None) -> list[Face]:
        work, (fx, fy) = _scaled(grey, scale)
        if min(work.shape) < 24:
            return []
        least, most = max(24, round(least_px)), round(most_px) if most_px else 0
        boxes, _, weights = self._cascade.detectMultiScale3(
            work,
            scaleFactor=1.1,
            minNeighbors=5,
            minSize=(least, least),
            maxSize=(most, most),
            outputRejectLevels=True,
        )
        return [
            Face(_hog_like(_unscaled((x, y, x + w - 1, y + h - 1), fx, fy)), float(weight))
            for (x, y, w, h), weight in zip(boxes, np.ravel(weights), strict=True)
        ]


#: The detectors by name.
DETECTORS: dict[str, Callable[[], FaceDetector]] = {"hog": HogDetector, "viola-jones": ViolaJonesDetector}


def make_detector(name: str) -> FaceDetector:
    """A detector by name.

    Raises:
        UserError: the name is not known.

    >>> type(make_detector("hog")).__name__
    'HogDetector'
    """
    if name not in DETECTORS:
        raise unknown_name("face detector", name, DETECTORS)
    return DETECTORS[name]()


def find_faces(grey: ImageArray, detector: FaceDetector) -> list[Face]:
    """All faces of a picture, the largest first."""
    return detector.find(grey)


def overlap(one: FloatArray, other: FloatArray) -> float:
    """Intersection over union of two boxes.

    >>> overlap(np.float32([0, 0, 2, 2]), np.float32([1, 0, 3, 2]))
    0.3333333333333333
    """
    a, b = [float(v) for v in one], [float(v) for v in other]
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def _scaled(grey: ImageArray, scale: float) -> tuple[ImageArray, tuple[float, float]]:
    """The picture at about that scale, and the true scale of each axis."""
    height, width = grey.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height):
        return np.ascontiguousarray(grey), (1.0, 1.0)
    how = cv2.INTER_AREA if scale < 0.7 else cv2.INTER_LINEAR
    work = np.asarray(cv2.resize(grey, size, interpolation=how), dtype=np.uint8)
    return work, (size[0] / width, size[1] / height)


def _unscaled(box: tuple[int, int, int, int], fx: float, fy: float) -> FloatArray:
    factors = np.array([fx, fy, fx, fy])
    return np.asarray((np.array(box) + 0.5) / factors - 0.5, dtype=np.float32)


def _hog_like(box: FloatArray) -> FloatArray:
    """The HOG detector's box where the cascade gives ``box``: medians over 142 pictures found by both."""
    size = box[2] - box[0]
    middle = (box[:2] + box[2:]) / 2 + size * _HOG_SHIFT
    return np.concatenate([middle - _HOG_HALF * size, middle + _HOG_HALF * size]).astype(np.float32)


def viola_jones_box(box: FloatArray) -> FloatArray:
    """The square that the cascade gives for a face with ``box`` (f32[4] px): what the detectors here undo.

    >>> viola_jones_box(_hog_like(np.float32([10, 20, 110, 120]))).round(3).tolist()
    [10.0, 20.0, 110.0, 120.0]
    """
    size = (box[2] - box[0]) / (2 * _HOG_HALF)
    middle = (box[:2] + box[2:]) / 2 - size * _HOG_SHIFT
    return np.concatenate([middle - size / 2, middle + size / 2]).astype(np.float32)


def _largest_first(faces: list[Face]) -> list[Face]:
    return sorted(faces, key=lambda f: -float((f.box[2] - f.box[0]) * (f.box[3] - f.box[1])))
