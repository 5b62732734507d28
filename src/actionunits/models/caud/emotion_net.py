"""EmotionNet of seed 002: AlexNet or VGG-16 with an output layer for eight emotions.

Paper: Romero and Arbelaez, convolutional AU detection. The network learns emotions from any view; its
convolutional layers are then the frozen encoder of every AU head (:mod:`actionunits.models.caud.heads`).

Departures: the adaptive pooling of torchvision's versions stands (identity at 224 px), and both backbones
have AlexNet's order of dropout and layers (VGG's drops after its hidden layers instead of before them).
ImageNet weights are read from a file that the user has; without one the network starts from random weights,
which the paper found not to converge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torchvision
from torch import Tensor, nn

from actionunits.facs.emotions import EMOTIONS
from actionunits.models.interface import AUModel, ModelOutput, TensorBatch
from actionunits.models.parts.frames import per_clip, per_frame
from actionunits.models.parts.pretrained import IMAGENET_STATISTICS, copy_matching
from actionunits.records import InputSpec

__all__ = ["EMOTIONS", "Backbone", "EmotionNet", "EmotionNetConfig", "build", "hidden_layers", "make_encoder"]

Backbone = Literal["alexnet", "vgg16"]


@dataclass(frozen=True)
class EmotionNetConfig:
    """The paper's sizes.

    Attributes:
        backbone: ``alexnet`` or ``vgg16``.
        size_px: side of the RGB face crop.
        crop: the detector's ``box`` as it is (the paper), or registered by the ``eyes``.
        inter_ocular_px: distance between the eyes, where the crop is registered by them.
        units: width of the two hidden layers.
        dropout: share dropped before each of them.
    """

    backbone: Backbone = "alexnet"
    size_px: int = 224
    crop: Literal["eyes", "box"] = "box"
    inter_ocular_px: float = 90.0
    units: int = 4096
    dropout: float = 0.5


def make_encoder(backbone: Backbone) -> tuple[nn.Sequential, int]:
    """The convolutional layers with the pooling to 6x6 or 7x7, and how many values they give.

    AlexNet: 256 x 6 x 6 = 9,216; VGG-16: 512 x 7 x 7 = 25,088.
    """
    make, values = {
        "alexnet": (torchvision.models.alexnet, 9216),
        "vgg16": (torchvision.models.vgg16, 25088),
    }[backbone]
    net = make(weights=None)
    return _he_weights(nn.Sequential(net.features, net.avgpool, nn.Flatten())), values


def _he_weights(layers: nn.Sequential) -> nn.Sequential:
    """Random weights that keep the size of what passes through ReLUs (He et al.), and no biases.

    PyTorch's own, smaller ones leave eight layers without normalisation where they are for long.
    """
    for module in layers.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return layers


def hidden_layers(values: int, units: int, dropout: float, outputs: int) -> nn.Sequential:
    """Two hidden layers and an output layer: EmotionNet's classifier, and each AU's head.

    The hidden layers' biases start at 1, as AlexNet's do: what they read is never negative, and without that
    the first steps switch most of them off for good.
    """
    first, second = nn.Linear(values, units), nn.Linear(units, units)
    _he_weights(nn.Sequential(first, second))
    for layer in (first, second):
        nn.init.ones_(layer.bias)
    return nn.Sequential(
        nn.Dropout(dropout),
        first,
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        second,
        nn.ReLU(inplace=True),
        nn.Linear(units, outputs),
    )


class EmotionNet(AUModel):
    """Looks at each frame by itself and gives emotions, no AUs."""

    def __init__(self, config: EmotionNetConfig) -> None:
        super().__init__()
        self.config = config
        self.spec = InputSpec(
            aus=(),
            size_px=config.size_px,
            inter_ocular_px=config.inter_ocular_px,
            channels=3,
            normalisation=IMAGENET_STATISTICS,
            crop=config.crop,
            emotions=EMOTIONS,
        )
        self.encoder, values = make_encoder(config.backbone)
        self.classifier = hidden_layers(values, config.units, config.dropout, len(EMOTIONS))

    def forward(self, batch: TensorBatch) -> ModelOutput:
        """No logits of AUs, f32[B,T,0]; emotion logits f32[B,T,8] in the order of :data:`EMOTIONS`."""
        emotion = per_clip(self.classifier(self.encoder(per_frame(batch.frames))), batch.frames)
        return ModelOutput(emotion[..., :0], emotion=emotion)

    def loss(self, batch: TensorBatch, output: ModelOutput, weights: Tensor | None = None) -> Tensor:
        """Mean cross-entropy over the frames whose emotion is known (scalar); 0 without any.

        Args:
            batch: must hold emotions; -1 is masked out.
            output: what :meth:`forward` returned for it.
            weights: of AUs, of which there are none.
        """
        del weights
        if batch.emotion is None or output.emotion is None:
            raise ValueError("EmotionNet's loss needs emotions")
        truth = batch.emotion.long().reshape(-1)
        logits = output.emotion.reshape(len(truth), -1)
        total = nn.functional.cross_entropy(logits, truth, ignore_index=-1, reduction="sum")
        return total / (truth >= 0).sum().clamp(min=1)

    def load_imagenet(self, state: Mapping[str, Tensor]) -> tuple[int, tuple[str, ...]]:
        """Copy torchvision's weights of this backbone; the output layer, of 1000 classes, stays as it is.

        Returns:
            How many tensors fitted, and the names of ours that did not.

        Raises:
            UserError: nothing fits.
        """
        return copy_matching(self, renamed(state))


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Torchvision's AlexNet or VGG under this network's names: ``encoder.0.*`` and ``classifier.*``."""
    dense = sorted({int(m[1]) for name in state if (m := re.match(r"classifier\.(\d+)\.", name))})
    ours = {f"classifier.{old}": f"classifier.{new}" for old, new in zip(dense, (1, 4, 6), strict=False)}
    result = {}
    for name, tensor in state.items():
        layer, _, kind = name.rpartition(".")
        result[name.replace("features.", "encoder.0.") if layer not in ours else f"{ours[layer]}.{kind}"] = (
            tensor
        )
    return result


def build(config: EmotionNetConfig) -> EmotionNet:
    """The network of a configuration, with random weights."""
    return EmotionNet(config)
