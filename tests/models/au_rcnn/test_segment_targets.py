"""True segments of the boxes' lines, and which anchors and proposals meet them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from actionunits.metrics.segments import temporal_iou
from actionunits.models.au_rcnn.line_segments import decode_segments, line_anchors
from actionunits.models.au_rcnn.segment_targets import (
    match_anchors,
    proposal_examples,
    sampled,
    true_segments,
)

#: Three boxes, two AUs: the second box carries both.
CARRY = torch.tensor([[True, False], [True, True], [False, True]])
LABELS = arrays(np.int8, (2, 12, 2), elements=st.sampled_from([-1, 0, 0, 1]))


def _labels(*lines: str) -> torch.Tensor:
    """i8[1,T,A] of lines of 0, 1 and ?."""
    codes = [[{"?": -1}.get(mark, mark) for mark in line] for line in lines]
    return torch.from_numpy(np.array(codes).astype(np.int8).T[None].copy())


def _of(truth, line: int) -> list[tuple[int, float, float, bool]]:
    rows = truth.there[line].nonzero()[:, 0].tolist()
    return [
        (int(truth.au[line, k]), *truth.times[line, k].tolist(), bool(truth.whole[line, k])) for k in rows
    ]


def test_each_box_has_the_segments_of_its_aus() -> None:
    truth = true_segments(_labels("011000000110", "000111000000"), CARRY)
    assert _of(truth, 0) == [(0, 1.0, 3.0, True), (0, 9.0, 11.0, True)]
    assert _of(truth, 1) == [(0, 1.0, 3.0, True), (0, 9.0, 11.0, True), (1, 3.0, 6.0, True)]
    assert _of(truth, 2) == [(1, 3.0, 6.0, True)]


def test_a_gap_of_unknown_frames_breaks_nothing_and_an_unknown_end_is_told() -> None:
    truth = true_segments(_labels("01??10001???", "?11111111111"), CARRY)
    assert _of(truth, 1) == [(0, 1.0, 5.0, True), (0, 8.0, 9.0, False), (1, 1.0, 12.0, False)]


@given(LABELS)
def test_what_holds_an_unknown_frame_is_told_of_the_boxs_aus(labels) -> None:
    truth = true_segments(torch.from_numpy(labels), CARRY)
    spans = torch.tensor([[0.0, 12.0], [3.2, 5.7], [11.0, 12.0], [4.0, 4.0]])
    found = truth.unknown_in(spans.expand(6, -1, -1))
    for line in range(6):
        clip, box = divmod(line, 3)
        for row, (start, end) in enumerate([(0, 12), (3, 6), (11, 12), (4, 4)]):
            wanted = (labels[clip, start:end] < 0).any(axis=0) & CARRY[box].numpy()
            assert found[line, row].tolist() == wanted.tolist()


@given(LABELS)
def test_anchors_are_matched_as_the_plain_rule_says(labels) -> None:
    truth = true_segments(torch.from_numpy(labels), CARRY)
    anchors = line_anchors(12, (2, 5, 30))
    target, which = match_anchors(truth, anchors, 0.7, 0.3)
    for line in range(6):
        clip, box = divmod(line, 3)
        spans = np.array([span[1:3] for span in _of(truth, line)]).reshape(-1, 2)
        iou = temporal_iou(anchors.numpy(), spans)
        for row, (start, end) in enumerate(anchors.tolist()):
            positive = any(
                value > 0 and (value >= 0.7 - 1e-6 or value >= iou[:, at].max() - 1e-6)
                for at, value in enumerate(iou[row])
            )
            frames = labels[clip, int(start) : int(np.ceil(end)), CARRY[box].numpy()]
            negative = not positive and iou[row].max(initial=0) < 0.3 and (frames >= 0).all()
            assert target[line, row] == (1 if positive else 0 if negative else -1)
            if positive:
                chosen = truth.times[line, which[line, row]].numpy()
                best = temporal_iou(anchors[row : row + 1].numpy(), chosen)[0, 0]
                assert best == pytest.approx(iou[row].max(), abs=1e-6)


def test_windows_without_labels_give_nothing_to_learn_from() -> None:
    anchors = line_anchors(12, (3, 6))
    truth = true_segments(torch.full((1, 12, 2), -1, dtype=torch.int8), CARRY)
    assert (match_anchors(truth, anchors, 0.7, 0.3)[0] == -1).all()
    quiet = true_segments(torch.zeros(1, 12, 2, dtype=torch.int8), CARRY)
    assert (match_anchors(quiet, anchors, 0.7, 0.3)[0] == 0).all()


@given(arrays(np.int64, (3, 40), elements=st.sampled_from([-1, 0, 1])), st.integers(0, 9))
def test_samples_are_filled_up_with_negatives(target, seed: int) -> None:
    torch.manual_seed(seed)
    chosen = sampled(torch.from_numpy(target), 16, 8).numpy()
    torch.manual_seed(seed)
    assert (chosen == sampled(torch.from_numpy(target), 16, 8).numpy()).all()
    assert not chosen[target == -1].any()
    for row, line in zip(target, chosen, strict=True):
        positives = min(8, (row == 1).sum())
        assert line[row == 1].sum() == positives
        assert line[row == 0].sum() == min(16 - positives, (row == 0).sum())


def test_examples_have_the_label_of_what_they_overlap_with() -> None:
    torch.manual_seed(0)
    truth = true_segments(_labels("011111000000", "011111000???"), CARRY)
    proposals = torch.tensor([[1.0, 6.0], [2.0, 7.0], [5.0, 8.0], [7.0, 11.0]]).expand(3, -1, -1)
    there = torch.tensor([True, True, True, True]).expand(3, -1)
    drawn = proposal_examples(truth, proposals, there, count=64, positives=32, overlap=0.5)
    of = [
        (int(line), tuple(span), int(au), unknown)
        for line, span, au, unknown in zip(
            drawn.line, drawn.segments.tolist(), drawn.au, drawn.unknown.tolist(), strict=True
        )
    ]
    plain = [False, False]
    assert (
        of.count((1, (1.0, 6.0), 0, plain)) == of.count((1, (1.0, 6.0), 1, plain)) == 3
    )  # with the truth's own
    assert (1, (2.0, 7.0), 0, plain) in of
    assert (1, (2.0, 7.0), 1, plain) in of
    assert (0, (2.0, 7.0), 1, plain) not in of  # the box does not carry it
    assert (0, (5.0, 8.0), 2, plain) in of
    assert (2, (7.0, 11.0), 2, [False, True]) in of  # nothing is said about the unknown AU
    assert (0, (7.0, 11.0), 2, plain) in of
    real = drawn.au < 2
    again = decode_segments(drawn.offsets[real], drawn.segments[real])
    torch.testing.assert_close(again, torch.tensor([[1.0, 6.0]]).expand_as(again))
    assert drawn.whole.tolist() == real.tolist()
    assert not drawn.offsets[~real].any()


def test_empty_places_are_no_examples() -> None:
    truth = true_segments(torch.zeros(2, 12, 2, dtype=torch.int8), CARRY)
    none = proposal_examples(
        truth, torch.zeros(6, 0, 2), torch.zeros(6, 0, dtype=torch.bool), count=8, positives=2, overlap=0.5
    )
    assert len(none.line) == 0
    there = torch.tensor([[True, False]]).expand(6, -1)
    some = proposal_examples(
        truth,
        torch.tensor([[1.0, 4.0], [0.0, 0.0]]).expand(6, -1, -1),
        there,
        count=8,
        positives=2,
        overlap=0.5,
    )
    assert some.segments.tolist() == [[1.0, 4.0]] * 6
    assert some.au.tolist() == [2] * 6
