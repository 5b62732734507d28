"""What FACS3D-Net and the 2D CNN-LSTM have in common: seed 003's clips and the sizes of its 2D CNN."""

from __future__ import annotations

from dataclasses import dataclass

from actionunits.facs.sets import AU_SETS
from actionunits.records import InputSpec

__all__ = ["ClipConfig"]


@dataclass(frozen=True)
class ClipConfig:
    """The paper's sizes.

    Attributes:
        aus: the output columns.
        size_px: side of the face crop.
        inter_ocular_px: distance between the eyes in the crop.
        clip_length: frames of a clip.
        frame_step: a clip takes every ``frame_step``-th frame.
        filters: of the three convolutions, 2-D and 3-D alike.
        kernel: side of the 2-D kernels.
        code: units of the layer on them.
    """

    aus: tuple[int, ...] = AU_SETS["bp4d-12"]
    size_px: int = 200
    inter_ocular_px: float = 80.0
    clip_length: int = 126
    frame_step: int = 2
    filters: tuple[int, int, int] = (64, 128, 128)
    kernel: int = 5
    code: int = 400

    def spec(self) -> InputSpec:
        """Grey clips, scaled to 0..1, of which every frame is scored."""
        return InputSpec(
            aus=self.aus,
            size_px=self.size_px,
            inter_ocular_px=self.inter_ocular_px,
            clip_length=self.clip_length,
            frame_step=self.frame_step,
            scored="all",
            normalisation=((0.0,), (255.0,)),
        )
