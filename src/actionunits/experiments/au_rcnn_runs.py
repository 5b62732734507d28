"""Seed 001's networks under one protocol: their recipes, their runs, what they say of the reported AUs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pandas as pd

from actionunits.errors import UserError
from actionunits.experiments.au_rcnn_boxes import mean_box_predictions
from actionunits.experiments.compare import FRAME, Outcome, compare
from actionunits.experiments.crops import data_line, open_crops, used_index
from actionunits.experiments.cross_validate import score_predictions, spec_of
from actionunits.experiments.recipe import Recipe, StillSettings, load_recipe
from actionunits.experiments.reproduced import Request
from actionunits.facs.sets import AU_SETS
from actionunits.facs.units import au_column

__all__ = [
    "BASELINE",
    "DYNAMIC",
    "MEAN_BOX",
    "METHODS",
    "METRICS",
    "OURS",
    "REPORTED",
    "Data",
    "au_rcnn_outcomes",
    "au_rcnn_recipes",
    "pretrained_note",
    "protocol",
    "run_folder",
]

Data = Literal["bp4d", "disfa"]
#: The static networks: the paper's name for each, and the recipe.
METHODS: Mapping[str, str] = {
    "CNNres": "au_rcnn/cnn_res",
    "ARvgg16": "au_rcnn/ar_vgg16",
    "ARvgg19": "au_rcnn/ar_vgg19",
    "ARres": "au_rcnn/ar_res",
    "ARFPN": "au_rcnn/ar_fpn",
}
OURS, BASELINE, MEAN_BOX = "ARres", "CNNres", "ARmean_box"
#: The networks over time.
DYNAMIC: Mapping[str, str] = {
    "ARConvLSTM": "au_rcnn/ar_conv_lstm",
    "AR2stream": "au_rcnn/ar_two_stream",
    "ARCRF": "au_rcnn/ar_crf",
    "ARTAL": "au_rcnn/ar_tal",
}
#: The recipe whose sequences, sizes and training of AR_res are taken on synthetic people.
FIRST_OVER_TIME = DYNAMIC["ARCRF"]
METRICS = ("F1", "ACC", "AUC")
#: The AUs that are learnt on a licensed set, and those that are reported.
LEARNT: Mapping[Data, str] = {"bp4d": "bp4d-22", "disfa": "disfa-12"}
REPORTED: Mapping[Data, str] = {"bp4d": "bp4d-12", "disfa": "disfa-8"}
FOLDS: Mapping[Data, str] = {"bp4d": "bp4d-3", "disfa": "disfa-3"}
#: Synthetic people show DISFA's AUs as often as its patterns say, if all of these are learnt.
SYNTHETIC: Mapping[Data, str] = {"bp4d": "bp4d-12", "disfa": "disfa-12"}


def au_rcnn_recipes(
    request: Request,
    data: Data,
    methods: Sequence[str],
    size_px: int | None = None,
    *,
    sequences: bool = False,
) -> dict[str, Recipe]:
    """The recipes of networks on the same data and folds.

    On a licensed set: the AUs, folds and (at paper scale) the training of the paper, from ImageNet's weights
    where ``imagenet/BACKBONE.pth`` or ``.safetensors`` (torchvision's) lies in the folder of the runs.
    Networks over time take data, folds and scores of AR_res's recipe; how clips are cut and the training is
    their own.

    Args:
        request: scale and data.
        data: whose AUs and folds.
        methods: names of :data:`METHODS` and :data:`DYNAMIC`.
        size_px: side of the crop, if not the recipe's.
        sequences: the synthetic people are seen in sequences whose AUs last as long as in the data set; else
            in single pictures. Licensed sets are what they are.

    Raises:
        UserError: another data set was given.
    """
    if request.data is not None and request.data[0] != data:
        raise UserError(f"this item is of {data}, got {request.data[0]}: give --data {data}=FOLDER")
    if request.data is None and not sequences and set(methods) & set(DYNAMIC):
        raise ValueError(f"{', '.join(DYNAMIC)} need sequences")
    changes = [f"model.config.aus={list(AU_SETS[(LEARNT if request.data else SYNTHETIC)[data]])}"]
    changes += [] if size_px is None else [f"model.config.size_px={size_px}"]
    changes += _licensed_changes(request, data)
    read = {name: load_recipe({**METHODS, **DYNAMIC}[name], changes, request.scale) for name in methods}
    if sequences or set(methods) & set(DYNAMIC):
        still = load_recipe(METHODS[OURS], changes, request.scale)
        if request.data is None:
            still = _on_sequences(still, load_recipe(FIRST_OVER_TIME, changes, request.scale), data)
        run = run_folder(request, data, size_px, sequences=sequences) / OURS.lower()
        read |= {OURS: still} if OURS in methods else {}
        read |= {name: _like_still(read[name], still, run) for name in methods if name in DYNAMIC}
    return {
        name: replace(recipe, model=replace(recipe.model, pretrained=_imagenet(recipe, request)))
        for name, recipe in read.items()
    }


def _on_sequences(still: Recipe, over_time: Recipe, data: Data) -> Recipe:
    """AR_res as it is trained before a network over time, on the sequences of that one."""
    plan = over_time.still or StillSettings()
    stride = plan.stride if plan.stride > 1 else 0
    sequences = replace(
        over_time.data, coding=data, durations="published", clips="frames", stride=stride, scored_clips="auto"
    )
    config = {**still.model.config, **_shared(over_time)}
    return replace(
        still,
        data=sequences,
        folds=over_time.folds,
        model=replace(still.model, config=config),
        batches=plan.batches,
        training=plan.training,
        scores=over_time.scores,
    )


def _like_still(recipe: Recipe, still: Recipe, run: Path) -> Recipe:
    """A network over time on the people, frames and folds of AR_res, scored likewise.

    Where it begins with a trained AR_res, that is AR_res's run.
    """
    own, config = recipe.data, {**recipe.model.config, **_shared(still)}
    return replace(
        recipe,
        data=replace(still.data, clips=own.clips, stride=own.stride, scored_clips=own.scored_clips),
        folds=still.folds,
        model=replace(recipe.model, config=config),
        scores=still.scores,
        still=None if recipe.still is None else StillSettings(run=str(run)),
    )


def _shared(recipe: Recipe) -> dict[str, object]:
    """What AR_res and the one inside a network over time have in common."""
    shared = ("backbone", "roi_cells", "size_px")
    return {name: recipe.model.config[name] for name in shared if name in recipe.model.config}


def _licensed_changes(request: Request, data: Data) -> list[str]:
    if request.data is None:
        return []
    changes = [f"data.name={data}", f"data.root={request.data[1]}", f"folds.name={FOLDS[data]}"]
    if data == "disfa":
        changes.append("data.positive=1")
    if request.scale == "paper":
        changes.append("folds.validation=0.0")
    return changes


def _imagenet(recipe: Recipe, request: Request) -> str:
    """The file of ImageNet's weights for a network, or nothing where there is none."""
    config = recipe.model.config
    backbone = config.get("backbone", "resnet101")
    if recipe.model.name == "au_rcnn/ar_vgg":
        backbone = f"vgg{config['depth']}{'_bn' if config.get('batch_norm') else ''}"
    places = [request.folder / "imagenet" / f"{backbone}{suffix}" for suffix in (".safetensors", ".pth")]
    return next((str(place) for place in places if place.is_file()), "")


def pretrained_note(recipes: Mapping[str, Recipe]) -> str:
    """Which networks began from ImageNet's weights."""
    named = [name for name, recipe in recipes.items() if recipe.model.pretrained]
    if len(named) == len(recipes):
        return "All networks begin from ImageNet's weights, as in the paper."
    some = f"{', '.join(named)} begin from ImageNet's weights; the others" if named else "The networks"
    return (
        f"{some} begin from random weights (the paper: from ImageNet's): torchvision's file of a backbone is "
        "taken where it lies as imagenet/BACKBONE.pth in the folder of the runs; nothing is fetched."
    )


def protocol(recipe: Recipe) -> str:
    """How the scores of a page came about."""
    scores, folds = recipe.scores, recipe.folds
    thresholds = {
        "half": "a box's decision is logit > 0",
        "validation": "each AU's threshold is the best of ",
    }
    chosen = thresholds[scores.thresholds]
    if scores.thresholds == "validation":
        chosen += (
            f"the validation people, {folds.validation:.0%} of the training people, who choose the epoch too"
        )
    elif folds.validation:
        chosen += f"; {folds.validation:.0%} of the training people choose the epoch"
    return (
        f"F1 over the test frames of all folds pooled; {chosen}. An image shows an AU where any of the boxes "
        "that carry it does. Ones says that every AU is always shown; chance has an AUC of .5."
    )


def run_folder(request: Request, data: Data, size_px: int | None = None, *, sequences: bool = False) -> Path:
    """The folder of the networks' runs, which items share; arguments as in :func:`au_rcnn_recipes`."""
    kind = "-licensed" if request.data is not None else "-sequences" if sequences else ""
    size = "" if size_px is None else f"-{size_px}px"
    return request.folder / f"au_rcnn-{request.scale}-{data}{kind}{size}"


def au_rcnn_outcomes(
    request: Request,
    data: Data,
    methods: Sequence[str],
    size_px: int | None = None,
    *,
    sequences: bool = False,
) -> tuple[dict[str, Outcome], dict[str, Recipe], str]:
    """What the networks say of their test people's reported AUs, their recipes, and a line on the data.

    :data:`MEAN_BOX` is AR_res's own weights, tested with mean boxes. Networks over time need :data:`OURS`
    among the methods, before them.
    """
    trained = [name for name in methods if name != MEAN_BOX]
    recipes = au_rcnn_recipes(request, data, trained, size_px, sequences=sequences)
    folder, cache = run_folder(request, data, size_px, sequences=sequences), request.folder / "data"
    found = compare(recipes, folder, cache, stage=request.stage)
    first = recipes[trained[0]]
    crops = open_crops(first.data, spec_of(first), cache)
    outcomes = {name: _reported(outcome, data) for name, outcome in found.items()}
    if MEAN_BOX in methods:
        run = found[OURS].run
        table = mean_box_predictions(recipes[OURS], run, crops, run / "mean-box")
        rows = table.set_index(FRAME).loc[pd.MultiIndex.from_frame(found[OURS].predictions[FRAME])]
        predictions = rows.reset_index()
        scores = score_predictions(predictions, METRICS)
        outcomes[MEAN_BOX] = _reported(Outcome(predictions, scores, run), data)
    line = data_line(first.data, used_index(first.data, crops))
    return {name: outcomes[name] for name in methods}, recipes, line


def _reported(outcome: Outcome, data: Data) -> Outcome:
    """The same without the AUs that the paper learns but does not report."""
    wanted = {au_column(au) for au in AU_SETS[REPORTED[data]]}
    other = {au_column(au) for au in outcome.scores.aus} - wanted
    kept = [name for name in outcome.predictions.columns if str(name).split("_")[0] not in other]
    predictions = outcome.predictions[kept]
    return Outcome(predictions, score_predictions(predictions, METRICS), outcome.run)
