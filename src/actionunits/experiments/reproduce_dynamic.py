"""Static against dynamic in seed 001: Tables 5 and 8 on sequences, and the loss curves of Fig. 10."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.experiments.au_rcnn_runs import (
    DYNAMIC,
    OURS,
    Data,
    au_rcnn_outcomes,
    au_rcnn_recipes,
    pretrained_note,
    protocol,
    run_folder,
)
from actionunits.experiments.au_rcnn_tables import (
    difference_table,
    f1_table,
    mean_bars,
    mean_table,
    printed_table,
)
from actionunits.experiments.compare import compare
from actionunits.experiments.crops import data_line, open_crops, used_index
from actionunits.experiments.cross_validate import spec_of
from actionunits.experiments.dynamic_tables import (
    PAPERS_CLAIM,
    begin_note,
    segment_means,
    training_note,
    verdict,
)
from actionunits.experiments.reproduced import Maker, Product, Request
from actionunits.reports.figures import curves
from actionunits.reports.tables import beside

__all__ = ["DYNAMIC_MAKERS", "LossCurve", "falls"]

TWO_STREAM = "AR2stream"
#: Loss curves are drawn at so many iterations.
POINTS = 60

#: A training's loss: iterations f64[E], and the mean loss f64[E] of the epochs that they are the middles of.
LossCurve = tuple[NDArray[np.float64], NDArray[np.float64]]


def _against_time(data: Data, item: str) -> Maker:
    """Tables 5 and 8: AR_res and the networks over time, on the same sequences."""

    def make(request: Request) -> Product:
        methods = (OURS, *DYNAMIC)
        outcomes, recipes, line = au_rcnn_outcomes(request, data, methods, sequences=True)
        paper = printed_table(item)
        means = mean_table(outcomes, paper)
        differences = difference_table(outcomes, [(OURS, name) for name in DYNAMIC], paper)
        tables = {
            "": beside(f1_table(outcomes), paper[[name for name in methods if name in paper.columns]]),
            "-means": means,
            "-differences": differences,
            "-segments": segment_means(outcomes),
        }
        notes = (
            protocol(recipes[OURS]),
            pretrained_note(recipes),
            begin_note(recipes),
            training_note(recipes),
            "All networks learn from the same people and are scored on the same frames. The second table "
            "holds the means over the AUs with 95 % intervals (subjects drawn with replacement), the third "
            f"how much higher {OURS} is, the fourth how well whole segments are found.",
            PAPERS_CLAIM,
            verdict(differences, list(DYNAMIC)),
            verdict(differences, list(DYNAMIC), "AUC"),
        )
        runs = tuple(outcome.run for outcome in outcomes.values())
        return Product(line, tables, {"": mean_bars(means)}, notes, runs)

    return make


def _loss_curves(request: Request) -> Product:
    """Figure 10: the training losses of AR_res and AR_2stream."""
    recipes = au_rcnn_recipes(request, "bp4d", (OURS, TWO_STREAM), sequences=True)
    names = {OURS: OURS, TWO_STREAM: TWO_STREAM}
    if recipes[TWO_STREAM].still is not None:  # weights that are learnt already would fall no further
        names[TWO_STREAM] = f"{TWO_STREAM} from the start"
        recipes[TWO_STREAM] = replace(recipes[TWO_STREAM], still=None)
    folder, cache = run_folder(request, "bp4d", sequences=True), request.folder / "data"
    found = compare(
        {names[name]: recipe for name, recipe in recipes.items()}, folder, cache, stage=request.stage
    )
    runs = {name: found[names[name]].run for name in names}
    losses = {name: _losses(run) for name, run in runs.items()}
    if len({len(each) for each in losses.values()}) > 1:
        raise UserError(
            "a training ended before its first epoch did, and has no loss to draw: raise max_steps"
        )
    first = recipes[OURS]
    index = used_index(first.data, open_crops(first.data, spec_of(first), cache))
    table, told = falls(losses[OURS], losses[TWO_STREAM])
    steps = np.linspace(
        min(each[0][0] for side in losses.values() for each in side),
        max(each[0][-1] for side in losses.values() for each in side),
        POINTS,
    )
    lines = {
        name: np.mean([np.interp(steps, *each, left=np.nan, right=np.nan) for each in side], axis=0)
        for name, side in losses.items()
    }
    picture = curves(
        steps.tolist(),
        lines,
        title="Training loss, mean of each epoch, mean over the folds",
        x_axis="iteration",
        y_axis="loss",
    )
    notes = (
        f"Each loss is the mean over an epoch's iterations, drawn at its middle ({len(losses[OURS])} folds, "
        "their mean); nothing else is smoothed.",
        training_note(recipes),
        "The paper: AR2stream's training converges faster than ARres's (its Fig. 10).",
        told,
    )
    return Product(data_line(first.data, index), {"": table}, {"": picture}, notes, tuple(runs.values()))


def _losses(run: Path) -> list[LossCurve]:
    """The training loss of each fold."""
    found = []
    for path in sorted(run.glob("fold-*/run/log.csv"), key=lambda path: int(path.parents[1].name[5:])):
        log = pd.read_csv(path)
        ends = log["step"].to_numpy(np.float64)
        found.append(((ends + np.append(0, ends[:-1])) / 2, log["loss"].to_numpy(np.float64)))
    return found


def falls(ours: list[LossCurve], theirs: list[LossCurve]) -> tuple[pd.DataFrame, str]:
    """After how many iterations each training's loss has come down to what both reach, and what that tells.

    Args:
        ours: AR_res's folds.
        theirs: AR_2stream's, the same folds.
    """
    rows = {}
    for fold, pair in enumerate(zip(ours, theirs, strict=True), start=1):
        level = max(float(loss.min()) for _, loss in pair)
        rows[f"fold {fold}"] = (level, *(_reaches(curve, level) for curve in pair))
    table = pd.DataFrame.from_dict(
        rows, orient="index", columns=["loss", f"iterations, {OURS}", f"iterations, {TWO_STREAM}"]
    )
    ratio = table.iloc[:, 2] / table.iloc[:, 1]
    table[f"{TWO_STREAM} / {OURS}"] = ratio
    span = f"{ratio.min():.2f} to {ratio.max():.2f} times {OURS}'s iterations over the folds"
    if (ratio < 1).all():
        told = (
            f"Here {TWO_STREAM}'s loss falls faster in every fold: it is down to what both reach in {span}."
        )
    elif (ratio > 1).all():
        told = f"Here {TWO_STREAM}'s loss falls more slowly in every fold: it takes {span}."
    else:
        told = f"Here neither loss falls faster in every fold: {TWO_STREAM} takes {span}."
    return table, told


def _reaches(curve: LossCurve, level: float) -> float:
    """The first iteration at which a loss is as low as a level that it reaches; between epochs on a line."""
    steps, loss = curve
    at = int(np.argmax(loss <= level))
    if at == 0:
        return float(steps[0])
    share = (loss[at - 1] - level) / (loss[at - 1] - loss[at])
    return float(steps[at - 1] + share * (steps[at] - steps[at - 1]))


DYNAMIC_MAKERS: Mapping[tuple[str, str], Maker] = {
    ("au_rcnn", "table5-dynamic"): _against_time("bp4d", "table5"),
    ("au_rcnn", "table8-dynamic"): _against_time("disfa", "table8"),
    ("au_rcnn", "fig10"): _loss_curves,
}
