"""Samplers balance what they say, and change nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from actionunits.errors import UserError
from actionunits.records import InputSpec, Sample
from actionunits.training.augment import AugmentSettings
from actionunits.training.sampling import SAMPLERS, epoch_order, inverse_base_rates, sample_weights
from actionunits.training.source import SampleBatches

LABELS = arrays(np.int8, st.tuples(st.integers(1, 60), st.integers(1, 4)), elements=st.integers(-1, 1))


@given(labels=LABELS, seed=st.integers(0, 99), by=st.sampled_from(SAMPLERS))
def test_an_epoch_has_as_many_rows_and_each_as_often_as_its_weight(labels, seed, by) -> None:
    order = epoch_order(labels, by, np.random.default_rng(seed))
    assert np.array_equal(order, epoch_order(labels, by, np.random.default_rng(seed)))
    assert len(order) == len(labels)
    times = np.bincount(order, minlength=len(labels))
    wanted = len(labels) * sample_weights(labels, by)
    assert (np.abs(times - wanted) < 1 + 1e-6).all()


def test_patterns_come_up_equally_often() -> None:
    labels = np.repeat(np.array([[0, 0], [0, 1], [1, 1]], np.int8), [270, 27, 3], axis=0)
    order = epoch_order(labels, "patterns", np.random.default_rng(0))
    _, counts = np.unique(labels[order], axis=0, return_counts=True)
    assert counts.tolist() == [100, 100, 100]


def test_rare_aus_come_up_more_often() -> None:
    rng = np.random.default_rng(1)
    labels = (rng.random((4000, 3)) < [0.02, 0.3, 0.9]).astype(np.int8)
    before = labels.mean(axis=0)
    after = labels[epoch_order(labels, "aus", rng)].mean(axis=0)
    assert after[0] > 4 * before[0]
    assert after[2] < before[2]


def test_seed_003s_weights() -> None:
    labels = np.array([[1, 1, 0], [1, 0, 0], [-1, 0, 0], [1, -1, 0], [0, 0, 0]], np.int8)
    # base rates 3/4 and 1/4, and an AU that never shows: it takes the rarest other AU's weight
    assert inverse_base_rates(labels) == pytest.approx((3 / 7, 9 / 7, 9 / 7))
    assert inverse_base_rates(np.zeros((4, 2), np.int8)) == (1.0, 1.0)


class Noise:
    def __init__(self, count: int) -> None:
        self.labels = (np.arange(count)[:, None] % 3 == 0).astype(np.int8)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Sample:
        frames = np.full((1, 12, 12, 1), index, np.uint8)
        return Sample(frames=frames, labels=self.labels[index : index + 1])


def test_batches_are_the_same_for_the_same_epoch_and_seed_and_others_for_others() -> None:
    spec = InputSpec(aus=(12,), size_px=12, inter_ocular_px=5.0, normalisation=((0.0,), (1.0,)))
    source = SampleBatches(Noise(10), spec, 4, changes=AugmentSettings())
    assert len(source) == 2

    def frames(number: int, seed: int) -> np.ndarray:
        return np.stack([batch.frames for batch in source.epoch(number, seed)])

    assert frames(0, 1).shape == (2, 4, 1, 1, 12, 12)
    assert np.array_equal(frames(0, 1), frames(0, 1))
    assert not np.array_equal(frames(0, 1), frames(1, 1))
    assert not np.array_equal(frames(0, 1), frames(0, 2))
    plain = SampleBatches(Noise(10), spec, 4)
    shown = [int(v) for batch in plain.epoch(0, 0) for v in batch.frames[:, 0, 0, 0, 0]]
    assert len(set(shown)) == 8
    with pytest.raises(UserError, match="no samples"):
        SampleBatches(Noise(0), spec, 4)
