"""Network 5 of seed 004: Fung and McDuff's "VGG13" on 64x64 grey faces.

Paper: "Impact of action unit occurrence patterns on detection", after Fung and McDuff. 3x3 convolutions that
keep the size, 64, 64 | 128, 128 | 256 three times | 256 three times; each block ends with 2x2 max-pooling
and dropout .25 (64 -> 32 -> 16 -> 8 -> 4); two fully connected layers of 1024 with ReLU and dropout .5; one
output an AU.

Departures: the distance between the eyes in the crop is not stated: 25.6 px, the share that seed 003 uses.
Weights start as He et al. draw them (not stated): with PyTorch's own start the ten layers hardly train.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from actionunits.facs.sets import AU_SETS
from actionunits.models.interface import AUModel, ModelOutput, TensorBatch
from actionunits.models.parts.frames import per_clip, per_frame
from actionunits.records import InputSpec

__all__ = ["Network5", "Network5Config", "build"]

#: Convolutions of each block.
DEPTHS = (2, 2, 3, 3)


@dataclass(frozen=True)
class Network5Config:
    """The paper's sizes.

    Attributes:
        aus: the output columns.
        size_px: side of the face crop; a multiple of 16.
        inter_ocular_px: distance between the eyes in the crop.
        filters: of the convolutions of each block.
        units: width of the two fully connected layers.
        block_dropout: share dropped after each block.
        dropout: share dropped after each fully connected layer.
    """

    aus: tuple[int, ...] = AU_SETS["bp4d-12"]
    size_px: int = 64
    inter_ocular_px: float = 25.6
    filters: tuple[int, int, int, int] = (64, 128, 256, 256)
    units: int = 1024
    block_dropout: float = 0.25
    dropout: float = 0.5

    def __post_init__(self) -> None:
        if self.size_px % 16 or self.size_px < 16:
            raise ValueError(f"size_px must be a multiple of 16, got {self.size_px}")


class Network5(AUModel):
    """Looks at each frame by itself."""

    def __init__(self, config: Network5Config) -> None:
        super().__init__()
        self.config = config
        self.spec = InputSpec(aus=config.aus, size_px=config.size_px, inter_ocular_px=config.inter_ocular_px)
        layers: list[nn.Module] = []
        inputs = 1
        for outputs, depth in zip(config.filters, DEPTHS, strict=True):
            for _ in range(depth):
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
                inputs = outputs
            layers += [nn.MaxPool2d(2), nn.Dropout(config.block_dropout)]
        self.convolutions = nn.Sequential(*layers)
        side = config.size_px // 16
        self.code = nn.Sequential(
            nn.Flatten(),
            nn.Linear(inputs * side * side, config.units),
            nn.ReLU(inplace=True),
            nn.Dropout(config.dropout),
            nn.Linear(config.units, config.units),
            nn.ReLU(inplace=True),
            nn.Dropout(config.dropout),
        )
        self.output = nn.Linear(config.units, len(config.aus))
        for module in [*self.convolutions, *self.code]:
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, batch: TensorBatch) -> ModelOutput:
        """Logits f32[B,T,A]."""
        logits = self.output(self.code(self.convolutions(per_frame(batch.frames))))
        return ModelOutput(per_clip(logits, batch.frames))


def build(config: Network5Config) -> Network5:
    """The network of a configuration, with random weights."""
    return Network5(config)
