"""Occlusion sensitivity: how much an AU's probability falls when a patch of the face is hidden.

Seed 003 slides a 15x15 patch of value 0.5 (pixels scaled to 0..1) by 3 pixels over every test frame and maps
the accuracy on positive samples at each place (its Fig. 4). Here the probabilities at every place are kept,
so that this map and the plain fall of the probability come from one pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.records import Batch, FloatArray, InputSpec, OnProgress

__all__ = ["OcclusionMaps", "Predicted", "Predictor", "occlusion_maps"]


class Predicted(Protocol):
    """What a predictor returns."""

    @property
    def probability(self) -> FloatArray:
        """f32[B,T,A]."""


class Predictor(Protocol):
    """Any backend of a model."""

    @property
    def spec(self) -> InputSpec:
        """What the model takes, and its AUs."""

    def predict(self, batch: Batch) -> Predicted:
        """Probability of each AU of each frame of each clip."""


@dataclass(frozen=True)
class OcclusionMaps:
    """Probabilities with a patch at each place.

    Attributes:
        aus: the columns.
        size_px: side of the crop.
        patch_px: side of the patch.
        stride_px: step of the patch.
        plain: f32[N,A], nothing hidden; N frames (B clips of T frames).
        hidden: f32[N,P,P,A], the patch's top left pixel at (row, column) * stride.
    """

    aus: tuple[int, ...]
    size_px: int
    patch_px: int
    stride_px: int
    plain: FloatArray
    hidden: FloatArray

    def fall(self) -> FloatArray:
        """f32[P,P,A]: how far the probability falls, mean over the frames."""
        return np.asarray((self.plain[:, None, None] - self.hidden).mean(axis=0), np.float32)

    def accuracy(self, labels: NDArray[np.int8], threshold: float = 0.5) -> FloatArray:
        """Seed 003's map, f32[P,P,A]: share of the positive frames that are still found; NaN without any.

        Args:
            labels: i8[N,A].
            threshold: an AU counts as shown from this probability on.
        """
        positive = labels == 1
        found = (self.hidden >= threshold) & positive[:, None, None]
        count = positive.sum(axis=0)
        share = found.sum(axis=0) / np.maximum(count, 1)
        return np.where(count > 0, share, np.nan).astype(np.float32)

    def on_pixels(self, values: FloatArray) -> FloatArray:
        """Spread a map f32[P,P,A] over the crop, f32[S,S,A]: each pixel the mean of the patches over it.

        Pixels that no patch reached (a border narrower than the stride) take their nearest neighbour's value.
        """
        side, last = self.size_px, (values.shape[0] - 1) * self.stride_px + self.patch_px
        summed = _spread(_spread(values.astype(np.float64), self, 0, last), self, 1, last)
        ones = np.ones((*values.shape[:2], 1))
        count = _spread(_spread(ones, self, 0, last), self, 1, last)
        mean = summed / np.maximum(count, 1)
        mean[(count == 0)[..., 0]] = np.nan
        mean = _filled(_filled(mean, 0), 1)
        return np.pad(mean, ((0, side - last), (0, side - last), (0, 0)), mode="edge").astype(np.float32)


def _spread(values: NDArray[np.float64], maps: OcclusionMaps, axis: int, length: int) -> NDArray[np.float64]:
    """Sum of the patches over each pixel, along one axis, by differences and a running sum."""
    moved = np.moveaxis(values, axis, 0)
    steps = np.zeros((length + 1, *moved.shape[1:]))
    starts = np.arange(len(moved)) * maps.stride_px
    np.add.at(steps, starts, moved)
    np.subtract.at(steps, starts + maps.patch_px, moved)
    return np.moveaxis(np.cumsum(steps, axis=0)[:-1], 0, axis)


def _filled(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Gaps between patches that do not touch take the value before them."""
    moved = np.moveaxis(values, axis, 0).copy()
    for place in range(1, len(moved)):
        gap = np.isnan(moved[place])
        moved[place][gap] = moved[place - 1][gap]
    return np.moveaxis(moved, 0, axis)


def occlusion_maps(
    predictor: Predictor,
    batch: Batch,
    *,
    patch_px: int = 15,
    stride_px: int = 3,
    value: float = 0.5,
    batch_size: int = 128,
    on_progress: OnProgress | None = None,
) -> OcclusionMaps:
    """Hide a patch at every place and predict; a clip has it at the same place in all its frames.

    Args:
        predictor: its landmarks, where it takes them, stay as they are: only what it sees in pixels changes.
        batch: B clips.
        patch_px: side of the patch.
        stride_px: step of the patch.
        value: of the hidden pixels, 0 black to 1 white.
        batch_size: clips that are predicted at a time.
        on_progress: called with (places done, places).

    Raises:
        UserError: the patch is larger than the crop, or not positive.
    """
    spec = predictor.spec
    side = spec.size_px
    if not 0 < patch_px <= side or stride_px < 1:
        raise UserError(
            f"the patch must be 1 to {side} px with a step of 1 or more, got {patch_px}, {stride_px}"
        )
    starts = np.arange(0, side - patch_px + 1, stride_px)
    grey = [(255 * value - m) / d for m, d in zip(*spec.normalisation, strict=True)]
    patch = np.array(grey, np.float32)[:, None, None]
    plain = predictor.predict(batch).probability
    clips, length, aus = plain.shape
    hidden = np.empty((clips, len(starts), len(starts), length, aus), np.float32)
    done, total = 0, len(starts) ** 2
    for clip in range(clips):
        for places in _groups(starts, batch_size):
            shown = np.repeat(batch.frames[clip : clip + 1], len(places), axis=0)
            for index, (row, column) in enumerate(places):
                shown[index, :, :, row : row + patch_px, column : column + patch_px] = patch
            said = predictor.predict(_with_frames(batch, shown, clip)).probability
            for index, (row, column) in enumerate(places):
                hidden[clip, row // stride_px, column // stride_px] = said[index]
            done += len(places)
            if on_progress is not None:
                on_progress(done, total * clips)
    flat = np.moveaxis(hidden, 3, 1).reshape(clips * length, len(starts), len(starts), aus)
    return OcclusionMaps(spec.aus, side, patch_px, stride_px, plain.reshape(-1, aus), flat)


def _groups(starts: NDArray[np.int64], size: int) -> Iterator[list[tuple[int, int]]]:
    places = [(int(row), int(column)) for row in starts for column in starts]
    for first in range(0, len(places), size):
        yield places[first : first + size]


def _with_frames(batch: Batch, frames: FloatArray, clip: int) -> Batch:
    """The clip's points, boxes and flow repeated beside changed frames."""
    count = len(frames)

    def repeated(array: FloatArray | None) -> FloatArray | None:
        return None if array is None else np.repeat(array[clip : clip + 1], count, axis=0)

    regions = None if batch.regions is None else (batch.regions[clip],) * count
    return Batch(frames, landmarks=repeated(batch.landmarks), regions=regions, flow=repeated(batch.flow))
