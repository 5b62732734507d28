"""The 2D CNN of seed 003.

Paper: Yang et al., "FACS3D-Net: 3D convolution based spatiotemporal representation for action unit
detection". Three convolutions of 64, 128 and 128 filters 5x5, stride 2, 1, 1, no padding, each followed by
batch normalisation, ReLU and 2x2 max-pooling: 200 -> 98 -> 49 -> 45 -> 22 -> 18 -> 9, 10,368 values, then a
fully connected layer of 400 and one output an AU.

Departures: the paper does not say what follows the layer of 400; here ReLU. Faces are registered by a
similarity on the eyes instead of ZFace's dense 3-D registration, to the paper's 200 px and 80 px between the
eyes. Pixels are scaled to 0..1, so that the paper's occlusion value 0.5 means mid-grey.
"""

from __future__ import annotations

from dataclasses import dataclass

from actionunits.facs.sets import AU_SETS
from actionunits.models.parts.still_cnn import StillCnn

__all__ = ["Cnn2dConfig", "build"]


@dataclass(frozen=True)
class Cnn2dConfig:
    """The paper's sizes.

    Attributes:
        aus: the output columns.
        size_px: side of the face crop.
        inter_ocular_px: distance between the eyes in the crop.
        filters: of the three convolutions.
        kernel: side of their kernels.
        code: units of the fully connected layer.
    """

    aus: tuple[int, ...] = AU_SETS["bp4d-12"]
    size_px: int = 200
    inter_ocular_px: float = 80.0
    filters: tuple[int, int, int] = (64, 128, 128)
    kernel: int = 5
    code: int = 400


def build(config: Cnn2dConfig) -> StillCnn:
    """The network of a configuration, with random weights."""
    return StillCnn(config, config.filters, config.code)
