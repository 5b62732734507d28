"""The one training loop of the package, on Lightning Fabric: devices, precision, exact resumption.

A run folder holds ``last.pt`` (where to go on from), ``best.pt`` (the best weights by the validation score),
``log.csv`` and, where asked for, TensorBoard's events. A run that was stopped at any moment goes on to the
same numbers when it is started again: weights, optimiser, averages, place in the epoch and all random states
are in ``last.pt``.
"""

from __future__ import annotations

import csv
import itertools
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, NoReturn, Protocol

import lightning.fabric as lf
import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from actionunits.ahead import ahead
from actionunits.atomic import make_directory, replace_when_done
from actionunits.errors import UserError
from actionunits.models.interface import AUModel, TensorBatch, to_tensors
from actionunits.records import Batch, OnProgress
from actionunits.training.checkpoint import load_state, random_states, restore_random_states, save_state
from actionunits.training.settings import (
    FREE_SETTINGS,
    TrainSettings,
    learning_rate_factor,
    make_optimiser,
)
from actionunits.training.stages import set_training_mode

__all__ = ["BatchSource", "EpochRecord", "TrainResult", "TrainingError", "fit"]

Validate = Callable[[AUModel], float]


class BatchSource(Protocol):
    """Where the batches of training come from."""

    def __len__(self) -> int:
        """Batches in an epoch."""
        ...

    def epoch(self, number: int, seed: int) -> Iterator[Batch | TensorBatch]:
        """The batches of epoch ``number`` (from 0): the same for the same ``number`` and ``seed``."""
        ...


class TrainingError(UserError):
    """Training cannot go on; what was complete is in the run folder."""

    exit_code = 1


@dataclass(frozen=True)
class EpochRecord:
    """One row of ``log.csv``.

    Attributes:
        epoch: from 1.
        step: optimiser steps so far.
        loss: mean training loss of the epoch.
        lr: learning rate of its last step.
        validation: the validation score, higher is better; NaN without one.
        seconds: wall time of the epoch with its validation, since the last start.
    """

    epoch: int
    step: int
    loss: float
    lr: float
    validation: float
    seconds: float


@dataclass(frozen=True)
class TrainResult:
    """What came of a training.

    Attributes:
        history: one record an epoch.
        steps: optimiser steps taken.
        best_epoch: epoch of the best validation score, from 1; 0 without validation.
        best_score: that score; NaN without validation.
        stopped: ``epochs``, ``max_steps`` or ``patience``.
        device: where it was trained, such as ``cpu`` or ``cuda:0``.
    """

    history: tuple[EpochRecord, ...]
    steps: int
    best_epoch: int
    best_score: float
    stopped: str
    device: str = "cpu"


@dataclass
class _Place:
    """Where a training stands."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    best_epoch: int = 0
    best_score: float = math.nan
    history: list[EpochRecord] = field(default_factory=list)


class _Carried:
    """Keeps Fabric from walking into the batch's frozen records: it would try to write into them."""

    def __init__(self, batch: TensorBatch) -> None:
        self.batch = batch


class _Objective(nn.Module):
    """The model with its loss, so that autocast and gradient averaging see one module."""

    def __init__(self, model: AUModel, weights: tuple[float, ...] | None) -> None:
        super().__init__()
        self.model = model
        values = None if weights is None else torch.tensor(weights, dtype=torch.float32)
        self.register_buffer("weights", values, persistent=False)

    def forward(self, carried: _Carried) -> Tensor:
        output = self.model(carried.batch)
        weights = self.weights
        return self.model.loss(carried.batch, output, weights if isinstance(weights, Tensor) else None)


