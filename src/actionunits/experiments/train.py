"""One fold of a recipe: train, choose thresholds on the validation subjects, predict the test subjects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from actionunits.atomic import make_directory, replace_when_done
from actionunits.datasets.folds import Fold
from actionunits.errors import UserError
from actionunits.experiments.recipe import Recipe
from actionunits.experiments.synthetic import SampleStore
from actionunits.faces.batch import collate
from actionunits.facs.units import au_column
from actionunits.metrics.averages import mean_defined
from actionunits.metrics.scoring import score_table
from actionunits.metrics.thresholds import choose_thresholds
from actionunits.models.config import to_plain
from actionunits.models.interface import AUModel, to_tensors
from actionunits.models.parts.pretrained import read_state
from actionunits.models.registry import build_model
from actionunits.models.weights import save_model
from actionunits.records import FloatArray, OnProgress
from actionunits.training.loop import EpochRecord, TrainResult, fit
from actionunits.training.sampling import inverse_base_rates
from actionunits.training.settings import TrainSettings
from actionunits.training.source import SampleBatches
from actionunits.training.stages import freeze

__all__ = ["make_model", "predict", "settings_of_fold", "train_fold"]

#: Samples that are predicted at a time.
PREDICT_BATCH = 64


def make_model(recipe: Recipe, seed: int) -> AUModel:
    """The recipe's network with weights from a seed, ImageNet's where given, and its frozen parts.

    Raises:
        UserError: the weights or the frozen parts do not fit the network.
    """
    torch.manual_seed(seed)
    model = build_model(recipe.model.name, recipe.model.config)
    if recipe.model.pretrained:
        load = getattr(model, "load_imagenet", None)
        if load is None:
            raise UserError(f"{recipe.model.name} takes no ImageNet weights: leave model.pretrained out")
        load(read_state(recipe.model.pretrained))
    if recipe.model.freeze:
        freeze(model, *recipe.model.freeze)
    return model


def predict(model: AUModel, samples: SampleStore) -> FloatArray:
    """Probabilities f32[N,T,A] of all samples, in order, on the CPU."""
    model.eval()
    parts = []
    with torch.no_grad():
        for first in range(0, len(samples), PREDICT_BATCH):
            last = min(first + PREDICT_BATCH, len(samples))
            batch = collate([samples[row] for row in range(first, last)], model.spec)
            device = next(model.parameters()).device
            parts.append(torch.sigmoid(model(to_tensors(batch, device)).logits).float().cpu().numpy())
    return np.concatenate(parts)


def settings_of_fold(recipe: Recipe, labels: NDArray[np.int8], number: int) -> TrainSettings:
    """The recipe's training with the fold's own seed and loss weights.

    Args:
        recipe: the experiment.
        labels: i8[N,A] of the training part.
        number: of the fold, from 0.
    """
    changes: dict[str, Any] = {"seed": recipe.training.seed + 1000 * number}
    if recipe.batches.weights == "inverse_base_rate":
        changes["label_weights"] = inverse_base_rates(labels)
    return TrainSettings(**{**recipe.training.__dict__, **changes})


def train_fold(
    recipe: Recipe,
    store: SampleStore,
    fold: Fold,
    number: int,
    out: Path,
    *,
    on_progress: OnProgress | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> pd.DataFrame:
    """Train a fold and predict its test subjects; goes on where a stopped run was.

    ``out`` gets ``run`` (checkpoints and ``log.csv``), ``model.safetensors`` and ``predictions.parquet``: a
    row a frame with ``fold``, ``subject``, ``sample``, ``frame`` and for each AU the label ``AUnn`` (-1
    unknown), the probability ``AUnn_p`` and the threshold ``AUnn_t``.

    Returns:
        The predictions.

    Raises:
        UserError: see :func:`~actionunits.training.loop.fit` and :func:`make_model`.
    """
    make_directory(out)
    done = out / "predictions.parquet"
    if done.exists():
        return pd.read_parquet(done)
    parts = {
        "train": store.of_subjects(fold.train),
        "validation": store.of_subjects(fold.validation),
        "test": store.of_subjects(fold.test),
    }
    settings = settings_of_fold(recipe, parts["train"].labels, number)
    model = make_model(recipe, settings.seed)
    source = SampleBatches(
        parts["train"],
        model.spec,
        recipe.batches.size,
        sampler=recipe.batches.sampler,
        changes=recipe.batches.augment,
    )
    validate = _validator(recipe, parts["validation"])
    result = fit(
        model,
        source,
        settings,
        validate=validate,
        run=out / "run",
        on_progress=on_progress,
        on_epoch=on_epoch,
    )
    thresholds = _thresholds(recipe, model, parts["validation"])
    save_model(
        out / "model.safetensors",
        model,
        name=recipe.model.name,
        card=_card(recipe, fold, number, result, thresholds),
    )
    table = _table(model, parts["test"], thresholds, number)
    with replace_when_done(done) as beside:
        table.to_parquet(beside, index=False)
    return table


def _validator(recipe: Recipe, samples: SampleStore) -> Callable[[AUModel], float] | None:
    """The mean over the AUs of the choosing metric on the validation subjects."""
    if len(samples) == 0:
        return None
    labels, metric = _frame_labels(samples), recipe.scores.choose_by

    def validate(model: AUModel) -> float:
        scores = predict(model, samples).reshape(len(labels), -1)
        values = score_table(model.spec.aus, labels, scores, (metric,)).values
        return float(mean_defined(values[:, 0])[0])

    return validate


def _frame_labels(samples: SampleStore) -> NDArray[np.int8]:
    """i8[N*T,A]."""
    return np.concatenate([samples[row].labels for row in range(len(samples))])


def _thresholds(recipe: Recipe, model: AUModel, samples: SampleStore) -> NDArray[np.float64]:
    if recipe.scores.thresholds == "half":
        return np.full(len(model.spec.aus), 0.5)
    if len(samples) == 0:
        raise UserError("thresholds of the validation subjects need some: raise folds.validation above 0")
    labels = _frame_labels(samples)
    return choose_thresholds(labels, predict(model, samples).reshape(len(labels), -1))


def _table(
    model: AUModel, samples: SampleStore, thresholds: NDArray[np.float64], number: int
) -> pd.DataFrame:
    labels = _frame_labels(samples)
    scores = predict(model, samples)
    length = scores.shape[1]
    columns: dict[str, Any] = {
        "fold": np.full(len(labels), number + 1),
        "subject": np.repeat([samples.subjects[who] for who in samples.subject], length),
        "sample": np.repeat(samples.rows, length),
        "frame": np.tile(np.arange(length), len(samples)),
    }
    flat = scores.reshape(len(labels), -1)
    for column, number_of_au in enumerate(model.spec.aus):
        name = au_column(number_of_au)
        columns[name] = labels[:, column]
        columns[f"{name}_p"] = flat[:, column]
        columns[f"{name}_t"] = np.full(len(labels), thresholds[column])
    return pd.DataFrame(columns)


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
    }
