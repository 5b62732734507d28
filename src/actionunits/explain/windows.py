"""Which part of each map a hidden patch reaches: the arithmetic of windows along one axis, for many places.

A layer without padding gives at position p what it reads at positions ``stride * p`` to
``stride * p + size - 1``. All windows are half open, ``start <= position < stop``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Course", "Kernel", "Windows", "courses", "reached"]

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Kernel:
    """A layer along one axis; as it stands, one that works on each position by itself.

    Attributes:
        size: positions that one output reads.
        stride: step from one output to the next.
        by_change: whether the change of its result is computed from the change of its input alone.
    """

    size: int = 1
    stride: int = 1
    by_change: bool = False

    def outputs(self, side: int) -> int:
        """How many positions it gives of ``side``."""
        return (side - self.size) // self.stride + 1


@dataclass(frozen=True)
class Windows:
    """One window a place.

    Attributes:
        start: i64[P].
        stop: i64[P]; not after ``start`` where the window is empty.
    """

    start: IntArray
    stop: IntArray

    def take(self, index: IntArray) -> Windows:
        """Those of some places."""
        return Windows(self.start[index], self.stop[index])

    def after(self, kernel: Kernel, side: int) -> Windows:
        """The outputs that read anything of the windows, where the layer's input has ``side`` positions.

        >>> Windows(np.array([30]), np.array([45])).after(Kernel(5, 2), 200)
        Windows(start=array([13]), stop=array([23]))
        """
        first = -(-(self.start - kernel.size + 1) // kernel.stride)
        last = (self.stop - 1) // kernel.stride
        stop = np.minimum(kernel.outputs(side), last + 1)
        start = np.maximum(first, 0)
        return Windows(start, np.where(self.stop > self.start, stop, start))

    def widened(self, side: int) -> tuple[IntArray, int]:
        """Starts and the one size of windows that hold these, within ``side`` positions."""
        size = int(np.max(self.stop - self.start, initial=0))
        return np.clip(self.start, 0, side - size), size


def reached(patches: Windows, kernels: Sequence[Kernel], side: int) -> list[tuple[Windows, int]]:
    """The changed windows of each layer's input and of the result, each with its map's side."""
    found = [(patches, side)]
    for kernel in kernels:
        windows, side = found[-1]
        found.append((windows.after(kernel, side), kernel.outputs(side)))
    return found


@dataclass(frozen=True)
class Course:
    """How patches at P places spread through L layers along one axis, in windows of one size a map.

    Item i of a tuple belongs to the input of layer i, item L to the result. The windows hold whatever is
    changed, and before a layer that is not computed by the change all that it reads for them.

    Attributes:
        numbers: i64[P], the places.
        patch: i64[P], where each patch starts.
        starts: L + 1 of i64[P].
        sizes: L + 1 sizes; 0 where nothing is reached.
    """

    numbers: IntArray
    patch: IntArray
    starts: tuple[IntArray, ...]
    sizes: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, index: IntArray | NDArray[np.bool_]) -> Course:
        """Some of the places, or some several times."""
        starts = tuple(start[index] for start in self.starts)
        return Course(self.numbers[index], self.patch[index], starts, self.sizes)


def courses(patches: Windows, kernels: Sequence[Kernel], side: int) -> list[Course]:
    """The places in groups whose windows are about as large, so that they can be computed together.

    Args:
        patches: the hidden positions.
        kernels: the layers.
        side: positions of the first layer's input.
    """
    found = reached(patches, kernels, side)
    sizes = np.stack([np.maximum(w.stop - w.start, 0) for w, _ in found], axis=1)
    usual = [np.bincount(column).argmax() for column in sizes.T]
    groups = []
    for kind in np.unique(sizes > usual, axis=0):
        at = np.flatnonzero(((sizes > usual) == kind).all(axis=1))
        some = [(windows.take(at), length) for windows, length in found]
        groups.append(_course(at, patches.start[at], some, kernels))
    return groups


def _course(
    numbers: IntArray, patch: IntArray, changed: Sequence[tuple[Windows, int]], kernels: Sequence[Kernel]
) -> Course:
    windows, side = changed[-1]
    held = [windows.widened(side)]
    for kernel, (windows, side) in zip(reversed(kernels), changed[-2::-1], strict=True):
        start, size = held[-1]
        if kernel.by_change or size == 0:
            held.append(windows.widened(side))
        else:
            held.append((start * kernel.stride, (size - 1) * kernel.stride + kernel.size))
    held.reverse()
    return Course(numbers, patch, tuple(start for start, _ in held), tuple(size for _, size in held))
