from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from actionunits.detect.backends import OnnxBackend, TorchBackend, load_backend
from actionunits.errors import UserError
from actionunits.records import Batch, InputSpec

MakeModel = Callable[..., Path]


def _batch(values: list[float], size: int = 32, landmarks: float | None = None) -> Batch:
    frames = np.stack([np.full((1, 1, size, size), v, np.float32) for v in values])
    points = None if landmarks is None else np.full((len(values), 1, 68, 2), landmarks, np.float32)
    return Batch(frames=frames, landmarks=points)


def test_probabilities_are_the_sigmoid_of_the_logits(make_model: MakeModel) -> None:
    backend = load_backend(make_model())
    found = backend.predict(_batch([0.5, -1.0]))
    logits = np.array([[0.5, 1.0], [-1.0, -2.0]])
    np.testing.assert_allclose(found.probability[:, 0], 1 / (1 + np.exp(-logits)), rtol=1e-5)
    assert found.intensity is not None
    np.testing.assert_allclose(found.intensity[:, 0], np.clip(logits + 2, 0, 5), rtol=1e-5)
    assert backend.spec.aus == (4, 12)


def test_landmarks_are_given_where_the_model_takes_them(make_model: MakeModel) -> None:
    backend = load_backend(make_model(needs_landmarks=True, intensity=False))
    found = backend.predict(_batch([0.0], landmarks=100.0))
    np.testing.assert_allclose(found.probability[0, 0], 1 / (1 + np.exp(-1.0)), rtol=1e-5)
    assert found.intensity is None


def test_intensity_is_kept_within_0_to_5(make_model: MakeModel) -> None:
    found = load_backend(make_model()).predict(_batch([9.0, -9.0]))
    assert found.intensity is not None
    assert found.intensity.min() == 0.0
    assert found.intensity.max() == 5.0


@pytest.mark.parametrize(
    ("thresholds", "expected"),
    [(None, [0.5, 0.5]), ([0.3, 0.7], [0.3, 0.7]), ({"12": 0.8}, [0.5, 0.8]), ({"AU04": 0.2}, [0.2, 0.5])],
)
def test_thresholds_come_from_the_card(
    make_model: MakeModel, thresholds: object, expected: list[float]
) -> None:
    card = {"name": "tiny", "version": "1.2", "thresholds": thresholds}
    backend = load_backend(make_model(card=card))
    np.testing.assert_allclose(backend.thresholds, expected)
    assert backend.name == "tiny 1.2"


def test_a_model_without_a_spec_says_what_is_missing(make_model: MakeModel) -> None:
    with pytest.raises(UserError, match=r"actionunits\.input_spec.*missing"):
        load_backend(make_model(with_spec=False))


def test_a_card_that_is_no_json_is_refused(make_model: MakeModel) -> None:
    with pytest.raises(UserError, match=r"actionunits\.card.*not JSON"):
        load_backend(make_model(card="{oops"))
    with pytest.raises(UserError, match="3 thresholds for 2 AUs"):
        load_backend(make_model(card={"thresholds": [0.1, 0.2, 0.3]}))


def test_inputs_that_do_not_fit_the_spec_are_refused(make_model: MakeModel) -> None:
    import onnx

    path = make_model(needs_landmarks=True)
    model = onnx.load(str(path))
    spec = InputSpec(aus=(4, 12), size_px=32, inter_ocular_px=12.0)
    onnx.helper.set_model_props(model, {"actionunits.input_spec": json.dumps(spec.to_dict())})
    onnx.save(model, str(path))
    with pytest.raises(UserError, match=r"inputs \['frames', 'landmarks'\].*expected \['frames'\]"):
        load_backend(path)


@pytest.mark.parametrize("name", ["no.onnx", "no.safetensors"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=f"no model file .*{name}"):
        load_backend(tmp_path / name)


def test_garbage_named_onnx_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(b"this is no model")
    with pytest.raises(UserError, match="cannot be read as an ONNX model") as caught:
        OnnxBackend(path)
    assert "\n" not in str(caught.value)


class _Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("opened-the-pickle"),)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".pkl", ".ckpt"])
def test_a_pickle_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(pickle.dumps(_Bomb()))
    with pytest.raises(UserError, match="pickle"):
        load_backend(path)
    assert not (tmp_path / "opened-the-pickle").exists()


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"expected \.onnx or \.safetensors, got '\.h5'"):
        load_backend(tmp_path / "x.h5")


