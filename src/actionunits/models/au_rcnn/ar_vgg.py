"""AR_vgg16 and AR_vgg19 of seed 001: AU R-CNN on a VGG network.

Paper: Ma, Chen and Yong, "AU R-CNN", sections 3.3 and 4.1.3. The last convolution's map (1/16, without
pool5); each box is max-pooled out of it to 7x7; fc6 25088 -> 4096 and fc7 4096, each with ReLU, fc8 1000 with
ReLU, and one output an AU, drawn from N(0, 0.01). No dropout.

Departures: as AR_res for pixels and boxes. ``width`` narrows the convolutions and ``units`` the layers behind
them, for work on a CPU; ``batch_norm`` adds batch normalisation after each convolution: without ImageNet's
weights a VGG of this depth does not begin to learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from actionunits.models.au_rcnn.region_net import STRIDE, RegionConfig, RegionNet
from actionunits.models.au_rcnn.roi_level import pool_boxes
from actionunits.models.parts.pretrained import copy_matching

__all__ = ["ArVgg", "ArVggConfig", "build", "vgg_trunk"]

Depth = Literal[11, 16, 19]
#: torchvision's letter for each depth.
_LETTERS: dict[int, str] = {11: "A", 16: "D", 19: "E"}
#: The place of each of our fully connected layers in torchvision's classifier.
_CLASSIFIER = {"classifier.0": "fully.0", "classifier.3": "fully.2", "classifier.6": "fully.4"}


@dataclass(frozen=True)
class ArVggConfig(RegionConfig):
    """The paper's sizes.

    Attributes:
        depth: 16 or 19 layers; 11 for small work.
        width: share of the convolutions' filters, 1 in the paper.
        units: of fc6 and fc7.
        batch_norm: after each convolution; not in the paper.
        roi_cells: side of a pooled box.
    """

    depth: Depth = 16
    width: float = 1.0
    units: int = 4096
    batch_norm: bool = False
    roi_cells: int = 7

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.width <= 1:
            raise ValueError(f"width must be above 0 and at most 1, got {self.width}")


def vgg_trunk(depth: Depth, width: float = 1.0, *, batch_norm: bool = False) -> tuple[nn.Sequential, int]:
    """VGG's convolutions without pool5, with random weights, and the channels of their map."""
    plan = [part if part == "M" else max(1, round(width * int(part))) for part in cfgs[_LETTERS[depth]]]
    layers = make_layers(plan, batch_norm=batch_norm)[:-1]
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
    return layers, int(plan[-2])


class ArVgg(RegionNet):
    """VGG's convolutions over the face, its fully connected layers over the boxes."""

    config: ArVggConfig

    def __init__(self, config: ArVggConfig) -> None:
        super().__init__(config)
        self.features, channels = vgg_trunk(config.depth, config.width, batch_norm=config.batch_norm)
        widths = (channels * config.roi_cells**2, config.units, config.units, 1000)
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            layer = nn.Linear(inputs, outputs)
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
            layers += [layer, nn.ReLU(inplace=True)]
        self.fully = nn.Sequential(*layers)

    def load_imagenet(self, state: Mapping[str, Tensor]) -> tuple[int, tuple[str, ...]]:
        """Take torchvision's weights, its classifier too; give how many fitted and the names left out."""
        named = {_own_name(name): value for name, value in state.items()}
        fitted, left = copy_matching(self, named)
        return fitted, tuple(name for name in left if not name.startswith("box_output."))

    def maps(self, faces: Tensor) -> Tensor:
        """f32[N,3,S,S] -> the last convolution's map f32[N,C,S/16,S/16]."""
        found: Tensor = self.features(faces)
        return found

    def box_maps(self, maps: Tensor, boxes: Tensor) -> Tensor:
        """Each box out of the map, f32[N*R,C,7,7]."""
        return pool_boxes(maps, boxes, self.config.roi_cells, STRIDE)

    def code(self, box_maps: Tensor) -> Tensor:
        """f32[K,C,7,7] -> f32[K,1000]."""
        code: Tensor = self.fully(torch.flatten(box_maps, 1))
        return code


def _own_name(name: str) -> str:
    layer, dot, kind = name.rpartition(".")
    return f"{_CLASSIFIER.get(layer, layer)}{dot}{kind}"


def build(config: ArVggConfig) -> ArVgg:
    """The network of a configuration, with random weights."""
    return ArVgg(config)
