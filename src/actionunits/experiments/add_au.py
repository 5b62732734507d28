"""An AU more for a saved network: its head is trained alone, the others stay to the bit (seed 002)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from actionunits.detect.backends import model_of_run
from actionunits.errors import UserError
from actionunits.experiments.cross_validate import cross_validate
from actionunits.experiments.recipe import HeadSettings, ModelSettings, Recipe, load_recipe
from actionunits.facs.units import action_unit
from actionunits.models.caud.heads import Caud, joined
from actionunits.models.config import to_plain
from actionunits.models.weights import ModelFile, load_model, read_header, save_model
from actionunits.records import Stage

__all__ = ["Added", "add_aus"]


@dataclass(frozen=True)
class Added:
    """What came of it.

    Attributes:
        model: the file with all AUs.
        aus: the new ones.
        run: the folder of their training, with their scores.
        metrics: that the scores are of.
    """

    model: Path
    aus: tuple[int, ...]
    run: Path
    metrics: tuple[str, ...]


def add_aus(
    recipe: str,
    changes: Sequence[str],
    scale: str | None,
    aus: Sequence[int],
    into: Path,
    out: Path,
    *,
    stage: Stage | None = None,
) -> Added:
    """Train heads for new AUs on a saved network's encoder, and write the network that has them all.

    ``out`` gets ``new``, the run of the new heads by themselves, and ``model.safetensors``: the heads, the
    encoder and the thresholds of the old network as they were, and the new heads of the run's first fold.

    Args:
        recipe: ``caud/add_au``, or another recipe of ``caud/heads``; its model settings but for the AUs are
            those of the saved network.
        changes: of the recipe.
        scale: of the recipe.
        aus: the new AUs.
        into: a ``caud/heads`` model file, or the run that holds it.
        out: the folder.
        stage: shows progress.

    Raises:
        UserError: it is another network, has an AU already, the data do not code one, or see
            :func:`~actionunits.experiments.cross_validate.cross_validate`.
    """
    path = model_of_run(into) if into.is_dir() else into
    file = read_header(path)
    if file.name != "caud/heads":
        raise UserError(f"{path} is a {file.name}: an AU can be added to a caud/heads model only")
    for au in aus:
        action_unit(au)
        if au in file.spec.aus:
            raise UserError(f"{path} has a head for AU{au} already: it has {list(file.spec.aus)}")
    resolved = _for_network(load_recipe(recipe, changes, scale), file, path, aus)
    run = out / "new"
    cross_validate(resolved, run, only=[1], stage=stage, cache=out / "data")
    part = run / "fold-1" / "model.safetensors"
    old, new = load_model(path), load_model(part)
    assert isinstance(old, Caud)
    assert isinstance(new, Caud)
    model = joined([old, new])
    card = _card(file, read_header(part), tuple(aus))
    save_model(out / "model.safetensors", model, name=file.name, card=card)
    return Added(out / "model.safetensors", tuple(aus), run, resolved.scores.metrics)


def _for_network(recipe: Recipe, file: ModelFile, path: Path, aus: Sequence[int]) -> Recipe:
    """The recipe with the saved network's sizes, its encoder, and the new AUs alone."""
    config = {**dict(file.config), "aus": list(aus), "emotion_units": 0}
    heads = replace(recipe.heads or HeadSettings(), encoder=str(path))
    return replace(recipe, model=ModelSettings("caud/heads", config), heads=heads)


def _card(old: ModelFile, new: ModelFile, aus: tuple[int, ...]) -> dict[str, Any]:
    """The old card, the new AUs' thresholds after its own, and how they came."""
    before = old.card.get("thresholds") or [0.5] * len(old.spec.aus)
    if isinstance(before, dict):
        raise UserError("the model's card names its thresholds by AU: train the model again with au train")
    thresholds = [*before, *new.card["thresholds"]]
    if not np.isfinite(thresholds).all():
        raise ValueError("a threshold is not a number")
    kept = ("data", "subjects", "training", "heads", "validation_score", "encoder", "made_with")
    told = {"aus": list(aus), **{key: new.card[key] for key in kept if key in new.card}}
    return {**to_plain(old.card), "thresholds": thresholds, "added": [*old.card.get("added", []), told]}
