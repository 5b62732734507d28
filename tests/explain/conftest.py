"""Small networks with settled batch normalisation, as predictors, and batches for them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from actionunits.models.interface import AUModel, to_tensors
from actionunits.models.registry import build_model
from actionunits.records import Batch

#: Sizes whose halves are odd, kernels that are not the papers', and clips.
SMALL = {
    "facs3d/cnn2d": {"size_px": 97, "filters": [4, 6, 5], "code": 16},
    "facs3d/cnn_lstm": {"size_px": 58, "filters": [4, 6, 5], "kernel": 3, "code": 16, "clip_length": 5},
    "facs3d/net": {"size_px": 81, "filters": [3, 4, 5], "code": 16, "clip_length": 56},
    "patterns/network1": {"size_px": 61, "kernel": 3, "aus": [1, 12]},
}


class NetworkPredictor:
    """A network as a backend gives it; counts the frames that it predicts as a whole."""

    def __init__(self, model: AUModel) -> None:
        self.model, self.spec = model.eval(), model.spec
        self.frames = 0

    def predict(self, batch: Batch) -> SimpleNamespace:
        self.frames += batch.frames.shape[0] * batch.frames.shape[1]
        with torch.inference_mode():
            logits = self.model(to_tensors(batch)).logits
        return SimpleNamespace(probability=torch.sigmoid(logits).numpy())


def _batch_of(spec, clips: int, seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    shape = (clips, spec.clip_length)
    frames = rng.random((*shape, spec.channels, spec.size_px, spec.size_px), np.float32)
    return Batch(frames, labels=rng.integers(-1, 2, (*shape, len(spec.aus))).astype(np.int8))


@pytest.fixture(scope="session")
def batch_of():
    """Clips of random pixels with random labels for an input spec."""
    return _batch_of


@pytest.fixture(scope="session")
def small():
    """Registry name -> configuration."""
    return SMALL


@pytest.fixture(scope="session")
def network():
    """Makes the small network of a name; its probabilities are spread over 0 to 1."""

    def make(name: str) -> NetworkPredictor:
        torch.manual_seed(0)
        model = build_model(name, SMALL[name])
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(2)
            model.train()
            model(to_tensors(_batch_of(model.spec, 2, seed=1)))  # batch normalisation settles
        return NetworkPredictor(model)

    return make
