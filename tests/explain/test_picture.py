"""A picture explained by a model of clips."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from actionunits.detect.backends import TorchBackend, load_backend
from actionunits.errors import UserError
from actionunits.explain.picture import explain_picture
from actionunits.models.registry import build_model
from actionunits.models.weights import save_model
from actionunits.synthesis.painting import paint_portrait


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "portrait.png"
    cv2.imwrite(str(path), paint_portrait(3, 240).image[:, :, ::-1])
    return path


@pytest.mark.parametrize("name", ["facs3d/cnn2d", "facs3d/cnn_lstm", "facs3d/net"])
def test_a_still_is_repeated_and_looked_at_the_quick_way(
    name: str, network, portrait: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "model.safetensors"
    save_model(file, network(name).model, name=name, card={})
    backend = load_backend(file)
    assert isinstance(backend, TorchBackend)
    share = {"patch_share": 0.25, "stride_share": 0.2}
    predicted: list[int] = []
    whole = TorchBackend.predict
    monkeypatch.setattr(
        TorchBackend, "predict", lambda self, batch: predicted.append(1) or whole(self, batch)
    )
    found = explain_picture(portrait, 12, backend, **share)
    assert len(predicted) == 1
    assert found.values.shape == found.face.shape == (backend.spec.size_px,) * 2

    class Plain:  # no network to be seen: every place is predicted as a whole
        spec = backend.spec
        predict = backend.predict

    plainly = explain_picture(portrait, 12, Plain(), **share)
    assert len(predicted) > 2
    np.testing.assert_allclose(found.values, plainly.values, atol=1e-5)
    assert found.probability == plainly.probability
    with pytest.raises(UserError, match="does not give AU26"):
        explain_picture(portrait, 26, backend)


def test_a_network_of_boxes_is_explained_with_the_faces_own(portrait: Path) -> None:
    torch.manual_seed(0)
    model = build_model("au_rcnn/ar_res", {"backbone": "resnet18", "size_px": 64, "roi_cells": 4})
    with torch.no_grad():
        model.box_output.weight.mul_(30)
    found = explain_picture(portrait, 4, TorchBackend(model), patch_share=0.25, stride_share=0.25)
    assert found.values.shape == (64, 64)
    assert 0 < found.probability < 1
    assert np.abs(found.values).max() > 1e-3  # it looks at the picture, within boxes of this face


@pytest.mark.parametrize("finder", ["own", "dlib"])
def test_the_points_are_those_that_the_model_learnt_from(
    portrait: Path, network, monkeypatch: pytest.MonkeyPatch, finder: str
) -> None:
    from actionunits.explain import picture as module

    asked: list[str] = []
    find = module.find_landmarks
    monkeypatch.setattr(module, "find_landmarks", lambda *given: asked.append(given[2]) or find(*given))
    backend = TorchBackend(network("facs3d/cnn2d").model)

    class OfFinder:
        spec = replace(backend.spec, landmarks=finder)
        predict = backend.predict

    explain_picture(portrait, 12, OfFinder(), patch_share=0.5, stride_share=0.5)
    assert asked == [finder]
