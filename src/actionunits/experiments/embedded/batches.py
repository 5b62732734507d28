"""Training batches of the embedded model, jittered as a tracker in use would be."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.experiments.embedded.store import MARGIN_PX, PictureStore
from actionunits.facs.points import MIRROR_68
from actionunits.records import Batch, FloatArray, ImageArray, InputSpec

__all__ = ["StoreBatches"]


class StoreBatches:
    """A :class:`~actionunits.training.loop.BatchSource` over a picture store, or some ``rows`` of it.

    Each picture is turned, scaled and shifted a little about the aligned place (its points with it), mirrored
    half of the time (left and right change places), and sometimes it is stretched, lit from a side, or a
    patch of it is painted over. The points also get noise of their own, as from frame to frame in a video.
    """

    def __init__(
        self, store: PictureStore, spec: InputSpec, batch: int, *, rows: NDArray[np.int64] | None = None
    ) -> None:
        self.store, self.spec, self.batch = store, spec, batch
        self.rows = np.arange(len(store)) if rows is None else rows

    def __len__(self) -> int:
        return len(self.rows) // self.batch

    def epoch(self, number: int, seed: int) -> Iterator[Batch]:
        """The batches of an epoch, the same for the same ``number`` and ``seed``."""
        rng = np.random.default_rng([seed, number])
        order = rng.permutation(self.rows)[: len(self) * self.batch]
        for rows in order.reshape(len(self), self.batch):
            yield self._batch(np.sort(rows), rng)

    def _batch(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Batch:
        store, side = self.store, self.spec.size_px
        frames = np.empty((len(rows), 1, 1, side, side), np.float32)
        landmarks = np.empty((len(rows), 1, 68, 2), np.float32)
        sides = np.array(store.sides[rows])
        mean, deviation = (part[0] for part in self.spec.normalisation)
        for place, row in enumerate(rows):
            mirrored = bool(rng.random() < 0.5)
            crop, points = _jittered(store.crops[row], store.points[row], side, mirrored, rng)
            if mirrored:
                sides[place] = sides[place, :, ::-1]
            frames[place, 0, 0] = (_repainted(crop, rng) - mean) / deviation
            landmarks[place, 0] = points
        return Batch(
            frames,
            landmarks=landmarks,
            labels=np.asarray(store.labels[rows])[:, None],
            intensity=np.asarray(store.intensity[rows])[:, None],
            sides=sides[:, None],
        )


def _jittered(
    crop: ImageArray, points: FloatArray, side: int, mirrored: bool, rng: np.random.Generator
) -> tuple[ImageArray, FloatArray]:
    """A part of ``side`` px of the stored crop under a small random similarity and stretch, or its mirror."""
    stored = crop.shape[0]
    angle, scale = rng.normal(0, 0.035), float(np.exp(rng.normal(0, 0.03)))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn[1] *= np.exp(rng.normal(0, 0.025))
    middle = np.full(2, (stored - 1) / 2)
    shift = rng.normal(0, 1.2, 2) - MARGIN_PX
    affine = np.column_stack([turn, middle - turn @ middle + shift])
    if mirrored:
        affine[0] *= -1.0
        affine[0, 2] += side - 1
        points = points[list(MIRROR_68)]
    moved = points @ affine[:, :2].T + affine[:, 2] + rng.normal(0, 0.25, points.shape)
    flags = cv2.INTER_LINEAR
    part = cv2.warpAffine(crop, affine, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return part.astype(np.uint8), moved.astype(np.float32)


def _repainted(crop: ImageArray, rng: np.random.Generator) -> FloatArray:
    """Contrast, brightness and light changed; one time in four a grey patch over a part."""
    image = crop.astype(np.float32)
    if rng.random() < 0.5:
        field = rng.normal(0, 0.2, (3, 3)).astype(np.float32)
        image *= np.exp(cv2.resize(field, crop.shape[::-1], interpolation=cv2.INTER_CUBIC))
    image = (
        (image - image.mean()) * np.float32(rng.uniform(0.75, 1.3))
        + image.mean()
        + np.float32(rng.normal(0, 12))
    )
    if rng.random() < 0.25:
        height, width = (rng.uniform(0.07, 0.32, 2) * crop.shape).astype(int)
        top, left = rng.integers(0, crop.shape[0] - height), rng.integers(0, crop.shape[1] - width)
        image[top : top + height, left : left + width] = rng.uniform(0, 255)
    return np.asarray(np.clip(image, 0, 255), np.float32)
