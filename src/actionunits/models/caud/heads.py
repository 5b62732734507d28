"""CAUD of seed 002: one frozen encoder, and for each AU fully connected layers of its own.

Paper: Romero and Arbelaez, convolutional AU detection. The encoder is EmotionNet's convolutional part; each
AU's head (widths 4096, 2048 or 1024: Table 4) ends in one sigmoid unit and is trained alone, from
EmotionNet's own hidden layers where the widths agree; joined on the one encoder, one forward pass gives all
AUs. A new AU is added with :func:`joined` (or :func:`with_new_head`) and leaves the others as they are, to
the bit.

Departures: two hidden layers a head, as in AlexNet and VGG; dropout .5 before each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from actionunits.errors import UserError
from actionunits.facs.sets import AU_SETS
from actionunits.facs.units import action_unit
from actionunits.models.caud.emotion_net import (
    EMOTIONS,
    Backbone,
    EmotionNet,
    hidden_layers,
    make_encoder,
    renamed,
)
from actionunits.models.interface import AUModel, ModelOutput, TensorBatch
from actionunits.models.parts.frames import per_clip, per_frame
from actionunits.models.parts.pretrained import IMAGENET_STATISTICS, copy_matching
from actionunits.records import InputSpec

__all__ = ["Caud", "CaudConfig", "CodedHead", "build", "joined", "with_encoder", "with_new_head"]


@dataclass(frozen=True)
class CaudConfig:
    """The paper's sizes.

    Attributes:
        aus: the output columns, one head each.
        backbone: the encoder.
        size_px: side of the RGB face crop.
        crop: the detector's ``box`` as it is (the paper), or registered by the ``eyes``.
        inter_ocular_px: distance between the eyes, where the crop is registered by them.
        units: width of the heads' hidden layers (Table 4: 4096, 2048, 1024).
        dropout: share dropped before each hidden layer.
        emotion_units: width of EmotionNet's hidden layers, which are kept, so that the network gives the
            emotion too; 0 = they are left out.
    """

    aus: tuple[int, ...] = AU_SETS["bp4d-12"]
    backbone: Backbone = "alexnet"
    size_px: int = 224
    crop: Literal["eyes", "box"] = "box"
    inter_ocular_px: float = 90.0
    units: int = 4096
    dropout: float = 0.5
    emotion_units: int = 0


class Caud(AUModel):
    """Looks at each frame by itself; the encoder is frozen, and so is what gives the emotion."""

    def __init__(self, config: CaudConfig) -> None:
        super().__init__()
        self.config = config
        self.spec = InputSpec(
            aus=config.aus,
            size_px=config.size_px,
            inter_ocular_px=config.inter_ocular_px,
            channels=3,
            normalisation=IMAGENET_STATISTICS,
            crop=config.crop,
            emotions=EMOTIONS if config.emotion_units else (),
        )
        self.encoder, self.values = make_encoder(config.backbone)
        self.encoder.requires_grad_(False)
        self.heads = nn.ModuleDict(
            {f"au{n}": hidden_layers(self.values, config.units, config.dropout, 1) for n in config.aus}
        )
        self.emotions: nn.Sequential | None = None
        if config.emotion_units:
            self.emotions = hidden_layers(self.values, config.emotion_units, config.dropout, len(EMOTIONS))
            self.emotions.requires_grad_(False)

    def encode(self, frames: Tensor) -> Tensor:
        """f32[B,T,3,S,S] -> the code of each frame f32[B*T,V]."""
        code: Tensor = self.encoder(per_frame(frames))
        return code

    def forward(self, batch: TensorBatch) -> ModelOutput:
        """Logits f32[B,T,A], and emotion logits f32[B,T,8]: one pass of the encoder, then every head."""
        with torch.no_grad():
            code = self.encode(batch.frames)
        logits = torch.cat([self.heads[f"au{n}"](code) for n in self.config.aus], dim=1)
        emotion = None if self.emotions is None else per_clip(self.emotions(code), batch.frames)
        return ModelOutput(per_clip(logits, batch.frames), emotion=emotion)

    def load_imagenet(self, state: Mapping[str, Tensor]) -> tuple[int, tuple[str, ...]]:
        """Copy the encoder of torchvision's weights, and its hidden layers to every head of their width.

        Returns:
            How many tensors fitted, and the names of ours that did not.

        Raises:
            UserError: nothing fits.
        """
        return copy_matching(self, self._spread(renamed(state)))

    def _spread(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The encoder, and the classifier's hidden layers under each head's name."""
        spread = {name: tensor for name, tensor in state.items() if name.startswith("encoder.")}
        for name, tensor in state.items():
            part, _, rest = name.partition(".")
            if part == "classifier" and not rest.startswith("6."):
                spread |= {f"heads.au{n}.{rest}": tensor for n in self.config.aus}
        return spread


