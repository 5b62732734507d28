"""From images to boxes and back: RoI-level labels, their loss, and the OR over the boxes.

Seed 001, section 3.3. A box carries the AUs of its group and of those whose labels it fetches; of all others
its label is 0. An image shows an AU where a box that carries it does: the largest of their logits.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torchvision.ops import roi_pool

__all__ = [
    "NEGATIVES_PER_POSITIVE",
    "Sampling",
    "Unknown",
    "image_logits",
    "pool_boxes",
    "roi_labels",
    "roi_loss",
]

#: Which of the boxes' labels a loss is of: ``all``, as the paper's Eq. 1; ``authors``, as in their code: all
#: positive ones, and three times as many negative ones, those that the network gets most wrong.
Sampling = Literal["all", "authors"]
#: What an unknown label is: left out (``mask``), or ``negative``, as in the authors' code.
Unknown = Literal["mask", "negative"]

NEGATIVES_PER_POSITIVE = 3


def roi_labels(labels: Tensor, carry: Tensor) -> Tensor:
    """i8[..,R,A]: the labels of each box; 0 where it does not carry the AU.

    Args:
        labels: i8[..,A], of the images; -1 unknown.
        carry: bool[R,A] (:func:`actionunits.facs.groups.boxes_carry`).

    >>> roi_labels(torch.tensor([1, -1]), torch.tensor([[True, False], [True, True]])).tolist()
    [[1, 0], [1, -1]]
    """
    return torch.where(carry, labels[..., None, :], torch.zeros_like(labels[..., None, :]))


def image_logits(logits: Tensor, carry: Tensor) -> Tensor:
    """f32[..,A]: for each AU the largest logit of the boxes that carry it.

    Its sign is the OR of the boxes' decisions (logit > 0).

    Args:
        logits: f32[..,R,A].
        carry: bool[R,A]; each AU has a box.
    """
    return logits.masked_fill(~carry, -torch.inf).amax(dim=-2)


def pool_boxes(maps: Tensor, boxes: Tensor, cells: int, stride: int) -> Tensor:
    """Max-pooling of each box out of its picture's map to so many cells a side, f32[N*R,C,cells,cells].

    Args:
        maps: f32[N,C,H,W]; of half precision it is pooled as if it were f32, for the boxes' sake.
        boxes: f32[N,R,4] in pixels of the picture.
        cells: side of a pooled box.
        stride: pixels to one cell of the map.
    """
    number = torch.arange(boxes.shape[0], device=boxes.device, dtype=boxes.dtype)
    rois = torch.cat((number[:, None, None].expand(-1, boxes.shape[1], 1), boxes), dim=2).flatten(0, 1)
    pooled: Tensor = roi_pool(maps.to(boxes.dtype), rois, (cells, cells), 1 / stride)
    return pooled


def roi_loss(
    logits: Tensor,
    labels: Tensor,
    carry: Tensor,
    *,
    sampling: Sampling = "all",
    unknown: Unknown = "mask",
    weights: Tensor | None = None,
) -> Tensor:
    """Sigmoid cross-entropy of the boxes (scalar), Eq. 1 with both its terms.

    Summed over the AUs and averaged over boxes and images; what is not known is left out, and the rest stands
    for it. A batch without one known label gives 0 with a gradient of 0.

    Args:
        logits: f32[..,R,A].
        labels: i8[..,A], of the images; -1 unknown.
        carry: bool[R,A].
        sampling: see :data:`Sampling`.
        unknown: see :data:`Unknown`.
        weights: f32[A], one for each AU; None = all 1.
    """
    if unknown == "negative":
        labels = labels.clamp(min=0)
    target = roi_labels(labels, carry)
    each = nn.functional.binary_cross_entropy_with_logits(
        logits, target.clamp(min=0).to(logits.dtype), reduction="none"
    )
    counted = (target >= 0).to(logits.dtype)
    if not (labels >= 0).any():
        counted = torch.zeros_like(counted)
    if sampling == "authors":
        counted = counted * _positives_and_hard_negatives(each.detach(), target)
    if weights is not None:
        counted = counted * weights
    mean = (each * counted).sum() / counted.sum().clamp(min=1e-8)
    return mean * labels.shape[-1]


def _positives_and_hard_negatives(loss: Tensor, target: Tensor) -> Tensor:
    """f32 like ``loss``: 1 for what is learnt from, over the whole batch."""
    positive, negative = target == 1, target == 0
    chosen = positive.to(loss.dtype)
    count = min(NEGATIVES_PER_POSITIVE * int(positive.sum()), int(negative.sum()))
    if count:
        hardest = loss.masked_fill(~negative, -torch.inf).flatten().topk(count).indices
        chosen.view(-1)[hardest] = 1.0
    return chosen
