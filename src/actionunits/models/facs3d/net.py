"""FACS3D-Net: a 3-D code of the whole clip beside a 2-D code of each of its frames.

Paper: Yang et al., "FACS3D-Net: 3D convolution based spatiotemporal representation for action unit
detection" (seed 003), section III B and IV A 4. The clip of 126 frames goes through three 3-D convolutions
(126x200x200 -> 62x99 -> 30x49 -> 28x47 -> 13x23 -> 11x21 -> 5x10; 64,000 -> 400), frame f through the 2D CNN
without its output (10,368 -> 400); both codes (800) -> 400 -> one output an AU.

All frames of a clip share its 3-D code, so it is computed once for all of them, in training and in use.

Departures: ReLU after the layers of 400 (not stated); a training sample is a clip with all its frames, where
the paper may have drawn single frames; registration and pixel range as in ``cnn2d.py``. The paper samples
"each second or third frame" so that 126 frames span a video; the default here is every second.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from actionunits.models.facs3d.clip import ClipConfig
from actionunits.models.facs3d.loss import SummedOverAUs
from actionunits.models.facs3d.trunk3d import Trunk3d
from actionunits.models.parts.encoders import Encoder, EncoderModel
from actionunits.models.parts.trunk2d import Trunk2d, code_layer

__all__ = ["Facs3dConfig", "Facs3dNet", "build"]


@dataclass(frozen=True)
class Facs3dConfig(ClipConfig):
    """The paper's sizes; see also :class:`~actionunits.models.facs3d.clip.ClipConfig`.

    Attributes:
        kernel_3d: side and duration of the 3-D kernels.
    """

    kernel_3d: int = 3


class Facs3dNet(SummedOverAUs, EncoderModel):
    """Scores every frame of a clip; the clip's 3-D code is computed once."""

    def __init__(self, config: Facs3dConfig) -> None:
        super().__init__()
        self.config = config
        self.spec = config.spec()
        self.clip_trunk = Trunk3d(config.clip_length, config.size_px, config.filters, config.kernel_3d)
        self.clip_code = code_layer(self.clip_trunk.outputs, config.code)
        self.frame_trunk = Trunk2d(config.size_px, config.filters, config.kernel)
        self.frame_code = code_layer(self.frame_trunk.outputs, config.code)
        self.joint = code_layer(2 * config.code, config.code)
        self.output = nn.Linear(config.code, len(config.aus))

    def encoders(self) -> tuple[Encoder, ...]:
        """The 3-D half over the clip, and the 2-D half over each frame."""
        return (
            Encoder(self.clip_trunk, self.clip_code, of="clip"),
            Encoder(self.frame_trunk, self.frame_code),
        )

    def head(self, *codes: Tensor) -> Tensor:
        """Logits f32[B,T,A] of the codes f32[B,code] of clips and f32[B,T,code] of their frames."""
        clips, frames = codes
        both = torch.cat([clips[:, None].expand(-1, frames.shape[1], -1), frames], dim=2)
        logits: Tensor = self.output(self.joint(both))
        return logits


def build(config: Facs3dConfig) -> Facs3dNet:
    """The network of a configuration, with random weights."""
    return Facs3dNet(config)
