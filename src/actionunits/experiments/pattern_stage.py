"""Learning patterns in a fold: which patterns are classes, and the stage that is trained on them first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from actionunits.datasets.folds import Fold
from actionunits.errors import UserError
from actionunits.experiments.recipe import PatternSettings, Recipe
from actionunits.models.interface import AUModel
from actionunits.models.parts.codebook import Codebook
from actionunits.models.parts.pattern_head import PatternModel
from actionunits.models.weights import load_model, read_header
from actionunits.training.data import CropSamples
from actionunits.training.loop import fit
from actionunits.training.settings import TrainSettings
from actionunits.training.source import SampleBatches
from actionunits.training.stages import thaw

__all__ = [
    "codebook_of",
    "in_codebook",
    "pattern_trained",
    "settings_of_stage",
    "taken_from",
    "with_codebook",
]


def codebook_of(
    settings: PatternSettings, aus: tuple[int, ...], training: NDArray[np.int8], everyone: NDArray[np.int8]
) -> Codebook:
    """The classes of a fold.

    Args:
        settings: of which labels, how frequent, how many.
        aus: the A columns.
        training: i8[N,A], the frames of the training subjects.
        everyone: i8[M,A], all frames of the fold.

    Raises:
        UserError: no pattern is frequent enough.
    """
    labels = training if settings.of == "training" else everyone
    return Codebook.from_labels(aus, labels, settings.at_least).most_frequent(settings.most)


def with_codebook(recipe: Recipe, book: Codebook) -> Recipe:
    """The recipe of a pattern network with these classes."""
    config = {**recipe.model.config, "patterns": list(book.digits)}
    return replace(recipe, model=replace(recipe.model, config=config))


def in_codebook(samples: CropSamples, book: Codebook) -> CropSamples:
    """The samples with a frame whose pattern is a class.

    The others have no loss, and a sampler that balances patterns would draw little else.

    Raises:
        UserError: there is none.
    """
    labels = samples.frame_labels
    classes = book.classes(labels.reshape(-1, labels.shape[-1])).reshape(labels.shape[:2])
    chosen = np.asarray((classes >= 0).any(axis=1))
    if not chosen.any():
        raise UserError("no training frame shows a pattern of the codebook: give the patterns of these data")
    return samples if chosen.all() else samples.take(chosen)


def settings_of_stage(recipe: Recipe, settings: TrainSettings) -> TrainSettings:
    """The training's settings with what ``[pretrain]`` changes; a class has no weight by AU."""
    plan = recipe.pretrain
    assert plan is not None
    return replace(
        settings,
        label_weights=None,
        epochs=settings.epochs if plan.epochs is None else plan.epochs,
        lr=settings.lr if plan.lr is None else plan.lr,
    )


def pattern_trained(
    recipe: Recipe,
    network: AUModel,
    book: Codebook,
    samples: CropSamples,
    settings: TrainSettings,
    run: Path,
    *,
    validate: Callable[[AUModel], float] | None = None,
    **callbacks: Callable[..., None] | None,
) -> dict[str, Tensor]:
    """Train a network on patterns; goes on where a stopped stage was.

    Args:
        recipe: the experiment, with ``[pretrain]``.
        network: a twin of the one to be trained; changed.
        book: the classes.
        samples: of the training subjects.
        settings: see :func:`settings_of_stage`.
        run: folder of the stage's checkpoints and log.
        validate: chooses the epoch, as for :func:`~actionunits.training.loop.fit`.
        callbacks: ``on_progress`` and ``on_epoch``, likewise.

    Returns:
        The twin's parameters and buffers, by their names in the network.

    Raises:
        UserError: the network has no single output layer, or see :func:`~actionunits.training.loop.fit`.
    """
    plan = recipe.pretrain
    assert plan is not None
    thaw(network, *plan.freeze)
    twin = PatternModel(network, book)
    source = SampleBatches(
        in_codebook(samples, book),
        twin.spec,
        recipe.batches.size,
        sampler=plan.sampler or recipe.batches.sampler,
        changes=recipe.batches.augment,
    )
    fit(twin, source, settings, validate=validate, run=run, **callbacks)
    return dict(twin.model.state_dict())


def taken_from(run: Path, number: int, fold: Fold) -> Mapping[str, Tensor]:
    """The weights of a fold of a finished run of a pattern network.

    Args:
        run: its folder.
        number: of the fold, from 0.
        fold: whom nobody of may have been learnt from.

    Raises:
        UserError: no such run, no pattern network, or one that has seen subjects who are tested here.
    """
    path = run / f"fold-{number + 1}" / "model.safetensors"
    subjects = read_header(path).card.get("subjects", {})
    seen = {*subjects.get("train", ()), *subjects.get("validation", ())} & {*fold.test}
    if seen:
        raise UserError(f"{path} has learnt from {sorted(seen)[0]}, who is tested here: its folds are others")
    model = load_model(path)
    if not isinstance(model, PatternModel):
        raise UserError(f"{path} is not trained on patterns: give the run of a pattern network")
    return dict(model.model.state_dict())
