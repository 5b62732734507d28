"""Network 2 of seed 004: four small convolutions and three wide fully connected layers.

Paper: "Impact of action unit occurrence patterns on detection". 3x3 convolutions of 8 and 16 filters, each
followed by max-pooling, then 16 and 20 filters, max-pooling and batch normalisation; fully connected layers
of 4096, 4096 and 512 with ReLU and dropout .4; one output an AU.

Departures, where nothing is stated: convolutions have stride 1, no padding and ReLU, pooling is 2x2, dropout
follows each fully connected layer, and the input is Network 1's 200x200 grey face (200 -> 198 -> 99 -> 97 ->
48 -> 46 -> 44 -> 22; 9,680 values).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from actionunits.facs.sets import AU_SETS
from actionunits.models.interface import AUModel, ModelOutput, TensorBatch
from actionunits.models.parts.frames import per_clip, per_frame
from actionunits.records import InputSpec

__all__ = ["Network2", "Network2Config", "build"]


@dataclass(frozen=True)
class Network2Config:
    """The paper's sizes.

    Attributes:
        aus: the output columns.
        size_px: side of the face crop, at least 22.
        inter_ocular_px: distance between the eyes in the crop.
        filters: of the four convolutions.
        units: of the three fully connected layers.
        dropout: share dropped after each of them.
    """

    aus: tuple[int, ...] = AU_SETS["bp4d-12"]
    size_px: int = 200
    inter_ocular_px: float = 80.0
    filters: tuple[int, int, int, int] = (8, 16, 16, 20)
    units: tuple[int, int, int] = (4096, 4096, 512)
    dropout: float = 0.4

    def __post_init__(self) -> None:
        if self.size_px < 22:
            raise ValueError(f"size_px must be at least 22, got {self.size_px}")


def _side(size_px: int) -> int:
    """Side of the last map."""
    after_two = ((size_px - 2) // 2 - 2) // 2
    return (after_two - 4) // 2


class Network2(AUModel):
    """Looks at each frame by itself."""

    def __init__(self, config: Network2Config) -> None:
        super().__init__()
        self.config = config
        self.spec = InputSpec(
            aus=config.aus,
            size_px=config.size_px,
            inter_ocular_px=config.inter_ocular_px,
            normalisation=((0.0,), (255.0,)),
        )
        layers: list[nn.Module] = []
        pooled = (True, True, False, True)
        for inputs, outputs, pool in zip((1, *config.filters), config.filters, pooled, strict=False):
            layers += [nn.Conv2d(inputs, outputs, 3), nn.ReLU(inplace=True)]
            layers += [nn.MaxPool2d(2)] if pool else []
        self.convolutions = nn.Sequential(*layers, nn.BatchNorm2d(config.filters[-1]))
        dense: list[nn.Module] = [nn.Flatten()]
        widths = (config.filters[-1] * _side(config.size_px) ** 2, *config.units)
        for inputs, outputs in zip(widths, config.units, strict=False):
            dense += [nn.Linear(inputs, outputs), nn.ReLU(inplace=True), nn.Dropout(config.dropout)]
        self.code = nn.Sequential(*dense)
        self.output = nn.Linear(config.units[-1], len(config.aus))

    def forward(self, batch: TensorBatch) -> ModelOutput:
        """Logits f32[B,T,A]."""
        logits = self.output(self.code(self.convolutions(per_frame(batch.frames))))
        return ModelOutput(per_clip(logits, batch.frames))


def build(config: Network2Config) -> Network2:
    """The network of a configuration, with random weights."""
    return Network2(config)
