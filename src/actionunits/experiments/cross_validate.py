"""A recipe over all its folds, fold by fold, with a folder that holds what is needed to repeat it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from actionunits.atomic import make_directory, replace_when_done
from actionunits.datasets.cache import CropCache
from actionunits.datasets.folds import Folds, write_folds
from actionunits.errors import UserError
from actionunits.experiments.crops import data_line, folds_of, open_crops, used_index
from actionunits.experiments.emotions import emotion_names, score_emotions
from actionunits.experiments.environment import environment
from actionunits.experiments.recipe import Recipe, learns_patterns, recipe_from, to_toml
from actionunits.experiments.scores import score_predictions, score_with_errors
from actionunits.experiments.train import samples_of_fold, train_fold
from actionunits.metrics.classification import f1_score
from actionunits.models.config import to_plain
from actionunits.models.registry import build_model, make_config
from actionunits.records import InputSpec, ScoreTable, Stage
from actionunits.reports.page import Section, write_page
from actionunits.reports.tables import score_frame, write_table
from actionunits.training.loop import EpochRecord
from actionunits.training.processes import is_first_process, wait_for_all
from actionunits.training.settings import FREE_SETTINGS, TrainSettings

__all__ = ["cross_validate", "score_predictions", "spec_of", "write_scores"]


def spec_of(recipe: Recipe) -> InputSpec:
    """What the recipe's network takes."""
    import torch

    name, config = recipe.model.name, dict(recipe.model.config)
    if learns_patterns(name) and "patterns" not in config:  # each fold has its own: what is taken is the same
        config["patterns"] = ["0" * len(make_config(name, config).aus)]
    with torch.device("meta"):
        return build_model(name, config).spec


def cross_validate(
    recipe: Recipe,
    out: Path,
    *,
    only: Sequence[int] | None = None,
    stage: Stage | None = None,
    on_epoch: Callable[[int, EpochRecord], None] | None = None,
    cache: Path | None = None,
) -> ScoreTable:
    """Train and test every fold; folds that are done are kept, an interrupted one goes on.

    ``out`` gets ``recipe.toml`` (resolved), ``run.json`` (versions, commit, seeds), ``folds.json``, a folder
    ``fold-K`` each, ``predictions.parquet`` (test subjects of all folds), ``scores.csv`` and
    ``report.html``; these three hold every fold that is finished, also when only some are run now.

    Args:
        recipe: the experiment.
        out: the run's folder; one recipe a folder.
        only: numbers of the folds to run, from 1; None = all.
        stage: shows progress.
        on_epoch: called with the fold's number and the record after each epoch.
        cache: folder of the samples; by default ``out / "data"``.

    Returns:
        Scores of each AU over the test subjects of all finished folds, and fold by fold.

    Raises:
        UserError: the folder holds another recipe's run, or too few subjects for the folds.
    """
    make_directory(out)
    if is_first_process():
        _check_recipe(recipe, out)
    crops = open_crops(recipe.data, spec_of(recipe), cache or out / "data", stage)
    index = used_index(recipe.data, crops)
    folds = folds_of(recipe.folds, index)
    numbers = _chosen(only, len(folds.folds))
    if is_first_process():  # what is refused until here leaves nothing that would refuse another recipe
        _keep_recipe(recipe, out, crops)
        write_folds(out / "folds.json", folds)
    for number in numbers:
        _one_fold(recipe, crops, folds, number, out, stage, on_epoch)
    predictions = _finished_folds(out, "predictions")
    table = score_predictions(predictions, recipe.scores.metrics)
    if is_first_process():
        with replace_when_done(out / "predictions.parquet") as beside:
            predictions.to_parquet(beside, index=False)
        missed = None
        if recipe.scores.faceless == "errors":
            missed = _finished_folds(out, "missed")
            with replace_when_done(out / "missed.parquet") as beside:
                missed.to_parquet(beside, index=False)
        write_scores(out, recipe, data_line(recipe.data, index), predictions, table, missed)
    wait_for_all()
    return table


def _chosen(only: Sequence[int] | None, count: int) -> list[int]:
    numbers = list(range(1, count + 1)) if only is None else list(only)
    for number in numbers:
        if not 1 <= number <= count:
            raise UserError(f"there is no fold {number}: the recipe has folds 1 to {count}")
    return [number - 1 for number in numbers]


def _one_fold(
    recipe: Recipe,
    crops: CropCache,
    folds: Folds,
    number: int,
    out: Path,
    stage: Stage | None,
    on_epoch: Callable[[int, EpochRecord], None] | None,
) -> pd.DataFrame:
    fold, folder = folds.folds[number], out / f"fold-{number + 1}"
    show = stage(f"fold {number + 1} of {len(folds.folds)}", "steps") if stage else None

    def report(record: EpochRecord) -> None:
        if on_epoch is not None:
            on_epoch(number + 1, record)

    samples = samples_of_fold(recipe, crops, spec_of(recipe), fold)
    return train_fold(recipe, samples, fold, number, folder, on_progress=show, on_epoch=report)


