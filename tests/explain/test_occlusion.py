"""Occlusion maps equal captum's, and point at what a model looks at."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from captum.attr import Occlusion
from torch import nn

from actionunits.errors import UserError
from actionunits.explain.occlusion import occlusion_maps
from actionunits.records import Batch, InputSpec

SIZE = 33


class Net:
    """A random convolutional network with sigmoid outputs, as a predictor and as a module."""

    def __init__(self, channels: int = 1) -> None:
        torch.manual_seed(0)
        means, deviations = (100.0, 120.0, 140.0)[:channels], (50.0, 60.0, 70.0)[:channels]
        self.spec = InputSpec(
            aus=(1, 12),
            size_px=SIZE,
            inter_ocular_px=12.0,
            channels=channels,
            normalisation=(means, deviations),
        )
        self.module = nn.Sequential(
            nn.Conv2d(channels, 6, 5, stride=2),
            nn.Tanh(),
            nn.Flatten(),
            nn.Linear(6 * 15 * 15, 2),
            nn.Sigmoid(),
        ).eval()

    def predict(self, batch: Batch) -> SimpleNamespace:
        frames = torch.from_numpy(batch.frames)
        with torch.no_grad():
            said = self.module(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
        return SimpleNamespace(probability=said.numpy())


@pytest.mark.parametrize("channels", [1, 3])
def test_the_pixel_map_equals_captums(channels: int) -> None:
    net = Net(channels)
    frames = torch.randn(1, 1, channels, SIZE, SIZE)
    maps = occlusion_maps(net, Batch(frames.numpy()), patch_px=9, stride_px=3, batch_size=7)
    assert maps.hidden.shape == (1, 9, 9, 2)
    baseline = torch.tensor([(127.5 - m) / d for m, d in zip(*net.spec.normalisation, strict=True)])
    for column in range(2):
        wanted = Occlusion(net.module).attribute(
            frames[0],
            sliding_window_shapes=(channels, 9, 9),
            strides=(channels, 3, 3),
            baselines=baseline[None, :, None, None].expand(1, channels, SIZE, SIZE),
            target=column,
        )
        found = maps.on_pixels(maps.fall())[:, :, column]
        np.testing.assert_allclose(found, wanted[0, 0].numpy(), rtol=0, atol=1e-5)


def test_the_map_points_at_the_place_that_decides() -> None:
    class Corner:
        """AU1 is as probable as the pixels of one small square are bright."""

        spec = InputSpec(aus=(1,), size_px=SIZE, inter_ocular_px=12.0, normalisation=((0.0,), (255.0,)))

        def predict(self, batch: Batch) -> SimpleNamespace:
            return SimpleNamespace(probability=batch.frames[:, :, 0, 4:8, 20:24].mean(axis=(2, 3))[..., None])

    bright = Batch(np.ones((2, 3, 1, SIZE, SIZE), np.float32))
    maps = occlusion_maps(Corner(), bright, patch_px=4, stride_px=2)
    assert maps.plain.shape == (6, 1)
    pixels = maps.on_pixels(maps.fall())[..., 0]
    assert np.unravel_index(pixels.argmax(), pixels.shape)[0] in range(4, 8)
    assert np.unravel_index(pixels.argmax(), pixels.shape)[1] in range(20, 24)
    assert pixels[:2].max() == 0
    labels = np.array([[1], [1], [0], [0], [-1], [0]], np.int8)
    accuracy = maps.accuracy(labels, threshold=0.8)[..., 0]
    assert accuracy[0, 0] == 1.0
    assert accuracy[2, 10] == 0.0
    assert np.isnan(maps.accuracy(np.zeros((6, 1), np.int8))).all()


def test_a_patch_larger_than_the_crop_is_refused() -> None:
    with pytest.raises(UserError, match="1 to 33 px"):
        occlusion_maps(Net(), Batch(np.zeros((1, 1, 1, SIZE, SIZE), np.float32)), patch_px=40)
