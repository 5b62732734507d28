"""Segments on a line against references that go frame by frame or pair by pair."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from actionunits.metrics.segments import temporal_iou
from actionunits.models.au_rcnn.line_segments import (
    decode_segments,
    encode_segments,
    line_anchors,
    overlaps,
    pool_segments,
    temporal_nms,
)

REAL = st.floats(-50, 50, allow_nan=False, width=32)
SPAN = st.tuples(REAL, st.floats(1, 60, allow_nan=False, width=32))


def _tensor(spans, dtype=torch.float64) -> torch.Tensor:
    return torch.tensor([[a, a + n] for a, n in spans], dtype=dtype).reshape(-1, 2)


@given(st.lists(SPAN, max_size=5), st.lists(SPAN, max_size=5))
def test_overlaps_are_those_of_the_metric(one, other) -> None:
    a, b = _tensor(one), _tensor(other)
    wanted = torch.from_numpy(temporal_iou(a.numpy(), b.numpy()))
    torch.testing.assert_close(overlaps(a, b), wanted)
    torch.testing.assert_close(overlaps(a.expand(2, -1, -1), b.expand(2, -1, -1))[1], wanted)


@given(st.lists(st.tuples(SPAN, SPAN), min_size=1, max_size=8))
def test_offsets_lead_back_to_the_segment(pairs) -> None:
    segments, anchors = (_tensor([pair[k] for pair in pairs]) for k in (0, 1))
    again = decode_segments(encode_segments(segments, anchors), anchors)
    torch.testing.assert_close(again, segments, atol=1e-8, rtol=0)


@given(st.lists(st.tuples(REAL, st.floats(-2, 4, width=32), SPAN), min_size=1, max_size=8))
def test_segments_lead_back_to_the_offsets(rows) -> None:
    offsets = torch.tensor([[a, b] for a, b, _ in rows], dtype=torch.float64)
    anchors = _tensor([span for *_, span in rows])
    again = encode_segments(decode_segments(offsets, anchors), anchors)
    torch.testing.assert_close(again, offsets, atol=1e-8, rtol=0)


def test_offsets_cannot_overflow() -> None:
    far = decode_segments(torch.tensor([[0.0, 1e6]]), torch.tensor([[0.0, 16.0]]))
    assert far.tolist()[0] == pytest.approx([8 - 500, 8 + 500])


def _nms_by_hand(segments, scores, overlap: float, kinds) -> list[int]:
    left, kept = sorted(range(len(scores)), key=lambda k: -scores[k]), []
    while left:
        best = left.pop(0)
        kept.append(best)
        iou = temporal_iou([segments[best]], segments)[0]
        left = [k for k in left if kinds[k] != kinds[best] or iou[k] <= overlap]
    return kept


WHOLE = st.tuples(st.integers(0, 30), st.integers(1, 20), st.integers(0, 2))


@given(st.lists(WHOLE, max_size=14), st.sampled_from([0.3, 0.5, 0.7]), st.booleans(), st.randoms())
def test_nms_is_that_of_the_plain_loop(rows, overlap: float, apart: bool, random) -> None:
    scores = [k / 20 for k in range(len(rows))]
    random.shuffle(scores)
    segments = torch.tensor([[a, a + n] for a, n, _ in rows], dtype=torch.float32).reshape(-1, 2)
    kinds = [kind if apart else 0 for *_, kind in rows]
    given_kinds = torch.tensor(kinds, dtype=torch.int64) if apart else None
    found = temporal_nms(segments, torch.tensor(scores, dtype=torch.float32), overlap, given_kinds)
    assert found.tolist() == _nms_by_hand(segments.double().numpy(), scores, overlap, kinds)


def test_anchors_are_around_each_frame_and_end_with_the_line() -> None:
    anchors = line_anchors(100, (30, 40, 65, 70, 120, 140, 180))
    assert anchors.shape == (700, 2)
    at_50 = anchors[50 * 7 : 51 * 7].tolist()
    assert at_50[:4] == [[35.5, 65.5], [30.5, 70.5], [18.0, 83.0], [15.5, 85.5]]
    assert at_50[4:] == [[0.0, 100.0]] * 3  # longer than the line: all of it
    assert anchors[0].tolist() == [0.0, 15.5]
    assert (anchors[:, 1] - anchors[:, 0] > 0).all()


@given(st.integers(1, 60), st.data())
def test_pooling_is_adaptive_max_pooling_of_whole_frames(length: int, data) -> None:
    lines = torch.randn(2, 3, length, generator=torch.Generator().manual_seed(length))
    start = data.draw(st.integers(0, length - 1))
    end = data.draw(st.integers(start + 1, length))
    moved = torch.tensor([[start + 0.3, end - 0.3]]).clamp(0, length) if end - start > 1 else None
    for segments in (torch.tensor([[float(start), float(end)]]), moved):
        if segments is not None:
            found = pool_segments(lines, segments, torch.tensor([1]), 7)
            wanted = torch.nn.functional.adaptive_max_pool1d(lines[1, :, start:end], 7)
            assert torch.equal(found[0], wanted)


def test_of_no_segment_nothing_is_pooled() -> None:
    none = pool_segments(torch.randn(2, 3, 9), torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64), 7)
    assert none.shape == (0, 3, 7)
    assert temporal_nms(torch.zeros(0, 2), torch.zeros(0), 0.5).shape == (0,)
