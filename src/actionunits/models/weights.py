"""Model files: safetensors with everything a user of the weights must know, and ONNX; never pickle.

A model file's header (safetensors metadata, readable without PyTorch) holds, as JSON under ``actionunits``:
``format``, the registry ``name``, the family's ``config``, the :class:`~actionunits.records.InputSpec` with
the AUs in the order of the outputs, the ``card`` (how it was trained, what it was measured on) and
``digest``, the SHA-256 of the tensors.
"""

from __future__ import annotations

import hashlib
import json
import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from actionunits.atomic import replace_when_done
from actionunits.errors import UserError
from actionunits.facs.groups import box_groups
from actionunits.models.config import to_plain
from actionunits.models.interface import AUModel, TensorBatch
from actionunits.models.registry import build_model, entry, make_config
from actionunits.records import InputSpec

__all__ = [
    "ModelFile",
    "export_onnx",
    "load_model",
    "read_header",
    "replace_card",
    "save_model",
    "tensor_digest",
]

FORMAT = 1


@dataclass(frozen=True)
class ModelFile:
    """The header of a model file.

    Attributes:
        name: the network's name in the registry.
        config: plain values of the family's configuration.
        spec: what the network takes, and its AUs in the order of the outputs.
        card: how it was trained and what it was measured on.
        digest: ``sha256:`` and the digest of the tensors.
    """

    name: str
    config: Mapping[str, Any]
    spec: InputSpec
    card: Mapping[str, Any]
    digest: str


def tensor_digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, kinds, shapes and bytes, in the order of the names.

    >>> tensor_digest({"w": torch.zeros(2)})[:20]
    'sha256:f03e39f834e9e'
    """
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        total.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return f"sha256:{total.hexdigest()}"


def save_model(path: str | Path, model: AUModel, *, name: str, card: Mapping[str, Any]) -> None:
    """Write a model file; it appears whole or not at all.

    Args:
        path: ends in ``.safetensors``.
        model: must carry its configuration as ``model.config``.
        name: its name in the registry.
        card: plain values: training record, data, scores, limits.

    Raises:
        UserError: the file cannot be written, or the name is not in the registry.
    """
    entry(name)
    path = Path(path)
    if path.suffix != ".safetensors":
        raise UserError(f"a model file ends in .safetensors, got {path.name}")
    config = getattr(model, "config", None)
    if config is None:
        raise ValueError(f"{type(model).__name__} does not carry its configuration as .config")
    tensors = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    header = {
        "format": FORMAT,
        "name": name,
        "config": to_plain(config),
        "spec": model.spec.to_dict(),
        "card": to_plain(card),
        "digest": tensor_digest(tensors),
    }
    with replace_when_done(path) as beside:
        save_file(tensors, beside, metadata={"actionunits": json.dumps(header, allow_nan=False)})


def read_header(path: str | Path) -> ModelFile:
    """What a model file says of itself, without its tensors.

    Raises:
        UserError: there is no such file, or it is not a model file of this package.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no model file {path}: give a .safetensors file that `au train` wrote")
    try:
        with safe_open(path, framework="pt") as stored:
            metadata = stored.metadata() or {}
    except (SafetensorError, OSError) as problem:
        raise UserError(f"{path} is not a safetensors file ({problem})") from problem
    if "actionunits" not in metadata:
        raise UserError(f"{path} holds tensors, but no header of this package: give a file that it wrote")
    try:
        header = json.loads(metadata["actionunits"])
        if header["format"] > FORMAT:
            raise UserError(
                f"{path} was written by a newer version (format {header['format']}): update actionunits"
            )
        spec = InputSpec.from_dict(header["spec"])
        return ModelFile(header["name"], header["config"], spec, header["card"], header["digest"])
    except (ValueError, KeyError, TypeError) as problem:
        raise UserError(f"the header of {path} is damaged: {problem}") from problem


def load_model(path: str | Path) -> AUModel:
    """The network of a model file, on the CPU and in evaluation mode; its digest is checked.

    Raises:
        UserError: not a model file, an unknown network, another network's tensors, or a wrong digest.
    """
    file = read_header(path)
    with safe_open(Path(path), framework="pt") as stored:
        tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118  (not a mapping)
    digest = tensor_digest(tensors)
    if digest != file.digest:
        raise UserError(f"{path} is damaged: its tensors do not match its digest; fetch or train it again")
    state = torch.random.get_rng_state()
    model = build_model(file.name, make_config(file.name, file.config))
    torch.random.set_rng_state(state)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as problem:
        raise UserError(
            f"the tensors of {path} do not fit {file.name} as this version builds it: "
            f"{str(problem).splitlines()[-1].strip()}"
        ) from problem
    model.spec = file.spec
    return model.eval()


