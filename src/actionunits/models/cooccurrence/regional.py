"""What 2DCNN_AU and 3DCNN_AU have in common: their sizes, and one network an AU on its region.

Paper: Jia et al., KSII TIIS 14(3), 2020. Brow, nose and lip are cropped by the 68 points
(:mod:`actionunits.faces.regions`); four convolutions with pooling, flatten, fully connected, sigmoid.

Departures: the sizes of Figs. 8 and 9 are lost; decided here: crops 64x64 grey, 32, 64, 64, 128 filters of 3
(in each direction), batch normalisation, ReLU, max-pooling by 2, a fully connected layer of 128, one output.
The crops are taken out of a similarity-aligned face of 200 px instead of the raw frame. Points come with the
batch, so that the boxes are made here and the network needs nothing but what every pipeline has. The thirteen
networks share no weight; they are computed as one (:mod:`~actionunits.models.cooccurrence.towers`). AU17 is
looked for in the nose crop, as in the paper, although the chin lies outside it; ``chin = "lip"`` puts it
where it can be seen. The fusion layer and the constrained loss are parts that any network can have
(``cooccurrence = true`` in a recipe, :mod:`~actionunits.models.cooccurrence.tied`).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from actionunits.facs.sets import AU_SETS
from actionunits.models.cooccurrence.patches import Chin, region_of
from actionunits.models.cooccurrence.towers import Towers
from actionunits.models.interface import AUModel
from actionunits.records import InputSpec

__all__ = ["RegionalConfig", "RegionalModel"]


@dataclass(frozen=True)
class RegionalConfig:
    """Sizes of the thirteen networks.

    Attributes:
        aus: the output columns; each must lie in one of the paper's regions.
        size_px: side of the aligned face that the regions are cut from.
        inter_ocular_px: distance between the eyes in it.
        eye_line: their height in it, as a share of the side from the top: so high that the chin, the lip
            crop's lower edge, is in the picture.
        patch_px: side of a region's crop; a multiple of 16.
        filters: of the four convolutions.
        units: of the fully connected layer.
        margin_px: how far a region reaches beyond its points.
        chin: the region in which AU17 is looked for.
    """

    aus: tuple[int, ...] = AU_SETS["casme-13"]
    size_px: int = 200
    inter_ocular_px: float = 80.0
    eye_line: float = 0.2
    patch_px: int = 64
    filters: tuple[int, int, int, int] = (32, 64, 64, 128)
    units: int = 128
    margin_px: float = 2.0
    chin: Chin = "nose"

    def __post_init__(self) -> None:
        if not self.aus:
            raise ValueError("aus must name at least one AU")
        if self.patch_px % 16 or self.patch_px < 16:
            raise ValueError(f"patch_px must be a multiple of 16, got {self.patch_px}")
        if min(*self.filters, self.units) < 1:
            raise ValueError(f"filters and units must be 1 or more, got {self.filters} and {self.units}")
        if not 0 <= self.margin_px < self.size_px / 4:
            raise ValueError(f"margin_px must be from 0 to a quarter of size_px, got {self.margin_px:g}")


class RegionalModel(AUModel):
    """One network an AU; needs the landmarks.

    Args:
        config: sizes, kept as ``config``.
        frames: of a clip; 1 for stills.
        frame_step: from one frame of a clip to the next.
    """

    def __init__(self, config: RegionalConfig, frames: int = 1, frame_step: int = 1) -> None:
        super().__init__()
        self.config = config
        self.spec = InputSpec(
            aus=config.aus,
            size_px=config.size_px,
            inter_ocular_px=config.inter_ocular_px,
            eye_line=config.eye_line,
            clip_length=frames,
            frame_step=frame_step,
            needs_landmarks=True,
        )
        self.region_of_au = [region_of(number, config.chin) for number in config.aus]
        self.networks = Towers(len(config.aus), frames, config.patch_px, config.filters, config.units)

    def answers(self, patches: Tensor) -> Tensor:
        """Each AU's network on its region: crops f32[N,T,3,P,P] of the regions -> f32[N,A]."""
        logits: Tensor = self.networks(patches[:, :, self.region_of_au])
        return logits