def test_pytorch_gives_what_the_network_gives() -> None:
    torch = pytest.importorskip("torch")
    from actionunits.models.interface import AUModel, ModelOutput, TensorBatch

    class Tiny(AUModel):
        def __init__(self) -> None:
            super().__init__()
            self.spec = InputSpec(aus=(4, 12), size_px=8, inter_ocular_px=3.0)
            self.layer = torch.nn.Linear(64, 2)
            self.drop = torch.nn.Dropout(0.9)

        def forward(self, batch: TensorBatch) -> ModelOutput:
            logits = self.layer(self.drop(batch.frames.flatten(2)))
            return ModelOutput(logits, 10.0 * logits)

    model = Tiny()
    batch = _batch([0.3, -0.4], size=8)
    found = TorchBackend(model).predict(batch)
    logits = model.layer(torch.from_numpy(batch.frames).flatten(2)).detach().numpy()
    np.testing.assert_allclose(found.probability, 1 / (1 + np.exp(-logits)), rtol=1e-5)
    assert found.intensity is not None
    np.testing.assert_allclose(found.intensity, np.clip(10 * logits, 0, 5), rtol=1e-4, atol=1e-5)


def test_thresholds_come_from_the_card_of_safetensors_too(tmp_path):
    pytest.importorskip("torch")
    from actionunits.models.embedded.net import EmbeddedConfig, build
    from actionunits.models.weights import save_model

    model = build(EmbeddedConfig())
    limits = [round(0.1 + 0.04 * i, 2) for i in range(17)]
    path = tmp_path / "mine.safetensors"
    save_model(path, model, name="embedded/points_and_picture", card={"thresholds": limits})
    assert load_backend(path).thresholds.tolist() == pytest.approx(limits)


def test_the_folder_of_a_run_stands_for_its_best_fold(tmp_path: Path) -> None:
    from actionunits.models.registry import build_model
    from actionunits.models.weights import save_model

    model = build_model("patterns/network5", {"size_px": 32, "inter_ocular_px": 12.8, "units": 8})
    with pytest.raises(UserError, match="no model in .*run"):
        (tmp_path / "run").mkdir()
        load_backend(tmp_path / "run")
    for fold, score in ((1, 0.6), (2, 0.8), (3, None)):
        folder = tmp_path / "run" / f"fold-{fold}"
        folder.mkdir()
        card = {"validation_score": score, "thresholds": [fold / 10] * 12}
        save_model(folder / "model.safetensors", model, name="patterns/network5", card=card)
    assert load_backend(tmp_path / "run").thresholds[0] == pytest.approx(0.2)
    assert load_backend(tmp_path / "run" / "fold-3").thresholds[0] == pytest.approx(0.3)


def test_flow_is_given_where_the_model_takes_it(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from actionunits.models.interface import AUModel, ModelOutput, TensorBatch
    from actionunits.models.weights import export_onnx

    class Moving(AUModel):
        def __init__(self) -> None:
            super().__init__()
            self.spec = InputSpec(
                aus=(4, 12), size_px=16, inter_ocular_px=6.0, clip_length=3, needs_flow=True, flow="tvl1"
            )
            self.layer = torch.nn.Linear(512, 2)

        def forward(self, batch: TensorBatch) -> ModelOutput:
            assert batch.flow is not None
            return ModelOutput(
                self.layer(batch.flow.flatten(2)) + batch.frames.mean(dim=(2, 3, 4))[..., None]
            )

    torch.manual_seed(0)
    model, rng = Moving(), np.random.default_rng(0)
    export_onnx(model, tmp_path / "moving.onnx", {})
    backend = load_backend(tmp_path / "moving.onnx")
    assert backend.spec == model.spec
    flow = rng.normal(size=(2, 3, 2, 16, 16)).astype(np.float32)
    batch = Batch(frames=rng.normal(size=(2, 3, 1, 16, 16)).astype(np.float32), flow=flow)
    wanted = TorchBackend(model).predict(batch)
    np.testing.assert_allclose(backend.predict(batch).probability, wanted.probability, atol=1e-4)
    still = TorchBackend(model).predict(Batch(frames=batch.frames, flow=0 * flow))
    assert np.abs(still.probability - wanted.probability).max() > 0.1
