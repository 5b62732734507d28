"""Seed 000's two ties between AUs: the fusion layer (Eq. 5) and the term of the loss (Eq. 6).

Paper: Jia et al., KSII TIIS 14(3), 2020, section 4.2.

Departures, for the paper does not say: a weight's sign is fixed by the pair's sign; its size is learned,
beginning at how often the one AU is shown when the other is, and at 1 for the AU itself. A sum that would
leave 0 to 1 bends near the border and comes near it without reaching it, so that it has a gradient
everywhere. In Eq. 6 the same size of d stands for every pair.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

__all__ = ["Fusion", "constraint"]

#: Nearer to 0 or 1 than this a fused probability bends, so that it stays between them.
_BEND = 0.01
#: The smallest size of a weight to begin with: a pair that the labels never show may still be learned.
_LEAST = 0.05


class Fusion(nn.Module):
    """p(AU_i) = sum over j in D_i of w_ij p^(AU_j), D_i the AUs tied to i and i itself.

    Args:
        signs: i8[A,A], 1 where the AUs of a pair come together, -1 where apart, 0 where not tied; its
            diagonal is not read.

    Attributes:
        signs: i8[A,A] buffer with a diagonal of 1.
        strength: f32[A,A], what is learned: the square roots of the weights' sizes, so that weight decay
            loosens ties.
    """

    signs: Tensor

    def __init__(self, signs: NDArray[np.int8]) -> None:
        super().__init__()
        self.register_buffer("signs", torch.zeros(signs.shape, dtype=torch.int8))
        self.strength = nn.Parameter(torch.zeros(signs.shape))
        self.begin(signs, np.eye(len(signs)))

    def begin(self, signs: NDArray[np.int8], rates: NDArray[np.float64]) -> None:
        """Set the signs, and the sizes to what the labels say.

        Args:
            signs: as above.
            rates: f64[A,A], how often i is shown when j is, 1 on the diagonal; NaN (j is never shown) and
                rates below .05 count as .05.
        """
        sizes = np.clip(np.nan_to_num(rates, nan=0.0), _LEAST, 1.0)
        np.fill_diagonal(sizes, 1.0)
        tied = signs.copy()
        np.fill_diagonal(tied, 1)
        with torch.no_grad():
            self.signs.copy_(torch.from_numpy(tied))
            self.strength.copy_(torch.from_numpy(np.sqrt(sizes)))

    def weights(self) -> Tensor:
        """The weights w f32[A,A], rows i; positive for pairs that come together, negative for those apart."""
        return self.strength.square() * self.signs

    def tied(self) -> Tensor:
        """bool[A], the AUs that are tied to another."""
        return self.signs.abs().sum(dim=1) > 1  # the diagonal is 1

    def forward(self, probability: Tensor) -> Tensor:
        """f32[...,A] within 0 to 1 -> f32[...,A] within 0 to 1."""
        fused = probability @ self.weights().T
        return 1 - _above_0(1 - _above_0(fused))


def _above_0(x: Tensor) -> Tensor:
    """The value itself from the bend on; below it a hyperbola that goes on as steeply and never reaches 0."""
    return torch.where(x > _BEND, x, _BEND**2 / (2 * _BEND - x.clamp(max=_BEND)))


def constraint(probability: Tensor, signs: Tensor, strength: float) -> Tensor:
    """Eq. 6's second term, averaged over the AUs as in Eq. 10: -mean_i sum_j y_i y_j d_ij.

    Args:
        probability: f32[...,A], the predictions y.
        signs: i8[A,A], symmetric; the diagonal is not read: no AU rewards itself.
        strength: the size of d_ij, whose sign is the pair's.

    Returns:
        f32[...]: low where pairs that come together are both predicted, high where those apart are.
    """
    tied = signs.to(probability.dtype)
    tied = strength * (tied - torch.diag(torch.diagonal(tied)))
    return -((probability @ tied) * probability).mean(dim=-1)