class _Plain(nn.Module):
    """A model with tensors in and tensors out."""

    def __init__(self, model: AUModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        frames: Tensor,
        landmarks: Tensor | None = None,
        regions: Tensor | None = None,
        flow: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        output = self.model(TensorBatch(frames=frames, landmarks=landmarks, regions=regions, flow=flow))
        return tuple(
            given
            for given in (output.logits, output.intensity, output.decided, output.emotion, output.sides)
            if given is not None
        )


def export_onnx(model: AUModel, path: str | Path, card: Mapping[str, Any]) -> None:
    """Write a model as one ONNX file for ONNX Runtime; it appears whole or not at all.

    Inputs: ``frames`` f32[B,T,C,S,S] (any B) and, if the model needs them, ``landmarks`` f32[B,T,68,2],
    ``regions`` f32[B,T,R,4], its AU groups' boxes in crop pixels, whose pooling is part of the file, and
    ``flow`` f32[B,T,2,S,S] in pixels, from each frame's predecessor to it, 0 for the first; outputs:
    ``logits`` f32[B,T,A] and, if the model gives them, ``intensity`` f32[B,T,A], ``decided`` i8[B,T,A],
    ``emotion`` f32[B,T,E] and ``sides`` f32[B,T,A,2]. The metadata holds ``actionunits.input_spec`` and
    ``actionunits.card``.

    Raises:
        UserError: the model says that it cannot be written so, or the file cannot be written.
    """
    spec, path = model.spec, Path(path)
    if path.suffix != ".onnx":
        raise UserError(f"an ONNX file ends in .onnx, got {path.name}")
    if model.not_as_onnx:
        raise UserError(f"{type(model).__name__} cannot be written as ONNX: {model.not_as_onnx}")
    model = model.cpu().eval()
    frames = torch.zeros(2, spec.clip_length, spec.channels, spec.size_px, spec.size_px)
    inputs = {"frames": frames}
    if spec.needs_landmarks:
        inputs["landmarks"] = torch.full((2, spec.clip_length, 68, 2), spec.size_px / 2.0)
    if spec.needs_regions:
        whole = torch.tensor([0.0, 0.0, spec.size_px, spec.size_px])
        inputs["regions"] = whole.repeat(2, spec.clip_length, len(box_groups(spec.aus)), 1)
    if spec.needs_flow:
        inputs["flow"] = torch.zeros(2, spec.clip_length, 2, spec.size_px, spec.size_px)
    with torch.no_grad():
        output = model(TensorBatch(**inputs))
    extra = {
        "intensity": output.intensity,
        "decided": output.decided,
        "emotion": output.emotion,
        "sides": output.sides,
    }
    names = ["logits", *(name for name, given in extra.items() if given is not None)]
    proto = _to_proto(_Plain(model), inputs, names)
    for node in proto.graph.node:  # the exporter notes where on the author's disk each of them was written
        del node.metadata_props[:]
        node.doc_string = ""
    _note(proto, "input_spec", spec.to_dict())
    _note(proto, "card", to_plain(card))
    with replace_when_done(path) as beside:
        beside.write_bytes(proto.SerializeToString())


def replace_card(path: str | Path, card: Mapping[str, Any]) -> None:
    """Give an ONNX file that :func:`export_onnx` wrote another card.

    Raises:
        UserError: the file cannot be written.
    """
    import onnx

    proto = onnx.load_model(path)
    _note(proto, "card", to_plain(card))
    with replace_when_done(Path(path)) as beside:
        beside.write_bytes(proto.SerializeToString())


def _note(proto: Any, key: str, value: Mapping[str, Any]) -> None:
    """Set ``actionunits.key`` of an ONNX file's metadata."""
    key = f"actionunits.{key}"
    item = next((item for item in proto.metadata_props if item.key == key), None)
    item = item or proto.metadata_props.add(key=key)
    item.value = json.dumps(value, allow_nan=False)


def _max_roi_pool(
    maps: Any, rois: Any, spatial_scale: float, pooled_height: int, pooled_width: int
) -> tuple[Any, Any]:
    """Pooling of boxes (torchvision's) in ONNX's operators; the places of the maxima are not wanted."""
    from onnxscript import opset18

    shape = (pooled_height, pooled_width)
    pooled = opset18.MaxRoiPool(maps, rois, pooled_shape=shape, spatial_scale=spatial_scale)
    return pooled, opset18.Identity(pooled)


def _to_proto(plain: nn.Module, inputs: Mapping[str, Tensor], outputs: list[str]) -> Any:
    import torchvision  # noqa: F401  (registers its operators, of which one is named below)

    batch = torch.export.Dim("batch", min=1)
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                plain,
                kwargs=dict(inputs),
                input_names=list(inputs),
                output_names=outputs,
                dynamic_shapes={name: {0: batch} for name in inputs},
                custom_translation_table={torch.ops.torchvision.roi_pool.default: _max_roi_pool},
                dynamo=True,
                verbose=False,
            )
    finally:
        logging.getLogger("torch.onnx").setLevel(level)
    assert program is not None
    return program.model_proto
