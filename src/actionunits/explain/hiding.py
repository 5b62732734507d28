"""Probabilities with a patch of the face hidden, at every place of a grid: the plain way, and the quick one.

The plain way predicts the whole face anew for each place and works with any model. Networks that say what
they are made of (:class:`~actionunits.models.parts.encoders.EncoderModel`) are looked at again only where the
patch changes something; both give the same up to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from actionunits.explain.grid import PatchGrid
from actionunits.records import Batch, FloatArray, InputSpec

if TYPE_CHECKING:
    from actionunits.models.interface import AUModel

__all__ = ["Hidden", "Hider", "NetworkPredictor", "Predicted", "Predictor", "choose_hider", "clips_of"]


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


@runtime_checkable
class NetworkPredictor(Predictor, Protocol):
    """A predictor whose probabilities are the sigmoid of the logits of a PyTorch network."""

    @property
    def model(self) -> AUModel:
        """The network."""


@dataclass(frozen=True)
class Hidden:
    """Probabilities with the patch at n places.

    Attributes:
        rows: i64[n], the places' rows in the grid.
        columns: i64[n], their columns.
        probability: f32[n,B,T,A].
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    probability: FloatArray


class Hider(Protocol):
    """A way to hide."""

    def hidden(self, batch: Batch) -> Iterator[Hidden]:
        """Every place of the grid once; in a clip at the same place in all frames."""


def choose_hider(
    predictor: Predictor, grid: PatchGrid, *, value: float, batch_size: int, fast: bool
) -> Hider:
    """The quick way where the predictor allows it.

    Args:
        predictor: its landmarks, where it takes them, stay as they are: only what it sees in pixels changes.
        grid: the places.
        value: of the hidden pixels, 0 black to 1 white.
        batch_size: frames that the plain way predicts at a time.
        fast: False: the plain way always.
    """
    grey = [(255 * value - m) / d for m, d in zip(*predictor.spec.normalisation, strict=True)]
    colour = np.array(grey, np.float32)
    if fast and isinstance(predictor, NetworkPredictor):
        from actionunits.explain.local_codes import is_local_model
        from actionunits.explain.local_hider import LocalHider

        if is_local_model(predictor.model):
            return LocalHider(predictor.model, grid, colour)
    return _PlainHider(predictor, grid, colour, batch_size)


@dataclass(frozen=True)
class _PlainHider:
    predictor: Predictor
    grid: PatchGrid
    colour: FloatArray
    batch_size: int

    def hidden(self, batch: Batch) -> Iterator[Hidden]:
        starts, px = self.grid.starts, self.grid.patch_px
        clips, length = batch.frames.shape[:2]
        count = max(1, self.batch_size // (clips * length))
        row, column = (part.ravel() for part in np.indices((len(starts), len(starts))))
        for first in range(0, len(row), count):
            rows, columns = row[first : first + count], column[first : first + count]
            frames = np.repeat(batch.frames[None], len(rows), axis=0)
            for shown, top, left in zip(frames, starts[rows], starts[columns], strict=True):
                shown[..., top : top + px, left : left + px] = self.colour[:, None, None]
            said = self.predictor.predict(_with_frames(batch, frames)).probability
            yield Hidden(rows, columns, said.reshape(len(rows), clips, length, -1))


def _with_frames(batch: Batch, frames: FloatArray) -> Batch:
    """The clips' points, boxes and flow repeated beside changed frames f32[n,B,...]."""
    count = len(frames)

    def repeated(array: FloatArray | None) -> FloatArray | None:
        return None if array is None else np.tile(array, (count, *[1] * (array.ndim - 1)))

    return Batch(
        frames.reshape(-1, *frames.shape[2:]),
        landmarks=repeated(batch.landmarks),
        regions=None if batch.regions is None else batch.regions * count,
        flow=repeated(batch.flow),
    )


def clips_of(batch: Batch, frames: int = 4) -> Iterator[tuple[slice, Batch]]:
    """A batch in parts of so many frames, or of one clip.

    Several stills together are computed quicker than one by one, and more than a few need memory for nothing.
    """
    count = max(1, frames // batch.frames.shape[1])
    for first in range(0, len(batch.frames), count):
        at = slice(first, first + count)
        yield (
            at,
            Batch(
                batch.frames[at],
                landmarks=None if batch.landmarks is None else batch.landmarks[at],
                regions=None if batch.regions is None else batch.regions[at],
                flow=None if batch.flow is None else batch.flow[at],
                labels=None if batch.labels is None else batch.labels[at],
            ),
        )
