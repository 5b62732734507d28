"""Copies bring two classes to one number; codes are computed once, and a stopped run goes on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from actionunits.records import Sample
from actionunits.training.balance import copies_for, plan_copies
from actionunits.training.codes import FILE_ROWS, CodeBatches, encode_once


@given(arrays(np.int8, st.integers(0, 60), elements=st.integers(-1, 1)), st.integers(0, 9))
def test_the_rarer_class_is_topped_up_as_far_as_the_copies_go(labels: np.ndarray, most: int) -> None:
    counts = copies_for(labels, most)
    assert (counts[labels < 0] == 0).all()
    assert counts.max(initial=0) <= most
    shown, hidden = ((1 + counts[labels == value]).sum() for value in (1, 0))
    small, large = sorted(((labels == 1).sum(), (labels == 0).sum()))
    if small and large <= small * (1 + most):
        assert shown == hidden == large
    assert max(shown, hidden) == large or not small


@given(arrays(np.int8, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.integers(-1, 1)))
def test_each_au_finds_its_samples_and_copies_among_the_shared_rows(labels: np.ndarray) -> None:
    plan = plan_copies(labels, most=3, jitter_share=0.125, mirrored=True, seed=0)
    triples = list(zip(plan.sample.tolist(), plan.copy.tolist(), plan.mirrored.tolist(), strict=True))
    assert len(set(triples)) == len(triples)
    for au, rows in enumerate(plan.rows):
        wanted = copies_for(labels[:, au], 3)
        expected = {
            (sample, copy, mirrored)
            for sample in np.flatnonzero(labels[:, au] >= 0).tolist()
            for copy in range(wanted[sample] + 1)
            for mirrored in (False, True)
        }
        assert {triples[row] for row in rows} == expected
        assert len(rows) == len(expected)


def test_a_copy_is_shifted_by_an_eighth_at_most_and_mirrored() -> None:
    frames = np.zeros((1, 64, 64, 1), np.uint8)
    frames[0, 30:34, 20:24] = 255
    sample = Sample(frames, np.array([[1]], np.int8))
    plan = plan_copies(
        np.array([[1], [0], [0], [0], [0]], np.int8), most=8, jitter_share=0.125, mirrored=True, seed=2
    )
    places = []
    for row in np.flatnonzero(plan.sample == 0):
        shown = plan.show(int(row), sample).frames[0, :, :, 0].astype(float)
        y, x = (np.average(axis, weights=shown) for axis in np.mgrid[:64, :64])
        x = 63 - x if plan.mirrored[row] else x
        places.append((x - 21.5, y - 31.5))
        if plan.copy[row] == 0:
            assert (round(x - 21.5, 3), round(y - 31.5, 3)) == (0, 0)
    assert np.abs(places).max() <= 8.5
    assert np.ptp(places, axis=0).min() > 1
    assert len(places) == 2 * 4


def test_codes_are_computed_once_and_gone_on_with(tmp_path: Path) -> None:
    rows, asked = FILE_ROWS + 70, []

    def pictures(numbers) -> torch.Tensor:
        asked.extend(numbers)
        return torch.tensor([[float(n), -float(n)] for n in numbers])

    def encode(some: torch.Tensor) -> torch.Tensor:
        if FILE_ROWS in asked and len(asked) > rows - 10 and not (tmp_path / "go").exists():
            raise KeyboardInterrupt
        return some / 8

    with pytest.raises(KeyboardInterrupt):
        encode_once(tmp_path / "c", rows, pictures, encode, key="a")
    (tmp_path / "go").touch()
    asked.clear()
    codes = encode_once(tmp_path / "c", rows, pictures, encode, key="a")
    assert sorted(asked) == list(range(FILE_ROWS, rows))
    assert len(codes) == rows
    chosen = np.array([5, FILE_ROWS + 1, 0, rows - 1])
    assert codes.rows(chosen) == pytest.approx(np.stack([chosen, -chosen], 1) / 8, rel=5e-4)
    asked.clear()
    encode_once(tmp_path / "c", rows, pictures, encode, key="a")
    assert asked == []
    encode_once(tmp_path / "c", rows, pictures, encode, key="another encoder")
    assert len(asked) == rows


def test_batches_of_codes_are_the_same_again_and_hold_each_row_once(tmp_path: Path) -> None:
    codes = encode_once(tmp_path, 40, lambda n: torch.tensor([[float(k)] for k in n]), lambda x: x, key="x")
    rows = np.arange(3, 33)
    source = CodeBatches(codes, rows, (rows % 2).astype(np.int8), 8)
    assert len(source) == 3
    batches = list(source.epoch(1, 5))
    again = list(source.epoch(1, 5))
    seen = torch.cat([b.codes for b in batches]).flatten()
    assert torch.equal(seen, torch.cat([b.codes for b in again]).flatten())
    assert len(set(seen.tolist())) == 24
    for batch in batches:
        assert torch.equal(batch.labels.flatten(), (batch.codes.flatten() % 2).to(torch.int8))
