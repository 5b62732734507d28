"""The quick way to hide a patch at every place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from actionunits.explain.grid import PatchGrid
from actionunits.explain.hiding import Hidden
from actionunits.explain.local_codes import LocalCodes, LocalEncoder
from actionunits.models.interface import AUModel
from actionunits.models.parts.encoders import EncoderModel
from actionunits.records import Batch, FloatArray

__all__ = ["LocalHider"]

#: Frames under a patch whose codes are kept at a time.
CODES_AT_ONCE = 2**13


class LocalHider:
    """Hides patches in a network for which :func:`~actionunits.explain.local_codes.is_local_model` holds.

    Args:
        model: the network.
        grid: the places.
        colour: f32[C], the normalised value of each channel where it is hidden.
    """

    def __init__(self, model: AUModel, grid: PatchGrid, colour: FloatArray) -> None:
        assert isinstance(model, EncoderModel)
        self._model = model
        self._grid = grid
        self._encoders = [LocalEncoder(encoder, grid) for encoder in model.encoders()]
        self._device = next(model.parameters()).device
        self._colour = torch.from_numpy(colour).to(self._device)

    def hidden(self, batch: Batch) -> Iterator[Hidden]:
        """Every place of the grid once, some rows at a time."""
        side = len(self._grid.starts)
        clips, length = batch.frames.shape[:2]
        looks = self._look(batch)
        count = max(1, CODES_AT_ONCE // (side * clips * length))
        for first in range(0, side, count):
            rows = range(first, min(side, first + count))
            row, column = (part.ravel() for part in np.indices((len(rows), side)))
            yield Hidden(row + first, column, self._probability(looks, rows, clips))

    @torch.inference_mode()
    def _look(self, batch: Batch) -> list[LocalCodes]:
        frames = torch.from_numpy(batch.frames).to(self._device)
        return [LocalCodes(encoder, frames) for encoder in self._encoders]

    @torch.inference_mode()
    def _probability(self, looks: Sequence[LocalCodes], rows: range, clips: int) -> FloatArray:
        codes = (look.under_patch(self._colour, rows) for look in looks)
        logits: Tensor = self._model.head(*codes)
        found = torch.sigmoid(logits).float().cpu().numpy()
        return np.asarray(found.reshape(-1, clips, *found.shape[1:]), np.float32)
