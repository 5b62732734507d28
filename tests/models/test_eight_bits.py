"""A file in 8 bits says nearly the same as the one it was made of."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

import onnx
import torch

from actionunits.detect.backends import OnnxBackend
from actionunits.errors import UserError
from actionunits.models.eight_bits import write_eight_bits
from actionunits.models.embedded.net import EmbeddedConfig, build
from actionunits.models.weights import export_onnx, replace_card
from actionunits.records import Batch


def _faces(seed: int, count: int = 32) -> Batch:
    rng = np.random.default_rng(seed)
    frames = rng.normal(0, 1, (count, 1, 1, 112, 112)).astype(np.float32)
    return Batch(frames, landmarks=rng.uniform(20, 90, (count, 1, 68, 2)).astype(np.float32))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    place = tmp_path_factory.mktemp("eight")
    torch.manual_seed(3)
    model = build(EmbeddedConfig())
    plain, small = place / "plain.onnx", place / "small.onnx"
    export_onnx(model, plain, {"name": "x", "version": 7})
    seen = _faces(1)
    write_eight_bits(plain, small, [{"frames": seen.frames, "landmarks": seen.landmarks}])
    return plain, small


def test_it_says_nearly_the_same(files):
    plain, small = (OnnxBackend(file).predict(_faces(2)) for file in files)
    # untrained logits are small: what is left of a spread is the rounding
    spread = plain.probability.std(axis=0).mean()
    assert np.abs(small.probability - plain.probability).mean() < 0.35 * spread
    assert 0 < np.abs(small.intensity - plain.intensity).max() < 0.5


def test_convolutions_and_products_have_weights_of_seven_bits(files):
    proto = onnx.load_model(files[1])
    stored = [onnx.numpy_helper.to_array(each) for each in proto.graph.initializer]
    weights = [values for values in stored if values.dtype == np.int8 and values.ndim > 1]
    convolutions = sum(node.op_type == "Conv" for node in proto.graph.node)
    products = sum(node.op_type == "Gemm" for node in proto.graph.node)
    assert convolutions == 7
    assert products == 10
    assert len(weights) == convolutions + products - 3, "three codes see the face and its mirror"
    assert all(np.abs(values.astype(int)).max() <= 64 for values in weights)
    assert files[1].stat().st_size < 0.4 * files[0].stat().st_size


def test_spec_and_card_are_kept_and_a_card_can_be_replaced(files, tmp_path):
    plain, small = (OnnxBackend(file) for file in files)
    assert small.spec == plain.spec
    assert small.card == plain.card == {"name": "x", "version": 7}
    proto = onnx.load_model(files[1])
    assert {item.key for item in proto.metadata_props} == {"actionunits.input_spec", "actionunits.card"}
    assert [each.domain for each in proto.opset_import] == [""], "no dialect that it does not use"
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(files[1].read_bytes())
    replace_card(copy, {"name": "y"})
    assert OnnxBackend(copy).card == {"name": "y"}
    assert OnnxBackend(copy).spec == plain.spec


def test_nothing_half_written(files, tmp_path):
    seen = _faces(1)
    feed = [{"frames": seen.frames, "landmarks": seen.landmarks}]
    with pytest.raises(UserError, match="cannot write"):
        write_eight_bits(files[0], tmp_path / "none" / "small.onnx", feed)
    assert list(tmp_path.iterdir()) == []
