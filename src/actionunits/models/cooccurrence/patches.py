"""Seed 000's brow, nose and lip crops of a batch: still ones, and steady ones of a clip.

A clip has one box for each region, so that what moves inside it stays to be seen. The package's faces are
registered frame by frame on the eyes' points, whose jitter is as large as a micro-expression; so the boxes
follow the shift of the whole face from frame to frame (:func:`face_shifts`), measured on the pixels.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align

from actionunits.errors import UserError
from actionunits.faces.regions import MICRO_AUS, MICRO_BOX_POINTS

__all__ = ["Chin", "cut", "face_shifts", "region_boxes", "region_of"]

#: Where AU17 is looked for: in the paper's nose crop, or in the lip crop, which holds the chin.
Chin = Literal["nose", "lip"]

#: Steps of the search for a shift; the first finds one of a pixel to a tenth.
_STEPS = 5
#: Side of the mean that stands for a pixel in it: the slopes of noise would make every shift look smaller.
_SMOOTH_PX = 5
#: Side on which a shift is looked for: larger pictures are taken at every second, third ... pixel.
_ENOUGH_PX = 80
#: The largest shift, as a share of the side: frames that have nothing in common stay about where they are.
_FURTHEST = 0.025


def region_of(number: int, chin: Chin) -> int:
    """0 brow, 1 nose or 2 lip: where an AU is looked for.

    Raises:
        UserError: in none of them.

    >>> region_of(4, "nose"), region_of(17, "nose"), region_of(17, "lip")
    (0, 1, 2)
    """
    names = list(MICRO_AUS)
    if number == 17:
        return names.index(chin)
    for index, name in enumerate(names):
        if number in MICRO_AUS[name]:
            return index
    known = ", ".join(str(n) for aus in MICRO_AUS.values() for n in aus)
    raise UserError(f"AU{number} lies in none of the paper's regions: choose among {known}")


def region_boxes(points: Tensor, margin_px: float) -> Tensor:
    """The brow, nose and lip boxes f32[N,3,4] of points f32[N,68,2], as the faces' ``regions`` makes them."""
    table = torch.tensor(list(MICRO_BOX_POINTS.values()), device=points.device)
    picked = points[:, table]
    edges = torch.stack(
        (picked[:, :, 0, 0], picked[:, :, 1, 1], picked[:, :, 2, 0], picked[:, :, 3, 1]), dim=-1
    )
    return edges + torch.tensor([-margin_px, -margin_px, margin_px, margin_px], device=points.device)


def cut(frames: Tensor, boxes: Tensor, side_px: int) -> Tensor:
    """The insides of boxes, resized.

    Args:
        frames: f32[N,C,S,S].
        boxes: f32[N,R,4] (left, top, right, bottom), pixel centres at whole numbers; where they reach over
            the border by more than a pixel there is 0, the mean grey.
        side_px: of the square results.

    Returns:
        f32[N,R,C,side_px,side_px].
    """
    count, regions = boxes.shape[:2]
    index = torch.arange(count, device=frames.device, dtype=frames.dtype).repeat_interleave(regions)
    rows = torch.cat((index[:, None], boxes.flatten(0, 1).to(frames.dtype)), dim=1)
    inside: Tensor = roi_align(frames, rows, (side_px, side_px), sampling_ratio=2, aligned=False)
    return inside.reshape(count, regions, *inside.shape[1:])


def face_shifts(frames: Tensor) -> Tensor:
    """How far each frame's face lies from where it lies in the clip's middle frame, in px.

    The translation that makes the smoothed frames most alike (least squares, a few steps), up to
    a fortieth of the side. Expressions move small parts of a face, which hardly count.

    Args:
        frames: f32[B,T,C,S,S].

    Returns:
        f32[B,T,2] (x, y), 0 for the middle frame, T // 2; without a gradient.
    """
    with torch.no_grad():
        length, apart = frames.shape[1], max(1, frames.shape[-1] // _ENOUGH_PX)
        grey = nn.functional.avg_pool2d(frames.mean(dim=2), _SMOOTH_PX, apart, _SMOOTH_PX // 2)
        size = grey.shape[-1]
        middle = grey[:, length // 2]
        across = (middle[:, 1:-1, 2:] - middle[:, 1:-1, :-2]) / 2
        down = (middle[:, 2:, 1:-1] - middle[:, :-2, 1:-1]) / 2
        slopes = torch.stack((across, down), dim=1).flatten(2)  # [B,2,V]
        inverse = _inverse(slopes @ slopes.transpose(1, 2))
        shifts = torch.zeros(*frames.shape[:2], 2, device=frames.device, dtype=frames.dtype)
        whole = torch.tensor([0.0, 0.0, size, size], device=frames.device, dtype=frames.dtype) - 0.5
        for _ in range(_STEPS):
            boxes = whole + shifts.repeat(1, 1, 2)
            moved = _resampled(grey, boxes)
            left = (middle[:, None] - moved)[:, :, 1:-1, 1:-1].flatten(2)
            shifts = shifts + left @ slopes.transpose(1, 2) @ inverse
            shifts = shifts.clamp(-_FURTHEST * size, _FURTHEST * size)
        return apart * shifts


def _inverse(square: Tensor) -> Tensor:
    """Of symmetric matrices f32[B,2,2]; about 0 where a picture has no slopes."""
    a, b, d = square[:, 0, 0], square[:, 0, 1], square[:, 1, 1]
    turned = torch.stack((d, -b, -b, a), dim=-1).reshape(square.shape)
    return turned / (a * d - b * b).clamp(min=1e-6)[:, None, None]


def _resampled(grey: Tensor, boxes: Tensor) -> Tensor:
    """f32[B,T,S,S] of frames f32[B,T,S,S] at boxes f32[B,T,4] of their own size."""
    size = grey.shape[-1]
    index = torch.arange(grey.shape[0] * grey.shape[1], device=grey.device, dtype=grey.dtype)
    rows = torch.cat((index[:, None], boxes.flatten(0, 1)), dim=1)
    pictures = grey.flatten(0, 1)[:, None]
    sampled: Tensor = roi_align(pictures, rows, (size, size), sampling_ratio=1, aligned=False)
    return sampled.reshape(grey.shape)
