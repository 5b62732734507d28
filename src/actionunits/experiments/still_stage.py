"""Networks over time whose network of stills is trained before, and those that learn from its codes.

Seed 001's dynamic models: AR_ConvLSTM and AR_2stream are trained end to end, AR_CRF and AR_TAL on features
that AR_res has given once for each frame.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import lightning.fabric as lf
import numpy as np
import torch

from actionunits.atomic import make_directory
from actionunits.datasets.folds import Fold
from actionunits.errors import UserError
from actionunits.experiments.recipe import StillSettings
from actionunits.models.interface import AUModel, CodedModel, TensorBatch, to_tensors
from actionunits.models.weights import load_model, read_header, tensor_digest
from actionunits.records import OnProgress
from actionunits.training.codes import ClipCodes, encode_once
from actionunits.training.data import Clips, CropSamples
from actionunits.training.loop import EpochRecord, fit
from actionunits.training.settings import TrainSettings
from actionunits.training.source import SampleBatches

__all__ = ["codes_of_frames", "still_of", "stills_of", "take_still", "train_still"]


def still_of(model: AUModel) -> AUModel:
    """The network of stills inside a network over time.

    Raises:
        UserError: there is none.
    """
    still = getattr(model, "still", None)
    if not isinstance(still, AUModel):
        raise UserError(f"{type(model).__name__} has no network of stills inside: leave [still] out")
    return still


def take_still(model: AUModel, run: Path, number: int, fold: Fold) -> str:
    """Give a network over time the still network of a fold of a finished run.

    Args:
        model: changed in place.
        run: folder of the run.
        number: of the fold, from 0.
        fold: whom nobody of may have been learnt from.

    Returns:
        The file's name and the digest of its tensors.

    Raises:
        UserError: no such run, another network, or one that has seen subjects who are tested here.
    """
    still, path = still_of(model), run / f"fold-{number + 1}" / "model.safetensors"
    if not path.is_file():
        raise UserError(f"still.run: there is no {path}: give a finished run over the same folds")
    file = read_header(path)
    subjects = file.card.get("subjects", {})
    seen = {*subjects.get("train", ()), *subjects.get("validation", ())} & {*fold.test}
    if seen:
        raise UserError(f"{path} has learnt from {sorted(seen)[0]}, who is tested here: its folds are others")
    try:
        still.load_state_dict(load_model(path).state_dict())
    except RuntimeError as problem:
        raise UserError(
            f"{path} is {file.name} of other sizes than the network of stills in {type(model).__name__}: "
            "give them the same model.config"
        ) from problem
    return f"{file.name} {file.digest}"


def train_still(
    model: AUModel,
    plan: StillSettings,
    train: CropSamples,
    settings: TrainSettings,
    run: Path,
    *,
    validate: Callable[[AUModel], float] | None,
    on_progress: OnProgress | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> None:
    """Train the network of stills inside a network over time, in place; goes on where a stopped one was.

    Args:
        model: the whole network.
        plan: how.
        train: clips of the people to learn from; their frames are taken.
        settings: of the training proper: the device, the seed and the weights of the AUs are the same.
        run: folder of the stage's checkpoints and log.
        validate: chooses the epoch of the network of stills.
        on_progress: called with (steps done, steps in all).
        on_epoch: called after each epoch.

    Raises:
        UserError: see :func:`~actionunits.training.loop.fit`.
    """
    still = still_of(model)
    frozen = [parameter for parameter in still.parameters() if not parameter.requires_grad]
    still.requires_grad_(True)
    samples = stills_of(train, still, plan.stride)
    own = replace(
        plan.training,
        seed=settings.seed,
        accelerator=settings.accelerator,
        devices=settings.devices,
        label_weights=settings.label_weights,
    )
    source = SampleBatches(
        samples, still.spec, plan.batches.size, sampler=plan.batches.sampler, changes=plan.batches.augment
    )
    fit(still, source, own, validate=validate, run=run, on_progress=on_progress, on_epoch=on_epoch)
    for parameter in frozen:
        parameter.requires_grad_(False)


def stills_of(samples: CropSamples, still: AUModel, stride: int = 1) -> CropSamples:
    """The frames of the people of some clips, every so-many-th."""
    return CropSamples(
        samples.cache, still.spec, index=samples.index, clips=Clips("frames", stride if stride > 1 else 0)
    )


def codes_of_frames(
    model: CodedModel, samples: CropSamples, settings: TrainSettings, on_progress: OnProgress | None = None
) -> ClipCodes:
    """What a frozen encoder gives for the frames of some people, computed once and kept in the crop cache.

    A stopped run goes on. Networks with the same encoder share the codes.

    Args:
        model: its encoder is ready.
        samples: clips of the people.
        settings: name the device.
        on_progress: called with (frames done, frames).

    Raises:
        UserError: the cache cannot be written to.
    """
    rows = np.flatnonzero(samples.found)
    digest = hashlib.sha256(tensor_digest(still_of(model).state_dict()).encode())
    digest.update(f"{model.code_length} {samples.cache.digest}".encode())
    names = samples.index.table[["dataset", "subject", "sequence", "frame"]].astype(str)
    digest.update("\n".join(names.iloc[rows].agg(" ".join, axis=1)).encode())
    key = digest.hexdigest()
    device = lf.Fabric(accelerator=settings.accelerator, devices=1).device
    model.eval().to(device)

    def pictures(numbers: range) -> TensorBatch:
        return to_tensors(samples.stills(rows[numbers.start : numbers.stop].tolist()), device)

    def encode(batch: TensorBatch) -> torch.Tensor:
        return model.encode(batch)[:, 0]

    folder = make_directory(samples.cache.folder / "codes" / key[:16])
    codes = encode_once(folder, len(rows), pictures, encode, key=key, batch=16, on_progress=on_progress)
    model.cpu()
    return ClipCodes(codes, samples)
