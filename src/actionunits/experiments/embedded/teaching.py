"""A second round: what several trained networks say together is what one more learns from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor

from actionunits.models.embedded.net import PointsAndPicture
from actionunits.models.interface import TensorBatch, to_tensors
from actionunits.records import Batch
from actionunits.training.loop import BatchSource

__all__ = ["TaughtBatches"]


class TaughtBatches:
    """A source of batches whose labels are partly what teachers say of each picture.

    ``share`` of what is known is replaced by the teachers' mean; what is unknown, as most AUs of a
    photographed smile are, becomes their mean. They see the picture as it is jittered for the learner. A
    cross-entropy is linear in its target, so this is a weighted sum of two losses (distillation).

    Args:
        source: batches of stills with labels, intensities and sides.
        teachers: trained networks, of the same AUs; what they say before calibration is taken.
        share: 0 (labels alone) to 1 (teachers alone).
    """

    def __init__(self, source: BatchSource, teachers: Sequence[PointsAndPicture], share: float) -> None:
        self.source, self.share = source, share
        self.teachers = [deepcopy(each).to(memory_format=torch.channels_last).eval() for each in teachers]

    def __len__(self) -> int:
        return len(self.source)

    def epoch(self, number: int, seed: int) -> Iterator[TensorBatch]:
        """The batches of an epoch, the same for the same ``number`` and ``seed``."""
        for batch in self.source.epoch(number, seed):
            yield self._taught(to_tensors(batch) if isinstance(batch, Batch) else batch)

    def _taught(self, batch: TensorBatch) -> TensorBatch:
        assert batch.labels is not None
        assert batch.intensity is not None
        assert batch.sides is not None
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            said = [teacher(batch) for teacher in self.teachers]
        aus = batch.labels.shape[-1]
        shown = torch.stack([torch.sigmoid(each.parts[0][..., :aus].float()) for each in said]).mean(0)
        intensity = torch.stack([each.intensity.float() for each in said]).mean(0)
        sides = torch.stack([each.sides.float() for each in said]).mean(0)
        labels = batch.labels.float()
        unknown = torch.full_like(labels, float("nan"))
        return replace(
            batch,
            labels=self._mixed(torch.where(labels < 0, unknown, labels), shown),
            intensity=self._mixed(batch.intensity, intensity),
            sides=self._mixed(batch.sides, sides),
        )

    def _mixed(self, known: Tensor, said: Tensor) -> Tensor:
        return torch.where(torch.isfinite(known), (1 - self.share) * known + self.share * said, said)
