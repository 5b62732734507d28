"""AR_res of seed 001: AU R-CNN on a ResNet-101.

Paper: Ma, Chen and Yong, "AU R-CNN", section 3.3 and Fig. 3. conv1 to res4 give a map of 1/16; each box is
max-pooled out of it to 14x14, goes through res5 (stride 2, 7x7) and average pooling, a fully connected layer
of 1000 (ImageNet's own where its weights are given), ReLU, and one output an AU, drawn from N(0, 0.01).

Departures: the mean that is subtracted is ImageNet's channel mean, divided by its deviation (the paper: the
data set's mean image). Every face has as many boxes (:func:`actionunits.faces.regions.regions_of`).
``backbone`` and ``roi_cells`` may be smaller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from actionunits.models.au_rcnn.region_net import STRIDE, RegionConfig, RegionNet
from actionunits.models.au_rcnn.roi_level import pool_boxes
from actionunits.models.parts.pretrained import copy_matching
from actionunits.models.parts.resnet import ResNetName, make_resnet

__all__ = ["ArRes", "ArResConfig", "ar_res_config", "build"]


@dataclass(frozen=True)
class ArResConfig(RegionConfig):
    """The paper's sizes.

    Attributes:
        backbone: the paper's is ``resnet101``.
        roi_cells: side of a pooled box; res5 halves it.
    """

    backbone: ResNetName = "resnet101"
    roi_cells: int = 14


def ar_res_config(config: ArResConfig) -> ArResConfig:
    """Of the AR_res inside a network over time, whose configuration says more than this."""
    return ArResConfig(**{each.name: getattr(config, each.name) for each in fields(ArResConfig)})


class ArRes(RegionNet):
    """A ResNet cut before res5, which works on the boxes."""

    config: ArResConfig

    def __init__(self, config: ArResConfig) -> None:
        super().__init__(config)
        self.backbone = make_resnet(config.backbone)

    def load_imagenet(self, state: Mapping[str, Tensor]) -> tuple[int, tuple[str, ...]]:
        """Take torchvision's weights, its ``fc`` too; give how many tensors fitted and the names left out."""
        return copy_matching(self.backbone, state, least=0.9)

    def maps(self, faces: Tensor) -> Tensor:
        """f32[N,3,S,S] -> res4's map f32[N,C,S/16,S/16]."""
        net = self.backbone
        found = net.maxpool(net.relu(net.bn1(net.conv1(faces))))
        deep: Tensor = net.layer3(net.layer2(net.layer1(found)))
        return deep

    def box_maps(self, maps: Tensor, boxes: Tensor) -> Tensor:
        """res5's map of each box, f32[N*R,C,7,7]."""
        deep: Tensor = self.backbone.layer4(pool_boxes(maps, boxes, self.config.roi_cells, STRIDE))
        return deep

    def code(self, box_maps: Tensor) -> Tensor:
        """f32[K,C,H,W] -> f32[K,1000]."""
        code: Tensor = self.backbone.fc(torch.flatten(self.backbone.avgpool(box_maps), 1))
        return nn.functional.relu(code)


def build(config: ArResConfig) -> ArRes:
    """The network of a configuration, with random weights."""
    return ArRes(config)
