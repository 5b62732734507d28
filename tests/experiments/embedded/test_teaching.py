"""Labels that are partly what teachers say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from actionunits.experiments.embedded.teaching import TaughtBatches
from actionunits.models.embedded.net import EmbeddedConfig, build
from actionunits.models.interface import to_tensors
from actionunits.records import Batch

AUS = (1, 12, 25)


def _batch(rng):
    labels = rng.integers(-1, 2, (6, 1, 3)).astype(np.int8)
    intensity = rng.uniform(0, 5, (6, 1, 3)).astype(np.float32)
    intensity[labels < 0] = np.nan
    sides = rng.uniform(0, 5, (6, 1, 3, 2)).astype(np.float32)
    sides[:, :, 2] = np.nan  # AU25 has no sides
    frames = rng.normal(0, 1, (6, 1, 1, 112, 112)).astype(np.float32)
    points = rng.uniform(0, 112, (6, 1, 68, 2)).astype(np.float32)
    return Batch(frames, landmarks=points, labels=labels, intensity=intensity, sides=sides)


class _Source:
    def __init__(self, batch):
        self.batch = batch

    def __len__(self):
        return 1

    def epoch(self, number, seed):
        yield self.batch


@pytest.fixture
def teachers():
    torch.manual_seed(0)
    models = [build(EmbeddedConfig(aus=AUS)).eval() for _ in range(2)]
    models[0].calibration_scale.fill_(
        7.0
    )  # must not matter: probabilities are those of the training's base rate
    return models


def _said(teachers, batch):
    with torch.no_grad():
        outputs = [model(to_tensors(batch)) for model in teachers]
    shown = np.mean([1 / (1 + np.exp(-out.parts[0][..., :3].numpy())) for out in outputs], axis=0)
    return shown, np.mean([out.intensity.numpy() for out in outputs], axis=0)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_known_labels_are_mixed_and_unknown_ones_are_the_teachers_mean(teachers, share):
    batch = _batch(np.random.default_rng(1))
    (taught,) = TaughtBatches(_Source(batch), teachers, share).epoch(0, 0)
    shown, intensity = _said(teachers, batch)
    known = batch.labels >= 0
    expected = np.where(known, (1 - share) * batch.labels + share * shown, shown)
    np.testing.assert_allclose(taught.labels.numpy(), expected, atol=0.02)  # the teachers run in bfloat16
    expected = np.where(known, (1 - share) * np.nan_to_num(batch.intensity) + share * intensity, intensity)
    np.testing.assert_allclose(taught.intensity.numpy(), expected, atol=0.05)
    assert torch.isnan(taught.sides[:, :, 2]).all()
    assert torch.isfinite(taught.sides[:, :, :2]).all()


def test_the_loss_is_the_weighted_sum_of_both_losses(teachers):
    """What the docstring says of a cross-entropy, for a batch without unknown labels."""
    batch = _batch(np.random.default_rng(2))
    batch = replace(batch, labels=np.abs(batch.labels), intensity=None, sides=None)
    source = replace(batch, intensity=np.full(batch.labels.shape, np.nan, np.float32))
    source = replace(source, sides=np.full((*batch.labels.shape, 2), np.nan, np.float32))
    losses = []
    learner = build(EmbeddedConfig(aus=AUS)).eval()
    for share in (0.0, 0.5, 1.0):
        (taught,) = TaughtBatches(_Source(source), teachers, share).epoch(0, 0)
        taught = replace(taught, intensity=None, sides=None)
        losses.append(learner.loss(taught, learner(taught)).item())
    assert losses[1] == pytest.approx((losses[0] + losses[2]) / 2, rel=1e-4)
    assert losses[0] != pytest.approx(losses[2], rel=1e-3)


def test_the_teachers_stay_as_they_are(teachers):
    before = [{k: v.clone() for k, v in model.state_dict().items()} for model in teachers]
    list(TaughtBatches(_Source(_batch(np.random.default_rng(3))), teachers, 0.5).epoch(0, 0))
    for model, state in zip(teachers, before, strict=True):
        assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
