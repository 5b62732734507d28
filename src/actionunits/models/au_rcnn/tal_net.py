"""AR_TAL of seed 001: AU R-CNN and TAL-Net, which finds whole segments on each box's line of features.

Paper: Ma, Chen and Yong, "AU R-CNN", section 4.5.3, after TAL-Net (Chao et al. 2018), that is Faster R-CNN on
a line. Ten convolutions (kernel 3) read a line; for each frame and each of seven anchors (30 to 180 frames)
they say whether a segment of any AU is there, and its offsets. The proposals left by NMS (.7) are max-pooled
out of the line itself to 7 cells (SoI pooling); two fully connected layers of 1024 give the AU (or none) and
offsets once more. In use segments of a score above .05 are kept, after NMS (.3) for each AU; a frame shows
what its segments show.

Departures: the lines are AR_res's average-pooled features (the paper: AR_2stream's), frozen; all boxes share
one network. The paper takes whole videos; here windows tile a video, so that memory does not grow with it:
400 frames, more than twice the longest anchor. Anchors end with their window and are learnt from all the same
(Faster R-CNN leaves out those that reach over the border), for most long ones do. A box's classes are the AUs
that it carries, and none. A frame's probability is the highest score of the segments of an AU that cover it
in a box that carries it; without one the logit is :data:`FLOOR`, below all others. What is unknown is no
background (:mod:`~actionunits.models.au_rcnn.segment_targets`). The paper does not say: the widths (1024, as
in the authors' code), proposals kept (300), examples for the classifier (128 a line, a quarter with an AU,
from an overlap of .5, as in Fast R-CNN), the losses' weights (equal).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor, nn

from actionunits.models.au_rcnn.ar_res import ArRes, ArResConfig
from actionunits.models.au_rcnn.box_features import box_features, lines_of
from actionunits.models.au_rcnn.line_segments import (
    decode_segments,
    encode_segments,
    line_anchors,
    temporal_nms,
)
from actionunits.models.au_rcnn.roi_level import image_logits
from actionunits.models.au_rcnn.segment_networks import (
    OFFSET_SCALE,
    SegmentClassifier,
    SegmentProposer,
    proposed,
)
from actionunits.models.au_rcnn.segment_targets import (
    TrueSegments,
    match_anchors,
    proposal_examples,
    sampled,
    true_segments,
)
from actionunits.models.interface import CodedModel, ModelOutput, TensorBatch
from actionunits.models.parts.resnet import RESNET_WIDTH

__all__ = ["FLOOR", "FoundSegment", "SegmentLosses", "TalNet", "TalNetConfig", "build"]

#: The logit of an AU at a frame that no segment of it covers: a probability of 1e-13.
FLOOR = -30.0
#: Bounds of an anchor's overlap with true segments, and of the proposals' in NMS.
POSITIVE, NEGATIVE, PROPOSAL_NMS = 0.7, 0.3, 0.7
#: Of the classifier's examples: how many a line, how many with an AU, and from which overlap.
EXAMPLES, EXAMPLES_OF_AUS, EXAMPLE_OVERLAP = 128, 32, 0.5
#: Where smooth L1 becomes linear for the proposals and for the classifier, as in Faster R-CNN.
PROPOSAL_SMOOTH, SMOOTH = 1 / 9, 1.0


@dataclass(frozen=True)
class TalNetConfig(ArResConfig):
    """The paper's sizes; see also :class:`~actionunits.models.au_rcnn.ar_res.ArResConfig`.

    Attributes:
        clip_length: frames of a window.
        anchors: lengths of the anchors in frames (of 25 a second).
        layers: convolutions of the proposal network.
        channels: of these.
        units: of the classifier's two hidden layers.
        cells: that a segment is pooled to.
        sampled: anchors of each line that are learnt from, half of them positive at most.
        proposals: of each line that are classified, at most.
        least_score: segments of no higher score are not kept.
        nms: overlap above which the less sure of two segments of an AU is dropped.
    """

    clip_length: int = 400
    anchors: tuple[float, ...] = (30.0, 40.0, 65.0, 70.0, 120.0, 140.0, 180.0)
    layers: int = 10
    channels: int = 1024
    units: int = 1024
    cells: int = 7
    sampled: int = 256
    proposals: int = 300
    least_score: float = 0.05
    nms: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.anchors or min(self.anchors) < 1:
            raise ValueError(f"anchors must be lengths of a frame or more, got {list(self.anchors)}")
        sizes = (self.clip_length, self.layers, self.channels, self.units, self.cells, self.proposals)
        if min(sizes) < 1 or self.sampled < 2:
            raise ValueError(
                "clip_length, layers, channels, units, cells, proposals and sampled are positive"
            )
        if not 0 <= self.least_score < 1 or not 0 < self.nms <= 1:
            raise ValueError("least_score and nms must be within 0 to 1")


@dataclass(frozen=True)
class FoundSegment:
    """A stretch of frames in which a box shows an AU.

    Attributes:
        au: its number.
        box: the box's place in the face's list of boxes.
        start: in frames of the clip.
        end: one past the last frame.
        score: probability, 0 to 1.
    """

    au: int
    box: int
    start: float
    end: float
    score: float


@dataclass(frozen=True)
class SegmentLosses:
    """What the loss is the sum of (scalars): of the proposals, then of the classifier."""

    proposal: Tensor
    proposal_offsets: Tensor
    classes: Tensor
    offsets: Tensor

    def total(self) -> Tensor:
        """The sum."""
        return self.proposal + self.proposal_offsets + self.classes + self.offsets


class TalNet(CodedModel):
    """Finds segments in windows of frames, box by box."""

    encoder_is_frozen = True
    not_as_onnx = "how many segments it finds depends on the pictures; use its .safetensors file"
    carry: Tensor

    def __init__(self, config: TalNetConfig) -> None:
        super().__init__()
        self.config = config
        still = {each.name: getattr(config, each.name) for each in fields(ArResConfig)}
        self.still: ArRes = ArRes(ArResConfig(**still)).requires_grad_(False).eval()
        self.spec = replace(self.still.spec, clip_length=config.clip_length, scored="all")
        self.register_buffer("carry", self.still.carry.clone(), persistent=False)
        width = RESNET_WIDTH[config.backbone]
        self.code_length = len(self.carry) * width
        self.proposer = SegmentProposer(width, config.channels, config.layers, len(config.anchors))
        self.classifier = SegmentClassifier(width, config.cells, config.units, len(config.aus))

    def train(self, mode: bool = True) -> Self:
        """The network of stills is frozen: it stays in evaluation mode."""
        super().train(mode)
        self.still.eval()
        return self

    def encode(self, batch: TensorBatch) -> Tensor:
        """f32[B,T,R*C]: the average-pooled features of each frame's boxes."""
        return box_features(self.still, batch)

    def from_codes(self, codes: Tensor) -> ModelOutput:
        """Logits f32[B,T,A]; parts: of the boxes f32[B,T,R,A], the lines f32[B*R,C,T], the proposals' output.

        In training segments are not read off, and the logits are NaN.
        """
        lines = lines_of(codes, len(self.carry))
        logits, offsets = self.proposer(lines)
        if self.training:
            shape = (*codes.shape[:2], *self.carry.shape)
            of_boxes = torch.full(shape, torch.nan, device=codes.device)
        else:
            of_boxes = self._frame_logits(self._found(lines, logits, offsets), *codes.shape[:2])
        return ModelOutput(image_logits(of_boxes, self.carry), parts=(of_boxes, lines, logits, offsets))

    def segments(self, codes: Tensor) -> tuple[tuple[FoundSegment, ...], ...]:
        """For each clip of codes f32[B,T,V] its segments, the surest first."""
        lines = lines_of(codes, len(self.carry))
        with torch.no_grad():
            line, au, times, score = (each.cpu() for each in self._found(lines, *self.proposer(lines)))
        clips: list[list[FoundSegment]] = [[] for _ in codes]
        for k in score.argsort(descending=True, stable=True).tolist():
            clip, box = divmod(int(line[k]), len(self.carry))
            number, (start, end) = self.config.aus[int(au[k])], times[k].tolist()
            clips[clip].append(FoundSegment(number, box, start, end, float(score[k])))
        return tuple(tuple(each) for each in clips)

    def losses(self, batch: TensorBatch, output: ModelOutput, weights: Tensor | None = None) -> SegmentLosses:
        """The four parts of the loss; see :meth:`loss`."""
        if batch.labels is None:
            raise ValueError("a loss needs labels")
        _, lines, logits, offsets = output.parts
        truth = true_segments(batch.labels, self.carry)
        anchors = line_anchors(lines.shape[2], self.config.anchors, lines.device)
        proposals = self._proposals(logits, offsets, anchors, lines.shape[2])
        return SegmentLosses(
            *self._proposal_losses(truth, anchors, logits, offsets),
            *self._class_losses(truth, lines, *proposals, weights),
        )

    def loss(self, batch: TensorBatch, output: ModelOutput, weights: Tensor | None = None) -> Tensor:
        """Of the proposals and of the classifier: is it a segment, which AU, and smooth L1 of its offsets.

        Means over what was sampled. Where nothing is known it is 0 with a gradient of 0.

        Args:
            batch: must hold labels.
            output: what :meth:`forward` returned for it.
            weights: f32[A], of the AUs as classes; that of none is 1. None = all 1.
        """
        return self.losses(batch, output, weights).total()

    def _proposals(
        self, logits: Tensor, offsets: Tensor, anchors: Tensor, length: int
    ) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            return proposed(
                logits, offsets, anchors, length, overlap=PROPOSAL_NMS, most=self.config.proposals
            )

    def _proposal_losses(
        self, truth: TrueSegments, anchors: Tensor, logits: Tensor, offsets: Tensor
    ) -> tuple[Tensor, Tensor]:
        target, which = match_anchors(truth, anchors, POSITIVE, NEGATIVE)
        chosen = sampled(target, self.config.sampled, self.config.sampled // 2)
        count = chosen.sum().clamp(min=1)
        said = nn.functional.binary_cross_entropy_with_logits(
            logits[chosen], target[chosen].to(logits.dtype), reduction="sum"
        )
        line, place = (chosen & (target == 1) & truth.whole.gather(1, which)).nonzero(as_tuple=True)
        wanted = encode_segments(truth.times[line, which[line, place]], anchors[place])
        return said / count, _smooth_l1(offsets[line, place], wanted, PROPOSAL_SMOOTH) / count

    def _class_losses(
        self, truth: TrueSegments, lines: Tensor, proposals: Tensor, there: Tensor, weights: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        drawn = proposal_examples(
            truth,
            proposals,
            there,
            count=EXAMPLES,
            positives=EXAMPLES_OF_AUS,
            overlap=EXAMPLE_OVERLAP,
        )
        logits, offsets = self.classifier(lines, drawn.segments, drawn.line)
        known = self._carried(drawn.line) & nn.functional.pad(~drawn.unknown, (0, 1), value=True)
        each = nn.functional.cross_entropy(logits.masked_fill(~known, -torch.inf), drawn.au, reduction="none")
        weight = torch.ones_like(each)
        if weights is not None:
            weight = nn.functional.pad(weights.to(each.dtype), (0, 1), value=1.0)[drawn.au]
        (row,) = drawn.whole.nonzero(as_tuple=True)
        wanted = drawn.offsets[row] / drawn.offsets.new_tensor(OFFSET_SCALE)
        lengths = _smooth_l1(offsets[row, drawn.au[row]], wanted, SMOOTH)
        return (each * weight).sum() / weight.sum().clamp(min=1e-8), lengths / max(1, len(each))

    def _carried(self, line: Tensor) -> Tensor:
        """bool[P,A+1]: the classes of the box on whose line a segment lies; none is one of each."""
        return nn.functional.pad(self.carry[line % len(self.carry)], (0, 1), value=True)

    def _found(self, lines: Tensor, logits: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Line i64[K], place of the AU i64[K], times f32[K,2] and score f32[K] of what is kept."""
        anchors = line_anchors(lines.shape[2], self.config.anchors, lines.device)
        segments, there = self._proposals(logits, offsets, anchors, lines.shape[2])
        found = []
        for first in range(0, len(lines), len(self.carry)):
            at = slice(first, first + len(self.carry))
            line, *rest = self._found_in_clip(lines[at], segments[at], there[at])
            found.append((line + first, *rest))
        line, au, times, score = (torch.cat(each) for each in zip(*found, strict=True))
        return line, au, times, score

    def _found_in_clip(
        self, lines: Tensor, segments: Tensor, there: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The same of one clip."""
        line, place = there.nonzero(as_tuple=True)
        taken = segments[line, place]
        logits, offsets = self.classifier(lines, taken, line)
        score = logits.masked_fill(~self._carried(line), -torch.inf).softmax(dim=1)[:, :-1]
        moved = offsets * offsets.new_tensor(OFFSET_SCALE)
        times = decode_segments(moved, taken[:, None]).clamp(0, lines.shape[2])
        sure = (score > self.config.least_score) & (times[..., 1] - times[..., 0] >= 1)
        row, au = sure.nonzero(as_tuple=True)
        line, times, score = line[row], times[row, au], score[row, au]
        kept = temporal_nms(times, score, self.config.nms, line * len(self.config.aus) + au)
        return line[kept], au[kept], times[kept], score[kept]

    def _frame_logits(self, found: Sequence[Tensor], clips: int, length: int) -> Tensor:
        """f32[B,T,R,A]: at each frame the highest score of a box's segments of an AU that cover it."""
        line, au, times, score = found
        boxes, aus = self.carry.shape
        middle = torch.arange(length, device=times.device) + 0.5
        covered = (times[:, :1] <= middle) & (middle < times[:, 1:])
        said = torch.where(covered, torch.logit(score, eps=1e-6)[:, None], FLOOR)
        frames = torch.full((clips * boxes * aus, length), FLOOR, device=times.device)
        place = (line * aus + au)[:, None].expand_as(said)
        frames = frames.scatter_reduce(0, place, said, "amax")
        return frames.reshape(clips, boxes, aus, length).permute(0, 3, 1, 2)


def _smooth_l1(said: Tensor, wanted: Tensor, linear_from: float) -> Tensor:
    return nn.functional.smooth_l1_loss(said, wanted, beta=linear_from, reduction="sum")


def build(config: TalNetConfig) -> TalNet:
    """The network of a configuration, with random weights."""
    return TalNet(config)
