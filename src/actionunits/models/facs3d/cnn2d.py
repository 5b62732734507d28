"""The 2D CNN of FACS3D-Net: 200x200 grey faces, three convolutions, one frame at a time.

Paper: Yang et al., "FACS3D-Net: 3D convolution based spatiotemporal representation for action unit
detection" (seed 003). Three convolutions of 64, 128, 128 filters, 5x5, stride 2, 1, 1, no padding, each with
BatchNorm, ReLU and 2x2 max-pooling (200 -> 98 -> 49 -> 45 -> 22 -> 18 -> 9); 10,368 -> 400 -> 12.

Departures: the layer of 400 has a ReLU, as the network of seed 004 that is called the same has; registration
is a similarity on the eyes (the paper: ZFace, a 3-D model), with the paper's 200 px and 80 px between the
eyes; pixels are scaled to 0..1 (not stated).
"""

from __future__ import annotations

from dataclasses import dataclass

from actionunits.facs.sets import AU_SETS
from actionunits.models.facs3d.loss import SummedOverAUs
from actionunits.models.parts.still_cnn import StillCnn

__all__ = ["Cnn2d", "Cnn2dConfig", "build"]


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


class Cnn2d(SummedOverAUs, StillCnn):
    """Looks at each frame by itself."""


def build(config: Cnn2dConfig) -> Cnn2d:
    """The network of a configuration, with random weights."""
    return Cnn2d(config, config.filters, config.code)
