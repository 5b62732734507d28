"""Seed 003's loss (Eqs. 3 to 5): the weighted cross-entropy summed over the AUs."""

from __future__ import annotations

from torch import Tensor

from actionunits.models.interface import AUModel, ModelOutput, TensorBatch

__all__ = ["SummedOverAUs"]


class SummedOverAUs(AUModel):
    """A model whose loss is the sum over the AUs of Eq. 3, with the leading minus that the paper leaves out.

    With equal or normalised weights (Eq. 5: their mean is 1) that is the number of AUs times the package's
    mean, so the paper's learning rate means what it meant there.
    """

    def loss(self, batch: TensorBatch, output: ModelOutput, weights: Tensor | None = None) -> Tensor:
        """Sum over the AUs, mean over the frames (scalar); see :meth:`AUModel.loss` for the rest."""
        return len(self.spec.aus) * super().loss(batch, output, weights)
