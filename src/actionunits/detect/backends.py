"""What runs a model: ONNX Runtime for model files of this package, PyTorch for trained weights.

A model file (``.onnx``) has the input ``frames`` f32[B,T,C,S,S] and, where its input spec says so,
``landmarks`` f32[B,T,68,2], ``regions`` f32[B,T,R,4] and ``flow`` f32[B,T,2,S,S] in crop pixels; its outputs
are ``logits`` f32[B,T,A] and, where it has them, ``intensity`` f32[B,T,A], ``decided`` i8[B,T,A],
``emotion`` f32[B,T,E] and ``sides`` f32[B,T,A,2]. The :class:`~actionunits.records.InputSpec` is JSON in the
file's metadata under ``actionunits.input_spec``; a card (name, version, thresholds of the AUs, poses and
sizes that were tested) may stand under ``actionunits.card``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from actionunits.detect.pace import frames_hz_of
from actionunits.detect.tested import TestedRange
from actionunits.errors import UserError
from actionunits.facs.units import au_column
from actionunits.models.registry import EMBEDDED
from actionunits.records import Batch, FloatArray, InputSpec, stacked_boxes

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from actionunits.models.interface import AUModel, ModelOutput

__all__ = [
    "Backend",
    "BackendOutput",
    "OnnxBackend",
    "TorchBackend",
    "joined_outputs",
    "load_backend",
    "model_of_run",
]

SPEC_KEY = "actionunits.input_spec"
CARD_KEY = "actionunits.card"
_PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin"}


@dataclass(frozen=True)
class BackendOutput:
    """What a backend says of a batch.

    Attributes:
        probability: f32[B,T,A], 0 to 1.
        intensity: f32[B,T,A], 0 to 5, or None where the model gives none.
        decided: i8[B,T,A], 1 shown, 0 not, of a model that decides otherwise than by thresholds, or None.
        emotion: f32[B,T,E], probability of each of the spec's emotions, sum 1, or None.
        sides: f32[B,T,A,2], intensity of the subject's left and right side, 0 to 5, NaN for AUs that FACS
            does not code by side, or None where the model gives none.
    """

    probability: FloatArray
    intensity: FloatArray | None
    decided: NDArray[np.int8] | None = None
    emotion: FloatArray | None = None
    sides: FloatArray | None = None


def joined_outputs(parts: Sequence[BackendOutput]) -> BackendOutput:
    """What was said of clips part by part, as one."""

    def one(name: str) -> Any:
        values = [getattr(part, name) for part in parts]
        return None if values[0] is None else np.concatenate(values)

    return BackendOutput(*(one(each.name) for each in fields(BackendOutput)))


class Backend(Protocol):
    """A model that the pipeline can run."""

    @property
    def spec(self) -> InputSpec:
        """What the model takes, and its AUs."""

    @property
    def name(self) -> str:
        """The model's name for people."""

    @property
    def thresholds(self) -> FloatArray:
        """f32[A]: an AU counts as shown from this probability on."""

    @property
    def tested(self) -> TestedRange | None:
        """Poses and sizes of face that the model was tested on; None where nothing says so."""

    @property
    def frames_hz(self) -> float | None:
        """Frames a second that a model of clips learnt from; None where nothing says so."""

    @property
    def gives_sides(self) -> bool:
        """Whether it tells left from right."""

    def predict(self, batch: Batch) -> BackendOutput:
        """Probability and intensity of each AU of each frame of each clip."""


def _output(
    logits: FloatArray,
    intensity: FloatArray | None,
    spec: InputSpec,
    decided: NDArray[np.int8] | None = None,
    emotion: FloatArray | None = None,
    sides: FloatArray | None = None,
) -> BackendOutput:
    aus = len(spec.aus)
    if spec.emotions and (emotion is None or emotion.shape[-1] != len(spec.emotions)):
        raise UserError(f"the model gave no {len(spec.emotions)} emotions, as it says: export it again")
    if logits.ndim != 3 or logits.shape[-1] != aus:
        raise UserError(f"the model gave logits {list(logits.shape)}, expected [B,T,{aus}]: export it again")
    probability = 1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0)))
    if intensity is not None:
        intensity = np.clip(intensity, 0.0, 5.0).astype(np.float32, copy=False)
    if sides is not None:
        if sides.shape != (*logits.shape, 2):
            raise UserError(
                f"the model gave sides {list(sides.shape)}, expected {[*logits.shape, 2]}: export it again"
            )
        sides = np.clip(sides, 0.0, 5.0).astype(np.float32, copy=False)
    if emotion is not None:
        raised = np.exp(emotion - emotion.max(axis=-1, keepdims=True))
        emotion = (raised / raised.sum(axis=-1, keepdims=True)).astype(np.float32)
    return BackendOutput(probability.astype(np.float32, copy=False), intensity, decided, emotion, sides)


