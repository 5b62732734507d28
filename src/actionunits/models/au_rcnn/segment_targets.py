"""What TAL-Net learns from: the true segments of each box's line, and which anchors and proposals meet them.

A true segment is a run of frames in which the box shows an AU. A gap of unknown frames does not break it
(:func:`actionunits.metrics.segments.known_segments`); where a run ends at unknown frames its extent is not
known and no offsets are learnt from it. Nothing that reaches over frames unknown for one of the box's AUs
counts as a place without a segment.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from actionunits.metrics.segments import known_segments
from actionunits.models.au_rcnn.line_segments import encode_segments, overlaps

__all__ = ["Examples", "TrueSegments", "match_anchors", "proposal_examples", "sampled", "true_segments"]


@dataclass(frozen=True)
class TrueSegments:
    """The true segments of N lines, as many places for each.

    Attributes:
        times: f32[N,M,2], start and end.
        au: i64[N,M], the AU's place in the model's list.
        there: bool[N,M]; False = the place is empty.
        whole: bool[N,M], whether both ends are known.
        unknown: i64[N,T+1,A], of how many frames before a frame the box's label of an AU is unknown.
    """

    times: Tensor
    au: Tensor
    there: Tensor
    whole: Tensor
    unknown: Tensor

    def met(self, segments: Tensor) -> Tensor:
        """f32[N,K,M]: how much segments f32[N,K,2] overlap with the true ones; 0 with an empty place."""
        return overlaps(segments, self.times) * self.there[:, None]

    def unknown_in(self, segments: Tensor) -> Tensor:
        """bool[N,K,A]: whether segments f32[N,K,2] hold a frame whose label is not known."""
        last = self.unknown.shape[1] - 1
        line = torch.arange(len(self.unknown), device=segments.device)[:, None]
        before = self.unknown[line, segments[..., 0].floor().long().clamp(0, last)]
        return self.unknown[line, segments[..., 1].ceil().long().clamp(0, last)] > before


def true_segments(labels: Tensor, carry: Tensor) -> TrueSegments:
    """The true segments of each box of each clip: line b R + r is that of box r in clip b.

    Args:
        labels: i8[B,T,A], of the images; -1 unknown.
        carry: bool[R,A] (:func:`actionunits.facs.groups.boxes_carry`).
    """
    rows = [_of_clip(clip) for clip in labels]
    most = max(1, *(len(each) for each in rows))
    table = torch.full((len(rows), most, 4), -1, dtype=torch.int64)
    for number, each in enumerate(rows):
        table[number, : len(each)] = torch.tensor(each, dtype=torch.int64).reshape(-1, 4)
    au, start, end, whole = table.to(labels.device).unbind(dim=2)
    known_au = au.clamp(min=0)
    there = (au >= 0)[:, None] & carry[:, known_au].transpose(0, 1)
    boxes = len(carry)
    counted = torch.zeros(len(labels), labels.shape[1] + 1, labels.shape[2], dtype=torch.int64)
    counted = counted.to(labels.device)
    counted[:, 1:] = (labels < 0).cumsum(dim=1)
    return TrueSegments(
        times=torch.stack((start, end), dim=2).float().repeat_interleave(boxes, dim=0),
        au=known_au.repeat_interleave(boxes, dim=0),
        there=there.flatten(0, 1),
        whole=(whole == 1).repeat_interleave(boxes, dim=0),
        unknown=(counted[:, None] * carry[:, None]).flatten(0, 1),
    )


def _of_clip(labels: Tensor) -> list[tuple[int, int, int, int]]:
    """(place of the AU, start, end, 1 if both ends are known) of labels i8[T,A]."""
    found, length = [], len(labels)
    for au, line in enumerate(labels.T.cpu().numpy()):
        for start, end in known_segments(line).tolist():
            whole = (start == 0 or line[start - 1] >= 0) and (end == length or line[end] >= 0)
            found.append((au, start, end, int(whole)))
    return found


def match_anchors(truth: TrueSegments, anchors: Tensor, high: float, low: float) -> tuple[Tensor, Tensor]:
    """Which anchors stand for a true segment.

    Args:
        truth: of N lines.
        anchors: f32[K,2], the same on each.
        high: an anchor of this overlap with a true segment is positive, and so is the best of each.
        low: one with less than this with all of them is negative.

    Returns:
        i64[N,K], 1 positive, 0 negative, -1 neither; and i64[N,K], the true segment that it overlaps most.
    """
    everywhere = anchors.expand(len(truth.times), -1, -1)
    met = truth.met(everywhere)
    most, which = met.max(dim=2)
    best = ((met == met.amax(dim=1, keepdim=True)) & (met > 0)).any(dim=2)
    negative = (most < low) & ~truth.unknown_in(everywhere).any(dim=2)
    target = torch.where(negative, 0, -1)
    target[best | (most >= high)] = 1
    return target, which


def sampled(target: Tensor, count: int, positives: int) -> Tensor:
    """bool[N,K]: of each line at most so many, of which at most so many are positive, drawn by PyTorch.

    Args:
        target: i64[N,K], 1 positive, 0 negative, -1 neither.
        count: in all.
        positives: of these.
    """
    draw = torch.rand(target.shape, device=target.device)
    chosen = _first(draw, target == 1, torch.full_like(target[:, :1], positives))
    return chosen | _first(draw, target == 0, count - chosen.sum(dim=1, keepdim=True))


def _first(draw: Tensor, among: Tensor, count: Tensor) -> Tensor:
    """bool[N,K]: in each row the ``count`` i64[N,1] smallest draws of those that are among."""
    rank = draw.masked_fill(~among, 2.0).argsort(dim=1).argsort(dim=1)
    return among & (rank < count)


@dataclass(frozen=True)
class Examples:
    """Segments to classify, P of them.

    Attributes:
        line: i64[P], on which line each lies.
        segments: f32[P,2].
        au: i64[P], place of the AU that each is; A = none.
        offsets: f32[P,2], to the true segment; 0 where there is none.
        whole: bool[P], whether there is one with known ends.
        unknown: bool[P,A], AUs that nothing is said about.
    """

    line: Tensor
    segments: Tensor
    au: Tensor
    offsets: Tensor
    whole: Tensor
    unknown: Tensor


def proposal_examples(
    truth: TrueSegments, proposals: Tensor, there: Tensor, *, count: int, positives: int, overlap: float
) -> Examples:
    """Draw from proposals and the true segments themselves what the classifier learns from.

    A segment has one label. A proposal that overlaps enough with true segments of several AUs is an example
    of each of them.

    Args:
        truth: of N lines.
        proposals: f32[N,K,2].
        there: bool[N,K]; False = the place is empty.
        count: of examples of a line.
        positives: how many of these at most have an AU.
        overlap: from this overlap on a proposal stands for a true segment, below it for none.
    """
    segments = torch.cat((proposals, truth.times), dim=1)
    there = torch.cat((there, truth.there), dim=1)
    met = truth.met(segments) * there[..., None]
    aus = truth.unknown.shape[2]
    place = truth.au[:, None].expand_as(met)
    best = met.new_zeros(*met.shape[:2], aus).scatter_reduce(2, place, met, "amax")
    is_au = (met >= overlap) & (met == best.gather(2, place))
    is_none = there & (met.amax(dim=2) < overlap)
    target = torch.cat((torch.where(is_au.flatten(1), 1, -1), torch.where(is_none, 0, -1)), dim=1)
    chosen, pairs = sampled(target, count, positives), is_au[0].numel()
    line, segment, real = chosen[:, :pairs].reshape(is_au.shape).nonzero(as_tuple=True)
    line_0, segment_0 = chosen[:, pairs:].nonzero(as_tuple=True)
    lines, rows = torch.cat((line, line_0)), torch.cat((segment, segment_0))
    taken = segments[lines, rows]
    au = torch.cat((truth.au[line, real], torch.full_like(line_0, aus)))
    offsets, whole = torch.zeros_like(taken), torch.zeros_like(au, dtype=torch.bool)
    offsets[: len(line)] = encode_segments(truth.times[line, real], taken[: len(line)])
    whole[: len(line)] = truth.whole[line, real]
    unknown = truth.unknown_in(segments)[lines, rows]
    return Examples(lines, taken, au, offsets, whole, unknown & ~_is(au, aus))


def _is(au: Tensor, aus: int) -> Tensor:
    """bool[P,A]: whether each AU is that of an example."""
    return torch.arange(aus, device=au.device) == au[:, None]
