"""How to train: the optimiser, its learning rate over time, and what the loop does beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from actionunits.training.stages import trainable_parameters

__all__ = ["FREE_SETTINGS", "TrainSettings", "learning_rate_factor", "make_optimiser"]

#: What may change when a stopped run goes on: where and how long it trains, and what mends a run whose loss
#: was not finite or whose memory was full.
FREE_SETTINGS = frozenset(
    (
        *("epochs", "max_steps", "patience", "checkpoint_every", "prefetch", "accelerator", "devices"),
        *("tensorboard", "lr", "clip_norm", "accumulate", "channels_last"),
    )
)


@dataclass(frozen=True)
class TrainSettings:
    """What :func:`actionunits.training.loop.fit` needs to know; the defaults are seed 003's.

    Attributes:
        epochs: passes over the training batches.
        max_steps: stop after so many optimiser steps, or None.
        optimiser: ``sgd`` or ``adamw``.
        lr: the highest learning rate.
        momentum: of SGD.
        weight_decay: L2 penalty (SGD) or decoupled decay (AdamW).
        schedule: ``constant``; ``step`` (times ``step_factor`` every ``step_epochs`` epochs); ``cosine``
            (from ``lr`` to ``final_share`` of it over the whole training).
        step_epochs: epochs between two steps of the ``step`` schedule.
        step_factor: what a step multiplies the learning rate by.
        final_share: the last learning rate of ``cosine`` as a share of ``lr``.
        warmup_steps: optimiser steps over which the learning rate rises from 0, in any schedule.
        accumulate: batches whose gradients make one optimiser step.
        clip_norm: greatest length of the gradient; None = no limit.
        ema: decay of an exponential moving average of the weights, which is then what is validated and
            kept; None = the weights themselves.
        label_weights: one weight an AU for the loss, or None.
        patience: stop after so many epochs without a better validation score; None = never.
        checkpoint_every: write ``last.pt`` every so many optimiser steps as well; None = after each epoch.
        seed: of weights drawn in training, dropout, shuffling and augmentation.
        accelerator: ``cpu``, ``cuda``, ``mps`` or ``auto``.
        devices: how many.
        precision: Fabric's: ``32-true``, ``bf16-mixed``, ``16-mixed``, ``64-true``.
        channels_last: keep a pixel's channels side by side in memory: with ``bf16-mixed`` convolutions are
            up to three times as fast on processors that multiply in bfloat16.
        prefetch: batches made ahead by a thread; the numbers do not change, the source must not draw from
            the global random generators. 0 = none.
        deterministic: choose deterministic GPU kernels, at some cost of speed.
        tensorboard: also write loss, learning rate and validation score for TensorBoard.
    """

    epochs: int = 30
    max_steps: int | None = None
    optimiser: Literal["sgd", "adamw"] = "sgd"
    lr: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: Literal["constant", "step", "cosine"] = "constant"
    step_epochs: int = 10
    step_factor: float = 0.1
    final_share: float = 0.0
    warmup_steps: int = 0
    accumulate: int = 1
    clip_norm: float | None = None
    ema: float | None = None
    label_weights: tuple[float, ...] | None = None
    patience: int | None = None
    checkpoint_every: int | None = None
    seed: int = 0
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "cpu"
    devices: int = 1
    precision: Literal["32-true", "bf16-mixed", "16-mixed", "64-true"] = "32-true"
    channels_last: bool = False
    prefetch: int = 0
    deterministic: bool = False
    tensorboard: bool = False

    def __post_init__(self) -> None:
        if min(self.epochs, self.accumulate, self.devices, self.step_epochs) < 1:
            raise ValueError("epochs, accumulate, devices and step_epochs must be 1 or more")
        if not self.lr > 0:
            raise ValueError(f"lr must be above 0, got {self.lr}")
        if self.ema is not None and not 0 <= self.ema < 1:
            raise ValueError(f"ema must be within 0 to 1, got {self.ema}")
        if min(self.warmup_steps, self.prefetch) < 0:
            raise ValueError("warmup_steps and prefetch must be 0 or more")


def learning_rate_factor(settings: TrainSettings, step: int, steps_per_epoch: int) -> float:
    """What to multiply ``settings.lr`` by at an optimiser step (from 0).

    >>> plan = TrainSettings(epochs=30, schedule="step")
    >>> [round(learning_rate_factor(plan, s, 100), 6) for s in (0, 999, 1000, 2000)]
    [1.0, 1.0, 0.1, 0.01]
    >>> plan = TrainSettings(epochs=2, schedule="cosine", warmup_steps=4)
    >>> [round(learning_rate_factor(plan, s, 10), 3) for s in (0, 3, 4, 12, 20)]
    [0.25, 1.0, 1.0, 0.5, 0.0]
    """
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    if settings.schedule == "step":
        return float(settings.step_factor ** (step // (steps_per_epoch * settings.step_epochs)))
    if settings.schedule == "cosine":
        total = settings.epochs * steps_per_epoch - settings.warmup_steps
        share = min(1.0, (step - settings.warmup_steps) / max(1, total))
        low = settings.final_share
        return low + (1 - low) * 0.5 * (1 + math.cos(math.pi * share))
    return 1.0


def make_optimiser(model: nn.Module, settings: TrainSettings) -> torch.optim.Optimizer:
    """The optimiser over the parameters that are not frozen, in one pass over each where that is possible."""
    parameters = trainable_parameters(model)
    fused = settings.precision != "16-mixed"  # its scaler must see the gradients before the step
    if settings.optimiser == "adamw":
        return torch.optim.AdamW(parameters, lr=settings.lr, weight_decay=settings.weight_decay, fused=fused)
    return torch.optim.SGD(
        parameters,
        lr=settings.lr,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        fused=fused,
    )
