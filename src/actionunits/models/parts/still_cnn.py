"""The convolutional network of stills that seed 003 describes and seed 004 takes over as its Network 1."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn

from actionunits.models.parts.encoders import Encoder, EncoderModel
from actionunits.models.parts.trunk2d import Trunk2d, code_layer
from actionunits.records import InputSpec

__all__ = ["StillCnn", "StillCnnConfig"]


class StillCnnConfig(Protocol):
    """What a family's configuration must say."""

    @property
    def aus(self) -> tuple[int, ...]:
        """The output columns."""
        ...

    @property
    def size_px(self) -> int:
        """Side of the face crop."""
        ...

    @property
    def inter_ocular_px(self) -> float:
        """Distance between the eyes in the crop."""
        ...

    @property
    def kernel(self) -> int:
        """Side of the convolutions' kernels."""
        ...


class StillCnn(EncoderModel):
    """Three convolutions, a fully connected layer and one output an AU; looks at each frame by itself.

    Grey pixels come scaled to 0..1.

    Args:
        config: the family's configuration, kept as ``config``.
        filters: of the three convolutions.
        code: units of the fully connected layer.
    """

    def __init__(self, config: StillCnnConfig, filters: tuple[int, int, int], code: int) -> None:
        super().__init__()
        self.config = config
        self.spec = InputSpec(
            aus=config.aus,
            size_px=config.size_px,
            inter_ocular_px=config.inter_ocular_px,
            normalisation=((0.0,), (255.0,)),
        )
        self.trunk = Trunk2d(config.size_px, filters, config.kernel)
        self.code = code_layer(self.trunk.outputs, code)
        self.output = nn.Linear(code, len(config.aus))

    def encoders(self) -> tuple[Encoder, ...]:
        """The convolutions and the layer on them."""
        return (Encoder(self.trunk, self.code),)

    def head(self, *codes: Tensor) -> Tensor:
        """Logits f32[B,T,A] of the frames' codes f32[B,T,code]."""
        logits: Tensor = self.output(codes[0])
        return logits
