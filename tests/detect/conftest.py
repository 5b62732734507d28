"""Small models that really look at the picture, and results made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from actionunits.detect.results import FaceResult, FrameResult
from actionunits.records import InputSpec

MakeModel = Callable[..., Path]


def _graph(spec: InputSpec, intensity: bool) -> onnx.GraphProto:
    """logit of AU a = (a + 1) * mean grey value of the normalised crop + 0.01 * mean x of its points."""
    aus = len(spec.aus)
    weights = numpy_helper.from_array(np.arange(1, aus + 1, dtype=np.float32).reshape(1, 1, aus), "weights")
    axes = numpy_helper.from_array(np.array([2, 3, 4], np.int64), "axes")
    nodes = [
        helper.make_node("ReduceMean", ["frames", "axes"], ["mean"], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "last"], ["column"]),
        helper.make_node("Mul", ["column", "weights"], ["picture"]),
    ]
    constants = [weights, axes, numpy_helper.from_array(np.array([2], np.int64), "last")]
    size = spec.size_px
    frames = ["B", "T", spec.channels, size, size]
    inputs = [helper.make_tensor_value_info("frames", TensorProto.FLOAT, frames)]
    if spec.needs_landmarks:
        inputs.append(helper.make_tensor_value_info("landmarks", TensorProto.FLOAT, ["B", "T", 68, 2]))
        constants.append(numpy_helper.from_array(np.array(0.01, np.float32), "share"))
        constants.append(numpy_helper.from_array(np.array([2, 3], np.int64), "point_axes"))
        nodes += [
            helper.make_node("ReduceMean", ["landmarks", "point_axes"], ["place"], keepdims=0),
            helper.make_node("Unsqueeze", ["place", "last"], ["place_column"]),
            helper.make_node("Mul", ["place_column", "share"], ["points"]),
            helper.make_node("Add", ["picture", "points"], ["logits"]),
        ]
    else:
        nodes.append(helper.make_node("Identity", ["picture"], ["logits"]))
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["B", "T", aus])]
    if intensity:
        constants.append(numpy_helper.from_array(np.array(2.0, np.float32), "two"))
        nodes.append(helper.make_node("Add", ["logits", "two"], ["intensity"]))
        outputs.append(helper.make_tensor_value_info("intensity", TensorProto.FLOAT, ["B", "T", aus]))
    return helper.make_graph(nodes, "tiny", inputs, outputs, constants)


def write_model(
    path: Path, spec: InputSpec, *, intensity: bool = True, card: Any = None, with_spec: bool = True
) -> Path:
    """An ONNX file as ``au export`` writes them."""
    model = helper.make_model(
        _graph(spec, intensity), opset_imports=[helper.make_opsetid("", 18)], ir_version=8
    )
    metadata = {"actionunits.input_spec": json.dumps(spec.to_dict())} if with_spec else {}
    if card is not None:
        metadata["actionunits.card"] = card if isinstance(card, str) else json.dumps(card)
    helper.set_model_props(model, metadata)
    onnx.save(model, str(path))
    return path


@pytest.fixture
def make_model(tmp_path: Path) -> MakeModel:
    """Write a small model: ``make_model(aus=..., clip_length=..., intensity=...)`` gives its path."""

    def make(
        *,
        aus: Sequence[int] = (4, 12),
        intensity: bool = True,
        card: Any = None,
        with_spec: bool = True,
        **spec: Any,
    ) -> Path:
        values = {"size_px": 32, "inter_ocular_px": 12.0, **spec}
        model = tmp_path / "models" / "tiny.onnx"
        model.parent.mkdir(exist_ok=True)
        return write_model(
            model, InputSpec(aus=tuple(aus), **values), intensity=intensity, card=card, with_spec=with_spec
        )

    return make


@pytest.fixture
def face_result() -> Callable[..., FaceResult]:
    """A face by hand: ``face_result(track, probability, intensity=None)``."""

    def make(
        track: int, probability: Sequence[float], intensity: Sequence[float] | None = None
    ) -> FaceResult:
        x, y = np.meshgrid(np.linspace(30, 70, 17), np.linspace(40, 90, 4))
        points = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
        return FaceResult(
            track=track,
            confidence=0.875,
            box=np.array([20.0, 30.0, 80.5, 100.0], np.float32),
            landmarks=points,
            probability=np.array(probability, np.float32),
            intensity=None if intensity is None else np.array(intensity, np.float32),
        )

    return make


@pytest.fixture
def frame_result() -> Callable[..., FrameResult]:
    """A frame by hand: ``frame_result(index, time_s, *faces)``."""
    return lambda index, time_s, *faces: FrameResult(index, time_s, tuple(faces))
