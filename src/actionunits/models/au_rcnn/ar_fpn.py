"""AR_FPN of seed 001: AU R-CNN whose boxes are read from a feature pyramid.

Paper: Ma, Chen and Yong, "AU R-CNN", section 4.4. 1x1 laterals of res2 to res5 to 256 channels, each added to
the upsampled one above it, then a 3x3 convolution; a box of w x h pixels is max-pooled to 7x7 from level
k = floor(4 + log2(sqrt(w h) / 224)), 2 to 5 (Eq. 2); a 7x7 convolution to 1024, ReLU, a 1x1 to 1024, ReLU,
and one output an AU. The pyramid is torchvision's.

Departures: as AR_res for pixels and boxes; Eq. 2's brackets are lost in the text: they are taken for the
floor of the cited paper. ``backbone``, ``channels`` and ``units`` may be smaller. Every level is pooled for
every box and the right one kept: they are few, and the network stays one graph.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork

from actionunits.models.au_rcnn.region_net import RegionConfig, RegionNet
from actionunits.models.au_rcnn.roi_level import pool_boxes
from actionunits.models.parts.pretrained import copy_matching
from actionunits.models.parts.resnet import RESNET_WIDTH, ResNetName, make_resnet

__all__ = ["ArFpn", "ArFpnConfig", "build", "level_of"]

LOWEST, HIGHEST = 2, 5


@dataclass(frozen=True)
class ArFpnConfig(RegionConfig):
    """The paper's sizes.

    Attributes:
        backbone: the paper's is ``resnet101``.
        channels: of the pyramid.
        units: of the two layers behind a pooled box.
        roi_cells: side of a pooled box.
    """

    backbone: ResNetName = "resnet101"
    channels: int = 256
    units: int = 1024
    roi_cells: int = 7


def level_of(boxes: Tensor) -> Tensor:
    """i64[..]: the pyramid's level, 2 to 5, of boxes f32[..,4] in pixels (Eq. 2).

    >>> level_of(torch.tensor([[0.0, 0, 224, 224], [0, 0, 112, 112], [0, 0, 10, 10]])).tolist()
    [4, 3, 2]
    """
    area = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    octaves = 0.5 * torch.log2(area.clamp(min=1.0)) - math.log2(224)
    level = torch.floor(4 + octaves + 1e-6)  # 224 px are level 4, however they are rounded
    return level.clamp(LOWEST, HIGHEST).long()


class ArFpn(RegionNet):
    """A ResNet with a pyramid over its four maps."""

    config: ArFpnConfig

    def __init__(self, config: ArFpnConfig) -> None:
        super().__init__(config, config.units)
        self.backbone = make_resnet(config.backbone)
        self.backbone.fc = nn.Identity()
        deepest = RESNET_WIDTH[config.backbone]
        widths = [deepest // 2 ** (HIGHEST - level) for level in range(LOWEST, HIGHEST + 1)]
        self.pyramid = FeaturePyramidNetwork(widths, config.channels)
        self.reading = nn.Sequential(
            nn.Conv2d(config.channels, config.units, config.roi_cells),
            nn.ReLU(inplace=True),
            nn.Conv2d(config.units, config.units, 1),
            nn.ReLU(inplace=True),
            nn.Flatten(),
        )

    def load_imagenet(self, state: Mapping[str, Tensor]) -> tuple[int, tuple[str, ...]]:
        """Take torchvision's weights of the ResNet; give how many tensors fitted and the names left out."""
        return copy_matching(self.backbone, state, least=0.9)

    def maps(self, faces: Tensor) -> list[Tensor]:
        """f32[N,3,S,S] -> the pyramid's maps, 1/4 to 1/32."""
        net = self.backbone
        found = net.maxpool(net.relu(net.bn1(net.conv1(faces))))
        levels: dict[str, Tensor] = {}
        for level in range(LOWEST, HIGHEST + 1):
            found = getattr(net, f"layer{level - 1}")(found)
            levels[str(level)] = found
        return list(self.pyramid(levels).values())

    def box_maps(self, maps: list[Tensor], boxes: Tensor) -> Tensor:
        """Each box out of its level, f32[N*R,C,7,7]."""
        wanted, cells = level_of(boxes).flatten()[:, None, None, None], self.config.roi_cells
        pooled = pool_boxes(maps[0], boxes, cells, 2**LOWEST)
        for level, one in enumerate(maps[1:], start=LOWEST + 1):
            pooled = torch.where(wanted == level, pool_boxes(one, boxes, cells, 2**level), pooled)
        return pooled

    def code(self, box_maps: Tensor) -> Tensor:
        """f32[K,C,7,7] -> f32[K,units]."""
        code: Tensor = self.reading(box_maps)
        return code


def build(config: ArFpnConfig) -> ArFpn:
    """The network of a configuration, with random weights."""
    return ArFpn(config)
