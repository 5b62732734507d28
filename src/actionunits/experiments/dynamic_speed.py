"""How fast seed 001's networks over time learn and look, on noise: clips a second and frames a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from actionunits.facs.groups import box_groups
from actionunits.models.interface import AUModel, CodedModel, TensorBatch
from actionunits.training.settings import TrainSettings, make_optimiser
from actionunits.training.stages import set_training_mode

__all__ = ["ModelSpeed", "model_speed"]

#: Frames that are encoded together in use, as :mod:`actionunits.detect.frame_codes` does.
TOGETHER = 8


@dataclass(frozen=True)
class ModelSpeed:
    """What was measured of a network.

    Attributes:
        learnt: clips a second in training: forward, loss, backward and step; of a network with a frozen
            encoder, on codes.
        frames: of a clip.
        labelled: of these, the frames that the loss is of.
        seen: frames a second in use, each with an answer of its own.
        encoded: frames a second of a frozen encoder, which are needed once before training; NaN without one.
    """

    learnt: float
    frames: int
    labelled: int
    seen: float
    encoded: float


def model_speed(model: AUModel, device: torch.device | str = "cpu", repeats: int = 3) -> ModelSpeed:
    """Time a network with random weights, clip by clip; the best of so many repeats.

    In use a network that looks at each frame by itself first encodes it once; one that scores the middle
    frame looks at a whole clip for each. Flow and boxes are given.

    Args:
        model: changed by training.
        device: where.
        repeats: of each measurement.
    """
    model.to(device)
    clip = _noise(model, 1, model.spec.clip_length, device)
    frozen = isinstance(model, CodedModel) and model.encoder_is_frozen
    with torch.inference_mode():
        model.eval()
        looking, encoding = _seconds_of_a_frame(model, device, repeats)
    if frozen:
        assert isinstance(model, CodedModel)
        codes = torch.randn(1, model.spec.clip_length, model.code_length, device=device)
        clip = TensorBatch(clip.frames[..., :0, :0, :0], labels=clip.labels, codes=codes)
    set_training_mode(model)
    optimiser = make_optimiser(model, TrainSettings(optimiser="sgd"))

    def step() -> None:
        optimiser.zero_grad()
        model.loss(clip, model(clip)).backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    learning, length = _best(step, repeats, device), model.spec.clip_length
    labelled = 1 if model.spec.scored == "middle" else length
    return ModelSpeed(1 / learning, length, labelled, 1 / looking, 1 / encoding if frozen else float("nan"))


def _seconds_of_a_frame(model: AUModel, device: torch.device | str, repeats: int) -> tuple[float, float]:
    """Seconds of a frame in use, and of that to encode it; NaN for a network that does not."""
    spec = model.spec
    if not isinstance(model, CodedModel):
        count = TOGETHER if spec.clip_length == 1 else 1
        batch = _noise(model, count, spec.clip_length, device)
        return _best(lambda: model(batch), repeats, device) / count, float("nan")
    stills = _noise(model, TOGETHER, 1, device)
    encoding = _best(lambda: model.encode(stills), repeats, device) / TOGETHER
    codes = torch.randn(1, spec.clip_length, model.code_length, device=device)
    answers = spec.clip_length if spec.scored == "all" else 1
    return encoding + _best(lambda: model.from_codes(codes), repeats, device) / answers, encoding


def _noise(model: AUModel, clips: int, length: int, device: torch.device | str) -> TensorBatch:
    """Clips of noise with boxes, flow and labels as the network takes them."""
    spec = model.spec
    rng = torch.Generator().manual_seed(0)
    side = spec.size_px
    frames = torch.randn(clips, length, spec.channels, side, side, generator=rng)
    corner = torch.rand(clips, length, len(box_groups(spec.aus)), 2, generator=rng) * side / 2
    boxes = torch.cat((corner, corner + side / 2 - 1), dim=-1)
    labels = torch.randint(0, 2, (clips, length, len(spec.aus)), generator=rng, dtype=torch.int8)
    flow = torch.randn(clips, length, 2, side, side, generator=rng) if spec.needs_flow else None
    return TensorBatch(
        frames.to(device),
        regions=boxes.to(device) if spec.needs_regions else None,
        flow=None if flow is None else flow.to(device),
        labels=labels.to(device),
    )


def _best(run: Callable[[], object], repeats: int, device: torch.device | str) -> float:
    """Seconds of the quickest of some runs after one that warms up."""
    found = []
    for _ in range(repeats + 1):
        begun = time.perf_counter()
        run()
        if torch.device(device).type == "cuda":
            torch.cuda.synchronize()
        found.append(time.perf_counter() - begun)
    return float(np.min(found[1:]))
