"""Any network with one output layer, trained on whole AU patterns: one class a pattern, then back to AUs.

Seed 004's proposal: the output layer gives place to one class for each frequent pattern (softmax
cross-entropy). A frame's AUs come back in two ways, and both are given: the probability of an AU is the sum
of the posterior over the patterns that hold it, and the decision is the AUs of the most probable pattern.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from actionunits.errors import UserError
from actionunits.models.interface import AUModel, ModelOutput, TensorBatch
from actionunits.models.parts.codebook import Codebook

__all__ = ["PatternModel", "output_layer"]

#: A summed posterior is kept this far from 0 and 1, so that its logit is finite.
FLOOR = 1e-7


def output_layer(model: AUModel) -> nn.Linear:
    """The one layer that gives all AUs, which every family that has such a layer calls ``output``.

    Raises:
        UserError: the network has none, as one with a head for each AU.
    """
    layer = getattr(model, "output", None)
    if not isinstance(layer, nn.Linear):
        raise UserError(
            f"{type(model).__name__} has no single output layer, so it cannot be trained on patterns: "
            "choose a network whose last layer gives all AUs, such as patterns/network1 or facs3d/cnn2d"
        )
    return layer


class PatternModel(AUModel):
    """A network whose last layer gives a class for each pattern of a codebook.

    Frames whose pattern is not in the codebook, or has an unknown label, are masked out of the loss.

    Args:
        model: its output layer is replaced by a fresh one.
        codebook: over the model's AUs.
        config: what a model file keeps, for networks of the registry; None = the model's own.

    Raises:
        UserError: the model has no single output layer, or the patterns are of other AUs.
    """

    patterns: Tensor
    codes: Tensor
    bits: Tensor

    def __init__(self, model: AUModel, codebook: Codebook, config: Any = None) -> None:
        super().__init__()
        if codebook.aus != model.spec.aus:
            raise UserError(f"the patterns are of AUs {codebook.aus}, the network gives {model.spec.aus}")
        old = output_layer(model)
        model.output = nn.Linear(old.in_features, len(codebook), bias=old.bias is not None)
        self.model = model
        self.codebook = codebook
        self.spec = model.spec
        self.config = getattr(model, "config", None) if config is None else config
        count = len(codebook.aus)
        rows = [[int(value) for value in pattern] for pattern in codebook.patterns]
        self.register_buffer("patterns", torch.tensor(rows, dtype=torch.float32), persistent=False)
        self.register_buffer("codes", torch.tensor(codebook.codes().tolist()), persistent=False)
        bits = torch.tensor([1 << place for place in range(count - 1, -1, -1)])
        self.register_buffer("bits", bits, persistent=False)

    def forward(self, batch: TensorBatch) -> ModelOutput:
        """Logits f32[B,T,A] of the summed posterior, decisions of the most probable pattern.

        ``parts`` holds the patterns' log-probabilities f32[B,T,K].
        """
        log_p = nn.functional.log_softmax(self.model(batch).logits, dim=-1)
        posterior = log_p.exp()
        shown = (posterior @ self.patterns).clamp(min=FLOOR)
        absent = (posterior @ (1.0 - self.patterns)).clamp(min=FLOOR)
        decided = self.patterns[log_p.argmax(dim=-1)].to(torch.int8)
        return ModelOutput(shown.log() - absent.log(), parts=(log_p,), decided=decided)

    def classes(self, labels: Tensor) -> Tensor:
        """i64[...]: the class of the labels i8[...,A]; -1 where it has none."""
        wanted = (labels.clamp(min=0).to(torch.int64) * self.bits).sum(dim=-1)
        same = wanted[..., None] == self.codes
        found = torch.where(same.any(dim=-1), same.to(torch.int8).argmax(dim=-1), -1)
        return torch.where((labels < 0).any(dim=-1), -1, found)

    def loss(self, batch: TensorBatch, output: ModelOutput, weights: Tensor | None = None) -> Tensor:
        """Mean softmax cross-entropy over the frames that have a class (scalar); without any, 0.

        Raises:
            UserError: weights of the AUs are given: a class is a whole pattern.
        """
        if batch.labels is None:
            raise ValueError("a loss needs labels")
        if weights is not None:
            raise UserError(
                "a network of pattern classes has no weights by AU: leave batches.weights equal, or balance "
                "with batches.sampler=patterns"
            )
        (log_p,) = output.parts
        wanted = self.classes(batch.labels)
        known = wanted >= 0
        each = log_p.gather(-1, wanted.clamp(min=0)[..., None])[..., 0]
        return -(each * known).sum() / known.sum().clamp(min=1)
