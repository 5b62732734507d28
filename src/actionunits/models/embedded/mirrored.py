"""Layers that see the mirrored face as the face, with left and right changed.

A face and its mirror show the same AUs; what is on the left of one is on the right of the other. These layers
have that built in. Channels and features come as twins, in two halves: of the mirrored picture the first half
is the mirrored second half of the picture, and the other way round. So a number that both twins give alike is
the same for both pictures, and their difference changes its sign: it tells left from right, and what is the
same on both sides cannot disturb it. (Up to rounding: in a file of 8 bits, to some thousandths. Dropout
strikes each twin by itself.)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["MirrorConvolution", "MirrorNorm", "mirrored_map"]


def mirrored_map(features: Tensor) -> Tensor:
    """The features [N,2C,H,W] that these layers give of the mirrored picture."""
    return _twins_changed(features).flip(-1)


def _twins_changed(features: Tensor) -> Tensor:
    """[N,2C,..] with the halves of its channels in the other order."""
    half = features.shape[1] // 2
    return torch.cat([features[:, half:], features[:, :half]], dim=1)


class MirrorConvolution(nn.Module):
    """A convolution into twins.

    With stride 2 its kernels are four columns wide, for maps of an even number of columns: three would see
    their left otherwise than their right.

    Args:
        inputs: channels, twins in two halves; 1 for a picture.
        outputs: channels, half of them with weights of their own.
        size: rows of a kernel: 3 or 1.
        stride: 1 or 2.
    """

    def __init__(self, inputs: int, outputs: int, *, size: int = 3, stride: int = 1) -> None:
        super().__init__()
        if outputs % 2 or (inputs > 1 and inputs % 2):
            raise ValueError(f"twins need even numbers of channels, got {inputs} and {outputs}")
        self.stride, self.padding = stride, size // 2
        self.weight = nn.Parameter(torch.empty(outputs // 2, inputs, size, size + (stride == 2)))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))

    def forward(self, features: Tensor) -> Tensor:
        """Features [N,2C,H,W] (or a picture [N,1,H,W]) into [N,2D,H',W']."""
        twin = self.weight.flip(-1)
        if twin.shape[1] > 1:  # a picture has no twin
            twin = _twins_changed(twin)
        weight = torch.cat([self.weight, twin])
        return functional.conv2d(features, weight, stride=self.stride, padding=self.padding)


class MirrorNorm(nn.Module):
    """Batch normalisation [N,2C,H,W] with one scale, shift, kept mean and deviation for both twins.

    In training each twin has the mean and deviation of its own batch; what is kept is the mean of both.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, channels: int, momentum: float = 0.1) -> None:
        super().__init__()
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(channels // 2))
        self.bias = nn.Parameter(torch.zeros(channels // 2))
        self.register_buffer("mean", torch.zeros(channels // 2))
        self.register_buffer("variance", torch.ones(channels // 2))

    def forward(self, features: Tensor) -> Tensor:
        """As deviations from the mean, scaled and shifted."""
        mean, variance = self.mean.repeat(2), self.variance.repeat(2)
        scale, shift = self.weight.repeat(2), self.bias.repeat(2)
        normed = functional.batch_norm(
            features, mean, variance, scale, shift, training=self.training, momentum=self.momentum
        )
        if self.training:
            self.mean.copy_(mean.reshape(2, -1).mean(0))
            self.variance.copy_(variance.reshape(2, -1).mean(0))
        return normed
