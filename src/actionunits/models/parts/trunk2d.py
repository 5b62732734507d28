"""Three convolutions without padding, each with batch normalisation, ReLU and 2x2 pooling.

Seed 003's 2D CNN and seed 004's Network 1 are this trunk with a fully connected layer of 400 on it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from actionunits.errors import UserError

__all__ = ["Trunk2d", "code_layer"]


class Trunk2d(nn.Module):
    """Convolutions of stride 2, 1, 1, no padding; each -> BatchNorm -> ReLU -> max-pool 2x2 stride 2.

    Attributes:
        outputs: values that the flattened result has.
        sides: side of the square map after each convolution and each pooling.

    >>> Trunk2d(200).sides, Trunk2d(200).outputs
    ((98, 49, 45, 22, 18, 9), 10368)
    """

    def __init__(
        self, size_px: int, filters: tuple[int, int, int] = (64, 128, 128), kernel: int = 5, channels: int = 1
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        sides, side = [], size_px
        for inputs, outputs, stride in zip((channels, *filters), filters, (2, 1, 1), strict=False):
            side = (side - kernel) // stride + 1
            sides += [side, side // 2]
            side //= 2
            if side < 1:
                raise UserError(f"a face of {size_px} px is too small for this network: raise size_px")
            layers += [
                nn.Conv2d(inputs, outputs, kernel, stride=stride),
                nn.BatchNorm2d(outputs),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(2),
            ]
        self.layers = nn.Sequential(*layers).to(memory_format=torch.channels_last)  # quicker on a CPU
        self.sides = tuple(sides)
        self.outputs = filters[-1] * side * side

    def forward(self, x: Tensor) -> Tensor:
        """f32[N,C,S,S] -> f32[N, outputs]."""
        out: Tensor = self.layers(x)
        return out.flatten(1)


def code_layer(inputs: int, units: int) -> nn.Sequential:
    """A fully connected layer with ReLU."""
    return nn.Sequential(nn.Linear(inputs, units), nn.ReLU(inplace=True))
