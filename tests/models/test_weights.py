"""Model files say what they are, are checked, and survive the way to ONNX."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from actionunits.errors import UserError
from actionunits.models.registry import REGISTRY, build_model
from actionunits.models.weights import export_onnx, load_model, read_header, save_model
from actionunits.records import InputSpec

CARD = {"data": "noise", "scores": {"AU12": 0.5}, "subjects": (1, 2)}


@pytest.fixture
def settled(small, batch_for):
    """Makes a small network whose batch normalisation has seen a batch."""

    def make(name: str):
        torch.manual_seed(2)
        model = build_model(name, small[name])
        model.train()
        with torch.no_grad():
            model(batch_for(model))
        return model.eval()

    return make


@pytest.mark.parametrize("name", REGISTRY)
def test_a_saved_model_comes_back_the_same(tmp_path: Path, name: str, settled, batch_for) -> None:
    model = settled(name)
    path = tmp_path / "m.safetensors"
    save_model(path, model, name=name, card=CARD)
    state = torch.random.get_rng_state()
    again = load_model(path)
    assert torch.equal(state, torch.random.get_rng_state())
    assert type(again) is type(model)
    assert (again.spec, again.config, again.training) == (model.spec, model.config, False)
    batch = batch_for(model)
    with torch.no_grad():
        assert torch.equal(again(batch).logits, model(batch).logits)
    header = read_header(path)
    assert (header.name, header.spec.aus) == (name, model.spec.aus)
    assert header.card == {"data": "noise", "scores": {"AU12": 0.5}, "subjects": [1, 2]}
    assert list(tmp_path.iterdir()) == [path]


def test_damaged_and_foreign_files_are_refused(tmp_path: Path, settled) -> None:
    model = settled("facs3d/cnn2d")
    path = tmp_path / "m.safetensors"
    save_model(path, model, name="facs3d/cnn2d", card={})
    with safe_open(path, framework="pt") as stored:
        metadata = stored.metadata()
    tensors = load_file(path)

    tensors["output.bias"] = tensors["output.bias"] + 1e-3
    save_file(tensors, tmp_path / "changed.safetensors", metadata=metadata)
    with pytest.raises(UserError, match="do not match its digest"):
        load_model(tmp_path / "changed.safetensors")

    save_file(tensors, tmp_path / "foreign.safetensors")
    with pytest.raises(UserError, match="no header of this package"):
        load_model(tmp_path / "foreign.safetensors")

    header = json.loads(metadata["actionunits"])
    for key, value, message in (
        ("name", "facs3d/cnn2", "did you mean 'facs3d/cnn2d'"),
        ("format", 99, "newer version"),
        ("spec", {"aus": [1]}, "header of .* is damaged"),
    ):
        text = json.dumps({**header, key: value})
        save_file(load_file(path), tmp_path / "odd.safetensors", metadata={"actionunits": text})
        with pytest.raises(UserError, match=message):
            load_model(tmp_path / "odd.safetensors")

    whole = path.read_bytes()
    for name, content in (("cut", whole[: len(whole) // 2]), ("text", b"hello"), ("empty", b"")):
        (tmp_path / f"{name}.safetensors").write_bytes(content)
        with pytest.raises(UserError, match="is not a safetensors file"):
            load_model(tmp_path / f"{name}.safetensors")
    with pytest.raises(UserError, match="no model file"):
        load_model(tmp_path / "absent.safetensors")


def test_another_networks_tensors_are_refused(tmp_path: Path, settled) -> None:
    model = settled("facs3d/cnn2d")
    save_model(tmp_path / "m.safetensors", model, name="patterns/network5", card={})
    with pytest.raises(UserError, match=r"patterns/network5: does not know 'kernel'"):
        load_model(tmp_path / "m.safetensors")
    with pytest.raises(UserError, match=r"ends in \.safetensors"):
        save_model(tmp_path / "m.pt", model, name="facs3d/cnn2d", card={})


@pytest.mark.parametrize("name", REGISTRY)
def test_onnx_gives_what_pytorch_gives(tmp_path: Path, name: str, settled, batch_for) -> None:
    model = settled(name)
    path = tmp_path / "m.onnx"
    if model.not_as_onnx:
        with pytest.raises(UserError, match="cannot be written as ONNX: .+"):
            export_onnx(model, path, CARD)
        assert not list(tmp_path.iterdir())
        return
    export_onnx(model, path, CARD)
    assert list(tmp_path.iterdir()) == [path]
    onnx.checker.check_model(onnx.load(path))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert InputSpec.from_dict(json.loads(metadata["actionunits.input_spec"])) == model.spec
    assert json.loads(metadata["actionunits.card"])["data"] == "noise"
    for clips in (1, 3):
        batch = batch_for(model, clips, 1)
        feed = {"frames": batch.frames.numpy()}
        if model.spec.needs_landmarks:
            feed["landmarks"] = batch.landmarks.numpy()
        if model.spec.needs_regions:
            feed["regions"] = batch.regions.numpy()
        if model.spec.needs_flow:
            feed["flow"] = batch.flow.numpy()
        assert {port.name for port in session.get_inputs()} == set(feed)
        with torch.no_grad():
            wanted = model(batch)
        found = session.run(None, feed)
        np.testing.assert_allclose(found[0], wanted.logits.numpy(), rtol=0, atol=1e-4)
        if wanted.intensity is not None:
            np.testing.assert_allclose(found[1], wanted.intensity.numpy(), rtol=0, atol=1e-4)


def test_a_network_without_torchvision_can_be_exported_by_itself(tmp_path: Path) -> None:
    """In a process of its own, as `au export` is: nothing else has imported torchvision there."""
    program = (
        "import sys, torch; from actionunits.models.registry import build_model;"
        "from actionunits.models.weights import export_onnx;"
        "model = build_model('patterns/network2', {'size_px': 48, 'units': [8, 8, 8]});"
        "export_onnx(model, sys.argv[1], {})"
    )
    path = tmp_path / "plain.onnx"
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, capture_output=True)
    assert path.stat().st_size > 0
