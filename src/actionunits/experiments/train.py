"""One fold of a recipe: train, choose thresholds on the validation subjects, predict the test subjects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from actionunits.analysis.cooccurrence import conditional, phi
from actionunits.atomic import make_directory, replace_when_done
from actionunits.datasets.cache import CropCache
from actionunits.datasets.folds import Fold
from actionunits.detect.backends import TorchBackend
from actionunits.detect.pace import FRAMES_HZ
from actionunits.errors import UserError
from actionunits.experiments.crops import known_of, scored_clips, training_clips, used_index
from actionunits.experiments.environment import environment
from actionunits.experiments.head_stage import take_encoder, train_heads
from actionunits.experiments.pattern_stage import (
    codebook_of,
    in_codebook,
    pattern_trained,
    settings_of_stage,
    taken_from,
    with_codebook,
)
from actionunits.experiments.predict import (
    Said,
    asked_places,
    missed_table,
    prediction_table,
    said_of_frames,
)
from actionunits.experiments.recipe import PatternSettings, Recipe, StillSettings, learns_patterns
from actionunits.experiments.still_stage import (
    codes_of_frames,
    still_of,
    stills_of,
    take_still,
    train_still,
)
from actionunits.metrics.averages import mean_defined
from actionunits.metrics.classification import average_class_accuracy, confusion_matrix
from actionunits.metrics.scoring import score_table
from actionunits.metrics.thresholds import choose_thresholds
from actionunits.models.config import to_plain
from actionunits.models.cooccurrence.tied import TiedConfig, TiedModel
from actionunits.models.interface import AUModel, CodedModel
from actionunits.models.parts.codebook import Codebook
from actionunits.models.parts.pattern_head import PatternModel
from actionunits.models.parts.pretrained import cached_weights, read_state
from actionunits.models.registry import build_model, make_config
from actionunits.models.weights import save_model
from actionunits.records import InputSpec, OnProgress
from actionunits.training.codes import ClipCodeBatches, ClipCodes
from actionunits.training.data import CropSamples, fold_samples
from actionunits.training.loop import EpochRecord, TrainResult, fit
from actionunits.training.processes import is_first_process, wait_for_all
from actionunits.training.sampling import inverse_base_rates
from actionunits.training.settings import TrainSettings
from actionunits.training.source import SampleBatches
from actionunits.training.stages import freeze, take_over

__all__ = ["FoldSamples", "imagenet_file", "make_model", "samples_of_fold", "settings_of_fold", "train_fold"]


@dataclass(frozen=True)
class FoldSamples:
    """The three sides of a fold.

    Attributes:
        train: what is learnt from.
        validation: what chooses the epoch and the thresholds; may be empty.
        test: what is scored.
    """

    train: CropSamples
    validation: CropSamples
    test: CropSamples

    def codebook(self, settings: PatternSettings) -> Codebook:
        """The patterns that are classes in this fold, each frame counted once.

        Raises:
            UserError: no pattern is frequent enough.
        """
        sides = (self.train, self.validation, self.test)
        labels = [side.frame_labels[asked_places(side.spec, side)] for side in sides]
        return codebook_of(settings, self.train.spec.aus, labels[0], np.concatenate(labels))


def samples_of_fold(recipe: Recipe, cache: CropCache, spec: InputSpec, fold: Fold) -> FoldSamples:
    """The samples of a fold's people, cut as the recipe says.

    Raises:
        UserError: the data do not fit the model or the fold.
    """
    index = used_index(recipe.data, cache)
    learnt, scored = training_clips(recipe.data, spec), scored_clips(recipe.data, spec)
    stride = recipe.data.validation_stride
    checked = replace(scored, stride=stride) if stride > 1 and scored.kind == "frames" else scored
    known = known_of(spec, index)
    cut = {
        clips: fold_samples(cache, spec, fold, index=index, clips=clips, **known)
        for clips in {learnt, checked, scored}
    }
    samples = FoldSamples(cut[learnt][0], cut[checked][1], cut[scored][2])
    _check_motion(spec, samples.train)
    return samples


def _check_motion(spec: InputSpec, samples: CropSamples) -> None:
    """A clip that repeats one frame has no motion: then the clips are cut wrongly for these data."""
    if spec.clip_length == 1 or not len(samples):
        return
    different = float(np.median([len(np.unique(rows)) for rows in samples.rows]))
    if different <= spec.clip_length / 4:
        raise UserError(
            f"clips of {spec.clip_length} frames show {different:.0f} different ones: the frames of these "
            "data do not follow one another that long; set data.clips=spread and data.scored_clips=spread, "
            "or a smaller model.config.clip_length"
        )


def make_model(recipe: Recipe, seed: int) -> AUModel:
    """The recipe's network with weights from a seed, ImageNet's where given, and its frozen parts.

    Raises:
        UserError: the weights or the frozen parts do not fit the network.
    """
    torch.manual_seed(seed)
    model = build_model(recipe.model.name, recipe.model.config)
    if file := imagenet_file(recipe):
        load = getattr(model, "load_imagenet", None)
        if load is None:
            raise UserError(f"{recipe.model.name} takes no ImageNet weights: leave model.pretrained out")
        load(read_state(file))
    if recipe.model.freeze:
        freeze(model, *recipe.model.freeze)
    return model


def imagenet_file(recipe: Recipe) -> Path | None:
    """The file of ImageNet weights that a recipe's network starts from; None for random weights."""
    if recipe.model.pretrained == "cache":
        backbone = getattr(make_config(recipe.model.name, recipe.model.config), "backbone", "")
        return cached_weights(backbone)
    return Path(recipe.model.pretrained) if recipe.model.pretrained else None


