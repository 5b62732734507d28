"""Faces to crops: a similarity that puts the eyes at fixed places, or the face's points filling the crop."""

from __future__ import annotations

import math
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.faces.detect import viola_jones_box
from actionunits.faces.landmarks import face_box_from
from actionunits.records import Crop, FloatArray, Frame, ImageArray, Landmarks

__all__ = [
    "POINT_MARGINS",
    "align",
    "align_for",
    "crop_by_points",
    "cut_box",
    "eye_centres",
    "inter_ocular_distance",
    "to_crop",
    "to_frame",
]

#: How far a crop by the points reaches beside and above them, in inter-ocular distances: seed 001's 20 and
#: 50 px on faces of BP4D's size, whose eyes are 200 px apart. Below the points it has no margin.
POINT_MARGINS = (0.1, 0.25)

#: Shrinking by more than this is done in two steps, so that fine detail does not alias.
_SHRINK = 1.5


def eye_centres(landmarks: Landmarks) -> NDArray[np.float64]:
    """f64[2,2]: the middle between the corners of the subject's right eye, then of the left, in px."""
    corners = landmarks.points[[36, 39, 42, 45]].astype(np.float64)
    return (corners[0::2] + corners[1::2]) / 2


def inter_ocular_distance(landmarks: Landmarks) -> float:
    """Distance between the two eye centres in px."""
    right, left = eye_centres(landmarks)
    return float(np.hypot(*(left - right)))


def align(
    image: ImageArray,
    landmarks: Landmarks,
    size_px: int,
    inter_ocular_px: float,
    eye_line: float = 0.32,
) -> Crop:
    """Turn, scale and shift a face to its place in a square crop.

    The middle between the eye centres comes to x = (size_px - 1) / 2, y = eye_line * size_px, the line
    through them lies level, and they are inter_ocular_px apart. Beyond the picture its nearest pixels are
    repeated.

    Args:
        image: u8[H,W] or u8[H,W,3].
        landmarks: points in pixels of the image.
        size_px: width and height of the crop.
        inter_ocular_px: distance of the eye centres in the crop.
        eye_line: height of the eyes, as a part of size_px from the top.

    Raises:
        ValueError: the two eye centres are at the same place.
    """
    return _cut(image, _crop_to_frame(landmarks, size_px, inter_ocular_px, eye_line), size_px)


def cut_box(image: ImageArray, box: FloatArray, size_px: int) -> Crop:
    """An upright square box of the picture, f32[4] left, top, right, bottom px, as a crop; as :func:`align`.

    Raises:
        ValueError: the box has no width.
    """
    left, top, right, bottom = (float(edge) for edge in box)
    if right <= left:
        raise ValueError("cannot cut out a box without width")
    scale = (right - left) / size_px
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    shift = middle - scale * (size_px - 1) / 2
    return _cut(image, np.concatenate([scale * np.eye(2), shift[:, None]], axis=1), size_px)


def _cut(image: ImageArray, matrix: NDArray[np.float64], size_px: int) -> Crop:
    """The crop whose pixels lie in the picture where f64[2,3] says."""
    shrink = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    return _warped(image, matrix, size_px, np.array([shrink, shrink]))


def crop_by_points(image: ImageArray, landmarks: Landmarks, size_px: int) -> Crop:
    """The face's points and the margins around them, cut at the picture's border, filling a square crop.

    Seed 001, section 4.1.4: not turned, and width and height are scaled each by itself. The paper's margins
    of 20 px beside and 50 px above are shares of the face here (:data:`POINT_MARGINS`).

    Args:
        image: u8[H,W] or u8[H,W,3].
        landmarks: points in pixels of the image.
        size_px: width and height of the crop.

    Raises:
        ValueError: less than a pixel of the face lies within the picture, or its points have no extent.
    """
    points = landmarks.points.astype(np.float64)
    beside, above = (share * inter_ocular_distance(landmarks) for share in POINT_MARGINS)
    border = np.array([image.shape[1], image.shape[0]]) - 0.5
    low = np.maximum(points.min(axis=0) - (beside, above), -0.5)
    high = np.minimum(points.max(axis=0) + np.array([beside, 0.0]), border)
    if not (high - low >= 1.0).all():
        raise ValueError("cannot crop a face of which less than a pixel lies in the picture")
    scale = (high - low) / size_px
    matrix = np.column_stack([np.diag(scale), low + 0.5 * scale])
    return _warped(image, matrix, size_px, np.maximum(scale, 1.0))


