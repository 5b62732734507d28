"""The network that places the 68 points: a heat map for each, and its centre of mass.

A heat map moves with the face, so that a few dozen people suffice to learn from; features of the whole crop
are added to the finer ones, so that a hidden point is placed by its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["PointNet", "PointNetConfig"]

#: Pixels of the crop to a cell of a heat map. Finer than that a point lies by how cells share its weight,
#: which the layers before, on finer cells, can tell.
STRIDE = 8


@dataclass(frozen=True)
class PointNetConfig:
    """Sizes of the network.

    Attributes:
        size_px: side of the crop, a multiple of 32.
        channels: of the layers at a quarter, an eighth, a 16th and a 32nd of the crop's side; at a half there
            are half as many as at a quarter.
        blocks: residual blocks at each of the last three.
    """

    size_px: int = 160
    channels: tuple[int, int, int, int] = (16, 32, 64, 96)
    blocks: tuple[int, int, int] = (0, 1, 2)

    def __post_init__(self) -> None:
        if self.size_px < 32 or self.size_px % 32:
            raise ValueError(f"size_px must be a multiple of 32, at least 32, got {self.size_px}")


class PointNet(nn.Module):
    """Grey crops f32[N,1,S,S] (0 to 255) -> points f32[N,68,2] in pixels of the crop."""

    places: Tensor

    def __init__(self, config: PointNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or PointNetConfig()
        stem, fine, middle, coarse = config.channels
        self.stem = nn.Sequential(_joined(1, stem // 2, 2), _joined(stem // 2, stem, 2))
        self.fine = _stage(stem, fine, config.blocks[0])
        self.middle = _stage(fine, middle, config.blocks[1])
        self.coarse = _stage(middle, coarse, config.blocks[2])
        self.down_to_middle = nn.Conv2d(coarse, middle, 1)
        self.join_middle = _Block(middle)
        self.down_to_fine = nn.Conv2d(middle, fine, 1)
        self.join_fine = _Block(fine)
        self.maps = nn.Conv2d(fine, 68, 1)
        cells = torch.arange(config.size_px // STRIDE) * STRIDE + (STRIDE - 1) / 2
        y, x = torch.meshgrid(cells, cells, indexing="ij")
        self.register_buffer("places", torch.stack([x, y], 2).reshape(-1, 2).float(), persistent=False)

    def forward(self, crops: Tensor) -> Tensor:
        """The points."""
        return self.points_and_spread(crops)[0]

    def points_and_spread(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Points f32[N,68,2] and the variance f32[N,68] of their heat maps (both axes' sum, px squared)."""
        weight = torch.softmax(self.maps(self._features(crops)).float().flatten(2), dim=2)
        points = weight @ self.places
        return points, (weight @ self.places**2 - points**2).sum(dim=2)

    def _features(self, crops: Tensor) -> Tensor:
        """The crop's grey values are brought to mean 0 and deviation 1 first: light does not matter."""
        mean = crops.mean(dim=(2, 3), keepdim=True)
        centred = crops - mean
        deviation = (centred * centred).mean(dim=(2, 3), keepdim=True).sqrt()
        fine = self.fine(self.stem(centred / (deviation + 4.0)))
        middle = self.middle(fine)
        coarse = self.down_to_middle(self.coarse(middle))
        middle = self.join_middle(middle + functional.interpolate(coarse, scale_factor=2.0))
        return cast(
            Tensor, self.join_fine(fine + functional.interpolate(self.down_to_fine(middle), scale_factor=2.0))
        )


class _Block(nn.Module):
    """Two convolutions, over half of the channels between them, beside a straight way."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            _joined(channels, channels // 2), _joined(channels // 2, channels, relu=False)
        )

    def forward(self, values: Tensor) -> Tensor:
        return functional.relu(values + cast(Tensor, self.change(values)))


def _joined(given: int, made: int, stride: int = 1, *, relu: bool = True) -> nn.Sequential:
    """A 3x3 convolution with its normalisation."""
    layers: list[nn.Module] = [
        nn.Conv2d(given, made, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(made),
    ]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if relu else []))


def _stage(given: int, made: int, blocks: int) -> nn.Sequential:
    """Half the side, then residual blocks."""
    return nn.Sequential(_joined(given, made, 2), *(_Block(made) for _ in range(blocks)))
