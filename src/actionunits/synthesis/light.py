"""One distant light and a little from everywhere: how a moved surface changes the brightness of its skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from actionunits.records import FloatArray

__all__ = ["PHOTOGRAPH_LIGHT", "Light", "Normals"]


@dataclass(frozen=True)
class Light:
    """A distant light.

    Attributes:
        direction: towards the light: (right of the picture, up, to the viewer), any length.
        ambient: share of the light that comes from everywhere, 0 to 1.
        strength: brightness on a surface that faces the light; 1 as in the photograph.
    """

    direction: tuple[float, float, float]
    ambient: float = 0.5
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not (0 <= self.ambient <= 1 and self.strength > 0 and any(self.direction)):
            raise ValueError(
                "a light needs a direction, an ambient share within 0 to 1 and a strength above 0, "
                f"got {self.direction}, {self.ambient} and {self.strength}"
            )

    def shade(self, normals: FloatArray) -> FloatArray:
        """Brightness f32[V] of surfaces with normals f32[V,3] of any length."""
        towards = np.asarray(self.direction, np.float32)
        length = np.sqrt(np.einsum("vc,vc->v", normals, normals)) * np.linalg.norm(towards)
        facing = np.maximum(normals @ towards, 0) / np.maximum(length, 1e-12)
        result: FloatArray = np.float32(self.strength) * (self.ambient + (1 - self.ambient) * facing)
        return result.astype(np.float32)


#: Portraits are lit from in front and above.
PHOTOGRAPH_LIGHT = Light((0.0, 0.35, 1.0), 0.55)


class Normals:
    """The normals of a mesh's vertices, quickly for changing positions.

    Args:
        quads: i32[Q,4], vertices counter-clockwise from outside; a triangle repeats its last corner.
        vertices: number of vertices.
    """

    def __init__(self, quads: NDArray[np.int32], vertices: int) -> None:
        self._quads = quads
        rows = quads.ravel()
        columns = np.repeat(np.arange(len(quads)), 4)
        ones = np.ones(len(rows), np.float32)
        self._sum = csr_array((ones, (rows, columns)), shape=(vertices, len(quads)))
        self._count = (1 / np.maximum(4 * np.bincount(rows, minlength=vertices), 1)).astype(np.float32)

    def __call__(self, positions: FloatArray) -> FloatArray:
        """Normals f32[V,3] of positions f32[V,3], as long as the area around; zero where there is none."""
        first = positions[self._quads[:, 2]] - positions[self._quads[:, 0]]
        second = positions[self._quads[:, 3]] - positions[self._quads[:, 1]]
        cross = np.empty_like(first)
        for axis in range(3):
            one, two = (axis + 1) % 3, (axis + 2) % 3
            cross[:, axis] = first[:, one] * second[:, two] - first[:, two] * second[:, one]
        return np.asarray(self._sum @ cross, np.float32)

    def smoothed(self, values: FloatArray, passes: int = 2) -> FloatArray:
        """Values of vertices, f32[V], averaged with their neighbours' ``passes`` times."""
        for _ in range(passes):
            values = self._count * (self._sum @ (self._sum.T @ values))
        return values