class CodedHead(AUModel):
    """One AU's head on codes that the encoder has given already: what is trained alone.

    Args:
        head: of a :class:`Caud`; it is trained in place.
        number: its AU.
        spec: the whole network's.
    """

    def __init__(self, head: nn.Module, number: int, spec: InputSpec) -> None:
        super().__init__()
        self.head = head
        self.spec = replace(spec, aus=(number,), emotions=())

    def forward(self, batch: TensorBatch) -> ModelOutput:
        """Logits f32[B,T,1] of the batch's codes f32[B,T,V]."""
        if batch.codes is None:
            raise ValueError("a head by itself needs codes")
        return ModelOutput(self.head(batch.codes))


def with_encoder(model: Caud, source: EmotionNet | Caud) -> None:
    """Take over an EmotionNet's convolutional layers, and its hidden layers where their width is the same.

    A network that gives the emotion takes over all of them for that. Of another :class:`Caud` the encoder and
    what gives the emotion are taken over.

    Raises:
        UserError: it has another backbone, or not the hidden layers that the emotion needs.
    """
    try:
        model.encoder.load_state_dict(source.encoder.state_dict())
    except RuntimeError as problem:
        raise UserError(f"the emotion network does not have {model.config.backbone}'s layers") from problem
    classifier = source.classifier if isinstance(source, EmotionNet) else source.emotions
    if model.emotions is not None:
        units = source.config.units if isinstance(source, EmotionNet) else source.config.emotion_units
        if classifier is None or units != model.config.emotion_units:
            raise UserError(
                f"the emotion network has no hidden layers of {model.config.emotion_units}: set "
                "model.config.emotion_units to its units, or to 0"
            )
        model.emotions.load_state_dict(classifier.state_dict())
    if classifier is not None:
        fitting = model._spread({f"classifier.{k}": v for k, v in classifier.state_dict().items()})
        own = model.state_dict()
        model.load_state_dict({k: v for k, v in fitting.items() if own[k].shape == v.shape}, strict=False)


def joined(networks: Sequence[Caud]) -> Caud:
    """One network with all heads of several, in their order; nothing is computed anew.

    Raises:
        UserError: their encoders, crops or widths differ, or two have a head for one AU.
    """
    first, *others = networks
    model = first
    for other in others:
        alike = replace(other.config, aus=first.config.aus, emotion_units=first.config.emotion_units)
        if alike != first.config or not _same_weights(first.encoder, other.encoder):
            raise UserError("these networks cannot be joined: their encoders, crops or widths differ")
        if twice := sorted(set(model.config.aus) & set(other.config.aus)):
            raise UserError(f"AU{twice[0]} has a head in more than one of the networks")
        larger = _empty(replace(model.config, aus=(*model.config.aus, *other.config.aus)))
        larger.encoder, larger.emotions = first.encoder, first.emotions
        larger.heads = nn.ModuleDict({**dict(model.heads.items()), **dict(other.heads.items())})
        model = larger
    return model


def _same_weights(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def _empty(config: CaudConfig) -> Caud:
    """A network whose parts are about to be replaced: no memory is taken."""
    with torch.device("meta"):
        return Caud(config)


def with_new_head(model: Caud, number: int) -> Caud:
    """A network with one AU more: fresh weights for its head, the others' and the encoder's the same tensors.

    Only the new head takes gradients, so that it can be trained alone.

    Raises:
        UserError: the AU is not known, or the network has it already.
    """
    action_unit(number)
    if number in model.config.aus:
        raise UserError(f"the network has a head for AU{number} already: it has {list(model.config.aus)}")
    config = model.config
    larger = _empty(replace(config, aus=(*config.aus, number)))
    larger.encoder, larger.emotions = model.encoder, model.emotions
    model.heads.requires_grad_(False)
    fresh = hidden_layers(model.values, config.units, config.dropout, 1)
    larger.heads = nn.ModuleDict({**dict(model.heads.items()), f"au{number}": fresh})
    larger.spec = replace(model.spec, aus=larger.config.aus)
    return larger


def build(config: CaudConfig) -> Caud:
    """The network of a configuration, with random weights."""
    return Caud(config)
