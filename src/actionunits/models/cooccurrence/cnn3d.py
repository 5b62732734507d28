"""3DCNN_AU of seed 000: one network an AU, on seven consecutive frames of its region around the apex.

Paper, sizes and departures: :mod:`~actionunits.models.cooccurrence.regional`. The 3-D network has the 2-D
one's layers with kernels of 3x3x3; each pooling halves the frames too, rounded up, as long as there are
several: 7, 4, 2, 1, 1.

Departures of its own: a region has one box for the whole clip, from the mean of its points; the box follows
the shift of the face, measured on the pixels, because the aligned frames jitter with the eyes' points
(``steady``; :mod:`~actionunits.models.cooccurrence.patches`). The score belongs to the clip's middle frame,
so that a video is scored frame by frame with the clip sliding. ``centred`` is an addition: on a few hundred
clips the network does not find motions of a grey level or two among what stands still
(``docs/papers/cooccurrence.md``).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from actionunits.models.cooccurrence.patches import cut, face_shifts, region_boxes
from actionunits.models.cooccurrence.regional import RegionalConfig, RegionalModel
from actionunits.models.interface import ModelOutput, TensorBatch
from actionunits.models.parts.frames import per_clip, per_frame

__all__ = ["Cnn3dAu", "Cnn3dConfig", "build"]


@dataclass(frozen=True)
class Cnn3dConfig(RegionalConfig):
    """As :class:`~actionunits.models.cooccurrence.regional.RegionalConfig`, for clips.

    Attributes:
        clip_length: frames of a clip.
        frame_step: a clip takes every ``frame_step``-th frame; 1 in the paper, so seven frames are 0.12 s at
            60 frames/s and 0.035 s at 200.
        steady: let the boxes follow the shift of the face from frame to frame.
        centred: take the clip's mean off each frame, so that only what moves is left; the paper does not.
    """

    clip_length: int = 7
    frame_step: int = 1
    steady: bool = True
    centred: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.clip_length < 2:
            raise ValueError(f"clip_length must be 2 or more, got {self.clip_length}: a still has no motion")


class Cnn3dAu(RegionalModel):
    """Looks at a clip; its score is that of the middle frame."""

    config: Cnn3dConfig

    def __init__(self, config: Cnn3dConfig) -> None:
        super().__init__(config, config.clip_length, config.frame_step)

    def patches(self, batch: TensorBatch) -> Tensor:
        """The three regions in each frame of each clip, resized: f32[B,T,3,P,P]."""
        assert batch.landmarks is not None, "the pipeline gives landmarks where the spec asks for them"
        frames = batch.frames
        boxes = region_boxes(batch.landmarks.mean(dim=1), self.config.margin_px)[:, None]  # [B,1,3,4]
        boxes = boxes.expand(-1, frames.shape[1], -1, -1)
        if self.config.steady:
            boxes = boxes + face_shifts(frames).repeat(1, 1, 2)[:, :, None].to(boxes.dtype)
        inside = cut(per_frame(frames), per_frame(boxes), self.config.patch_px)
        patches = per_clip(inside[:, :, 0], frames)
        return patches - patches.mean(dim=1, keepdim=True) if self.config.centred else patches

    def forward(self, batch: TensorBatch) -> ModelOutput:
        """Logits f32[B,T,A], the same for all frames of a clip: they are those of the middle one."""
        logits = self.answers(self.patches(batch))
        return ModelOutput(logits[:, None].expand(-1, batch.frames.shape[1], -1))


def build(config: Cnn3dConfig) -> Cnn3dAu:
    """The networks of a configuration, with random weights."""
    return Cnn3dAu(config)
