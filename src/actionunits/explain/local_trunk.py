"""A trunk's maps where a patch hides the face: only what the patch changes is computed anew.

The maps with nothing hidden are computed once. For each place of the patch, windows of them are computed: a
convolution of stride 1 adds what it makes of the change of its input (it is linear, and the change is smaller
than what its outputs read), every other layer is applied to the window itself. The result is that of the
whole computation up to rounding. Windows reach over height and width; a clip is taken over its whole length.

Channels lie last in memory throughout: a window is then a list of rows, which are picked in one call.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from actionunits.explain.windows import Course, IntArray, Kernel

__all__ = ["LocalTrunk", "is_local", "kernel_of"]

_CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)
_POOLS = (nn.MaxPool2d, nn.MaxPool3d)
_NORMS = (nn.BatchNorm2d, nn.BatchNorm3d)
_POINTWISE = (nn.ReLU, nn.Tanh, nn.Dropout, nn.Identity)


def is_local(layer: nn.Module) -> bool:
    """Whether windows of the layer's result can be computed alone.

    So it is, in evaluation mode, with convolutions and max-pooling without padding or gaps, batch
    normalisation by kept statistics, and activations.
    """
    if isinstance(layer, _NORMS):
        return layer.running_mean is not None
    if not isinstance(layer, (*_CONVOLUTIONS, *_POOLS)):
        return isinstance(layer, _POINTWISE)
    axes = (-3, -2, -1) if isinstance(layer, nn.Conv3d | nn.MaxPool3d) else (-2, -1)
    padding = {_along(layer.padding, axis) for axis in axes}
    dilation = {_along(layer.dilation, axis) for axis in axes}
    return padding == {0} and dilation == {1} and not (isinstance(layer, _POOLS) and layer.ceil_mode)


def kernel_of(layer: nn.Module, axis: int) -> Kernel:
    """The layer's geometry along the height (axis -2) or the width (-1)."""
    if not isinstance(layer, (*_CONVOLUTIONS, *_POOLS)):
        return Kernel()
    size, stride = int(_along(layer.kernel_size, axis)), int(_along(layer.stride, axis))
    return Kernel(size, stride, by_change=_is_by_change(layer))


def _along(value: int | str | tuple[int, ...], axis: int) -> int | str:
    return value if isinstance(value, int | str) else value[axis]


def _is_by_change(layer: nn.Module) -> bool:
    return isinstance(layer, _CONVOLUTIONS) and {_along(layer.stride, axis) for axis in (-2, -1)} == {1}


class LocalTrunk:
    """The maps of N pictures or clips with nothing hidden, and windows of the last one under a patch.

    Args:
        layers: for each :func:`is_local` holds.
        x: f32[N,C,S,S] or f32[N,C,T,S,S].

    Attributes:
        result: the last map, f32[N,C',H,W] or f32[N,C',T',H,W].
    """

    def __init__(self, layers: Sequence[nn.Module], x: Tensor) -> None:
        self._layers = tuple(layers)
        self._first = x = _channels_last(x)
        self._around: dict[int, tuple[Tensor, Tensor]] = {}
        self._depths = [x[..., 0, 0].numel()]
        for number, layer in enumerate(self._layers):
            # activations may work in place, and what is kept must not change
            y = _channels_last(layer(x.clone() if getattr(layer, "inplace", False) else x))
            if _is_by_change(layer):
                self._around[number] = (x, y)
            self._depths.append(y[..., 0, 0].numel())
            x = y
        self.result = x

    def values_of(self, rows: Course, columns: Course) -> int:
        """How many values the largest of a place's windows has, over all N maps."""
        return max(d * h * w for d, h, w in zip(self._depths, rows.sizes, columns.sizes, strict=True))

    def change(self, colour: Tensor, patch_px: int, rows: Course, columns: Course) -> Tensor:
        """New minus old of the last map's windows, f32[P*N,C',h,w] or f32[P*N,C',T',h,w].

        Args:
            colour: f32[C], the value of each channel where it is hidden.
            patch_px: side of the patch.
            rows: windows along the height at P places.
            columns: along the width, as many.
        """
        x = _windows(self._first, rows, columns, 0)
        around = [1] * (x.ndim - 4)
        hidden = _hidden(rows, patch_px)[:, :, None] & _hidden(columns, patch_px)[:, None, :]
        mask = torch.from_numpy(hidden).to(x.device).repeat_interleave(len(self._first), dim=0)
        mask = mask.reshape(len(x), 1, *around, *mask.shape[1:])
        x = torch.where(mask, colour.reshape(-1, *around, 1, 1), x)
        for number, layer in enumerate(self._layers):
            by_change = number in self._around
            x = self._added(number, x, rows, columns) if by_change else _channels_last(layer(x))
        return x - _windows(self.result, rows, columns, len(self._layers))

    def _added(self, number: int, x: Tensor, rows: Course, columns: Course) -> Tensor:
        """A convolution's new windows: the old ones, and the convolution of the change."""
        layer = self._layers[number]
        before, after = self._around[number]
        high, down = _margin(rows, number, kernel_of(layer, -2))
        wide, across = _margin(columns, number, kernel_of(layer, -1))
        change = x - _windows(before, rows, columns, number)
        full = _channels_last(_convolved(layer, change, (high, wide)))
        size = (rows.sizes[number + 1], columns.sizes[number + 1])
        added = _picked(full, down, across, size, sets=len(rows))
        return _windows(after, rows, columns, number + 1).add_(added)


