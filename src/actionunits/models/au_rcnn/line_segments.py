"""Segments on a line of frames, as Faster R-CNN's boxes are on a picture: anchors, offsets, NMS and pooling.

A segment is (start, end) in frames, the end one past its last frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.ops import nms, roi_pool

__all__ = [
    "decode_segments",
    "encode_segments",
    "line_anchors",
    "overlaps",
    "pool_segments",
    "temporal_nms",
]

#: A decoded segment is at most so many times as long as its anchor (its logarithm), as in Faster R-CNN.
LONGEST = math.log(1000 / 16)


def line_anchors(length: int, sizes: Sequence[float], device: torch.device | None = None) -> Tensor:
    """f32[T*K,2]: around each frame in turn a segment of each size, as far as the line goes.

    >>> line_anchors(3, (1, 4)).tolist()
    [[0.0, 1.0], [0.0, 2.5], [1.0, 2.0], [0.0, 3.0], [2.0, 3.0], [0.5, 3.0]]
    """
    centre = torch.arange(length, dtype=torch.float32, device=device)[:, None] + 0.5
    half = torch.tensor(sizes, dtype=torch.float32, device=device) / 2
    return torch.stack((centre - half, centre + half), dim=2).flatten(0, 1).clamp(0, length)


def overlaps(one: Tensor, other: Tensor) -> Tensor:
    """Temporal intersection over union of each pair, f[..,K,M] of f[..,K,2] and f[..,M,2]."""
    a, b = one[..., :, None, :], other[..., None, :, :]
    both = (torch.minimum(a[..., 1], b[..., 1]) - torch.maximum(a[..., 0], b[..., 0])).clamp(min=0)
    either = (a[..., 1] - a[..., 0]) + (b[..., 1] - b[..., 0]) - both
    return both / either.clamp(min=torch.finfo(both.dtype).tiny)


def encode_segments(segments: Tensor, anchors: Tensor) -> Tensor:
    """f[..,2]: how far a segment's centre is from an anchor's, in its lengths, and the log of their ratio.

    Both must be longer than 0.

    >>> encode_segments(torch.tensor([[5.0, 15.0]]), torch.tensor([[0.0, 10.0]])).tolist()
    [[0.5, 0.0]]
    """
    length, size = segments[..., 1] - segments[..., 0], anchors[..., 1] - anchors[..., 0]
    apart = (segments.sum(dim=-1) - anchors.sum(dim=-1)) / 2
    return torch.stack((apart / size, torch.log(length / size)), dim=-1)


def decode_segments(offsets: Tensor, anchors: Tensor) -> Tensor:
    """The inverse of :func:`encode_segments`, f[..,2]."""
    size = anchors[..., 1] - anchors[..., 0]
    centre = anchors.mean(dim=-1) + offsets[..., 0] * size
    half = size * torch.exp(offsets[..., 1].clamp(max=LONGEST)) / 2
    return torch.stack((centre - half, centre + half), dim=-1)


def temporal_nms(segments: Tensor, scores: Tensor, overlap: float, kinds: Tensor | None = None) -> Tensor:
    """i64[..]: the segments that no surer one of their kind overlaps with more than so much, surest first.

    Args:
        segments: f[K,2].
        scores: f[K].
        overlap: temporal IoU.
        kinds: i64[K]; None = they are all of one kind.
    """
    low = torch.zeros_like(scores) if kinds is None else 2 * kinds.to(scores.dtype)
    boxes = torch.stack((segments[:, 0], low, segments[:, 1], low + 1), dim=1)
    kept: Tensor = nms(boxes.double(), scores.double(), overlap)
    return kept


def pool_segments(lines: Tensor, segments: Tensor, line: Tensor, cells: int) -> Tensor:
    """f32[K,C,cells]: max-pooling of each segment, to whole frames, out of its line (SoI pooling).

    Args:
        lines: f32[N,C,T].
        segments: f32[K,2] within the line, at least a frame long.
        line: i64[K], the line of each.
        cells: how many parts each segment is cut into.
    """
    zero = torch.zeros_like(segments[:, 0])
    rois = torch.stack((line.to(zero.dtype), segments[:, 0], zero, segments[:, 1] - 1, zero), dim=1)
    pooled: Tensor = roi_pool(lines[:, :, None], rois.to(lines.dtype), (1, cells), 1.0)
    return pooled[:, :, 0]
