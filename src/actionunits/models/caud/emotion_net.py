"""EmotionNet of seed 002: AlexNet or VGG-16 with an output layer for eight emotions.

Paper: Romero and Arbelaez, convolutional AU detection. The network learns emotions first; its convolutional
layers are then the frozen encoder of every AU head (:mod:`actionunits.models.caud.heads`).

Departures: the adaptive pooling of torchvision's versions stands (identity at 224 px). ImageNet weights are
read from a file that the user has; without one the network starts from random weights, which the paper found
not to converge.
"""

from __future__ import annotations

from typing import Literal

import torchvision
from torch import Tensor, nn

__all__ = ["EMOTIONS", "EmotionNet", "make_encoder"]

EMOTIONS = ("neutral", "happy", "sad", "anger", "fear", "disgust", "surprise", "contempt")

Backbone = Literal["alexnet", "vgg16"]


def make_encoder(backbone: Backbone) -> tuple[nn.Sequential, int]:
    """The convolutional layers with the pooling to 6x6 or 7x7, and how many values they give.

    AlexNet: 256 x 6 x 6 = 9,216; VGG-16: 512 x 7 x 7 = 25,088.
    """
    if backbone == "alexnet":
        net = torchvision.models.alexnet(weights=None)
        return nn.Sequential(net.features, net.avgpool, nn.Flatten()), 9216
    net = torchvision.models.vgg16(weights=None)
    return nn.Sequential(net.features, net.avgpool, nn.Flatten()), 25088


class EmotionNet(nn.Module):
    """RGB faces f32[N,3,S,S] to emotion logits f32[N,8], in the order of :data:`EMOTIONS`."""

    def __init__(self, backbone: Backbone = "alexnet", units: int = 4096, dropout: float = 0.5) -> None:
        super().__init__()
        self.encoder, values = make_encoder(backbone)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(values, units),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(units, units),
            nn.ReLU(inplace=True),
            nn.Linear(units, len(EMOTIONS)),
        )

    def forward(self, faces: Tensor) -> Tensor:
        """f32[N,3,S,S] -> f32[N,8]."""
        logits: Tensor = self.classifier(self.encoder(faces))
        return logits
