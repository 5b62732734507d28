"""Items of seed 001 that are made by training: tables 4 to 8."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from actionunits.experiments.au_rcnn_runs import (
    BASELINE,
    DYNAMIC,
    MEAN_BOX,
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
from actionunits.experiments.compare import Outcome
from actionunits.experiments.dynamic_tables import (
    PAPERS_CLAIM,
    begin_note,
    segment_means,
    training_note,
    verdict,
)
from actionunits.experiments.recipe import Recipe
from actionunits.experiments.reproduce_occlusion import look, mass_table
from actionunits.experiments.reproduced import Maker, Product, Request, Scale
from actionunits.explain.draw import draw_maps
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
    "small": {64: 256, 104: 416, 128: 512, 152: 608},
    "paper": {side: side for side in (256, 416, 512, 608)},
}
#: Test stills whose maps are made, the patch's step as a share of the crop's side, and painted people by whom
#: the place of an AU is known.
OCCLUSION: Mapping[Scale, tuple[int | None, float, int]] = {
    "tiny": (2, 0.25, 2),
    "small": (18, 0.06, 12),
    "paper": (600, 5 / 200, 12),
}
ON_SEQUENCES = (
    "The paper's dynamic columns need sequences: {item}-dynamic has them, beside ARres on the same."
)


def _against_others(data: Data, item: str) -> Maker:
    """Tables 4 and 7: ours beside what other methods are said to score."""

    def make(request: Request) -> Product:
        outcomes, recipes, line = au_rcnn_outcomes(request, data, STATE_OF_THE_ART)
        paper = printed_table(item)
        return Product(
            line,
            {"": f1_table(outcomes), "-means": mean_table(outcomes, paper), "-published": paper},
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
    """Tables 5 and 8: the static networks against one another, on sequences those over time too."""

    def make(request: Request) -> Product:
        over_time = () if request.data is None else tuple(DYNAMIC)
        methods = (*CONTROL[request.scale], *over_time)
        outcomes, recipes, line = au_rcnn_outcomes(request, data, methods)
        paper = printed_table(item)
        means = mean_table(outcomes, paper)
        pairs = [(OURS, name) for name in methods if name != OURS]
        tables = {
            "": beside(f1_table(outcomes), paper[[name for name in methods if name in paper.columns]]),
            "-means": means,
            "-differences": difference_table(outcomes, pairs, paper),
        }
        pictures = {"": mean_bars(means)}
        notes = [protocol(recipes[OURS]), pretrained_note(recipes)]
        if over_time:
            tables["-segments"] = segment_means(outcomes)
            notes += [begin_note(recipes), training_note(recipes), PAPERS_CLAIM]
            notes.append(verdict(tables["-differences"], over_time))
        else:
            notes.append(ON_SEQUENCES.format(item=item))
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
    paper = printed_table("table6")
    named = paper.rename(
        columns={f"{n} {theirs}": f"{n} {ours}" for n in (BASELINE, OURS) for ours, theirs in sides.items()}
    )
    means = mean_table(outcomes, named)
    pairs = [(f"{OURS} {side}", f"{BASELINE} {side}") for side in sides]
    smallest, *others = sides
    larger = [(f"{OURS} {side}", f"{OURS} {smallest}") for side in others]
    note = "Sides in px: " + ", ".join(f"{ours} (the paper's {theirs})" for ours, theirs in sides.items())
    return Product(
        line,
        {
            "": f1_table(outcomes),
            "-means": means,
            "-differences": difference_table(outcomes, pairs + larger, named),
            "-published": paper,
        },
        {"": mean_bars(means)},
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
