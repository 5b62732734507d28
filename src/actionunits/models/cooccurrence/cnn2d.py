"""2DCNN_AU of seed 000: one network an AU, each on the crop of its region, all in one grouped computation.

Paper: Jia et al., KSII TIIS 14(3), 2020. Brow, nose and lip are cropped by the 68 points
(:mod:`actionunits.faces.regions`); four convolutions with pooling, flatten, fully connected, sigmoid.

Departures: the sizes of Figs. 8 and 9 are lost; decided here: crops 64x64 grey, 32, 64, 64, 128 filters 3x3,
batch normalisation, ReLU, 2x2 max-pooling, a fully connected layer of 128, one output. The crops are taken
out of a similarity-aligned face of 200 px instead of the raw frame. Points come with the batch, so that the
boxes are made here and the network needs nothing but what every pipeline has. The thirteen networks share no
weight; they are computed as one network with thirteen groups. AU17 is looked for in the nose crop, as in the
paper, although the chin lies outside it; ``chin = "lip"`` puts it where it can be seen.

To come: the co-occurrence fusion layer, the constrained loss, and the 3D network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align

from actionunits.errors import UserError
from actionunits.faces.regions import MICRO_AUS, MICRO_BOX_POINTS
from actionunits.facs.sets import AU_SETS
from actionunits.models.interface import AUModel, ModelOutput, TensorBatch
from actionunits.models.parts.frames import per_clip, per_frame
from actionunits.records import InputSpec

__all__ = ["Cnn2dAu", "Cnn2dConfig", "build", "region_boxes"]


@dataclass(frozen=True)
class Cnn2dConfig:
    """Sizes of the thirteen networks.

    Attributes:
        aus: the output columns; each must lie in one of the paper's regions.
        size_px: side of the aligned face that the regions are cut from.
        inter_ocular_px: distance between the eyes in it.
        patch_px: side of a region's crop; a multiple of 16.
        filters: of the four convolutions.
        units: of the fully connected layer.
        margin_px: how far a region reaches beyond its points.
        chin: the region in which AU17 is looked for.
    """

    aus: tuple[int, ...] = AU_SETS["casme-13"]
    size_px: int = 200
    inter_ocular_px: float = 80.0
    patch_px: int = 64
    filters: tuple[int, int, int, int] = (32, 64, 64, 128)
    units: int = 128
    margin_px: float = 2.0
    chin: Literal["nose", "lip"] = "nose"

    def __post_init__(self) -> None:
        if self.patch_px % 16 or self.patch_px < 16:
            raise ValueError(f"patch_px must be a multiple of 16, got {self.patch_px}")


def region_boxes(points: Tensor, margin_px: float) -> Tensor:
    """The brow, nose and lip boxes f32[N,3,4] of points f32[N,68,2], as the faces' ``regions`` makes them."""
    table = torch.tensor(list(MICRO_BOX_POINTS.values()), device=points.device)
    picked = points[:, table]
    edges = torch.stack(
        (picked[:, :, 0, 0], picked[:, :, 1, 1], picked[:, :, 2, 0], picked[:, :, 3, 1]), dim=-1
    )
    return edges + torch.tensor([-margin_px, -margin_px, margin_px, margin_px], device=points.device)


class Cnn2dAu(AUModel):
    """Looks at each frame by itself; needs the landmarks."""

    def __init__(self, config: Cnn2dConfig) -> None:
        super().__init__()
        self.config = config
        self.spec = InputSpec(
            aus=config.aus,
            size_px=config.size_px,
            inter_ocular_px=config.inter_ocular_px,
            needs_landmarks=True,
        )
        self.region_of_au = [_region(number, config.chin) for number in config.aus]
        groups = len(config.aus)
        layers: list[nn.Module] = []
        inputs = 1
        for outputs in config.filters:
            layers += [
                nn.Conv2d(groups * inputs, groups * outputs, 3, padding=1, groups=groups),
                nn.BatchNorm2d(groups * outputs),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(2),
            ]
            inputs = outputs
        side = config.patch_px // 16
        layers += [
            nn.Conv2d(groups * inputs, groups * config.units, side, groups=groups),
            nn.ReLU(inplace=True),
            nn.Conv2d(groups * config.units, groups, 1, groups=groups),
        ]
        self.networks = nn.Sequential(*layers)

    def patches(self, batch: TensorBatch) -> Tensor:
        """The three regions of each frame, resized: f32[B*T,3,P,P]."""
        assert batch.landmarks is not None, "the pipeline gives landmarks where the spec asks for them"
        frames, points = per_frame(batch.frames), per_frame(batch.landmarks)
        boxes = region_boxes(points, self.config.margin_px).flatten(0, 1)
        index = torch.arange(frames.shape[0], device=frames.device, dtype=frames.dtype)
        rows = torch.cat((index.repeat_interleave(3)[:, None], boxes.to(frames.dtype)), dim=1)
        side = self.config.patch_px
        cut: Tensor = roi_align(frames, rows, (side, side), sampling_ratio=2, aligned=False)
        return cut.reshape(frames.shape[0], 3, side, side)

    def forward(self, batch: TensorBatch) -> ModelOutput:
        """Logits f32[B,T,A]."""
        patches = self.patches(batch)[:, self.region_of_au]
        logits: Tensor = self.networks(patches)
        return ModelOutput(per_clip(logits.flatten(1), batch.frames))


def _region(number: int, chin: str) -> int:
    names = list(MICRO_AUS)
    if number == 17:
        return names.index(chin)
    for index, name in enumerate(names):
        if number in MICRO_AUS[name]:
            return index
    known = ", ".join(str(n) for aus in MICRO_AUS.values() for n in aus)
    raise UserError(f"AU{number} lies in none of the paper's regions: choose among {known}")


def build(config: Cnn2dConfig) -> Cnn2dAu:
    """The networks of a configuration, with random weights."""
    return Cnn2dAu(config)
