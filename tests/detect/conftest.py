"""Small models that really look at the picture, and results made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
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


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """u8[240,240,3]: a photograph of one face (scikit-image's, public domain)."""
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut()[20:260, 110:350])


def write_video(path: Path, images: Sequence[np.ndarray], times_s: Sequence[float]) -> Path:
    """An H.264 file with these frames at these times."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "12", "bf": "0"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for image, time_s in zip(images, times_s, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = round(1000 * time_s), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


#: Presentation times of the talking face's frames: 30 Hz, with a pause.
TALK_S = tuple(i / 30 if i < 20 else i / 30 + 0.5 for i in range(36))


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., Path]:
    """``film(images, rate_hz=25, start_s=0)`` writes a video."""

    def make(images: Sequence[np.ndarray], rate_hz: float = 25, start_s: float = 0) -> Path:
        times_s = [start_s + i / rate_hz for i in range(len(images))]
        return write_video(tmp_path / "film.mkv", images, times_s)

    return make


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory, portrait: np.ndarray) -> Path:
    """36 frames at a variable rate: a face that gets brighter, from frame 24 to 29 only grey."""
    images = [np.clip(portrait * (0.6 + i / 60), 0, 255).astype(np.uint8) for i in range(36)]
    for i in range(24, 30):
        images[i] = np.full_like(portrait, 128)
    return write_video(tmp_path_factory.mktemp("videos") / "talk.mkv", images, TALK_S)