def _finished_folds(out: Path, what: str) -> pd.DataFrame:
    """The predictions (or what was ``missed``) of every fold that is finished, in their order."""
    files = sorted(out.glob(f"fold-*/{what}.parquet"), key=lambda file: int(file.parent.name[5:]))
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def write_scores(
    out: Path,
    recipe: Recipe,
    data: str,
    predictions: pd.DataFrame,
    table: ScoreTable,
    missed: pd.DataFrame | None = None,
) -> None:
    """Write ``scores.csv``, ``emotions.csv`` and ``report.html``, as far as there are AUs and emotions.

    Args:
        out: the folder.
        recipe: the experiment.
        data: a line on the data.
        predictions: of the test subjects.
        table: their scores.
        missed: frames without a face, which are counted as errors in a second table; None = not asked for.

    Raises:
        UserError: the folder cannot be written to.
    """
    folds = sorted(predictions["fold"].unique().tolist())
    text = [data, f"Test subjects of fold {', '.join(map(str, folds))}; nobody stands on two sides."]
    sections = []
    if table.aus:
        frame = _with_base_rates(predictions, table)
        write_table(out / "scores.csv", frame)
        pooled = "Scores over all frames pooled; F1 of Ones is what saying 'shown' to every frame scores."
        sections.append(Section("Scores", [*text, pooled], frame))
    if table.aus and missed is not None:
        counted = score_with_errors(predictions, missed, recipe.scores.metrics)
        write_table(out / "scores-with-errors.csv", score_frame(counted))
        note = (
            f"The same with the {len(missed)} test frames in which no face was found, each counted as an "
            "error for every AU: in a ranking, what is not shown stands on top and what is shown is missing."
        )
        sections.append(Section("Faces not found count as errors", [note], score_frame(counted)))
    if emotion_names(predictions) and (predictions["emotion"] != "").any():
        scores = score_emotions(predictions, missed)
        write_table(out / "emotions.csv", scores.table())
        write_table(out / "confusion.csv", scores.confusion())
        sections.append(Section("Emotions", [] if table.aus else text, scores.table()))
        shares = "Rows are what is shown, columns what was said; shares of the row."
        sections.append(Section("What is taken for what", [shares], scores.confusion()))
    subtitle = f"{recipe.model.name} on {recipe.data.name} data"
    write_page(out / "report.html", recipe.title, sections, subtitle=subtitle)


def _with_base_rates(predictions: pd.DataFrame, table: ScoreTable) -> pd.DataFrame:
    """The scores with base rates and the score of "always shown" beside."""
    labels = predictions[[f"AU{number:02d}" for number in table.aus]].to_numpy(np.int8)
    frame = score_frame(table)
    rates = np.where(
        (labels >= 0).any(axis=0), (labels == 1).sum(0) / np.maximum((labels >= 0).sum(0), 1), np.nan
    )
    ones = f1_score(labels, np.ones_like(labels))
    extra = pd.DataFrame({"base rate": rates, "F1 of Ones": ones}, index=frame.index[: len(rates)])
    frame = extra.join(frame, how="right")
    frame.loc[frame.index[len(rates)], ["base rate", "F1 of Ones"]] = np.nanmean(extra.to_numpy(), axis=0)
    return frame


def _check_recipe(recipe: Recipe, out: Path) -> None:
    """Refuse a folder that holds another recipe's run."""
    path = out / "recipe.toml"
    if path.exists() and _essence(_kept_recipe(path)) != _essence(recipe):
        raise UserError(f"{out} holds a run of another recipe (see {path.name}): choose another --out")


def _keep_recipe(recipe: Recipe, out: Path, crops: CropCache) -> None:
    """Write the resolved recipe and the record; of a run that goes on, what has changed."""
    path, record = out / "recipe.toml", out / "run.json"
    new = _record(recipe, crops)
    made = json.loads(record.read_text(encoding="utf-8")) if record.exists() else new
    if made.get("drawn") != new.get("drawn"):
        raise UserError(
            f"{out} holds a run on synthetic faces that are drawn otherwise now: choose another --out"
        )
    kept = _kept_recipe(path) if path.exists() else None
    if kept is None:
        with replace_when_done(path) as beside:
            beside.write_text(to_toml(recipe), encoding="utf-8")
    changes = {} if kept is None else _changes(kept, recipe)
    if changes:  # what was made stays on record; what goes on otherwise is added
        done = sorted(file.parent.name for file in out.glob("fold-*/predictions.parquet"))
        change = {"settings": changes, "after": done}
        if change not in (told := made.setdefault("changed", [])):
            told.append(change)
    if changes or not record.exists():
        with replace_when_done(record) as beside:
            beside.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


def _changes(kept: Recipe, now: Recipe) -> dict[str, Any]:
    """Training settings that differ from those that a run began with."""
    before, after = to_plain(kept.training), to_plain(now.training)
    return {f"training.{key}": after[key] for key in after if before[key] != after[key]}


def _essence(recipe: Recipe | None) -> Recipe | None:
    """The recipe without what may change while a run goes on: how long, on what, where the data lie."""
    if recipe is None:
        return None
    free = {name: getattr(TrainSettings(), name) for name in FREE_SETTINGS}
    return replace(
        recipe,
        training=replace(recipe.training, **free),
        data=replace(recipe.data, root=recipe.data.root and "-", cache=recipe.data.cache and "-"),
    )


def _kept_recipe(path: Path) -> Recipe | None:
    """The recipe of a run's folder, keys that came later at their defaults; None if it cannot be read."""
    try:
        return recipe_from(tomllib.loads(path.read_text(encoding="utf-8")), where=str(path))
    except (UserError, ValueError):
        return None


def _record(recipe: Recipe, crops: CropCache) -> dict[str, Any]:
    return {
        "model": recipe.model.name,
        "seeds": {"data": recipe.data.seed, "folds": recipe.folds.seed, "training": recipe.training.seed},
        **({"drawn": crops.folder.name} if recipe.data.name == "synthetic" else {}),
        **environment(),
    }
