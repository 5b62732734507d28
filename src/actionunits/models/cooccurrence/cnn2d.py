"""2DCNN_AU of seed 000: one network an AU, each on the crop of its region in a still, the apex frame.

Paper, sizes and departures: :mod:`~actionunits.models.cooccurrence.regional`.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from actionunits.models.cooccurrence.patches import cut, region_boxes
from actionunits.models.cooccurrence.regional import RegionalConfig, RegionalModel
from actionunits.models.interface import ModelOutput, TensorBatch
from actionunits.models.parts.frames import per_clip, per_frame

__all__ = ["Cnn2dAu", "Cnn2dConfig", "build"]


@dataclass(frozen=True)
class Cnn2dConfig(RegionalConfig):
    """As :class:`~actionunits.models.cooccurrence.regional.RegionalConfig`."""


class Cnn2dAu(RegionalModel):
    """Looks at each frame by itself."""

    def patches(self, batch: TensorBatch) -> Tensor:
        """The three regions of each frame, resized: f32[B*T,3,P,P]."""
        assert batch.landmarks is not None, "the pipeline gives landmarks where the spec asks for them"
        boxes = region_boxes(per_frame(batch.landmarks), self.config.margin_px)
        return cut(per_frame(batch.frames), boxes, self.config.patch_px)[:, :, 0]

    def forward(self, batch: TensorBatch) -> ModelOutput:
        """Logits f32[B,T,A]."""
        return ModelOutput(per_clip(self.answers(self.patches(batch)[:, None]), batch.frames))


def build(config: Cnn2dConfig) -> Cnn2dAu:
    """The networks of a configuration, with random weights."""
    return Cnn2dAu(config)
