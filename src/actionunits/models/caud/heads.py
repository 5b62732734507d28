"""CAUD of seed 002: one frozen encoder, and for each AU fully connected layers of its own.

Paper: Romero and Arbelaez, convolutional AU detection. The encoder is EmotionNet's convolutional part; each
AU's head (widths 4096, 2048 or 1024: Table 4) ends in one sigmoid unit and is trained alone; joined on the
one encoder, one forward pass gives all AUs. A new AU is added with :func:`with_new_head` and leaves the
others as they are, to the bit.

Departures: faces are registered by a similarity on the eyes (the paper: a Viola-Jones box). Two hidden layers
a head, as in AlexNet and VGG; dropout .5 before each.

To come: training of EmotionNet itself, cached encoder features, balancing by jittered crops, the baseline.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from actionunits.errors import UserError
from actionunits.facs.sets import AU_SETS
from actionunits.facs.units import action_unit
from actionunits.models.caud.emotion_net import EmotionNet, make_encoder
from actionunits.models.interface import AUModel, ModelOutput, TensorBatch
from actionunits.models.parts.frames import per_clip, per_frame
from actionunits.models.parts.pretrained import IMAGENET_STATISTICS
from actionunits.records import InputSpec

__all__ = ["Caud", "CaudConfig", "build", "with_encoder", "with_new_head"]


@dataclass(frozen=True)
class CaudConfig:
    """The paper's sizes.

    Attributes:
        aus: the output columns, one head each.
        backbone: the encoder.
        size_px: side of the RGB face crop.
        inter_ocular_px: distance between the eyes in it.
        units: width of the heads' hidden layers (Table 4: 4096, 2048, 1024).
        dropout: share dropped before each hidden layer.
    """

    aus: tuple[int, ...] = AU_SETS["bp4d-12"]
    backbone: Literal["alexnet", "vgg16"] = "alexnet"
    size_px: int = 224
    inter_ocular_px: float = 90.0
    units: int = 4096
    dropout: float = 0.5


class Caud(AUModel):
    """Looks at each frame by itself; the encoder is frozen."""

    def __init__(self, config: CaudConfig) -> None:
        super().__init__()
        self.config = config
        self.spec = InputSpec(
            aus=config.aus,
            size_px=config.size_px,
            inter_ocular_px=config.inter_ocular_px,
            channels=3,
            normalisation=IMAGENET_STATISTICS,
        )
        self.encoder, values = make_encoder(config.backbone)
        self.encoder.requires_grad_(False)
        self.heads = nn.ModuleDict({f"au{n}": _head(values, config) for n in config.aus})

    def encode(self, frames: Tensor) -> Tensor:
        """f32[B,T,3,S,S] -> the code of each frame f32[B*T,V]."""
        code: Tensor = self.encoder(per_frame(frames))
        return code

    def forward(self, batch: TensorBatch) -> ModelOutput:
        """Logits f32[B,T,A]: one pass of the encoder, then every head."""
        with torch.no_grad():
            code = self.encode(batch.frames)
        logits = torch.cat([self.heads[f"au{n}"](code) for n in self.config.aus], dim=1)
        return ModelOutput(per_clip(logits, batch.frames))


def _head(values: int, config: CaudConfig) -> nn.Sequential:
    return nn.Sequential(
        nn.Dropout(config.dropout),
        nn.Linear(values, config.units),
        nn.ReLU(inplace=True),
        nn.Dropout(config.dropout),
        nn.Linear(config.units, config.units),
        nn.ReLU(inplace=True),
        nn.Linear(config.units, 1),
    )


def with_encoder(model: Caud, source: EmotionNet) -> None:
    """Take over an EmotionNet's convolutional layers.

    Raises:
        UserError: it has another backbone.
    """
    try:
        model.encoder.load_state_dict(source.encoder.state_dict())
    except RuntimeError as problem:
        raise UserError(f"the emotion network does not have {model.config.backbone}'s layers") from problem


def with_new_head(model: Caud, number: int) -> Caud:
    """A network with one AU more: fresh weights for its head, the others' and the encoder's the same tensors.

    Only the new head takes gradients, so that it can be trained alone.

    Raises:
        UserError: the AU is not known, or the network has it already.
    """
    action_unit(number)
    if number in model.config.aus:
        raise UserError(f"the network has a head for AU{number} already: it has {list(model.config.aus)}")
    larger = Caud(replace(model.config, aus=(*model.config.aus, number)))
    larger.encoder = model.encoder
    for name, head in model.heads.items():
        larger.heads[name] = head
        head.requires_grad_(False)
    larger.spec = replace(model.spec, aus=larger.config.aus)
    return larger


def build(config: CaudConfig) -> Caud:
    """The network of a configuration, with random weights."""
    return Caud(config)
