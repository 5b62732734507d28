"""What networks over time read of a network of stills: one line of features a box.

Seed 001, section 4.5: the average-pooled map of each box, 2048 values in AR_res. Any network that sees a face
by maps and reads boxes out of them can give the lines.
"""

from __future__ import annotations

import torch
from torch import Tensor

from actionunits.models.au_rcnn.region_net import RegionNet
from actionunits.models.interface import TensorBatch
from actionunits.models.parts.frames import per_clip, per_frame

__all__ = ["box_features", "lines_of"]

#: Frames that are looked at together: a window of hundreds would not fit into memory.
TOGETHER = 16


def box_features(still: RegionNet, batch: TensorBatch) -> Tensor:
    """f32[B,T,R*C]: the mean over each box's map, box after box, without gradients.

    Args:
        still: in evaluation mode.
        batch: with frames, and boxes where the network takes them.
    """
    frames, boxes = per_frame(batch.frames), still.boxes_of(batch)

    def lines(some: Tensor, at: Tensor) -> Tensor:
        return still.box_maps(still.maps(some), at).mean(dim=(-2, -1)).reshape(at.shape[0], -1)

    with torch.no_grad():
        if torch.compiler.is_exporting():  # a file takes any number of frames
            return per_clip(lines(frames, boxes), batch.frames)
        parts = zip(torch.split(frames, TOGETHER), torch.split(boxes, TOGETHER), strict=True)
        return per_clip(torch.cat([lines(some, at) for some, at in parts]), batch.frames)


def lines_of(codes: Tensor, boxes: int) -> Tensor:
    """f32[B*R,C,T]: of codes f32[B,T,R*C] the line of each box of each clip.

    >>> lines_of(torch.arange(8.0).reshape(1, 2, 4), boxes=2).tolist()
    [[[0.0, 4.0], [1.0, 5.0]], [[2.0, 6.0], [3.0, 7.0]]]
    """
    return codes.reshape(*codes.shape[:2], boxes, -1).permute(0, 2, 3, 1).flatten(0, 1)
