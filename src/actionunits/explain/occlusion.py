"""Occlusion sensitivity: how much an AU's probability falls when a patch of the face is hidden.

Seed 003 slides a 15x15 patch of value 0.5 (pixels scaled to 0..1) by 3 pixels over every test frame and maps
the accuracy on positive samples at each place (its Fig. 4). Here the probabilities at every place are kept,
so that this map and the plain fall of the probability come from one pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actionunits.explain.grid import PatchGrid
from actionunits.explain.hiding import Predicted, Predictor, choose_hider, clips_of
from actionunits.records import Batch, FloatArray, OnProgress

__all__ = ["OcclusionMaps", "Predicted", "Predictor", "occlusion_maps"]


@dataclass(frozen=True)
class OcclusionMaps:
    """Probabilities with a patch at each place.

    Attributes:
        aus: the columns.
        grid: the places of the patch.
        plain: f32[N,A], nothing hidden; N frames (B clips of T frames).
        hidden: f32[N,P,P,A], the patch at each row and column of the grid.
    """

    aus: tuple[int, ...]
    grid: PatchGrid
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
        """A map f32[P,P,A] on the crop's pixels, f32[S,S,A]: see :meth:`PatchGrid.on_pixels`."""
        return self.grid.on_pixels(values)


def occlusion_maps(
    predictor: Predictor,
    batch: Batch,
    *,
    patch_px: int = 15,
    stride_px: int = 3,
    value: float = 0.5,
    batch_size: int = 128,
    fast: bool = True,
    on_progress: OnProgress | None = None,
) -> OcclusionMaps:
    """Hide a patch at every place and predict; a clip has it at the same place in all its frames.

    Keeps every probability: for many clips, :func:`~actionunits.explain.sums.occlusion_sums` keeps sums.

    Args:
        predictor: its landmarks, where it takes them, stay as they are: only what it sees in pixels changes.
        batch: B clips.
        patch_px: side of the patch.
        stride_px: step of the patch.
        value: of the hidden pixels, 0 black to 1 white.
        batch_size: frames that are predicted at a time, where each is predicted as a whole.
        fast: recompute only what the patch changes, where the model is a network that allows it.
        on_progress: called with (places done, places).

    Raises:
        UserError: the patch is larger than the crop, or not positive.
    """
    grid = PatchGrid(predictor.spec.size_px, patch_px, stride_px)
    hider = choose_hider(predictor, grid, value=value, batch_size=batch_size, fast=fast)
    plain = predictor.predict(batch).probability
    clips, length, aus = plain.shape
    side = len(grid.starts)
    hidden = np.empty((clips, length, side, side, aus), np.float32)
    done = 0
    for at, some in clips_of(batch):
        for found in hider.hidden(some):
            hidden[at, :, found.rows, found.columns] = np.moveaxis(found.probability, 0, 2)
            done += len(found.rows) * len(some.frames)
            if on_progress is not None:
                on_progress(done, side * side * clips)
    return OcclusionMaps(
        predictor.spec.aus, grid, plain.reshape(-1, aus), hidden.reshape(-1, side, side, aus)
    )
