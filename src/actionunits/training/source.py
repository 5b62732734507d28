"""Samples to batches: the order of an epoch, augmentation, collation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.faces.batch import collate
from actionunits.records import Batch, InputSpec, Sample
from actionunits.training.augment import AugmentSettings, augment
from actionunits.training.sampling import Sampler, epoch_order

__all__ = ["BatchedSet", "SampleBatches", "SampleSet"]


class SampleSet(Protocol):
    """Samples by number, and all their labels at once."""

    @property
    def labels(self) -> NDArray[np.int8]:
        """i8[N,A], one row a sample: for a clip, whether any of its frames shows the AU."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Sample: ...


@runtime_checkable
class BatchedSet(SampleSet, Protocol):
    """Samples that can be read many at once, without an object for each."""

    def batch(self, numbers: Sequence[int], spec: InputSpec) -> Batch:
        """The same as :func:`~actionunits.faces.batch.collate` makes of these samples."""
        ...


class SampleBatches:
    """A :class:`~actionunits.training.loop.BatchSource` over samples; the last, smaller batch is left out.

    Args:
        samples: what to show.
        spec: what the model takes.
        batch: samples in a batch; fewer when there are fewer samples.
        sampler: see :data:`~actionunits.training.sampling.SAMPLERS`.
        changes: augmentation, or None.

    Raises:
        UserError: there is no sample.
    """

    def __init__(
        self,
        samples: SampleSet,
        spec: InputSpec,
        batch: int,
        *,
        sampler: Sampler = "shuffle",
        changes: AugmentSettings | None = None,
    ) -> None:
        if len(samples) == 0:
            raise UserError("the training part has no samples: check the data and the folds")
        self.samples, self.spec, self.sampler, self.changes = samples, spec, sampler, changes
        self.batch = min(batch, len(samples))

    def __len__(self) -> int:
        return len(self.samples) // self.batch

    def epoch(self, number: int, seed: int) -> Iterator[Batch]:
        """The batches of an epoch, the same for the same ``number`` and ``seed``."""
        rng = np.random.default_rng([seed, number])
        order = epoch_order(self.samples.labels, self.sampler, rng)
        for index in range(len(self)):
            rows = order[index * self.batch : (index + 1) * self.batch]
            yield self._batch(rows.tolist(), np.random.default_rng([seed, number, index]))

    def _batch(self, rows: Sequence[int], rng: np.random.Generator) -> Batch:
        if self.changes is None and isinstance(self.samples, BatchedSet):
            return self.samples.batch(rows, self.spec)
        samples = [self.samples[row] for row in rows]
        if self.changes is not None:
            samples = [augment(sample, self.changes, rng) for sample in samples]
        return collate(samples, self.spec)