def _warped(
    image: ImageArray, matrix: NDArray[np.float64], size_px: int, shrink: NDArray[np.float64]
) -> Crop:
    """The crop under a map f64[2,3] from crop to frame pixels that shrinks x and y by so much."""
    source, to_source = image, matrix
    if shrink.max() > _SHRINK:
        source, to_source = _reduced(image, matrix, size_px, shrink)
    crop = cv2.warpAffine(
        source,
        to_source,
        (size_px, size_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return Crop(np.asarray(crop, dtype=np.uint8), matrix.astype(np.float32))


class _CropSpec(Protocol):
    """What says how a face is cut out: an :class:`~actionunits.records.InputSpec`, or its part."""

    @property
    def size_px(self) -> int: ...
    @property
    def inter_ocular_px(self) -> float: ...
    @property
    def eye_line(self) -> float: ...
    @property
    def channels(self) -> int: ...
    @property
    def crop(self) -> str: ...


def align_for(spec: _CropSpec, frame: Frame, landmarks: Landmarks, box: FloatArray | None = None) -> Crop:
    """The crop that a model takes: grey or RGB, its kind, size and scale as its input spec says.

    Args:
        spec: what the model takes.
        frame: the picture.
        landmarks: the face's points.
        box: f32[4], the face's box as the detectors of :mod:`~actionunits.faces.detect` give it; a spec that
            cuts by the box reads it. By default the box that belongs to the points.
    """
    image = frame.grey if spec.channels == 1 else frame.image
    if spec.crop == "box":
        place = face_box_from(landmarks) if box is None else box
        return cut_box(image, viola_jones_box(place), spec.size_px)
    if spec.crop == "points":
        return crop_by_points(image, landmarks, spec.size_px)
    return align(image, landmarks, spec.size_px, spec.inter_ocular_px, spec.eye_line)


def to_frame(points: FloatArray, crop: Crop) -> FloatArray:
    """Points f32[N,2] of the crop in pixels of its frame."""
    matrix = crop.to_frame.astype(np.float64)
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def to_crop(points: FloatArray, crop: Crop) -> FloatArray:
    """Points f32[N,2] of the frame in pixels of the crop."""
    matrix = crop.to_frame.astype(np.float64)
    return np.linalg.solve(matrix[:, :2], (points - matrix[:, 2]).T).T.astype(np.float32)


def _crop_to_frame(
    landmarks: Landmarks, size_px: int, inter_ocular_px: float, eye_line: float
) -> NDArray[np.float64]:
    (right_x, right_y), (left_x, left_y) = eye_centres(landmarks).tolist()
    along, down = (left_x - right_x) / inter_ocular_px, (left_y - right_y) / inter_ocular_px
    if math.hypot(along, down) < 1e-6:
        raise ValueError("cannot align a face whose eye centres are at the same place")
    x, y = (size_px - 1) / 2, eye_line * size_px
    shift_x = (right_x + left_x) / 2 - (along * x - down * y)
    shift_y = (right_y + left_y) / 2 - (down * x + along * y)
    return np.array([[along, -down, shift_x], [down, along, shift_y]])


def _reduced(
    image: ImageArray, matrix: NDArray[np.float64], size_px: int, shrink: NDArray[np.float64]
) -> tuple[ImageArray, NDArray[np.float64]]:
    """The face's part of the image at about the crop's scale, and the map from the crop to it."""
    corners = np.array([[-1, -1], [size_px, -1], [-1, size_px], [size_px, size_px]])
    reach = corners @ matrix[:, :2].T + matrix[:, 2]
    limit = np.array([image.shape[1], image.shape[0]])
    around = np.rint(2 * shrink)
    first = np.minimum(np.maximum(np.floor(reach.min(axis=0)) - around, 0), limit - 1).astype(int)
    last = np.minimum(np.maximum(np.ceil(reach.max(axis=0)) + around, first + 1), limit).astype(int)
    part = image[first[1] : last[1], first[0] : last[0]]
    size = np.maximum(np.rint((last - first) / shrink).astype(int), 1)
    small = cv2.resize(part, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA)
    factor = size / (last - first)
    to_small = matrix * factor[:, None]
    to_small[:, 2] += (0.5 - first) * factor - 0.5
    return np.asarray(small, dtype=np.uint8), to_small