def _tied(recipe: Recipe, model: AUModel, samples: CropSamples) -> AUModel:
    """The network with its AUs tied as the recipe says, beginning with what the training labels say."""
    if recipe.ties is None:
        return model
    tied = TiedModel(model, TiedConfig(recipe.model.name, recipe.model.config, recipe.ties))
    labels = samples.frame_labels[asked_places(model.spec, samples)]
    tied.begin(conditional(labels).T, phi(labels))
    return tied


def settings_of_fold(recipe: Recipe, labels: NDArray[np.int8], number: int) -> TrainSettings:
    """The recipe's training with the fold's own seed and loss weights.

    Args:
        recipe: the experiment.
        labels: i8[M,T,A], of every frame of the training part: seed 003's occurrence rates are of frames, and
            so stills and clips of the same frames get the same weights.
        number: of the fold, from 0.
    """
    changes: dict[str, Any] = {"seed": recipe.training.seed + 1000 * number}
    if recipe.batches.weights == "inverse_base_rate":
        changes["label_weights"] = inverse_base_rates(labels.reshape(-1, labels.shape[-1]))
    return replace(recipe.training, **changes)


def train_fold(
    recipe: Recipe,
    samples: FoldSamples,
    fold: Fold,
    number: int,
    out: Path,
    *,
    on_progress: OnProgress | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> pd.DataFrame:
    """Train a fold and predict its test subjects; goes on where a stopped run was.

    ``out`` gets ``run`` (checkpoints and ``log.csv``), ``model.safetensors`` and ``predictions.parquet``
    (:func:`~actionunits.experiments.predict.prediction_table`); with ``[pretrain]`` also ``pretrain`` and
    ``codebook.json``; with ``[still]`` ``still``; with ``[heads]`` ``heads`` instead of ``run``; where frames
    without a face count as errors, ``missed.parquet``.

    Returns:
        The predictions.

    Raises:
        UserError: see :func:`~actionunits.training.loop.fit` and :func:`make_model`.
    """
    make_directory(out)
    done = out / "predictions.parquet"
    if done.exists():
        return pd.read_parquet(done)
    settings = settings_of_fold(recipe, samples.train.frame_labels, number)
    validate = _validator(recipe, samples.validation)
    if learns_patterns(recipe.model.name) and "patterns" not in recipe.model.config:
        recipe = with_codebook(recipe, samples.codebook(recipe.patterns))
    model = make_model(recipe, settings.seed)
    if recipe.pretrain is not None:
        state = _pattern_stage(recipe, samples, fold, number, out, settings, validate, on_progress, on_epoch)
        take_over(model, state, *recipe.pretrain.freeze)
    started: dict[str, Any] = {"started_from": _weights_line(recipe)}
    if recipe.still is not None:
        started["still"] = _still_stage(
            recipe, recipe.still, model, samples, fold, number, out, settings, on_progress, on_epoch
        )
    model = _tied(recipe, model, samples.train)
    if recipe.heads is not None:
        if recipe.heads.encoder:
            started["encoder"] = take_encoder(model, recipe.heads.encoder, fold)
        trained = train_heads(
            model, recipe, samples.train, samples.validation, settings, out, on_progress=on_progress
        )
        result, started["heads"] = trained.result, trained.records
    else:
        source, checks = _source(recipe, model, samples, settings, on_progress)
        validate = _validator(recipe, samples.validation, checks)
        result = fit(
            model,
            source,
            settings,
            validate=validate,
            run=out / "run",
            on_progress=on_progress,
            on_epoch=on_epoch,
        )
    if is_first_process():
        model.to(result.device)
        thresholds = _thresholds(recipe, model, samples.validation)
        card = {**_card(recipe, fold, number, result, thresholds), **started}
        card |= _pace(recipe, samples.train)
        name = "cooccurrence/tied" if isinstance(model, TiedModel) else recipe.model.name
        save_model(out / "model.safetensors", model, name=name, card=card)
        table = prediction_table(TorchBackend(model), samples.test, thresholds, number + 1)
        if recipe.scores.faceless == "errors":
            with replace_when_done(out / "missed.parquet") as beside:
                missed_table(samples.test, number + 1).to_parquet(beside, index=False)
        with replace_when_done(done) as beside:
            table.to_parquet(beside, index=False)
    wait_for_all()
    return pd.read_parquet(done)


def _pattern_stage(
    recipe: Recipe,
    samples: FoldSamples,
    fold: Fold,
    number: int,
    out: Path,
    settings: TrainSettings,
    validate: Callable[[AUModel], float] | None,
    on_progress: OnProgress | None,
    on_epoch: Callable[[EpochRecord], None] | None,
) -> Mapping[str, Tensor]:
    """What the fold's network takes over from a training on patterns.

    ``out`` gets ``codebook.json`` and ``pretrain`` (checkpoints and ``log.csv``), unless a run is given.
    """
    assert recipe.pretrain is not None
    if recipe.pretrain.run:
        return taken_from(Path(recipe.pretrain.run), number, fold)
    book = samples.codebook(recipe.patterns)
    book.save(out / "codebook.json")
    return pattern_trained(
        recipe,
        make_model(replace(recipe, model=replace(recipe.model, freeze=())), settings.seed),
        book,
        samples.train,
        settings_of_stage(recipe, settings),
        out / "pretrain",
        validate=validate,
        on_progress=on_progress,
        on_epoch=on_epoch,
    )


def _source(
    recipe: Recipe,
    model: AUModel,
    samples: FoldSamples,
    settings: TrainSettings,
    on_progress: OnProgress | None,
) -> tuple[SampleBatches | ClipCodeBatches, ClipCodes | None]:
    """What the network learns from; and, if that is codes, those of the validation subjects' clips."""
    if isinstance(model, CodedModel) and model.encoder_is_frozen:
        learnt, checks = (
            codes_of_frames(model, side, settings, on_progress)
            for side in (samples.train, samples.validation)
        )
        return ClipCodeBatches(learnt, recipe.batches.size), checks
    shown = samples.train
    if isinstance(model, PatternModel):
        shown = in_codebook(shown, model.codebook)
    size, sampler, changes = recipe.batches.size, recipe.batches.sampler, recipe.batches.augment
    return SampleBatches(shown, model.spec, size, sampler=sampler, changes=changes), None


def _still_stage(
    recipe: Recipe,
    plan: StillSettings,
    model: AUModel,
    samples: FoldSamples,
    fold: Fold,
    number: int,
    out: Path,
    settings: TrainSettings,
    on_progress: OnProgress | None,
    on_epoch: Callable[[EpochRecord], None] | None,
) -> str:
    """Give a network over time its trained network of stills; says which.

    ``out`` gets ``still`` (checkpoints and ``log.csv``), unless a run is given.
    """
    if plan.run:
        return take_still(model, Path(plan.run), number, fold)
    validate = _validator(recipe, stills_of(samples.validation, still_of(model), plan.stride))
    train_still(
        model,
        plan,
        samples.train,
        settings,
        out / "still",
        validate=validate,
        on_progress=on_progress,
        on_epoch=on_epoch,
    )
    return "trained in this run"


def _validator(
    recipe: Recipe, samples: CropSamples, stored: ClipCodes | None = None
) -> Callable[[AUModel], float] | None:
    """The mean over the AUs of the choosing metric on the validation subjects."""
    if len(samples) == 0:
        return None
    metric = recipe.scores.choose_by

    def validate(model: AUModel) -> float:
        said = said_of_frames(TorchBackend(model), samples, stored=stored)
        if metric == "ACA":
            return _average_accuracy(said, samples)
        values = score_table(
            model.spec.aus, said.labels, said.probability, (metric,), decisions=said.decided
        ).values
        return float(mean_defined(values[:, 0])[0])

    return validate


def _average_accuracy(said: Said, samples: CropSamples) -> float:
    """Average class accuracy of the emotions; the highest probability is said."""
    truth = samples.frame_emotion
    if said.emotion is None or truth is None:
        raise UserError("scores.choose_by=ACA is for networks that give emotions: choose by AUC or F1")
    known = truth[asked_places(samples.spec, samples)]
    classes = len(samples.spec.emotions)
    return average_class_accuracy(confusion_matrix(known, said.emotion.argmax(axis=1), classes))


def _weights_line(recipe: Recipe) -> str:
    """What a network's weights were before training."""
    file = imagenet_file(recipe)
    return "random weights" if file is None else f"ImageNet weights: {file.name}"


def _thresholds(recipe: Recipe, model: AUModel, samples: CropSamples) -> NDArray[np.float64]:
    if recipe.scores.thresholds == "half" or not model.spec.aus:
        return np.full(len(model.spec.aus), 0.5)
    said = said_of_frames(TorchBackend(model), samples)
    return choose_thresholds(said.labels, said.probability)


def _pace(recipe: Recipe, samples: CropSamples) -> Mapping[str, float]:
    """For the card of a model of clips: the frames a second that it learnt from, if the data have times."""
    if samples.spec.clip_length == 1 or recipe.data.clips == "spread":
        return {}
    if recipe.data.clip_rate_hz:  # in use, frames are left out by the model's step alone
        return {FRAMES_HZ: recipe.data.clip_rate_hz * samples.spec.frame_step}
    table = samples.index.table
    apart = table.groupby(["dataset", "subject", "sequence"], sort=False)["time_s"].diff()
    apart = apart[apart > 0]
    return {FRAMES_HZ: round(1 / float(apart.median()), 3)} if len(apart) else {}


def _card(
    recipe: Recipe, fold: Fold, number: int, result: TrainResult, thresholds: NDArray[np.float64]
) -> Mapping[str, Any]:
    """What a user of the weights must know; no number that JSON cannot hold."""
    last = result.history[-1] if result.history else None
    return {
        "name": f"{recipe.model.name} fold {number + 1}",
        "title": recipe.title,
        "paper": recipe.paper,
        "data": to_plain(recipe.data),
        "subjects": {"train": fold.train, "validation": fold.validation, "test": fold.test},
        "training": to_plain(recipe.training),
        "steps": result.steps,
        "stopped": result.stopped,
        "last_loss": None if last is None else last.loss,
        "best_epoch": result.best_epoch,
        "validation_score": None if np.isnan(result.best_score) else result.best_score,
        "thresholds": [float(value) for value in thresholds],
        "made_with": environment(),
    }
