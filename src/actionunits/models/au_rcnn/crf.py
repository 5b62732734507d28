"""AR_CRF of seed 001: a conditional random field over the boxes of AR_res and time.

Paper: Ma, Chen and Yong, "AU R-CNN", section 4.5.4. A node is a box of a frame, with the 2048 values of
AR_res's average pooling; edges join the same box in adjacent frames and all pairs of boxes in a frame. Linear
node potentials and one matrix of pair potentials for both kinds of edges: |F| |Y| + |E| |Y|^2 = 2048 x 22 +
22^2 = 45,540 weights on BP4D's 22 AUs. AR_res is trained before and stays as it is.

The paper names neither inference nor learning. Here: loopy belief propagation, and the gradient of Bethe's
log-likelihood, expectations with the labels given minus those without; what is not labelled stays open.

That count leaves no weights for a face that shows nothing, and no constants: "none" is the reference state,
whose potentials are 0. ``states = "class"`` is the paper's count: a node has one AU at a time, or none. Of
several AUs that a box shows any may be its state, so they share its probability, which stays below 1 for
each: such a network needs thresholds chosen on validation people. ``states = "binary"`` (default) is one
field an AU with the states "shown" and "none", all at once.

Departures: clips that tile the video (``clip_length`` frames), in training and in use, so that it runs in
constant memory (the paper: one graph for a video). A box cannot show an AU that it does not carry. Frames
repeated at the ends of a clip are nodes whose labels are not known. A box's values are divided by the square
root of their number, so that one learning rate suits both kinds of weights. ``edge_types = 2`` gives temporal
and spatial edges a matrix each. L2 is the optimiser's weight decay. ``backbone`` and ``roi_cells`` may be
smaller.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor, nn

from actionunits.errors import UserError
from actionunits.facs.groups import boxes_carry
from actionunits.models.au_rcnn.ar_res import ArRes, ArResConfig
from actionunits.models.au_rcnn.belief_propagation import (
    Messages,
    Potentials,
    log_beliefs,
    log_partition,
    propagate,
)
from actionunits.models.au_rcnn.box_features import box_features
from actionunits.models.au_rcnn.crf_states import NodeStates, StateKind, log_odds
from actionunits.models.au_rcnn.roi_level import image_logits, roi_labels
from actionunits.models.interface import CodedModel, ModelOutput, TensorBatch
from actionunits.models.parts.resnet import RESNET_WIDTH

__all__ = ["ArCrf", "ArCrfConfig", "build"]

#: The log-odds of what is certain: a box does not show an AU that it does not carry.
CERTAIN = 50.0


@dataclass(frozen=True)
class ArCrfConfig(ArResConfig):
    """AR_res's sizes, and the field's; ``sampling`` and ``unknown`` are of AR_res's own training.

    Attributes:
        states: ``binary``, one field an AU; ``class``, one field with a state for each AU.
        edge_types: 1, temporal and spatial edges share their potentials, or 2.
        clip_length: frames of a clip.
        frame_step: from one frame of a clip to the next.
        rounds: of belief propagation, at most; an exported network always runs them all.
        damping: share of a message that is kept in each round.
        tolerance: rounds end where no message has changed by more.
    """

    states: StateKind = "binary"
    edge_types: int = 1
    clip_length: int = 100
    frame_step: int = 1
    rounds: int = 40
    damping: float = 0.0
    tolerance: float = 1e-5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.edge_types not in (1, 2):
            raise ValueError(f"edge_types must be 1 or 2, got {self.edge_types}")
        if min(self.clip_length, self.frame_step, self.rounds) < 1:
            raise ValueError("clip_length, frame_step and rounds must be 1 or more")
        if not (0 <= self.damping < 1 and self.tolerance >= 0):
            raise ValueError("damping must be 0 to below 1 and tolerance 0 or more")


class ArCrf(CodedModel):
    """A frozen AR_res, and a field over what it sees."""

    carry: Tensor
    encoder_is_frozen = True

    def __init__(self, config: ArCrfConfig) -> None:
        super().__init__()
        self.config = config
        still = ArResConfig(**{field.name: getattr(config, field.name) for field in fields(ArResConfig)})
        self.still: ArRes = ArRes(still).requires_grad_(False)
        self.spec = replace(
            self.still.spec, clip_length=config.clip_length, frame_step=config.frame_step, scored="all"
        )
        carry = boxes_carry(config.aus)
        self.register_buffer("carry", torch.from_numpy(carry), persistent=False)
        self.features = RESNET_WIDTH[config.backbone]
        self.code_length = len(carry) * self.features
        self.states = NodeStates(config.states, carry)
        self.node = nn.Linear(self.features, len(config.aus), bias=False)
        nn.init.normal_(self.node.weight, std=0.01)
        size = (config.edge_types, self.states.graphs, self.states.states, self.states.states)
        self.pair = nn.Parameter(torch.zeros(size))
        self.train(self.training)

    def train(self, mode: bool = True) -> ArCrf:
        """As every module, but AR_res stays in evaluation mode: its statistics are frozen too."""
        super().train(mode)
        self.still.eval()
        return self

    def encode(self, batch: TensorBatch) -> Tensor:
        """f32[B,T,R*2048]: the average pool of each box, one box after the other."""
        return box_features(self.still, batch)

    def from_codes(self, codes: Tensor) -> ModelOutput:
        """Logits f32[B,T,A]: the log-odds of the largest marginal of the boxes that carry the AU.

        They carry no gradient. The parts are the boxes' log-odds, and what the loss reads: the node
        potentials and the messages.
        """
        with torch.autocast(codes.device.type, enabled=False):
            boxes = codes.to(self.node.weight.dtype).reshape(*codes.shape[:2], -1, self.features)
            scores = self.node(boxes / math.sqrt(self.features))
            potentials = self._potentials(self.states.node_potentials(scores))
            messages = self._propagate(potentials)
            with torch.no_grad():
                odds = log_odds(log_beliefs(potentials, messages)).clamp(-CERTAIN, CERTAIN)
        logits = self.states.of_boxes(odds, -CERTAIN)
        parts = (logits, potentials.node, messages.temporal, messages.spatial)
        return ModelOutput(image_logits(logits, self.carry), parts=parts)

    def _potentials(self, node: Tensor) -> Potentials:
        """With the pairs' of state 0, which are 0; f[G,S+1,S+1] each."""
        pair = nn.functional.pad(self.pair, (1, 0, 1, 0))
        return Potentials(node, pair[0], pair[-1])

    def _propagate(self, potentials: Potentials) -> Messages:
        config = self.config
        return propagate(potentials, config.rounds, config.damping, config.tolerance)

    def loss(self, batch: TensorBatch, output: ModelOutput, weights: Tensor | None = None) -> Tensor:
        """Minus Bethe's log-likelihood of the known labels, summed over the AUs, for each labelled frame.

        Its gradient is that of the log-likelihood where belief propagation has settled. A batch without one
        known label gives 0 with a gradient of 0.

        Raises:
            UserError: weights for the AUs, where all of them share one likelihood.
        """
        if batch.labels is None:
            raise ValueError("a loss needs labels")
        if weights is not None and self.config.states == "class":
            raise UserError("the AUs of states = class share one likelihood: leave the labels' weights out")
        _, node, *sent = output.parts
        open_states = self.states.possible(roi_labels(batch.labels, self.carry))
        with torch.autocast(node.device.type, enabled=False):
            free = self._potentials(node)
            given = replace(free, node=node.masked_fill(~open_states, -torch.inf))
            each = log_partition(free, Messages(*sent)) - log_partition(given, self._propagate(given))
        if weights is not None:
            each = each * weights
        frames = (batch.labels >= 0).any(dim=-1).sum()
        return each.sum() / frames.clamp(min=1)


def build(config: ArCrfConfig) -> ArCrf:
    """The network of a configuration: random weights, and pair potentials of 0."""
    return ArCrf(config)
