"""Occlusion maps of many clips in the memory of a few: sums over the frames instead of every probability.

Seed 003's Fig. 4 maps, for 40 subjects, the share of the positive frames that are still found with a patch at
each place. Its 62 x 62 places times the frames of a test part would fill gigabytes; the sums are small.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.explain.grid import PatchGrid
from actionunits.explain.hiding import Hidden, Predictor, choose_hider, clips_of
from actionunits.records import Batch, FloatArray, ImageArray, InputSpec, OnProgress

__all__ = ["OcclusionSums", "occlusion_sums"]


class OcclusionSums:
    """Sums over frames, and the maps that follow from them.

    Args:
        spec: what the model takes, and its AUs: the columns.
        grid: P x P places of the patch.
        threshold: an AU counts as found from this probability on; one for all AUs or f32[A].

    Attributes:
        frames: how many were added.
        positives: i64[A], how many of them are labelled as showing the AU.
    """

    def __init__(self, spec: InputSpec, grid: PatchGrid, threshold: float | FloatArray = 0.5) -> None:
        self.spec, self.grid = spec, grid
        self.threshold = np.broadcast_to(np.asarray(threshold, np.float32), (len(spec.aus),))
        self.frames = 0
        self.positives = np.zeros(len(spec.aus), np.int64)
        self._found_plainly = np.zeros(len(spec.aus), np.int64)
        shape = (len(grid.starts), len(grid.starts), len(spec.aus))
        self._found = np.zeros(shape, np.int64)
        self._fall, self._fall_on_positives = np.zeros(shape), np.zeros(shape)
        self._pixels = np.zeros((spec.channels, spec.size_px, spec.size_px))

    def add_frames(self, batch: Batch, plain: FloatArray) -> None:
        """Count the frames of labelled clips.

        Args:
            batch: B clips of T frames.
            plain: f32[B,T,A], the probabilities with nothing hidden.
        """
        positive = _positive(batch)
        self.frames += plain.shape[0] * plain.shape[1]
        self.positives += positive.sum(axis=(0, 1))
        self._found_plainly += ((plain >= self.threshold) & positive).sum(axis=(0, 1))
        self._pixels += batch.frames.sum(axis=(0, 1), dtype=np.float64)

    def add_hidden(self, batch: Batch, plain: FloatArray, hidden: Hidden) -> None:
        """Add what some places of the patch do to these frames; every place must come once."""
        positive = _positive(batch)
        at = hidden.rows, hidden.columns
        fall = plain.astype(np.float64) - hidden.probability
        self._fall[at] += fall.sum(axis=(1, 2))
        self._fall_on_positives[at] += (fall * positive).sum(axis=(1, 2))
        self._found[at] += ((hidden.probability >= self.threshold) & positive).sum(axis=(1, 2))

    def accuracy(self) -> FloatArray:
        """Seed 003's map, f32[P,P,A]: share of the positive frames that are still found; NaN without any."""
        return _ratio(self._found, self.positives)

    def accuracy_plain(self) -> FloatArray:
        """f32[A]: share of the positive frames that are found with nothing hidden; NaN without any."""
        return _ratio(self._found_plainly, self.positives)

    def accuracy_fall(self) -> FloatArray:
        """f32[P,P,A]: how much of the positive frames' accuracy is lost; NaN without any."""
        return self.accuracy_plain() - self.accuracy()

    def fall_on_positives(self) -> FloatArray:
        """f32[P,P,A]: how far the probability falls, mean over the positive frames; NaN without any."""
        return _ratio(self._fall_on_positives, self.positives)

    def fall(self) -> FloatArray:
        """f32[P,P,A]: how far the probability falls, mean over all frames; NaN without any."""
        return _ratio(self._fall, np.full(len(self.spec.aus), self.frames))

    def mean_face(self) -> ImageArray:
        """u8[S,S] or u8[S,S,3] RGB, the mean of the crops.

        Raises:
            UserError: no frame was added.
        """
        if not self.frames:
            raise UserError("a mean face needs frames: none was added")
        means, deviations = (np.array(part)[:, None, None] for part in self.spec.normalisation)
        pixels = np.moveaxis(self._pixels / self.frames * deviations + means, 0, -1)
        face: ImageArray = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
        return face if face.shape[-1] == 3 else face[..., 0]


def _positive(batch: Batch) -> NDArray[np.bool_]:
    if batch.labels is None:
        raise UserError("maps of who is still found need labels: a batch has none")
    return np.asarray(batch.labels == 1)


def _ratio(sums: NDArray[np.int64] | NDArray[np.float64], count: NDArray[np.int64]) -> FloatArray:
    share = sums / np.maximum(count, 1)
    return np.where(count > 0, share, np.nan).astype(np.float32)


def occlusion_sums(
    predictor: Predictor,
    batches: Iterable[Batch],
    *,
    patch_px: int = 15,
    stride_px: int = 3,
    value: float = 0.5,
    threshold: float | FloatArray = 0.5,
    batch_size: int = 128,
    fast: bool = True,
    clips: int | None = None,
    on_progress: OnProgress | None = None,
) -> OcclusionSums:
    """Hide a patch at every place in every frame of labelled clips, and keep the sums.

    Args:
        predictor: see :func:`~actionunits.explain.occlusion.occlusion_maps`, as for what is not said here.
        batches: read one after the other, such as a loader of the test part; each with labels.
        patch_px: side of the patch.
        stride_px: step of the patch.
        value: of the hidden pixels, 0 black to 1 white.
        threshold: an AU counts as found from this probability on; one for all AUs or f32[A].
        batch_size: frames that are predicted at a time, where each is predicted as a whole.
        fast: recompute only what the patch changes, where the model is a network that allows it.
        clips: how many there will be, for the progress; counted where ``batches`` is a sequence.
        on_progress: called with (places done, places), both over all clips.

    Raises:
        UserError: the patch is larger than the crop, or not positive; a batch has no labels.
    """
    grid = PatchGrid(predictor.spec.size_px, patch_px, stride_px)
    hider = choose_hider(predictor, grid, value=value, batch_size=batch_size, fast=fast)
    sums = OcclusionSums(predictor.spec, grid, threshold)
    if clips is None and isinstance(batches, Sequence):
        clips = sum(len(batch.frames) for batch in batches)
    places = len(grid.starts) ** 2
    done = 0
    for batch in batches:
        for _, some in clips_of(batch):
            plain = predictor.predict(some).probability
            sums.add_frames(some, plain)
            for hidden in hider.hidden(some):
                sums.add_hidden(some, plain, hidden)
                done += len(hidden.rows) * len(some.frames)
                if on_progress is not None:
                    on_progress(done, None if clips is None else clips * places)
    return sums
