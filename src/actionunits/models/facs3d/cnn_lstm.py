"""2D CNN-LSTM: the 2D CNN's code of each frame, read in order by one LSTM layer.

Paper: Yang et al., "FACS3D-Net: 3D convolution based spatiotemporal representation for action unit
detection" (seed 003), section IV B: "2D CNN and one layer of LSTM with 256 neurons", the CNN that of
FACS3D-Net.

Departures: the LSTM reads forward only and starts anew with each clip of 126 frames (neither is stated); the
rest as in ``cnn2d.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from actionunits.models.facs3d.clip import ClipConfig
from actionunits.models.facs3d.loss import SummedOverAUs
from actionunits.models.parts.encoders import Encoder, EncoderModel
from actionunits.models.parts.trunk2d import Trunk2d, code_layer

__all__ = ["CnnLstm", "CnnLstmConfig", "build"]


@dataclass(frozen=True)
class CnnLstmConfig(ClipConfig):
    """The paper's sizes; see also :class:`~actionunits.models.facs3d.clip.ClipConfig`.

    Attributes:
        memory: units of the LSTM.
    """

    memory: int = 256


class CnnLstm(SummedOverAUs, EncoderModel):
    """Looks at each frame, and remembers those before it in the clip."""

    def __init__(self, config: CnnLstmConfig) -> None:
        super().__init__()
        self.config = config
        self.spec = config.spec()
        self.trunk = Trunk2d(config.size_px, config.filters, config.kernel)
        self.code = code_layer(self.trunk.outputs, config.code)
        self.memory = nn.LSTM(config.code, config.memory, batch_first=True)
        self.output = nn.Linear(config.memory, len(config.aus))

    def encoders(self) -> tuple[Encoder, ...]:
        """The 2D CNN without its output."""
        return (Encoder(self.trunk, self.code),)

    def head(self, *codes: Tensor) -> Tensor:
        """Logits f32[B,T,A] of the frames' codes f32[B,T,code], read in order."""
        remembered, _ = self.memory(codes[0])
        logits: Tensor = self.output(remembered)
        return logits


def build(config: CnnLstmConfig) -> CnnLstm:
    """The network of a configuration, with random weights."""
    return CnnLstm(config)
