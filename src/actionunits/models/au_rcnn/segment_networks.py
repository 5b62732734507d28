"""The two networks of TAL-Net: one proposes segments of a line, the other says which AU each is."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from actionunits.models.au_rcnn.line_segments import decode_segments, pool_segments, temporal_nms

__all__ = ["OFFSET_SCALE", "SegmentClassifier", "SegmentProposer", "proposed"]

#: An output layer is drawn from N(0, 0.01), as in Faster R-CNN.
OUTPUT_STD = 0.01
#: What the classifier's outputs for offsets are multiplied by, as in Faster R-CNN, for offsets are small.
OFFSET_SCALE = (0.1, 0.2)


def _ready(hidden: Sequence[nn.Module], outputs: Sequence[nn.Conv1d | nn.Linear]) -> None:
    """Weights that keep the scale of what goes through many layers with ReLU (He), small ones at the end."""
    for layer in hidden:
        if isinstance(layer, nn.Conv1d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    for output in outputs:
        nn.init.normal_(output.weight, std=OUTPUT_STD)
    for layer in (*hidden, *outputs):
        if isinstance(layer, nn.Conv1d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)


class SegmentProposer(nn.Module):
    """Convolutions along the line; at each frame, for each anchor, a logit and two offsets.

    Args:
        features: values of the line at a frame.
        channels: of the convolutions.
        layers: how many.
        anchors: at each frame.
    """

    def __init__(self, features: int, channels: int, layers: int, anchors: int) -> None:
        super().__init__()
        hidden: list[nn.Module] = []
        for number in range(layers):
            inputs = channels if number else features
            hidden += [nn.Conv1d(inputs, channels, kernel_size=3, padding=1), nn.ReLU()]
        self.hidden = nn.Sequential(*hidden)
        self.score = nn.Conv1d(channels, anchors, kernel_size=1)
        self.offsets = nn.Conv1d(channels, 2 * anchors, kernel_size=1)
        _ready(hidden, (self.score, self.offsets))

    def forward(self, lines: Tensor) -> tuple[Tensor, Tensor]:
        """Logits f32[N,T*K] and offsets f32[N,T*K,2] of lines f32[N,C,T], in the anchors' order."""
        seen = self.hidden(lines)
        offsets = self.offsets(seen).unflatten(1, (-1, 2)).permute(0, 3, 1, 2)
        return self.score(seen).transpose(1, 2).flatten(1).float(), offsets.flatten(1, 2).float()


def proposed(
    logits: Tensor, offsets: Tensor, anchors: Tensor, length: int, *, overlap: float, most: int
) -> tuple[Tensor, Tensor]:
    """The surest segments of each line after NMS.

    Args:
        logits: f32[N,K].
        offsets: f32[N,K,2].
        anchors: f32[K,2].
        length: frames of the line, beyond which no segment goes.
        overlap: of NMS.
        most: so many of a line at most.

    Returns:
        f32[N,P,2] segments of at least a frame, P the most of a line; and bool[N,P], whether there is one.
    """
    segments = decode_segments(offsets, anchors).clamp(0, length)
    long_enough = segments[..., 1] - segments[..., 0] >= 1
    kept = []
    for line, fit, score in zip(segments, long_enough, logits, strict=True):
        left = line[fit]
        kept.append(left[temporal_nms(left, score[fit], overlap)[:most]])
    there = torch.tensor([len(each) for each in kept], device=logits.device)
    width = int(there.max())
    padded = [nn.functional.pad(each, (0, 0, 0, width - len(each))) for each in kept]
    return torch.stack(padded), torch.arange(width, device=logits.device) < there[:, None]


class SegmentClassifier(nn.Module):
    """Fully connected layers on what a segment shows; for each AU and none a logit, for each AU two offsets.

    Args:
        features: values of the line at a frame.
        cells: that a segment is pooled to.
        units: of the two hidden layers.
        aus: how many.
    """

    def __init__(self, features: int, cells: int, units: int, aus: int) -> None:
        super().__init__()
        self.cells = cells
        hidden = [nn.Linear(features * cells, units), nn.ReLU(), nn.Linear(units, units), nn.ReLU()]
        self.hidden = nn.Sequential(*hidden)
        self.classes = nn.Linear(units, aus + 1)
        self.offsets = nn.Linear(units, 2 * aus)
        _ready(hidden, (self.classes, self.offsets))

    def forward(self, lines: Tensor, segments: Tensor, line: Tensor) -> tuple[Tensor, Tensor]:
        """Logits f32[P,A+1], the last of none, and offsets f32[P,A,2] in units of :data:`OFFSET_SCALE`.

        Args:
            lines: f32[N,C,T].
            segments: f32[P,2].
            line: i64[P].
        """
        seen = self.hidden(pool_segments(lines, segments, line, self.cells).flatten(1))
        return self.classes(seen).float(), self.offsets(seen).unflatten(1, (-1, 2)).float()
