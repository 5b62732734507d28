"""Codes and logits of an encoder model under a patch at each place, from the windows that the patch changes.

The linear layer on the flattened map reads only the columns of the last window; the layers after it are
computed for each place.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product

import numpy as np
from torch import Tensor, nn

from actionunits.explain.grid import PatchGrid
from actionunits.explain.local_trunk import LocalTrunk, is_local, kernel_of
from actionunits.explain.windows import Course, IntArray, Windows, courses
from actionunits.models.parts.encoders import Encoder, EncoderModel
from actionunits.models.parts.frames import per_frame

__all__ = ["LocalCodes", "LocalEncoder", "is_local_model"]

#: Values of a map (4 bytes each) that are computed at a time: what fits into a processor's cache.
VALUES_AT_ONCE = 2**21


def is_local_model(model: nn.Module) -> bool:
    """Whether the model is made of encoders whose windows can be computed alone, and in evaluation mode."""
    if not isinstance(model, EncoderModel) or model.training:
        return False
    return all(
        isinstance(encoder.code[0], nn.Linear) and all(map(is_local, encoder.trunk.layers))
        for encoder in model.encoders()
    )


class LocalEncoder:
    """An encoder, and how the patch at each place of a grid spreads through its trunk.

    Args:
        encoder: of a model for which :func:`is_local_model` holds.
        grid: the places of the patch.
    """

    def __init__(self, encoder: Encoder, grid: PatchGrid) -> None:
        self.encoder = encoder
        self.grid = grid
        self.rows, self.columns = (self._courses(axis) for axis in (-2, -1))
        linear = encoder.code[0]
        assert isinstance(linear, nn.Linear)
        self.linear, self.rest = linear, encoder.code[1:]
        height, width = (self._side(axis) for axis in (-2, -1))
        weight = linear.weight.detach().reshape(linear.out_features, -1, height, width)
        #: f32[H,W,V,U]: the columns of a stretch of one row of the map lie beside each other in memory.
        self.weight = weight.permute(2, 3, 1, 0).contiguous()

    def _side(self, axis: int) -> int:
        side = self.grid.size_px
        for layer in self.encoder.trunk.layers:
            side = kernel_of(layer, axis).outputs(side)
        return side

    def _courses(self, axis: int) -> list[Course]:
        kernels = [kernel_of(layer, axis) for layer in self.encoder.trunk.layers]
        starts = self.grid.starts
        return courses(Windows(starts, starts + self.grid.patch_px), kernels, self.grid.size_px)

    def read(self, change: Tensor, row: int, column: int) -> Tensor:
        """What the linear layer makes of a change of the last map: f32[M,C,...,h,w] -> f32[M,U].

        Args:
            change: of a window.
            row: where the window starts.
            column: where it starts.
        """
        blocks = change.movedim((-2, -1), (1, 2)).flatten(3)
        found = change.new_zeros(len(change), self.linear.out_features)
        for number in range(blocks.shape[1]):
            weight = self.weight[row + number, column : column + blocks.shape[2]]
            found.addmm_(blocks[:, number].flatten(1), weight.flatten(0, 1))
        return found


class LocalCodes:
    """The codes of some clips with a patch at each place.

    Args:
        local: the encoder.
        frames: f32[B,T,C,S,S].
    """

    def __init__(self, local: LocalEncoder, frames: Tensor) -> None:
        self._local = local
        self._length = frames.shape[1]
        whole = local.encoder.of == "clip"
        # a still that is repeated needs to be looked at once
        self._still = not whole and bool((frames == frames[:, :1]).all())
        shown = frames[:, :1] if self._still else frames
        x = shown.transpose(1, 2) if whole else per_frame(shown)
        self._trunk = LocalTrunk(list(local.encoder.trunk.layers), x)
        self._plain: Tensor = local.linear(self._trunk.result.flatten(1))
        self._each = shown.shape[:1] if whole else shown.shape[:2]

    def under_patch(self, colour: Tensor, rows: range) -> Tensor:
        """The codes with the patch in R rows of the grid: f32[R*P*B,T,U] of frames, f32[R*P*B,U] of clips.

        Args:
            colour: f32[C], the value of each channel where it is hidden.
            rows: numbers of the rows.
        """
        local, plain = self._local, self._plain
        linear = plain.expand(len(rows), len(local.grid.starts), *plain.shape).clone()
        for down, across in self._batches(rows):
            change = self._trunk.change(colour, local.grid.patch_px, down, across)
            change = change.reshape(len(down), -1, *change.shape[1:])
            for same in _runs(down.starts[-1], across.starts[-1]):
                row, column = int(down.starts[-1][same.start]), int(across.starts[-1][same.start])
                read = local.read(change[same].flatten(0, 1), row, column).reshape(-1, *plain.shape)
                linear[down.numbers[same] - rows.start, across.numbers[same]] += read
        code: Tensor = local.rest(linear)
        code = code.reshape(-1, *self._each[1:], code.shape[-1])
        return code.expand(-1, self._length, -1) if self._still else code

    def _batches(self, rows: range) -> Iterator[tuple[Course, Course]]:
        """The windows of places that are computed together, last windows that start alike side by side.

        Places that reach nothing are left out.
        """
        for some, across in product(self._local.rows, self._local.columns):
            down = some.take((some.numbers >= rows.start) & (some.numbers < rows.stop))
            if len(down) == 0 or 0 in (down.sizes[-1], across.sizes[-1]):
                continue
            row, column = (part.ravel() for part in np.indices((len(down), len(across))))
            order = np.lexsort((across.starts[-1][column], down.starts[-1][row]))
            count = max(1, VALUES_AT_ONCE // self._trunk.values_of(down, across))
            for first in range(0, len(order), count):
                at = order[first : first + count]
                yield down.take(row[at]), across.take(column[at])


def _runs(rows: IntArray, columns: IntArray) -> list[slice]:
    """Stretches of places whose last windows start alike."""
    steps = (np.diff(rows) != 0) | (np.diff(columns) != 0)
    ends = [0, *(np.flatnonzero(steps) + 1).tolist(), len(rows)]
    return [slice(start, stop) for start, stop in pairwise(ends)]
