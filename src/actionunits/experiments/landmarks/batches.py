"""Training batches of the point network: stored pictures, as cameras and trackers would show them."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.experiments.landmarks.pictures import Pictures
from actionunits.faces.landmarks import face_box_from
from actionunits.faces.point_network import crop_square
from actionunits.facs.points import MIRROR_68
from actionunits.records import FloatArray, ImageArray, Landmarks

__all__ = ["PointBatch", "PointBatches", "seen_crop"]

#: (crops f32[N,1,S,S] 0 to 255, points f32[N,68,2] in their px, the face boxes' sides f32[N] in their px).
PointBatch = tuple[FloatArray, FloatArray, FloatArray]


class PointBatches:
    """Batches over one or several stores.

    Args:
        pictures: what is shown.
        size_px: side of the network's crop.
        batch: pictures in a batch.
    """

    def __init__(self, pictures: Pictures, size_px: int, batch: int) -> None:
        self.pictures, self.size_px, self.batch = pictures, size_px, batch

    def __len__(self) -> int:
        return len(self.pictures) // self.batch

    def epoch(self, number: int, seed: int) -> Iterator[PointBatch]:
        """The batches of an epoch, the same for the same ``number`` and ``seed``."""
        rng = np.random.default_rng([seed, number])
        order = rng.permutation(len(self.pictures))[: len(self) * self.batch]
        for rows in order.reshape(len(self), self.batch):
            yield self._batch(rows, rng)

    def _batch(self, rows: NDArray[np.int64], rng: np.random.Generator) -> PointBatch:
        made = [
            seen_crop(self.pictures.images[row], self.pictures.points[row], self.size_px, rng) for row in rows
        ]
        crops = np.stack([each[0] for each in made])[:, None]
        return crops, np.stack([each[1] for each in made]), np.array([each[2] for each in made], np.float32)


def seen_crop(
    image: ImageArray, points: FloatArray, size_px: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, float]:
    """A crop f32[S,S] as a detector or tracker would give it, its points f32[68,2], its box's side in px.

    The picture is mirrored half of the time, turned by up to 25 degrees and stretched a little; the box is
    off by 5 % in place and 8 % in size, now and then by twice that; then light, camera and covered parts.

    Args:
        image: u8[H,W].
        points: f32[68,2] in its px.
        size_px: side S.
        rng: source of all choices.
    """
    width = image.shape[1]
    turn = np.deg2rad(rng.uniform(-25, 25) if rng.random() < 0.3 else np.clip(rng.normal(0, 8), -25, 25))
    linear = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear = linear @ np.diag(np.exp(rng.normal(0, 0.04, 2)))
    shift = np.zeros(2)
    if rng.random() < 0.5:
        points = points[list(MIRROR_68)]
        shift = linear @ [width - 1.0, 0.0]
        linear = linear @ np.diag([-1.0, 1.0])
    moved = points @ linear.T + shift
    box = face_box_from(Landmarks(moved.astype(np.float32))).astype(np.float64)
    side = box[2] - box[0]
    off = 2.0 if rng.random() < 0.15 else 1.0
    middle = (box[:2] + box[2:]) / 2 + off * rng.normal(0, 0.05, 2) * side
    half = side / 2 * np.exp(off * rng.normal(0, 0.08))
    left, top, crop_side = crop_square(np.concatenate([middle - half, middle + half]).astype(np.float32))
    scale = size_px / crop_side
    # the picture's pixel p lies at (p + 0.5) of a plane; the crop's edge is at left - 0.5 of it
    shift = (shift - [left, top] + 0.5) * scale - 0.5
    affine = np.column_stack([linear * scale, shift])
    crop = cv2.warpAffine(
        image, affine, (size_px, size_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    placed = points @ affine[:, :2].T + affine[:, 2]
    return _filmed(np.asarray(crop, np.uint8), rng), placed.astype(np.float32), float(side * scale)


def _filmed(crop: ImageArray, rng: np.random.Generator) -> FloatArray:
    """Light, covered parts, resolution, blur, noise and compression."""
    image = crop.astype(np.float32)
    size = image.shape[0]
    if rng.random() < 0.6:
        field = rng.normal(0, 0.3, (3, 3)).astype(np.float32)
        image *= np.exp(cv2.resize(field, (size, size), interpolation=cv2.INTER_CUBIC))
    image = 255.0 * np.clip(image / 255.0, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.3)))
    mean = float(image.mean())
    image = (image - mean) * np.float32(rng.uniform(0.5, 1.4)) + np.float32(mean + rng.normal(0, 20))
    if rng.random() < 0.3:
        _cover(image, rng)
    if rng.random() < 0.4:  # 15 px between the eyes and more
        small = max(8, round(size * float(np.exp(rng.uniform(np.log(0.5), 0.0)))))
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.2)))
    if rng.random() < 0.6:
        image = image + rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(0, 9))
    seen = np.asarray(np.clip(image, 0, 255), np.float32)
    if rng.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 95))]
        packed = cv2.imencode(".jpg", seen.astype(np.uint8), quality)[1]
        return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.float32)
    return seen


def _cover(image: FloatArray, rng: np.random.Generator) -> None:
    """Paint over a part: plain, or with another part of the picture (hair, a hand, a microphone)."""
    size = image.shape[0]
    height, width = (int(v) for v in rng.uniform(0.08, 0.38, 2) * size)
    top, left = (
        int(rng.integers(-height // 2, size - height // 2)),
        int(rng.integers(-width // 2, size - width // 2)),
    )
    rows, columns = slice(max(top, 0), max(top, 0) + height), slice(max(left, 0), max(left, 0) + width)
    target = image[rows, columns]
    if rng.random() < 0.5:
        target[:] = rng.uniform(0, 255)
        return
    y, x = (int(rng.integers(0, size - length)) for length in target.shape)
    target[:] = image[y : y + target.shape[0], x : x + target.shape[1]].copy()[:, :: int(rng.choice([-1, 1]))]
