"""Seed 004's four experiments as runs: its seven networks on the same people, pictures and folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from actionunits.detect.backends import TorchBackend
from actionunits.experiments.compare import FRAME, Outcome, compare
from actionunits.experiments.crops import folds_of, left_out_index, open_crops, scored_clips, used_index
from actionunits.experiments.cross_validate import cross_validate, score_predictions, spec_of
from actionunits.experiments.predict import prediction_table, without_decisions
from actionunits.experiments.recipe import Recipe, load_recipe
from actionunits.experiments.reproduced import Request, Scale
from actionunits.facs.sets import AU_SETS
from actionunits.facs.units import au_column
from actionunits.models.weights import load_model, read_header
from actionunits.records import LabelIndex
from actionunits.training.data import CropSamples

__all__ = [
    "KEPT",
    "METRICS",
    "all_patterns",
    "by_threshold",
    "labels_of",
    "on_aus",
    "one_network_an_au",
    "sampling_variants",
    "top_patterns",
    "unseen_patterns_of",
]

METRICS = ("F1", "F1-micro", "F1-macro", "AUC")

#: How many of the most frequent patterns experiment 3 keeps; the paper keeps 66.
KEPT: Mapping[Scale, int] = {"tiny": 8, "small": 66, "paper": 66}
#: The AUs of experiment 2.
SINGLES: Mapping[Scale, tuple[int, ...]] = {
    "tiny": (6, 12, 24),
    "small": AU_SETS["bp4d-12"],
    "paper": AU_SETS["bp4d-12"],
}
#: How Network 1 is trained otherwise: the loss weighted by AU, or the samples balanced by AU or by pattern.
VARIANTS: Mapping[str, Sequence[str]] = {
    "weights by base rate": ("batches.weights=inverse_base_rate",),
    "AUs balanced": ("batches.sampler=aus",),
    "patterns balanced": ("batches.sampler=patterns",),
}


def _recipe(number: int, request: Request, changes: Sequence[str] = ()) -> Recipe:
    words = list(changes)
    if request.data is not None:
        data, root = request.data
        words = [f"data.name={data}", f"data.root={root}", *words]
        words += ["folds.name=bp4d-3"] if data == "bp4d" else []
    return load_recipe(f"patterns/network{number}", words, request.scale)


def _kept(number: int, request: Request) -> Recipe:
    """A network of experiment 3: it learns and is tested on the most frequent patterns of the whole set."""
    changes = [f"data.keep_patterns={KEPT[request.scale]}"]
    if number in (3, 6):
        changes += ["patterns.of=data", f"patterns.most={KEPT[request.scale]}", "patterns.at_least=1"]
    return _above_patterns(number, _recipe(number, request, changes), request)


def _above_patterns(number: int, recipe: Recipe, request: Request) -> Recipe:
    """Networks 4 and 7 take over what Networks 3 and 6 of experiment 3 learnt, also in experiment 4."""
    if recipe.pretrain is None:
        return recipe
    run = _folder(request) / "top-patterns" / f"network-{number - 1}"
    return replace(recipe, pretrain=replace(recipe.pretrain, run=str(run)))


def _folder(request: Request) -> Path:
    data = "synthetic" if request.data is None else request.data[0]
    return request.folder / f"patterns-{request.scale}-{data}"


def _compared(recipes: Mapping[int, Recipe], name: str, request: Request) -> dict[str, Outcome]:
    named = {f"Network {number}": recipe for number, recipe in recipes.items()}
    return compare(named, _folder(request) / name, request.folder / "data", stage=request.stage)


def all_patterns(request: Request, numbers: Sequence[int]) -> dict[str, Outcome]:
    """Experiments 1 and 4: networks that learn from all frames."""
    needed = [number - 1 for number in numbers if number in (4, 7)]
    if needed:
        _compared({number: _kept(number, request) for number in needed}, "top-patterns", request)
    recipes = {n: _above_patterns(n, _recipe(n, request), request) for n in numbers}
    return _compared(recipes, "all-patterns", request)


def top_patterns(request: Request, numbers: Sequence[int] = (1, 3, 4, 5, 6, 7)) -> dict[str, Outcome]:
    """Experiment 3: networks that learn from the frames of the most frequent patterns."""
    return _compared({n: _kept(n, request) for n in numbers}, "top-patterns", request)


def one_network_an_au(request: Request, numbers: Sequence[int] = (1, 2)) -> dict[str, Outcome]:
    """Experiment 2: a network for each AU, on the people, pictures and folds of experiment 1."""
    outcomes = {}
    for number in numbers:
        name = f"Network {number}"
        run = _folder(request) / "one-au" / f"network-{number}"
        tables = []
        for au in SINGLES[request.scale]:
            recipe = _recipe(number, request, [f"model.config.aus=[{au}]"])
            folder = run / au_column(au)
            cross_validate(recipe, folder, cache=request.folder / "data", stage=request.stage)
            tables.append(pd.read_parquet(folder / "predictions.parquet"))
        table = _joined(tables, [au_column(au) for au in SINGLES[request.scale]])
        outcomes[name] = Outcome(table, score_predictions(table, METRICS), run)
    return outcomes


def _joined(tables: Sequence[pd.DataFrame], names: Sequence[str]) -> pd.DataFrame:
    """The predictions of one network an AU in one table; a label that only others have is unknown (-1)."""
    joined = pd.concat([table.set_index([*FRAME, "fold"]) for table in tables], axis=1)
    joined[list(names)] = joined[list(names)].fillna(-1).astype("int8")
    return joined.reset_index()


def sampling_variants(request: Request) -> dict[str, Outcome]:
    """Network 1 on all frames, trained plainly and with what is to help rare AUs."""
    plain = all_patterns(request, [1])["Network 1"]
    recipes = {name: _recipe(1, request, changes) for name, changes in VARIANTS.items()}
    folder = _folder(request) / "sampling"
    others = compare(recipes, folder, request.folder / "data", stage=request.stage)
    return {"plain": plain, **others}


def unseen_patterns_of(request: Request, number: int = 3) -> Outcome | None:
    """A pattern network of experiment 3 on its test subjects' frames whose patterns it never saw.

    Returns:
        What came of it, or None where every frame shows one of the patterns that were kept.
    """
    recipe = _kept(number, request)
    outcome = _compared({number: recipe}, "top-patterns", request)[f"Network {number}"]
    spec = spec_of(recipe)
    crops = open_crops(recipe.data, spec, request.folder / "data")
    folds = folds_of(recipe.folds, used_index(recipe.data, crops))
    left_out, clips = left_out_index(recipe.data, crops), scored_clips(recipe.data, spec)
    tables = []
    for at, fold in enumerate(folds.folds, start=1):
        path = outcome.run / f"fold-{at}" / "model.safetensors"
        samples = CropSamples(crops, spec, index=left_out, subjects=fold.test, clips=clips)
        if len(samples):
            limits = pd.Series(read_header(path).card["thresholds"]).to_numpy(float)
            tables.append(prediction_table(TorchBackend(load_model(path)), samples, limits, at))
    if not tables:
        return None
    table = pd.concat(tables, ignore_index=True)
    return Outcome(table, score_predictions(table, METRICS), outcome.run)


def by_threshold(outcome: Outcome) -> Outcome:
    """A pattern network's outcome with thresholds on the summed posterior instead of its own decisions."""
    table = without_decisions(outcome.predictions)
    return Outcome(table, score_predictions(table, outcome.scores.metrics), outcome.run)


def on_aus(outcome: Outcome, aus: Sequence[int]) -> Outcome:
    """An outcome on some of its AUs."""
    keep = {au_column(au) for au in aus}
    dropped = {name for name in map(au_column, outcome.scores.aus) if name not in keep}
    columns = [name for name in outcome.predictions.columns if str(name).split("_")[0] not in dropped]
    table = outcome.predictions[columns]
    return Outcome(table, score_predictions(table, outcome.scores.metrics), outcome.run)


def labels_of(request: Request, *, kept: bool) -> tuple[Recipe, LabelIndex, LabelIndex]:
    """(recipe, the frames that are used, all frames) of experiment 3, or of the others."""
    recipe = _kept(1, request) if kept else _recipe(1, request)
    crops = open_crops(recipe.data, spec_of(recipe), request.folder / "data")
    whole = replace(recipe.data, keep_patterns=0)
    return recipe, used_index(recipe.data, crops), used_index(whole, crops)
