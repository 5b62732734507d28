"""The 3-D half of FACS3D-Net: three convolutions over a whole clip."""

from __future__ import annotations

from torch import Tensor, nn

from actionunits.errors import UserError

__all__ = ["Trunk3d"]


class Trunk3d(nn.Module):
    """Convolutions of stride 2, 1, 1, no padding; each -> BatchNorm -> ReLU -> max-pool 3x3x3 stride 2.

    Attributes:
        outputs: values that the flattened result has.
        sizes: (frames, side) of the map after each convolution and each pooling.

    >>> Trunk3d(126, 200).sizes
    ((62, 99), (30, 49), (28, 47), (13, 23), (11, 21), (5, 10))
    >>> Trunk3d(126, 200).outputs
    64000
    """

    def __init__(
        self,
        length: int,
        size_px: int,
        filters: tuple[int, int, int] = (64, 128, 128),
        kernel: int = 3,
        channels: int = 1,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        sizes, now = [], (length, size_px)
        for inputs, outputs, stride in zip((channels, *filters), filters, (2, 1, 1), strict=False):
            convolved = tuple((side - kernel) // stride + 1 for side in now)
            pooled = tuple((side - 3) // 2 + 1 for side in convolved)
            if min(convolved) < 3:
                raise UserError(
                    f"a clip of {length} frames of {size_px} px is too small for this network: raise "
                    "clip_length and size_px to 55 or more"
                )
            sizes += [convolved, pooled]
            now = (pooled[0], pooled[1])
            layers += [
                nn.Conv3d(inputs, outputs, kernel, stride=stride),
                nn.BatchNorm3d(outputs),
                nn.ReLU(inplace=True),
                nn.MaxPool3d(3, stride=2),
            ]
        self.layers = nn.Sequential(*layers)
        self.sizes = tuple((frames, side) for frames, side in sizes)
        self.outputs = filters[-1] * now[0] * now[1] ** 2

    def forward(self, x: Tensor) -> Tensor:
        """f32[N,C,T,S,S] -> f32[N, outputs]."""
        out: Tensor = self.layers(x)
        return out.flatten(1)
