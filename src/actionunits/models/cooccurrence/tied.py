"""Any network of the package with its AUs tied: seed 000's fusion layer and constrained loss on its outputs.

Paper: Jia et al., KSII TIIS 14(3), 2020, section 4.2; the parts and their departures are in
:mod:`~actionunits.models.cooccurrence.fusion`. The network and its ties learn together, with one objective:
the network's own loss on the fused outputs (an AU without a tie keeps its own), and Eq. 6's term (Eq. 10: the
mean over the AUs).

Pairs: Table 3's (:mod:`actionunits.facs.cooccurrence`) as far as both AUs are outputs; the others are left
out and logged. The pair (12, 17), which the table has with both signs, is neutral; ``contradictory`` gives it
a sign, or takes it from the training labels, as ``signs = "labels"`` does for every pair.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from actionunits.errors import UserError
from actionunits.facs.cooccurrence import CONTRADICTORY_PAIRS, pair_signs, pairs_outside
from actionunits.models.cooccurrence.fusion import Fusion, constraint
from actionunits.models.cooccurrence.ties import Ties
from actionunits.models.interface import AUModel, ModelOutput, TensorBatch
from actionunits.models.registry import build_model

__all__ = ["TiedConfig", "TiedModel", "build"]

#: Fused probabilities are kept so far from 0 and 1 when they become logits again (they bend before).
_EDGE = 1e-6
#: A correlation of the labels from which on it is a sign, where signs come from the labels.
LEAST_PHI = 0.1


@dataclass(frozen=True)
class TiedConfig:
    """A network and its ties.

    Attributes:
        network: its name in the registry.
        config: its configuration.
        ties: how its AUs are tied.
    """

    network: str = "cooccurrence/cnn3d"
    config: Mapping[str, Any] = field(default_factory=dict)
    ties: Ties = field(default_factory=Ties)


class TiedModel(AUModel):
    """A network whose outputs are fused and whose loss knows the pairs.

    Args:
        network: a model with an output for each AU.
        config: says how; kept as ``config``.

    Attributes:
        network: the model that is tied.
        fusion: the layer on it; without it (``ties.fusion = false``) it only holds the signs.

    Raises:
        UserError: the model decides whole patterns, or is tied already.
    """

    def __init__(self, network: AUModel, config: TiedConfig) -> None:
        super().__init__()
        if isinstance(network, TiedModel):
            raise UserError("the network is tied already: name the network itself")
        self.config, self.spec, self.network = config, network.spec, network
        contradictory = {"positive": 1, "negative": -1}.get(config.ties.contradictory, 0)
        self.fusion = Fusion(pair_signs(self.spec.aus, contradictory))
        self.fusion.requires_grad_(config.ties.fusion)

    def begin(self, rates: NDArray[np.float64], phi: NDArray[np.float64]) -> None:
        """Take sizes, and signs where the ties say so, from what the training labels say.

        Args:
            rates: f64[A,A], how often i is shown when j is; NaN where j never is.
            phi: f64[A,A], correlation of each pair; NaN, where an AU never varies, gives no sign.

        Raises:
            UserError: no pair is tied.
        """
        signs = _signs(self.spec.aus, self.config.ties, phi)
        if not signs.any():
            raise UserError(
                f"no two of AU {', '.join(map(str, self.spec.aus))} are tied by {self.config.ties.signs!r}: "
                "leave cooccurrence out, or set cooccurrence.signs"
            )
        self.fusion.begin(signs, rates)

    def forward(self, batch: TensorBatch) -> ModelOutput:
        """As the network's, its logits fused."""
        output: ModelOutput = self.network(batch)
        if output.decided is not None:
            raise UserError("a network that decides whole AU patterns ties them already: leave the ties out")
        if not self.config.ties.fusion:
            return output
        fused = torch.logit(self.fusion(torch.sigmoid(output.logits)), eps=_EDGE)
        return replace(output, logits=torch.where(self.fusion.tied(), fused, output.logits))

    def loss(self, batch: TensorBatch, output: ModelOutput, weights: Tensor | None = None) -> Tensor:
        """The network's own loss of the fused outputs, and Eq. 6's term (scalar).

        A network that learns from ``parts`` of its output, such as regions, keeps that loss, and the
        cross-entropy of the fused outputs is added, so that the ties are learned too.
        """
        total = self.network.loss(batch, output, weights)
        if output.parts and self.config.ties.fusion:
            total = total + super().loss(batch, output, weights)
        strength = self.config.ties.strength
        if not strength:
            return total
        assert batch.labels is not None, "the network's loss has read them"
        known = (self.asked(batch.labels) >= 0).any(dim=-1).to(output.logits.dtype)
        term = constraint(torch.sigmoid(self.asked(output.logits)), self.fusion.signs, strength)
        return total + (term * known).sum() / known.sum().clamp(min=1.0)


def _signs(aus: tuple[int, ...], ties: Ties, phi: NDArray[np.float64]) -> NDArray[np.int8]:
    """The sign of each pair, i8[A,A]; what is left out of the table is logged."""
    correlation = np.nan_to_num(phi, nan=0.0)
    said = (np.sign(correlation) * (np.abs(correlation) >= LEAST_PHI)).astype(np.int8)
    if ties.signs == "labels":
        return said
    signs = pair_signs(aus, {"positive": 1, "negative": -1}.get(ties.contradictory, 0))
    for pair in CONTRADICTORY_PAIRS if ties.contradictory == "labels" else ():
        if set(pair) <= set(aus):
            one, other = (aus.index(au) for au in pair)
            signs[one, other] = signs[other, one] = said[one, other]
    if outside := pairs_outside(aus):
        named = ", ".join(f"({one}, {other})" for one, other in outside)
        logging.getLogger(__name__).info("pairs of Table 3 that the outputs do not have: %s", named)
    return signs


def build(config: TiedConfig) -> TiedModel:
    """The tied network of a configuration, with random weights; sizes of 1 until labels are seen.

    Raises:
        UserError: no such network, or one that cannot be tied.
    """
    return TiedModel(build_model(config.network, config.config), config)
