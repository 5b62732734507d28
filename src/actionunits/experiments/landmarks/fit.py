"""Training the point network; a run that was stopped goes on after its last whole epoch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from actionunits.ahead import ahead
from actionunits.atomic import make_directory
from actionunits.errors import UserError
from actionunits.experiments.landmarks.batches import PointBatch, PointBatches
from actionunits.experiments.landmarks.net import PointNet, PointNetConfig
from actionunits.records import OnProgress
from actionunits.training.checkpoint import load_state, save_state
from actionunits.training.settings import TrainSettings, learning_rate_factor, make_optimiser

__all__ = ["EpochNote", "fit_points", "point_error"]

#: A face's box is so many inter-ocular distances wide, on average over 102 hand-placed faces.
BOX_EYES = 2.43

#: The wing loss: logarithmic below the first, bent at the second, both in inter-ocular distances.
_WING, _BEND = 0.15, 0.02

#: Points whose distance tells how far an eye or the mouth is open, or how wide the mouth is: its error counts
#: beside those of the points.
_PAIRS = ((37, 41), (38, 40), (43, 47), (44, 46), (61, 67), (62, 66), (63, 65), (48, 54))
_PAIR_COST = 0.3

#: What a heat map pays for being wide (its variance in inter-ocular distances squared).
_SPREAD_COST = 0.05


@dataclass(frozen=True)
class EpochNote:
    """What an epoch came to.

    Attributes:
        epoch: from 1.
        loss: mean over its steps.
        validation: mean error of the averaged weights on the validation pictures, inter-ocular distances.
    """

    epoch: int
    loss: float
    validation: float


def fit_points(
    config: PointNetConfig,
    train: PointBatches,
    validation: list[PointBatch],
    settings: TrainSettings,
    run: Path,
    *,
    start: PointNet | None = None,
    on_progress: OnProgress | None = None,
    on_epoch: Callable[[EpochNote], None] | None = None,
) -> tuple[PointNet, list[EpochNote]]:
    """Train; the weights' moving average is what is validated and given back, in evaluation mode.

    Args:
        config: sizes of the network.
        train: what is learnt from.
        validation: batches that are only measured on.
        settings: optimiser and schedule.
        run: folder of the checkpoint.
        start: whose weights are gone on from; None for new ones.
        on_progress: called after each step.
        on_epoch: called after each epoch.

    Raises:
        UserError: ``run`` holds a checkpoint of another network or recipe, or the loss is not finite.
    """
    torch.manual_seed(settings.seed)
    model = PointNet(config)
    if start is not None:
        model.load_state_dict(start.state_dict())
    if settings.channels_last:
        model = model.to(memory_format=torch.channels_last)
    mean = get_ema_multi_avg_fn(settings.ema or 0.0)  # type: ignore[no-untyped-call]
    average = AveragedModel(model, multi_avg_fn=mean, use_buffers=True)
    optimiser = make_optimiser(model, settings)
    make_directory(run)
    notes = _resume(run / "last.pt", model, average, optimiser)
    steps = len(train) * settings.epochs
    step = len(notes) * len(train)
    for epoch in range(len(notes) + 1, settings.epochs + 1):
        model.train()
        losses = []
        with closing(ahead(train.epoch(epoch, settings.seed), max(settings.prefetch, 1))) as batches:
            for batch in batches:
                for group in optimiser.param_groups:
                    group["lr"] = settings.lr * learning_rate_factor(settings, step, len(train))
                losses.append(_step(model, batch, optimiser, settings))
                average.update_parameters(model)
                step += 1
                if on_progress:
                    on_progress(step, steps)
        if not np.isfinite(losses).all():
            raise UserError("the loss is not finite: lower training.lr")
        notes.append(EpochNote(epoch, float(np.mean(losses)), point_error(average, validation)))
        _save(run / "last.pt", model, average, optimiser, notes)
        if on_epoch:
            on_epoch(notes[-1])
    trained = PointNet(config)
    trained.load_state_dict(average.module.state_dict())
    return trained.eval(), notes


def _step(
    model: PointNet, batch: PointBatch, optimiser: torch.optim.Optimizer, settings: TrainSettings
) -> float:
    crops, points, sides = (torch.from_numpy(part) for part in batch)
    if settings.channels_last:
        crops = crops.to(memory_format=torch.channels_last)
    with _precision(settings):
        found, spread = model.points_and_spread(crops)
    unit = sides / BOX_EYES
    off = (found - points) / unit[:, None, None]
    one, other = (list(each) for each in zip(*_PAIRS, strict=True))
    loss = _wing(off) + _PAIR_COST * _wing(off[:, one] - off[:, other])
    loss = loss + _SPREAD_COST * (spread / unit[:, None] ** 2).mean()
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if settings.clip_norm:
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
    optimiser.step()
    return float(loss.detach())


def _wing(off: Tensor) -> Tensor:
    """Errors near 0 count more than a square would let them, and far ones less."""
    size = off.abs()
    near = _WING * torch.log1p(size / _BEND)
    far = size - _WING + _WING * np.log1p(_WING / _BEND)
    return torch.where(size < _WING, near, far).mean() / _WING


@contextlib.contextmanager
def _precision(settings: TrainSettings) -> Iterator[None]:
    with torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bf16-mixed"):
        yield


@torch.inference_mode()
def point_error(model: torch.nn.Module, batches: list[PointBatch]) -> float:
    """Mean distance from the true points in inter-ocular distances."""
    model.eval()
    errors = []
    for crops, points, sides in batches:
        off = model(torch.from_numpy(crops)).numpy() - points
        errors.append(np.linalg.norm(off, axis=2).mean(axis=1) / (sides / BOX_EYES))
    return float(np.concatenate(errors).mean())


def _save(
    path: Path,
    model: PointNet,
    average: AveragedModel,
    optimiser: torch.optim.Optimizer,
    notes: list[EpochNote],
) -> None:
    save_state(
        path,
        {
            "model": model.state_dict(),
            "average": average.state_dict(),
            "optimiser": optimiser.state_dict(),
            "notes": [[note.epoch, note.loss, note.validation] for note in notes],
        },
    )


def _resume(
    path: Path, model: PointNet, average: AveragedModel, optimiser: torch.optim.Optimizer
) -> list[EpochNote]:
    if not path.exists():
        return []
    state = load_state(path)
    try:
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        return [EpochNote(*note) for note in state["notes"]]
    except (KeyError, RuntimeError, ValueError, TypeError) as problem:
        raise UserError(f"{path} is of another network: remove it or choose another --out") from problem
