"""The quick way to hide gives what the plain way gives."""

import numpy as np
import pytest
import torch

from actionunits.explain.grid import PatchGrid
from actionunits.explain.hiding import choose_hider
from actionunits.explain.local_codes import is_local_model
from actionunits.explain.local_hider import LocalHider
from actionunits.explain.occlusion import occlusion_maps
from actionunits.models.interface import to_tensors
from actionunits.models.parts.encoders import EncoderModel
from actionunits.models.registry import REGISTRY, build_model
from actionunits.records import Batch


@pytest.mark.parametrize(
    ("name", "patch_px", "stride_px"),
    [
        ("facs3d/cnn2d", 15, 9),
        ("facs3d/cnn2d", 8, 11),
        ("facs3d/cnn2d", 97, 1),
        ("facs3d/cnn2d", 1, 48),
        ("patterns/network1", 9, 7),
        ("patterns/network1", 16, 5),
        ("facs3d/cnn_lstm", 15, 6),
        ("facs3d/cnn_lstm", 4, 13),
        ("facs3d/net", 15, 22),
        ("facs3d/net", 30, 17),
    ],
)
def test_maps_equal_those_of_the_whole_computation(name, patch_px, stride_px, network, batch_of) -> None:
    predictor = network(name)
    batch = batch_of(predictor.spec, clips=2)
    size = {"patch_px": patch_px, "stride_px": stride_px}
    quick = occlusion_maps(predictor, batch, **size)
    assert predictor.frames == batch.frames.shape[0] * batch.frames.shape[1]  # nothing but the plain faces
    plain = occlusion_maps(predictor, batch, fast=False, **size)
    np.testing.assert_allclose(quick.hidden, plain.hidden, rtol=0, atol=1e-5)
    assert np.abs(plain.plain[:, None, None] - plain.hidden).max() > 1e-4  # there is something to get wrong


def test_every_size_of_patch_and_step_gives_the_same(network, batch_of) -> None:
    predictor = network("patterns/network1")
    batch = batch_of(predictor.spec, clips=1)
    rng = np.random.default_rng(0)
    for _ in range(12):
        size = {"patch_px": int(rng.integers(1, 62)), "stride_px": int(rng.integers(5, 30))}
        quick, plain = (occlusion_maps(predictor, batch, fast=fast, **size) for fast in (True, False))
        np.testing.assert_allclose(quick.hidden, plain.hidden, rtol=0, atol=1e-5, err_msg=str(size))


def test_a_repeated_still_gives_what_its_clip_gives(network, batch_of) -> None:
    predictor = network("facs3d/cnn_lstm")
    still = batch_of(predictor.spec, clips=1).frames[:, :1]
    batch = Batch(np.repeat(still, predictor.spec.clip_length, axis=1))
    quick, plain = (occlusion_maps(predictor, batch, stride_px=20, fast=fast) for fast in (True, False))
    np.testing.assert_allclose(quick.hidden, plain.hidden, rtol=0, atol=1e-5)
    assert np.ptp(quick.hidden, axis=0).max() > 1e-4  # the memory moves on over equal frames


@pytest.mark.parametrize("name", REGISTRY)
def test_networks_that_say_what_they_are_made_of_take_the_quick_way(name: str, small) -> None:
    with torch.device("meta"):
        model = build_model(name, small.get(name, {})).eval()
    quick = name in small or name == "patterns/network4"  # Network 1's layers, some of them frozen
    assert is_local_model(model) == isinstance(model, EncoderModel) == quick


def test_encoders_and_head_are_the_whole_network(network, batch_of) -> None:
    model = network("facs3d/net").model
    frames = to_tensors(batch_of(model.spec, clips=1)).frames
    with torch.inference_mode():
        clip, frame = (encode(frames) for encode in model.encoders())
        assert (clip.shape, frame.shape) == ((1, 16), (1, 56, 16))
        assert model.head(clip, frame).shape == (1, 56, 12)


def test_others_take_the_plain_way(network) -> None:
    predictor = network("facs3d/cnn2d")
    grid = PatchGrid(97, 15, 9)
    options = {"value": 0.5, "batch_size": 8}
    assert isinstance(choose_hider(predictor, grid, fast=True, **options), LocalHider)
    assert not isinstance(choose_hider(predictor, grid, fast=False, **options), LocalHider)
    predictor.model.train()  # the batch's own statistics: every pixel changes every value
    assert not isinstance(choose_hider(predictor, grid, fast=True, **options), LocalHider)
