"""Scores of what is there already: a run's predictions, or a model file on a recipe's people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from actionunits.detect.backends import load_backend
from actionunits.errors import UserError
from actionunits.experiments.crops import known_of, open_crops, scored_clips, used_index
from actionunits.experiments.cross_validate import score_predictions
from actionunits.experiments.predict import said_of_frames
from actionunits.experiments.recipe import DataSettings, load_recipe
from actionunits.experiments.scores import read_predictions
from actionunits.metrics.scoring import score_table
from actionunits.records import ScoreTable, Stage
from actionunits.training.data import CropSamples

__all__ = ["evaluate_model", "evaluate_run", "learnt_from"]


def evaluate_run(run: Path, metrics: Sequence[str], threshold: float | None = None) -> ScoreTable:
    """Score the test predictions of a run's folder.

    Args:
        run: what ``au train`` wrote.
        metrics: names of :data:`actionunits.metrics.scoring.METRIC_NAMES`.
        threshold: one for all instead of each AU's own.

    Raises:
        UserError: the folder holds no predictions, or an unknown metric.
    """
    return score_predictions(read_predictions(run)[0], metrics, threshold)


def evaluate_model(
    model: Path,
    recipe: str | None,
    changes: Sequence[str],
    metrics: Sequence[str],
    *,
    scale: str | None = None,
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
        scale: of the recipe.
        threshold: one for all instead of each AU's own.
        cache: folder of the samples.
        stage: shows progress.

    Raises:
        UserError: not a model file, one without AUs, an unknown recipe or metric, or data that the model
            cannot take.
    """
    backend = load_backend(model)
    if not backend.spec.aus:
        raise UserError(
            f"{model} gives emotions and no AUs: give the folder of its run, or `au detect` pictures by it"
        )
    data = _data_of(recipe, changes, scale)
    if data.name == "synthetic" and data.frames < backend.spec.clip_length:
        raise UserError(
            f"the model takes clips of {backend.spec.clip_length} frames, these painted data have "
            f"{data.frames} a sequence: give the recipe (and --scale) that it was trained by, or data.frames"
        )
    crops = open_crops(data, backend.spec, cache, stage)
    index, clips = used_index(data, crops), scored_clips(data, backend.spec)
    samples = CropSamples(crops, backend.spec, index=index, clips=clips, **known_of(backend.spec, index))
    said = said_of_frames(backend, samples, stage("scoring", "samples") if stage else None)
    limits, decided = (backend.thresholds, said.decided) if threshold is None else (threshold, None)
    return score_table(
        backend.spec.aus, said.labels, said.probability, metrics, thresholds=limits, decisions=decided
    )


def _data_of(recipe: str | None, changes: Sequence[str], scale: str | None) -> DataSettings:
    return DataSettings() if recipe is None else load_recipe(recipe, changes, scale).data


def learnt_from(model: Path, recipe: str | None, changes: Sequence[str], scale: str | None = None) -> bool:
    """Whether a ``.safetensors`` model's card says that it was trained on these synthetic people."""
    if model.suffix != ".safetensors":
        return False
    from actionunits.models.weights import read_header

    data = _data_of(recipe, changes, scale)
    card = read_header(model).card.get("data", {})
    same = ("name", "seed", "subjects")
    return data.name == "synthetic" and all(card.get(key) == getattr(data, key) for key in same)
