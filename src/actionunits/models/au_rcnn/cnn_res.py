"""CNN_res of seed 001: the paper's baseline, a ResNet-101 on the whole face.

Paper: Ma, Chen and Yong, "AU R-CNN". Global average pooling, a fully connected layer of 1000 (ImageNet's own
where its weights are given), ReLU, and one output an AU, drawn from N(0, 0.01).

Departures: the mean that is subtracted is ImageNet's channel mean, divided by its deviation (the paper: the
data set's mean image). ``backbone`` may be a smaller ResNet; ``crop = "eyes"`` registers the face by a
similarity on the eyes, to about the paper's field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from actionunits.facs.sets import AU_SETS
from actionunits.models.au_rcnn.region_net import CropKind, au_rcnn_spec, small_output
from actionunits.models.interface import AUModel, ModelOutput, TensorBatch
from actionunits.models.parts.frames import per_clip, per_frame
from actionunits.models.parts.pretrained import copy_matching
from actionunits.models.parts.resnet import ResNetName, make_resnet

__all__ = ["CnnRes", "CnnResConfig", "build"]


@dataclass(frozen=True)
class CnnResConfig:
    """The paper's sizes.

    Attributes:
        aus: the output columns.
        backbone: the paper's is ``resnet101``.
        size_px: side of the RGB face crop.
        crop: laid by the ``points``, as in the paper, or by the ``eyes``.
    """

    aus: tuple[int, ...] = AU_SETS["bp4d-12"]
    backbone: ResNetName = "resnet101"
    size_px: int = 512
    crop: CropKind = "points"


class CnnRes(AUModel):
    """Looks at each frame by itself."""

    def __init__(self, config: CnnResConfig) -> None:
        super().__init__()
        self.config = config
        self.spec = au_rcnn_spec(config.aus, config.size_px, config.crop, needs_regions=False)
        self.backbone = make_resnet(config.backbone)
        self.output = small_output(1000, len(config.aus))

    def load_imagenet(self, state: Mapping[str, Tensor]) -> tuple[int, tuple[str, ...]]:
        """Take torchvision's weights, its ``fc`` too; give how many tensors fitted and the names left out."""
        return copy_matching(self.backbone, state, least=0.9)

    def forward(self, batch: TensorBatch) -> ModelOutput:
        """Logits f32[B,T,A]."""
        thousand: Tensor = self.backbone(per_frame(batch.frames))
        logits = self.output(nn.functional.relu(thousand))
        return ModelOutput(per_clip(logits, batch.frames))


def build(config: CnnResConfig) -> CnnRes:
    """The network of a configuration, with random weights."""
    return CnnRes(config)
