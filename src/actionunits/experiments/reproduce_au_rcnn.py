"""Items of seed 001 that are made by training: tables 4 to 8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from actionunits.analysis.published import published, published_table
from actionunits.experiments.au_rcnn_runs import (
    BASELINE,
    MEAN_BOX,
    METRICS,
    OURS,
    Data,
    au_rcnn_outcomes,
    au_rcnn_recipes,
    pretrained_note,
    protocol,
    run_folder,
)
from actionunits.experiments.compare import Outcome, intervals, mean_difference
from actionunits.experiments.recipe import Recipe
from actionunits.experiments.reproduce_occlusion import look, mass_table
from actionunits.experiments.reproduced import Maker, Product, Request, Scale
from actionunits.explain.draw import draw_maps
from actionunits.metrics.averages import mean_defined
from actionunits.metrics.classification import f1_score
from actionunits.reports.figures import bars
from actionunits.reports.tables import beside

__all__ = ["AU_RCNN_MAKERS"]

STATE_OF_THE_ART = ("ARvgg16", "ARvgg19", "ARres")
_STATIC = ("CNNres", "ARvgg16", "ARvgg19", "ARres", MEAN_BOX, "ARFPN")
#: The static columns; the small scale has those of the paper's question, regions against the whole face.
CONTROL: Mapping[Scale, tuple[str, ...]] = {
    "tiny": _STATIC,
    "small": ("CNNres", "ARres", MEAN_BOX),
    "paper": _STATIC,
}
#: Sides of the crop in px, and of the paper's that each stands for: a quarter of it at the small scale, for
#: painted faces are about 110 px wide.
RESOLUTIONS: Mapping[Scale, Mapping[int, int]] = {
    "tiny": {48: 416, 64: 512},
    "small": {64: 256, 128: 512},
    "paper": {side: side for side in (256, 416, 512, 608)},
}
#: Test stills whose maps are made, the patch's step as a share of the crop's side, and painted people by whom
#: the place of an AU is known.
OCCLUSION: Mapping[Scale, tuple[int | None, float, int]] = {
    "tiny": (2, 0.25, 2),
    "small": (18, 0.06, 12),
    "paper": (600, 5 / 200, 12),
}
DYNAMIC = "The paper's dynamic columns (ConvLSTM, two streams, CRF, TAL-Net) are to come."


def _f1(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """A row an AU with base rate, Ones and each network's F1, and their mean over the AUs."""
    first = next(iter(outcomes.values()))
    labels = first.labels
    rates, _ = mean_defined(np.where(labels >= 0, labels, np.nan))
    columns: dict[str, object] = {"base rate": rates, "F1 Ones": f1_score(labels, np.ones_like(labels))}
    for name, outcome in outcomes.items():
        columns[name] = outcome.scores.values[:, METRICS.index("F1")]
    table = pd.DataFrame(columns, index=[f"AU{au}" for au in first.scores.aus])
    table.loc["mean"] = table.mean()
    return table


def _published(item: str) -> pd.DataFrame:
    table = published_table("au_rcnn", item)
    printed = published("averages")
    printed = printed[(printed["paper"] == "au_rcnn") & (printed["item"] == item)]
    averages = dict(zip(printed["method"], printed["value"].astype(float), strict=True))
    table.loc["mean"] = [averages.get(name, np.nan) for name in table.columns]
    return table


def _means(outcomes: Mapping[str, Outcome], paper: pd.DataFrame) -> pd.DataFrame:
    """Mean F1 and AUC over the AUs with their intervals, and the paper's mean F1."""
    rows = {}
    for name, outcome in outcomes.items():
        bounds = intervals(outcome, ("F1", "AUC"))
        printed = paper[name]["mean"] if name in paper.columns else np.nan
        rows[name] = (*bounds["F1"].mean, printed, *bounds["AUC"].mean)
    names = ["F1", "low", "high", "F1, paper", "AUC", "AUC low", "AUC high"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=names)


def _differences(
    outcomes: Mapping[str, Outcome], pairs: Sequence[tuple[str, str]], paper: pd.DataFrame
) -> pd.DataFrame:
    """How much higher one network's mean is than another's, with its interval."""
    rows = {}
    for ours, theirs in pairs:
        for metric in ("F1", "AUC"):
            printed = np.nan
            if metric == "F1" and {ours, theirs} <= set(paper.columns):
                printed = paper[ours]["mean"] - paper[theirs]["mean"]
            apart = mean_difference(outcomes[ours], outcomes[theirs], metric)
            rows[f"{metric}, {ours} - {theirs}"] = (*apart, printed)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["ours", "low", "high", "paper"])


def _against_others(data: Data, item: str) -> Maker:
    """Tables 4 and 7: ours beside what other methods are said to score."""

    def make(request: Request) -> Product:
        outcomes, recipes, line = au_rcnn_outcomes(request, data, STATE_OF_THE_ART)
        paper = _published(item)
        return Product(
            line,
            {"": _f1(outcomes), "-means": _means(outcomes, paper), "-published": paper},
            notes=(
                protocol(recipes[OURS]),
                pretrained_note(recipes),
                "The last table is the paper's: methods on its own data set, which stand beside ours for the "
                "reader, not as a comparison.",
            ),
            runs=tuple(outcome.run for outcome in outcomes.values()),
        )

    return make


