"""ROI-Nets and LCN, with which seed 001's Table 11 compares the time of AR_vgg19; they are not trained here.

Both stand on the same VGG-19 convolutions as AR_vgg19. ROI-Nets (Li, Abtahi and Zhu): around each of 20 AU
centres 3x3 cells of the last map go through a convolution and a fully connected layer of that centre's own.
LCN (Taigman et al.'s locally connected layer): a 3x3 convolution whose weights differ from place to place.

Decided here, where seed 001 says no more: ROI-Nets' own layers are a 3x3 convolution of 512 and 150 units a
centre; LCN's locally connected layer has 16 filters, as DeepFace's, and 4096 units behind it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from actionunits.models.au_rcnn.ar_vgg import vgg_trunk
from actionunits.models.au_rcnn.region_net import STRIDE

__all__ = ["AU_CENTRES", "LocalNet", "LocallyConnected", "RoiNets"]

#: Centres of ROI-Nets.
AU_CENTRES = 20
#: Cells of the map around a centre, on either side.
_REACH = 1


class RoiNets(nn.Module):
    """A small network for each AU centre.

    Args:
        aus: outputs.
        width: share of VGG's filters, 1 in the papers.
        units: of each centre.
    """

    def __init__(self, aus: int, width: float = 1.0, units: int = 150) -> None:
        super().__init__()
        self.features, channels = vgg_trunk(19, width)
        self.own = nn.ModuleList(_centre_net(channels, units) for _ in range(AU_CENTRES))
        self.output = nn.Linear(AU_CENTRES * units, aus)

    def forward(self, faces: Tensor, centres: Tensor) -> Tensor:
        """Logits f32[1,A] of a face f32[1,3,S,S] and its centres f32[20,2] (x, y) in pixels."""
        maps = self.features(faces)
        columns, rows = (centres / STRIDE).floor().long().clamp(_REACH, maps.shape[-1] - 1 - _REACH).unbind(1)
        codes = []
        for net, row, column in zip(self.own, rows.tolist(), columns.tolist(), strict=True):
            cells = maps[:, :, row - _REACH : row + _REACH + 1, column - _REACH : column + _REACH + 1]
            codes.append(net(cells))
        logits: Tensor = self.output(torch.cat(codes, dim=1))
        return logits


def _centre_net(channels: int, units: int) -> nn.Sequential:
    side = 2 * _REACH + 1
    return nn.Sequential(
        nn.Conv2d(channels, channels, side, padding=_REACH),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(channels * side**2, units),
        nn.ReLU(inplace=True),
    )


class LocallyConnected(nn.Module):
    """A 3x3 convolution, padded, with weights of its own at each place.

    Args:
        inputs: channels.
        outputs: filters.
        side: of the map.
    """

    def __init__(self, inputs: int, outputs: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.weight = nn.Parameter(0.01 * torch.randn(side * side, 9 * inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(side * side, outputs))

    def forward(self, maps: Tensor) -> Tensor:
        """f32[N,C,side,side] -> f32[N,outputs,side,side]."""
        windows = nn.functional.unfold(maps, 3, padding=1).permute(2, 0, 1)
        found = torch.baddbmm(self.bias[:, None], windows, self.weight)
        return found.permute(1, 2, 0).reshape(maps.shape[0], -1, self.side, self.side)


class LocalNet(nn.Module):
    """VGG-19's convolutions, a locally connected layer, two fully connected ones.

    Args:
        aus: outputs.
        size_px: side of the face.
        width: share of VGG's filters, 1 in the papers.
        filters: of the locally connected layer.
        units: of the hidden layer.
    """

    def __init__(
        self, aus: int, size_px: int, width: float = 1.0, filters: int = 16, units: int = 4096
    ) -> None:
        super().__init__()
        self.features, channels = vgg_trunk(19, width)
        side = size_px // STRIDE
        self.head = nn.Sequential(
            LocallyConnected(channels, filters, side),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.Linear(filters * side * side, units),
            nn.ReLU(inplace=True),
            nn.Linear(units, aus),
        )

    def forward(self, faces: Tensor) -> Tensor:
        """Logits f32[N,A] of faces f32[N,3,S,S]."""
        logits: Tensor = self.head(self.features(faces))
        return logits