def fit(
    model: AUModel,
    train: BatchSource,
    settings: TrainSettings,
    *,
    validate: Validate | None = None,
    run: Path,
    on_progress: OnProgress | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> TrainResult:
    """Train ``model`` in place; go on where an interrupted run in the same folder stopped.

    Afterwards the model holds the weights of the best validation score, or without ``validate`` the last
    ones (their moving average when ``settings.ema`` is set), on the CPU and in evaluation mode.

    Args:
        model: its frozen parameters (``requires_grad`` False) stay as they are.
        train: the batches; with several devices each takes every so-many-th batch.
        settings: see :class:`~actionunits.training.settings.TrainSettings`.
        validate: called after each epoch with the model in evaluation mode; the higher the better.
        run: the run's folder.
        on_progress: called after each optimiser step with (steps done, steps in all).
        on_epoch: called after each epoch.

    Raises:
        TrainingError: the loss is no longer finite, or the device's memory is full; ``last.pt`` is usable.
        UserError: the folder holds a run with other settings, or cannot be written to.
    """
    fabric = lf.Fabric(
        accelerator=settings.accelerator, devices=settings.devices, precision=settings.precision
    )
    fabric.launch()
    make_directory(run)
    _seed_everything(settings, fabric.global_rank)
    loop = _Loop(fabric, model, train, settings, run)
    loop.resume()
    stopped = loop.train(validate, on_progress, on_epoch)
    loop.keep_best()
    place = loop.place
    return TrainResult(
        tuple(place.history), place.step, place.best_epoch, place.best_score, stopped, str(fabric.device)
    )


class _Loop:
    """The parts of one training and the place it has come to."""

    def __init__(
        self, fabric: lf.Fabric, model: AUModel, source: BatchSource, settings: TrainSettings, run: Path
    ) -> None:
        self.fabric, self.model, self.source, self.settings, self.run = fabric, model, source, settings, run
        if settings.channels_last:
            model.to(memory_format=torch.channels_last)
        optimiser = make_optimiser(model, settings)
        self.objective, self.optimiser = fabric.setup(_Objective(model, settings.label_weights), optimiser)
        self.average: AveragedModel | None = None
        if settings.ema is not None:
            average = get_ema_multi_avg_fn(settings.ema)  # type: ignore[no-untyped-call]
            self.average = AveragedModel(model, multi_avg_fn=average, use_buffers=True)
        self.batches = len(source) // fabric.world_size
        if self.batches < 1:
            raise UserError(
                f"the training part gives {len(source)} batches for {fabric.world_size} devices: "
                "take smaller batches or more data"
            )
        self.steps_per_epoch = math.ceil(self.batches / settings.accumulate)
        self.place = _Place()
        self._events: Any = None

    @property
    def kept(self) -> AUModel:
        """The network that is validated and kept: the average where there is one."""
        if self.average is None:
            return self.model
        averaged = self.average.module
        assert isinstance(averaged, AUModel)
        return averaged

    # ---------------------------------------------------------------- the loop

    def train(
        self,
        validate: Validate | None,
        on_progress: OnProgress | None,
        on_epoch: Callable[[EpochRecord], None] | None,
    ) -> str:
        """Go on to the end; give the reason for the end."""
        settings, place = self.settings, self.place
        total = settings.epochs * self.steps_per_epoch
        total = total if settings.max_steps is None else min(total, settings.max_steps)
        while place.epoch < settings.epochs:
            if self._out_of_patience():
                return "patience"
            begun = time.perf_counter()
            finished = self._one_epoch(total, on_progress)
            score = self._validate(validate)
            if not finished:
                return "max_steps"
            record = self._close_epoch(score, time.perf_counter() - begun)
            if on_epoch is not None and self.fabric.is_global_zero:
                on_epoch(record)
        return "epochs"

    def _one_epoch(self, total: int, on_progress: OnProgress | None) -> bool:
        """The optimiser steps that are left of this epoch; False when ``max_steps`` ends it early."""
        settings, place = self.settings, self.place
        set_training_mode(self.objective)
        batches = self._rest_of_epoch()
        while place.batch < self.batches:
            if settings.max_steps is not None and place.step >= settings.max_steps:
                return False
            group = list(itertools.islice(batches, settings.accumulate))
            if not group:
                raise ValueError(f"the source promised {len(self.source)} batches and gave fewer")
            self._step(group)
            if on_progress is not None and self.fabric.is_global_zero:
                on_progress(place.step, total)
            if settings.checkpoint_every and place.step % settings.checkpoint_every == 0:
                self.save()
        return True

    def _rest_of_epoch(self) -> Iterator[Batch | TensorBatch]:
        place, fabric = self.place, self.fabric
        states = random_states(fabric.device)
        batches = self.source.epoch(place.epoch, self.settings.seed)
        mine = itertools.islice(
            batches, fabric.global_rank, self.batches * fabric.world_size, fabric.world_size
        )
        rest: Iterator[Batch | TensorBatch] = itertools.islice(mine, place.batch, None)
        if place.batch:
            first = next(rest, None)
            if first is not None:
                rest = itertools.chain([first], rest)
            restore_random_states(states, fabric.device)
        return ahead(rest, self.settings.prefetch) if self.settings.prefetch else rest

    def _step(self, group: list[Batch | TensorBatch]) -> None:
        """One optimiser step over the batches of a group."""
        settings, place, fabric = self.settings, self.place, self.fabric
        lr = settings.lr * learning_rate_factor(settings, place.step, self.steps_per_epoch)
        for parameters in self.optimiser.param_groups:
            parameters["lr"] = lr
        self.optimiser.zero_grad()
        buffers = [buffer.clone() for buffer in self.model.buffers()]
        total = 0.0
        try:
            for number, batch in enumerate(group):
                tensors = _on_device(batch, fabric.device)
                with fabric.no_backward_sync(self.objective, enabled=number + 1 < len(group)):
                    loss = self.objective(_Carried(tensors))
                    fabric.backward(loss / len(group))
                total += self._finite(loss, buffers)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as problem:
            if not _memory_is_full(problem):
                raise
            self._undo(buffers, together=False)
            raise TrainingError(
                f"the device's memory is full at step {place.step + 1}: take smaller batches and a larger "
                f"training.accumulate; {self.run / 'last.pt'} goes on from here"
            ) from problem
        if settings.clip_norm is not None:
            fabric.clip_gradients(
                self.objective, self.optimiser, max_norm=settings.clip_norm, error_if_nonfinite=False
            )
        self._check_gradients(buffers)
        self.optimiser.step()
        if self.average is not None:
            self.average.update_parameters(self.model)
        place.step += 1
        place.batch += len(group)
        place.loss_sum += total

    def _check_gradients(self, buffers: list[Tensor]) -> None:
        """A gradient can overflow under a finite loss; a step along it would spoil the weights for good.

        Half precision is left alone: its scaler skips such steps by itself.
        """
        if self.settings.precision == "16-mixed":
            return
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        if gradients and not math.isfinite(float(torch.stack(torch._foreach_norm(gradients)).sum())):
            self._not_finite("a gradient is not finite", buffers)

    def _finite(self, loss: Tensor, buffers: list[Tensor]) -> float:
        mean = self.fabric.all_reduce(loss.detach(), reduce_op="mean")
        assert isinstance(mean, Tensor)
        value = float(mean)
        if not math.isfinite(value):
            self._not_finite(f"the loss is {value}", buffers)
        return value

    def _not_finite(self, what: str, buffers: list[Tensor]) -> NoReturn:
        self._undo(buffers)
        raise TrainingError(
            f"{what} at step {self.place.step + 1} of epoch {self.place.epoch + 1}: lower training.lr (now "
            f"{self.settings.lr:g}) or set training.clip_norm, and start again; the weights before that step "
            f"are in {self.run / 'last.pt'}"
        )

    def _undo(self, buffers: list[Tensor], *, together: bool = True) -> None:
        """Save the state before a step that failed: batch normalisation has already seen its batch.

        Of several processes one alone may have failed: then the others do not come to save with it, and the
        last checkpoint stays.
        """
        for buffer, before in zip(self.model.buffers(), buffers, strict=True):
            buffer.copy_(before)
        self.optimiser.zero_grad()
        if together or self.fabric.world_size == 1:
            self.save()

    def _validate(self, validate: Validate | None) -> float:
        if validate is None:
            return math.nan
        kept = self.kept
        kept.eval()
        with torch.no_grad():
            score = float(validate(kept))
        place = self.place
        if score > place.best_score or (math.isnan(place.best_score) and not math.isnan(score)):
            place.best_score, place.best_epoch = score, place.epoch + 1
            if self.fabric.is_global_zero:
                save_state(self.run / "best.pt", {"model": kept.state_dict()})
        return score

    def _close_epoch(self, score: float, seconds: float) -> EpochRecord:
        place = self.place
        lr = float(self.optimiser.param_groups[0]["lr"])
        loss = place.loss_sum / self.batches
        record = EpochRecord(place.epoch + 1, place.step, loss, lr, score, seconds)
        place.history.append(record)
        place.epoch, place.batch, place.loss_sum = place.epoch + 1, 0, 0.0
        self.save()
        if self.fabric.is_global_zero:
            _write_log(self.run / "log.csv", place.history)
            self._write_events(record)
        return record

    def _write_events(self, record: EpochRecord) -> None:
        """What ``log.csv`` says, for TensorBoard; a run that goes on takes back what it repeats."""
        if not self.settings.tensorboard:
            return
        from torch.utils.tensorboard import SummaryWriter

        if self._events is None:
            purge_from = record.epoch if record.epoch > 1 else None
            self._events = SummaryWriter(str(self.run), purge_step=purge_from)
        for name in ("loss", "lr", "validation"):
            value = getattr(record, name)
            if not math.isnan(value):
                self._events.add_scalar(name, value, record.epoch)
        self._events.flush()

    def _out_of_patience(self) -> bool:
        place, patience = self.place, self.settings.patience
        return patience is not None and place.best_epoch > 0 and place.epoch - place.best_epoch >= patience

    # ---------------------------------------------------------------- kept on disk

    def save(self) -> None:
        """Write ``last.pt``."""
        states: list[Any] = [random_states(self.fabric.device)]
        if self.fabric.world_size > 1:
            mine, states = states[0], [None] * self.fabric.world_size
            torch.distributed.all_gather_object(states, mine)
        if self.fabric.is_global_zero:
            save_state(
                self.run / "last.pt",
                {
                    "settings": asdict(self.settings),
                    "model": self.model.state_dict(),
                    "average": None if self.average is None else self.average.state_dict(),
                    "optimiser": self.optimiser.state_dict(),
                    "precision": self.fabric.strategy.precision.state_dict(),
                    "random": states,
                    "place": asdict(self.place),
                },
            )
        self.fabric.barrier()

    def resume(self) -> None:
        """Go to where ``last.pt`` stands, or write the first one."""
        path = self.run / "last.pt"
        if not path.exists():
            self.save()
            return
        state = load_state(path)
        _same_settings(path, state["settings"], asdict(self.settings))
        try:
            self.model.load_state_dict(state["model"])
            self.optimiser.load_state_dict(state["optimiser"])
            if self.average is not None:
                self.average.load_state_dict(state["average"])
        except (RuntimeError, ValueError) as problem:
            raise UserError(f"{path} belongs to another network: choose another run folder") from problem
        self.fabric.strategy.precision.load_state_dict(state["precision"])
        place = state["place"]
        place["history"] = [EpochRecord(**record) for record in place["history"]]
        self.place = _Place(**place)
        if len(state["random"]) == self.fabric.world_size:
            restore_random_states(state["random"][self.fabric.global_rank], self.fabric.device)

    def keep_best(self) -> None:
        """Leave the best weights in the model, on the CPU."""
        best = self.run / "best.pt"
        if self.place.best_epoch and best.exists():
            self.model.load_state_dict(load_state(best)["model"])
        elif self.average is not None:
            self.model.load_state_dict(self.kept.state_dict())
        self.model.cpu().eval()
        if self.settings.channels_last:
            self.model.to(memory_format=torch.contiguous_format)


def _memory_is_full(problem: Exception) -> bool:
    """Whether the device or the machine has no memory left: on a CPU PyTorch says so in words only."""
    if isinstance(problem, torch.OutOfMemoryError | MemoryError):
        return True
    said = ("can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED")
    return any(words in str(problem) for words in said)


def _on_device(batch: Batch | TensorBatch, device: torch.device) -> TensorBatch:
    if isinstance(batch, Batch):
        return to_tensors(batch, device)

    def move(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor.to(device, non_blocking=True)

    moved: dict[str, Any] = {each.name: move(getattr(batch, each.name)) for each in fields(batch)}
    return replace(batch, **moved)


def _seed_everything(settings: TrainSettings, rank: int) -> None:
    seed = settings.seed + rank
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  (code that a source calls may draw from it)
    random.seed(seed)
    if settings.deterministic:
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False


def _same_settings(path: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    for key in sorted(set(before) | set(now)):
        old, new = before.get(key), now.get(key)
        if key not in FREE_SETTINGS and (list(old) if isinstance(old, tuple) else old) != (
            list(new) if isinstance(new, tuple) else new
        ):
            raise UserError(
                f"{path} is from a run with training.{key} = {old}, now {new}: choose another run folder, or "
                "delete the file to start anew"
            )


def _write_log(path: Path, history: list[EpochRecord]) -> None:
    with replace_when_done(path) as beside, beside.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(EpochRecord.__dataclass_fields__)
        rows.writerows(asdict(record).values() for record in history)