def _convolved(layer: nn.Module, x: Tensor, padding: tuple[int, int]) -> Tensor:
    """A convolution of stride 1 without its bias, with zeros around height and width.

    Most of the outputs read mostly zeros; PyTorch's convolutions skip these where they are padding.
    """
    if isinstance(layer, nn.Conv2d):
        return functional.conv2d(x, layer.weight, None, 1, padding, 1, layer.groups)
    assert isinstance(layer, nn.Conv3d)
    return functional.conv3d(x, layer.weight, None, layer.stride, (0, *padding), layer.dilation, layer.groups)


def _margin(way: Course, number: int, kernel: Kernel) -> tuple[int, IntArray]:
    """Zeros around a change, so that its convolution holds the next windows, and where these start in it."""
    lead = way.starts[number] - way.starts[number + 1]
    tail = way.sizes[number + 1] + kernel.size - 1 - way.sizes[number] - lead
    padding = max(0, int(lead.max()), int(tail.max()))
    return padding, padding - lead


def _hidden(way: Course, patch_px: int) -> NDArray[np.bool_]:
    """bool[P,h]: which positions of the first windows lie under the patch."""
    position = way.starts[0][:, None] + np.arange(way.sizes[0]) - way.patch[:, None]
    return np.asarray((position >= 0) & (position < patch_px))


def _windows(maps: Tensor, rows: Course, columns: Course, number: int) -> Tensor:
    """The windows at P places of N maps, f32[P*N,C,...,h,w]."""
    size = (rows.sizes[number], columns.sizes[number])
    return _picked(maps, rows.starts[number], columns.starts[number], size, sets=1)


def _picked(maps: Tensor, rows: IntArray, columns: IntArray, size: tuple[int, int], sets: int) -> Tensor:
    """Windows that start at P rows and columns; ``sets`` of maps: 1 for all places, or P, one for each."""
    height, width = maps.shape[-2:]
    flat = maps.movedim(1, -1).reshape(-1, maps.shape[1])
    plane = np.arange(len(flat) // (height * width)).reshape(sets, -1, 1, 1) * (height * width)
    row = (rows[:, None] + np.arange(size[0])) * width
    column = columns[:, None] + np.arange(size[1])
    index = plane + row[:, None, :, None] + column[:, None, None, :]
    found = flat.index_select(0, torch.from_numpy(index.reshape(-1)).to(maps.device))
    count = len(maps) * len(rows) // sets
    return found.reshape(count, *maps.shape[2:-2], *size, maps.shape[1]).movedim(-1, 1)


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last if x.ndim == 4 else torch.channels_last_3d)