def _thresholds(card: Mapping[str, Any], aus: tuple[int, ...]) -> FloatArray:
    """f32[A] from a card's ``thresholds``: a list in the AUs' order, or {"12" or "AU12": value}; else 0.5."""
    given = card.get("thresholds")
    if given is None:
        return np.full(len(aus), 0.5, np.float32)
    if isinstance(given, Mapping):
        values = [given.get(str(n), given.get(au_column(n), 0.5)) for n in aus]
    else:
        values = list(given)
    if len(values) != len(aus):
        raise UserError(f"the model's card has {len(values)} thresholds for {len(aus)} AUs: export it again")
    return np.asarray(values, np.float32)


class OnnxBackend:
    """A model file run by ONNX Runtime on the CPU.

    Args:
        path: the ``.onnx`` file.
        threads: threads within one operation. More than one seldom pays: the pipeline has threads of its own.

    Raises:
        UserError: the file is missing, is no ONNX file, or was not exported by this package.
    """

    def __init__(self, path: str | Path, threads: int = 1) -> None:
        import onnxruntime

        file = Path(path)
        if not file.is_file():
            raise UserError(f"no model file {file}: expected an .onnx or .safetensors file of this package")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(file), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as problem:  # ONNX Runtime's own classes share no narrower base
            reason = str(problem).strip().splitlines()[0][:160]
            raise UserError(
                f"{file} cannot be read as an ONNX model ({reason}): is it whole, and not something else?"
            ) from problem
        meta = self._session.get_modelmeta()
        card = _json(file, CARD_KEY, meta.custom_metadata_map.get(CARD_KEY, "{}"))
        self.spec = _spec(file, meta.custom_metadata_map)
        self.name = f"{card.get('name', file.stem)} {card.get('version', '')}".strip()
        self.card: Mapping[str, Any] = card
        self.thresholds = _thresholds(card, self.spec.aus)
        self.tested = TestedRange.from_card(card)
        self.frames_hz = frames_hz_of(card)
        self._extra = self._check_ports(file)

    def _check_ports(self, file: Path) -> tuple[str, ...]:
        """The outputs beside the logits."""
        inputs = {port.name for port in self._session.get_inputs()}
        outputs = {port.name for port in self._session.get_outputs()}
        needed = {
            "landmarks": self.spec.needs_landmarks,
            "regions": self.spec.needs_regions,
            "flow": self.spec.needs_flow,
        }
        wanted = {"frames", *(name for name, need in needed.items() if need)}
        if inputs != wanted or "logits" not in outputs:
            raise UserError(
                f"{file} has the inputs {sorted(inputs)} and outputs {sorted(outputs)}, "
                f"expected {sorted(wanted)} and 'logits': export it again"
            )
        return tuple(name for name in ("intensity", "decided", "emotion", "sides") if name in outputs)

    @property
    def gives_sides(self) -> bool:
        """Whether it tells left from right."""
        return "sides" in self._extra

    def predict(self, batch: Batch) -> BackendOutput:
        """Probability and intensity of each AU of each frame of each clip."""
        feed = {"frames": batch.frames}
        if self.spec.needs_landmarks:
            assert batch.landmarks is not None, "collate gives landmarks where the spec asks for them"
            feed["landmarks"] = batch.landmarks
        if self.spec.needs_regions:
            assert batch.regions is not None, "collate gives boxes where the spec asks for them"
            feed["regions"] = stacked_boxes(batch.regions)
        if self.spec.needs_flow:
            assert batch.flow is not None, "collate gives flow where the spec asks for it"
            feed["flow"] = batch.flow
        names = ("logits", *self._extra)
        found = dict(zip(names, self._session.run(list(names), feed), strict=True))
        extra = (found.get(name) for name in ("decided", "emotion", "sides"))
        return _output(found["logits"], found.get("intensity"), self.spec, *extra)