def _control(data: Data, item: str) -> Maker:
    """Tables 5 and 8: the static networks against one another."""

    def make(request: Request) -> Product:
        methods = CONTROL[request.scale]
        outcomes, recipes, line = au_rcnn_outcomes(request, data, methods)
        paper = _published(item)
        means = _means(outcomes, paper)
        pairs = [(OURS, name) for name in methods if name != OURS]
        tables = {
            "": beside(_f1(outcomes), paper[[name for name in methods if name in paper.columns]]),
            "-means": means,
            "-differences": _differences(outcomes, pairs, paper),
        }
        pictures = {"": _bars(means)}
        notes = [protocol(recipes[OURS]), pretrained_note(recipes), DYNAMIC]
        if left := [name for name in _STATIC if name not in methods]:
            notes.append(f"At this scale {', '.join(left)} are left out, so that it takes minutes.")
        notes.append(
            "The second table holds the means over the AUs with 95 % intervals (subjects drawn with "
            f"replacement); the third how much higher {OURS} is. {MEAN_BOX} is {OURS}'s own weights, tested "
            "with the mean boxes of each fold's training people."
        )
        if request.data is None:
            _add_occlusion(request, data, recipes, tables, pictures, notes)
        runs = tuple(outcomes[name].run for name in recipes)
        return Product(line, tables, pictures, tuple(notes), runs)

    return make


def _bars(means: pd.DataFrame) -> bytes:
    below, above = means["F1"] - means["low"], means["high"] - means["F1"]
    return bars(
        list(means.index),
        {"ours": means["F1"], "paper": means["F1, paper"]},
        errors={"ours": np.stack([below, above])},
        title="Mean F1 over the AUs, ours with 95 % intervals over subjects",
        axis="F1",
    )


def _add_occlusion(
    request: Request,
    data: Data,
    recipes: Mapping[str, Recipe],
    tables: dict[str, pd.DataFrame],
    pictures: dict[str, bytes],
    notes: list[str],
) -> None:
    """Where AR_res and CNN_res look, against where each AU is on painted faces."""
    most, stride, people = OCCLUSION[request.scale]
    sums_of = {}
    for name in (OURS, BASELINE):
        run = run_folder(request, data) / name.lower()
        backend, sums, _ = look(recipes[name], run, request, most=most, stride_share=stride)
        sums_of[name] = sums
        maps = sums.grid.interpolated(sums.fall_on_positives())
        pictures[f"-maps-{name.lower()}"] = draw_maps(
            sums.mean_face(),
            maps,
            backend.spec.aus,
            sums.positives,
            title=f"{name}: fall of the probability",
            unit="fall of the probability on positive frames",
        )
    tables["-occlusion"] = mass_table(sums_of, people)
    grid = sums_of[OURS].grid
    notes.append(
        f"The last table: a patch of {grid.patch_px} px slides by {grid.stride_px} px over {sums.frames} "
        "test stills of the first fold; the share of a map's mass (fall of the probability on positive "
        "frames, below 0 taken as 0) that lies inside the pixels which the AU really changes on painted "
        "faces, and what a map without any preference would have there (chance)."
    )


def _resolutions(request: Request) -> Product:
    """Table 6: the regional and the whole-face network at several resolutions."""
    sides = RESOLUTIONS[request.scale]
    outcomes: dict[str, Outcome] = {}
    line = ""
    recipes: dict[str, Recipe] = {}
    for side in sides:
        usual = au_rcnn_recipes(request, "bp4d", [OURS])[OURS].model.config.get("size_px", 512) == side
        found, recipes, line = au_rcnn_outcomes(request, "bp4d", (BASELINE, OURS), None if usual else side)
        outcomes |= {f"{name} {side}": outcome for name, outcome in found.items()}
    paper = _published("table6")
    named = paper.rename(
        columns={f"{n} {theirs}": f"{n} {ours}" for n in (BASELINE, OURS) for ours, theirs in sides.items()}
    )
    means = _means(outcomes, named)
    pairs = [(f"{OURS} {side}", f"{BASELINE} {side}") for side in sides]
    smallest, *others = sides
    larger = [(f"{OURS} {side}", f"{OURS} {smallest}") for side in others]
    note = "Sides in px: " + ", ".join(f"{ours} (the paper's {theirs})" for ours, theirs in sides.items())
    return Product(
        line,
        {
            "": _f1(outcomes),
            "-means": means,
            "-differences": _differences(outcomes, pairs + larger, named),
            "-published": paper,
        },
        {"": _bars(means)},
        (protocol(recipes[OURS]), f"{note}. Each side has crops of its own, of the same people and frames."),
        tuple(outcome.run for outcome in outcomes.values()),
    )


AU_RCNN_MAKERS: Mapping[tuple[str, str], Maker] = {
    ("au_rcnn", "table4"): _against_others("bp4d", "table4"),
    ("au_rcnn", "table5"): _control("bp4d", "table5"),
    ("au_rcnn", "table6"): _resolutions,
    ("au_rcnn", "table7"): _against_others("disfa", "table7"),
    ("au_rcnn", "table8"): _control("disfa", "table8"),
}
