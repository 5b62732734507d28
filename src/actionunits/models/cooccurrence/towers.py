"""Many small networks of one shape, each on a crop of its own, computed as one.

Seed 000 has thirteen: four convolutions, each with batch normalisation, ReLU and pooling, then two fully
connected layers. They share no weight: the convolutions are grouped, the fully connected layers a product of
batches of matrices. A 3-D convolution over frames is written as a 2-D one over each frame with its two
neighbours stacked beside it, which is the same sum; pixels lie with their channels together. For one still
or clip at a time that is about twice as quick as thirteen plain networks; in batches, where arithmetic and
memory are the limit, it is not (``docs/benchmarks/cooccurrence.md``).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["Towers"]

#: In use the networks look at so many frames at a time.
FRAMES_AT_ONCE = 7


class Towers(nn.Module):
    """``count`` networks, each with one output for its crop.

    The first dimension of every parameter and buffer runs over the networks, so ``chunk(count)`` takes one
    network's part.

    Args:
        count: how many networks, G.
        frames: of a clip, T; 1 for stills, whose kernels are 3x3 instead of 3x3x3.
        side_px: of the crops, P; a multiple of 16.
        filters: of the four convolutions.
        units: of the fully connected layer.

    Attributes:
        lengths: frames after each of the four poolings: half of them, rounded up.
    """

    def __init__(
        self, count: int, frames: int, side_px: int, filters: tuple[int, int, int, int], units: int
    ) -> None:
        super().__init__()
        self.count, self.frames = count, frames
        reach = 3 if frames > 1 else 1
        self.blocks = nn.ModuleList(
            _Block(count, inputs, outputs, reach)
            for inputs, outputs in zip((1, *filters), filters, strict=False)
        )
        lengths = []
        for _ in filters:
            frames = (frames + 1) // 2
            lengths.append(frames)
        self.lengths = tuple(lengths)
        self.code = _Linear(count, filters[-1] * (side_px // 16) ** 2 * lengths[-1], units)
        self.output = _Linear(count, units, 1)

    def forward(self, crops: Tensor) -> Tensor:
        """f32[B,T,G,P,P] -> one value of each network, f32[B,G]."""
        at_once = max(1, FRAMES_AT_ONCE // self.frames)
        if self.training or torch.compiler.is_compiling() or len(crops) <= at_once:
            return self._together(crops)
        return torch.cat([self._together(part) for part in torch.split(crops, at_once)])

    def _together(self, crops: Tensor) -> Tensor:
        x = crops.permute(0, 1, 3, 4, 2)[..., None]  # [B,T,P,P,G,1]
        for block in self.blocks:
            x = block(x)
        values = x.permute(4, 0, 5, 1, 2, 3).flatten(2)  # [G,B,V]
        code = nn.functional.relu(self.code(values))
        answers: Tensor = self.output(code)
        return answers[..., 0].T


class _Block(nn.Module):
    """A convolution of every network, normalised, pooled by 2, rectified.

    The maximum and the rectifier give the same in either order; there is a quarter to rectify after it.
    """

    def __init__(self, count: int, inputs: int, outputs: int, reach: int) -> None:
        super().__init__()
        self.count, self.reach = count, reach
        self.convolution = nn.Conv2d(
            count * reach * inputs, count * outputs, 3, padding=1, groups=count
        ).to(memory_format=torch.channels_last)  # fmt: skip
        self.norm = nn.BatchNorm2d(count * outputs)

    def forward(self, x: Tensor) -> Tensor:
        """f32[B,T,P,P,G,I] -> f32[B,ceil(T/2),P/2,P/2,G,O]."""
        clips, length = x.shape[:2]
        stacked = _with_neighbours(x) if self.reach == 3 else x
        pictures = stacked.flatten(4).flatten(0, 1).permute(0, 3, 1, 2)
        maps = nn.functional.max_pool2d(self.norm(self.convolution(pictures)), 2)
        apart = (clips, length, *maps.shape[2:], self.count, -1)
        return nn.functional.relu(_pairs(maps.permute(0, 2, 3, 1).reshape(apart)))


def _with_neighbours(x: Tensor) -> Tensor:
    """Each frame with the one before it and after it, zeros over the ends: [B,T,...,I] -> [B,T,...,3,I]."""
    nothing = torch.zeros_like(x[:, :1])
    longer = torch.cat((nothing, x, nothing), dim=1)
    return torch.stack((longer[:, :-2], x, longer[:, 2:]), dim=-2)


def _pairs(x: Tensor) -> Tensor:
    """The maximum of each two frames; a last one without a partner stays."""
    length = x.shape[1]
    if length == 1:
        return x
    both = torch.maximum(x[:, 0 : length - 1 : 2], x[:, 1::2])
    return both if length % 2 == 0 else torch.cat((both, x[:, -1:]), dim=1)


class _Linear(nn.Module):
    """A fully connected layer of each network: f32[G,B,I] -> f32[G,B,O]."""

    def __init__(self, count: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)  # as nn.Linear begins
        self.weight = nn.Parameter(torch.empty(count, outputs, inputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(count, outputs).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias[:, None], x, self.weight.transpose(1, 2))