def _json(file: Path, key: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as problem:
        raise UserError(
            f"the metadata {key!r} of {file} is not JSON ({problem}): export the model again"
        ) from problem
    if not isinstance(value, dict):
        raise UserError(f"the metadata {key!r} of {file} is not a JSON object: export the model again")
    return value


def _spec(file: Path, metadata: Mapping[str, str]) -> InputSpec:
    if SPEC_KEY not in metadata:
        raise UserError(
            f"{file} does not say what it takes: the metadata {SPEC_KEY!r} is missing; "
            "use a model that `au export` or `au train` wrote"
        )
    try:
        return InputSpec.from_dict(_json(file, SPEC_KEY, metadata[SPEC_KEY]))
    except ValueError as problem:
        raise UserError(f"the metadata {SPEC_KEY!r} of {file} is not usable: {problem}") from problem


class TorchBackend:
    """A model of :mod:`actionunits.models` run by PyTorch, on the device where its weights are.

    Args:
        model: put into evaluation mode here.
        name: its name for people.
        card: its card; ``thresholds`` (without it they are 0.5), ``tested`` and ``frames_hz`` are read.

    Attributes:
        model: the network; the probabilities are the sigmoid of its logits.

    Raises:
        UserError: the card has thresholds for other AUs.
    """

    def __init__(self, model: AUModel, name: str = "", card: Mapping[str, Any] | None = None) -> None:
        self.model = model.eval()
        self.spec = model.spec
        self.name = name or type(model).__name__
        self.thresholds: FloatArray = _thresholds(card or {}, self.spec.aus)
        self.tested = TestedRange.from_card(card or {})
        self.frames_hz = frames_hz_of(card or {})

    @property
    def gives_sides(self) -> bool:
        """Whether it tells left from right."""
        return self.model.gives_sides

    @property
    def coded(self) -> bool:
        """Whether the model looks at each frame by itself first."""
        from actionunits.models.interface import CodedModel

        return isinstance(self.model, CodedModel) and self.spec.clip_length > 1

    def predict(self, batch: Batch) -> BackendOutput:
        """Probability and intensity of each AU of each frame of each clip."""
        import torch

        from actionunits.models.interface import to_tensors

        with torch.inference_mode():
            return self._said(self.model(to_tensors(batch, self._device())))

    def encode(self, stills: Batch) -> Tensor:
        """f32[N,V], the codes that a :attr:`coded` model gives for clips of one frame each."""
        import torch

        from actionunits.models.interface import CodedModel, to_tensors

        assert isinstance(self.model, CodedModel)
        with torch.inference_mode():
            return self.model.encode(to_tensors(stills, self._device()))[:, 0]

    def predict_codes(self, codes: Tensor) -> BackendOutput:
        """The same as :meth:`predict`, of clips whose frames have been encoded: f32[B,T,V]."""
        import torch

        from actionunits.models.interface import CodedModel

        assert isinstance(self.model, CodedModel)
        with torch.inference_mode():
            return self._said(self.model.from_codes(codes.to(self._device())))

    def _device(self) -> torch.device:
        import torch

        first = next(self.model.parameters(), None)
        return torch.device("cpu") if first is None else first.device

    def _said(self, found: ModelOutput) -> BackendOutput:
        intensity = None if found.intensity is None else found.intensity.float().cpu().numpy()
        decided = None if found.decided is None else found.decided.cpu().numpy()
        emotion = None if found.emotion is None else found.emotion.float().cpu().numpy()
        sides = None if found.sides is None else found.sides.float().cpu().numpy()
        return _output(found.logits.float().cpu().numpy(), intensity, self.spec, decided, emotion, sides)


@contextmanager
def _embedded() -> Iterator[Path]:
    file = resources.files("actionunits") / "weights" / "default.onnx"
    if not file.is_file():
        raise UserError(
            "this installation has no embedded model: install actionunits again, or give --model FILE"
        )
    with resources.as_file(file) as path:
        yield path


def _need_torch(file: Path) -> None:
    try:
        import torch  # noqa: F401
    except ImportError as problem:
        raise UserError(
            f"{file} holds PyTorch weights and PyTorch is not installed: "
            "pip install 'actionunits[train]', or use the model's .onnx file"
        ) from problem


def _load_torch(file: Path) -> Backend:
    _need_torch(file)
    from actionunits.models.weights import load_model, read_header

    return TorchBackend(load_model(file), name=file.stem, card=read_header(file).card)


def model_of_run(folder: Path) -> Path:
    """The model file of a fold's folder, or of the best fold of a run's by its validation people.

    Raises:
        UserError: there is no model, or PyTorch is needed to compare folds and not installed.
    """
    own = folder / "model.safetensors"
    found = [own] if own.is_file() else sorted(folder.glob("fold-*/model.safetensors"))
    if not found:
        raise UserError(f"there is no model in {folder}: expected a run of `au train` with a finished fold")
    if len(found) == 1:
        return found[0]
    _need_torch(folder)
    from actionunits.models.weights import read_header

    def score(file: Path) -> float:
        value = read_header(file).card.get("validation_score")
        return -math.inf if value is None else float(value)

    return max(found, key=score)


def load_backend(model: str | Path | None = None) -> Backend:
    """The backend for a model file; None is the embedded model, and so are its names.

    A folder of `au train` stands for the model in it: of a run with several folds, the fold whose validation
    people scored best. Pickled weights (``.pt``, ``.pth``, ``.pkl`` ...) are refused: opening one runs what
    is written in it.

    Raises:
        UserError: no such file, or not a model of this package; the message says what is missing.
    """
    if model is None or (str(model) in EMBEDDED and not Path(model).exists()):
        with _embedded() as path:
            return OnnxBackend(path)
    file = Path(model)
    if file.is_dir():
        file = model_of_run(file)
    elif not file.suffix and not file.exists():
        raise UserError(
            f"no model file {file}: expected an .onnx or .safetensors file, or a run of `au train`"
        )
    suffix = file.suffix.lower()
    if suffix in _PICKLES:
        raise UserError(
            f"{file} is a pickle, and opening one can run any code: "
            "convert it to .safetensors or .onnx where you trust it"
        )
    if suffix not in (".onnx", ".safetensors"):
        raise UserError(
            f"{file} is not a model file: expected .onnx or .safetensors, got {suffix or 'no suffix'!r}"
        )
    if not file.is_file():
        raise UserError(f"no model file {file}: expected an .onnx or .safetensors file")
    return OnnxBackend(file) if suffix == ".onnx" else _load_torch(file)
