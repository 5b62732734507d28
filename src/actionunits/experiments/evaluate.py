"""Scores of what is there already: a run's predictions, or a model file on a recipe's people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from actionunits.detect.backends import load_backend
from actionunits.errors import UserError
from actionunits.experiments.cross_validate import score_predictions
from actionunits.experiments.recipe import DataSettings, load_recipe
from actionunits.experiments.synthetic import synthetic_samples
from actionunits.faces.batch import collate
from actionunits.metrics.scoring import score_table
from actionunits.records import ScoreTable, Stage

__all__ = ["evaluate_model", "evaluate_run"]

#: Samples that are predicted at a time.
BATCH = 64


def evaluate_run(run: Path, metrics: Sequence[str], threshold: float | None = None) -> ScoreTable:
    """Score the test predictions of a run's folder.

    Args:
        run: what ``au train`` wrote.
        metrics: names of :data:`actionunits.metrics.scoring.METRIC_NAMES`.
        threshold: one for all instead of each AU's own.

    Raises:
        UserError: the folder holds no predictions, or an unknown metric.
    """
    path = run / "predictions.parquet"
    if not path.is_file():
        raise UserError(
            f"{run} holds no predictions.parquet: give the folder of a run that `au train` finished"
        )
    return score_predictions(pd.read_parquet(path), metrics, threshold)


def evaluate_model(
    model: Path,
    recipe: str | None,
    changes: Sequence[str],
    metrics: Sequence[str],
    *,
    threshold: float | None = None,
    cache: Path,
    stage: Stage | None = None,
) -> ScoreTable:
    """Score a model file on all people of a recipe's data, aligned as the model wants them.

    Args:
        model: ``.safetensors`` or ``.onnx``.
        recipe: whose data; None for the default settings of synthetic data.
        changes: of the recipe.
        metrics: names of :data:`actionunits.metrics.scoring.METRIC_NAMES`.
        threshold: one for all instead of each AU's own.
        cache: folder of the samples.
        stage: shows progress.

    Raises:
        UserError: not a model file, an unknown recipe or metric, or data that the model cannot take.
    """
    backend = load_backend(model)
    data = DataSettings() if recipe is None else load_recipe(recipe, changes).data
    show = stage("painting and animating people", "pictures") if stage else None
    store = synthetic_samples(cache, replace(data), backend.spec, on_progress=show)
    labels, scores = [], []
    for first in range(0, len(store), BATCH):
        samples = [store[row] for row in range(first, min(first + BATCH, len(store)))]
        said = backend.predict(collate(samples, backend.spec)).probability
        scores.append(said.reshape(-1, said.shape[-1]))
        labels.append(np.concatenate([sample.labels for sample in samples]))
    limits = backend.thresholds if threshold is None else threshold
    return score_table(
        backend.spec.aus, np.concatenate(labels), np.concatenate(scores), metrics, thresholds=limits
    )
