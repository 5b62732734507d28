"""Items of seed 000 that are trained: 2-D and 3-D networks on micro-expressions, with and without ties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.analysis.baselines import baseline_scores
from actionunits.analysis.published import published, published_table
from actionunits.experiments.compare import Outcome, compare, intervals, mean_difference
from actionunits.experiments.crops import data_line, open_crops, used_index
from actionunits.experiments.cross_validate import score_predictions, spec_of
from actionunits.experiments.recipe import Recipe, load_recipe
from actionunits.experiments.reproduced import Maker, Product, Request
from actionunits.facs.cooccurrence import NEGATIVE_PAIRS, POSITIVE_PAIRS, pairs_outside
from actionunits.metrics.averages import mean_defined
from actionunits.metrics.classification import count
from actionunits.metrics.thresholds import decide
from actionunits.reports.figures import bars

__all__ = ["COOCCURRENCE_MAKERS", "cooccurrence_outcomes", "cooccurrence_recipes"]

#: Ours, not the paper's: what stands still is taken off each clip.
CENTRED = ("model.config.centred=true",)
#: The networks: a name, the recipe, and what differs from it. ``alone`` has neither fusion layer nor term.
NETWORKS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "2DCNN": ("cooccurrence/cnn2d", ()),
    "2DCNN alone": ("cooccurrence/cnn2d", ("cooccurrence=false",)),
    "3DCNN": ("cooccurrence/cnn3d", ()),
    "3DCNN alone": ("cooccurrence/cnn3d", ("cooccurrence=false",)),
    "3DCNN centred": ("cooccurrence/cnn3d", CENTRED),
    "3DCNN centred alone": ("cooccurrence/cnn3d", (*CENTRED, "cooccurrence=false")),
}
#: AU17, the chin, by itself: looked for in the paper's nose crop, and in the lip crop, where it lies.
CHIN: Mapping[str, tuple[str, ...]] = {
    f"AU17 in the {place} crop": ("model.config.aus=[17]", f"model.config.chin={place}", "cooccurrence=false")
    for place in ("nose", "lip")
}
METRICS = ("ACC", "AUC", "F1")
#: (more, less) of which the paper says that the first is better.
CLAIMS = (
    ("3DCNN", "2DCNN"),
    ("3DCNN alone", "2DCNN alone"),
    ("2DCNN", "2DCNN alone"),
    ("3DCNN", "3DCNN alone"),
)
#: The same of the network that sees motion alone.
OF_CENTRED = (
    ("3DCNN centred", "2DCNN"),
    ("3DCNN centred", "3DCNN"),
    ("3DCNN centred", "3DCNN centred alone"),
)

#: Base rate from which an AU counts as frequent.
FREQUENT = 0.05
CUT_CHIN = (
    " At this scale the crop ends at the chin (`eye_line` .32), so that a part of it is missing there too."
)
RARE = (
    "Most AUs are rare, so accuracy says little: the paper's Table 5 is about what a classifier scores that "
    "never sees an AU (calculated from its Table 4: 1 - n/421), for AU4 and AU12, shown in 59 % and 38 %, "
    "too. Zeros (never shown), Ones (always) and F1 therefore stand beside; an AUC of .5 is chance."
)
CENTRED_NOTE = (
    "'Centred' is ours, not the paper's: each clip's mean frame is taken off its frames, so that the 3-D "
    "network sees only what moves (`model.config.centred=true`)."
)
DESIGNED = (
    "Synthetic micro-expressions show a tenth to a third of the full intensity for .04 to .5 s, on painted "
    "people whose resting faces hold traces of AUs, with a moving head and a sensor's noise: they are made "
    "so that motion can help, and the AUs are shown together as often as Table 4 and CASME's emotions let "
    "one guess."
)


def cooccurrence_recipes(request: Request) -> dict[str, Recipe]:
    """The networks at a scale, on the same data."""
    return {name: _recipe(request, path, others) for name, (path, others) in NETWORKS.items()}


def _recipe(request: Request, path: str, others: Sequence[str]) -> Recipe:
    changes = request.data_changes()
    if changes:
        changes.append("data.expressions=micro")
    return load_recipe(path, [*others, *changes], request.scale)


def cooccurrence_outcomes(request: Request) -> dict[str, Outcome]:
    """The networks' predictions for the apex frames of the test subjects."""
    recipes = cooccurrence_recipes(request)
    return compare(recipes, _runs(request), request.folder / "data", stage=request.stage)


def _chin_outcomes(request: Request, network: str) -> dict[str, Outcome]:
    """AU17 learnt by itself, in the nose and in the lip crop."""
    path, others = NETWORKS[network]
    recipes = {name: _recipe(request, path, (*others, *changes)) for name, changes in CHIN.items()}
    place = _runs(request) / f"chin-{network.lower().replace(' ', '-')}"
    return compare(recipes, place, request.folder / "data", stage=request.stage)


def _runs(request: Request) -> Path:
    data = f"-{request.data_name}" if request.sets else ""
    return request.folder / f"cooccurrence-{request.scale}{data}"


def _line(request: Request, outcomes: Mapping[str, Outcome]) -> str:
    recipe = cooccurrence_recipes(request)["3DCNN"]
    index = used_index(recipe.data, open_crops(recipe.data, spec_of(recipe), request.folder / "data"))
    scored = len(next(iter(outcomes.values())).predictions)
    return f"{data_line(recipe.data, index)} Scored: the apex frames of {scored:,} expressions."


def _notes(request: Request) -> tuple[str, ...]:
    recipe = cooccurrence_recipes(request)["3DCNN"]
    left = ", ".join(f"({one}, {other})" for one, other in pairs_outside(spec_of(recipe).aus))
    folds = recipe.folds
    how = f"{folds.count} folds" if folds.name == "k-fold" else folds.name
    protocol = (
        f"{how}, nobody on two sides; {folds.validation:.0%} of the training people choose the epoch and "
        "the thresholds of F1; accuracy is at .5. Scores are over the pooled test expressions, intervals are "
        "95 % over subjects, and a score that is not defined (an AU that nobody shows) is left out of means. "
        "Each fold has a network of its own, so a pooled AUC also asks whether their scales agree: 'mean of "
        "folds' does not. "
        f"Of Table 3's {len(set(POSITIVE_PAIRS) | set(NEGATIVE_PAIRS))} pairs those with AU6 and AU23 cannot "
        f"be used ({left}), and (12, 17), which stands among the positive and the negative ones, is neutral."
    )
    return (*(() if request.sets else (DESIGNED,)), RARE, protocol)


def _at_half(outcome: Outcome) -> Outcome:
    """The same predictions decided by .5 instead of the validation subjects' thresholds."""
    names = [name for name in outcome.predictions.columns if name.endswith("_t")]
    halved = outcome.predictions.assign(**dict.fromkeys(names, 0.5))
    return Outcome(halved, score_predictions(halved, METRICS), outcome.run)


def _column(outcome: Outcome, metric: str) -> NDArray[np.float64]:
    """f64[A]: accuracy at .5, F1 at the validation thresholds, AUC."""
    decided = _at_half(outcome) if metric == "ACC" else outcome
    return decided.scores.values[:, decided.scores.metrics.index(metric)]


def _rows(outcome: Outcome) -> list[str]:
    return [f"AU{au}" for au in outcome.scores.aus]


def _baselines(outcome: Outcome) -> pd.DataFrame:
    """Base rate and what saying nothing or everything scores, a row an AU."""
    shown = (outcome.labels == 1).sum(axis=0)
    known = np.maximum((outcome.labels >= 0).sum(axis=0), 1)
    counted = baseline_scores(outcome.labels, outcome.scores.aus, ("ACC", "F1"))
    return pd.DataFrame(
        {
            "shown": shown,
            "base rate": shown / known,
            "ACC Zeros": counted["Zeros"]["ACC"].to_numpy(),
            "ACC Ones": counted["Ones"]["ACC"].to_numpy(),
            "F1 Ones": counted["Ones"]["F1"].to_numpy(),
        },
        index=_rows(outcome),
    )


def _table_of(item: str, name: str) -> Maker:
    """Tables 5 and 6: the 2-D and the 3-D network, with their ties."""

    def make(request: Request) -> Product:
        outcomes = cooccurrence_outcomes(request)
        mine = [name] if name == "2DCNN" else [name, "3DCNN centred"]
        chin = _chin_outcomes(request, mine[-1])
        table = _baselines(outcomes[name])
        for each in mine:
            for metric in METRICS:
                table[metric if each == name else f"{metric} centred"] = _column(outcomes[each], metric)
        for metric in ("ACC", "AUC"):
            table[f"{metric} paper"] = published_table("cooccurrence", item, metric)[name]
        table["ACC Zeros, paper's counts"] = _zeros_of_paper(table.index)
        table = table.astype(dict.fromkeys(table.select_dtypes("integer"), float))  # its means are none
        scored = table[table["AUC"].notna()]
        table.loc[f"mean of {len(scored)}"] = scored.mean()
        of_chin = {where: [float(_column(found, m)[0]) for m in METRICS] for where, found in chin.items()}
        return Product(
            _line(request, outcomes),
            {
                "": table,
                "-means": _means({each: outcomes[each] for each in mine}),
                "-chin": pd.DataFrame(of_chin, index=list(METRICS)),
                "-chin-difference": _differences(chin, (tuple(reversed(chin)),)),
            },
            notes=(
                *_notes(request),
                *((CENTRED_NOTE,) if len(mine) > 1 else ()),
                f"The last two tables are AU17 learnt by itself by the {mine[-1]}: the chin lies outside the "
                "nose crop in which the paper looks for it; the lip crop (`model.config.chin=lip`) reaches "
                f"to it.{CUT_CHIN if request.scale == 'small' else ''}",
            ),
            runs=(*(outcomes[each].run for each in mine), *(found.run for found in chin.values())),
        )

    return make


def _zeros_of_paper(rows: pd.Index[str]) -> NDArray[np.float64]:
    """1 - n/421 with the paper's sample counts n; 421 is the number that its accuracies imply."""
    facts = published("facts")
    facts = facts[(facts["paper"] == "cooccurrence") & (facts["item"] == "table4")]
    counts = pd.Series(facts["value"].to_numpy(float), index=[f"AU{au}" for au in facts["au"]])
    return np.asarray(1 - counts.reindex(rows) / 421, np.float64)


def _means(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """The mean of each metric over the AUs with its interval, that of the folds, and Zeros' accuracy."""
    rows = []
    for name, outcome in outcomes.items():
        for metric in METRICS:
            decided = _at_half(outcome) if metric == "ACC" else outcome
            place, by_fold = decided.scores.metrics.index(metric), decided.scores.per_fold
            assert by_fold is not None
            of_folds = float(mean_defined(by_fold[:, :, place].ravel())[0])
            rows.append((name, metric, *intervals(decided, (metric,))[metric].mean, of_folds))
    zeros = _baselines(next(iter(outcomes.values())))
    rows.append(("Zeros", "ACC", float(zeros["ACC Zeros"].mean()), np.nan, np.nan, np.nan))
    rows.append(("Ones", "F1", float(zeros["F1 Ones"].mean()), np.nan, np.nan, np.nan))
    columns = ["network", "metric", "mean", "low", "high", "mean of folds"]
    return pd.DataFrame(rows, columns=columns).set_index("network")


def _differences(outcomes: Mapping[str, Outcome], claims: Sequence[Sequence[str]]) -> pd.DataFrame:
    """How much higher the first network of each pair is, over all AUs and over the frequent ones."""
    first = next(iter(outcomes.values()))
    rates = _baselines(first)["base rate"]
    frequent = [au for au, rate in zip(first.scores.aus, rates, strict=True) if rate >= FREQUENT]
    rows = []
    for more, less in claims:
        for metric in METRICS:
            pair = [outcomes[name] if metric != "ACC" else _at_half(outcomes[name]) for name in (more, less)]
            for which, aus in (("all", None), (f"{len(frequent)} in 5 % and more", frequent)):
                if aus is None or aus:
                    found = mean_difference(pair[0], pair[1], metric, aus=aus)
                    rows.append((f"{more} - {less}", metric, which, *found))
    columns = ["networks", "metric", "AUs", "difference", "low", "high"]
    return pd.DataFrame(rows, columns=columns).set_index("networks")


def _two_against_three(metric: str) -> Maker:
    """Figs. 13 and 14."""

    def make(request: Request) -> Product:
        outcomes = cooccurrence_outcomes(request)
        first = outcomes["2DCNN"]
        shown = ("2DCNN", "3DCNN", "3DCNN centred")
        ours = {name: _column(outcomes[name], metric) for name in shown}
        if metric == "ACC":
            ours["Zeros"] = _baselines(first)["ACC Zeros"].to_numpy(float)
        else:
            ours["chance"] = np.full(len(first.scores.aus), 0.5)
        paper = {
            f"{name} paper": published_table("cooccurrence", item, metric)[name]
            for item, name in (("table5", "2DCNN"), ("table6", "3DCNN"))
        }
        table = pd.DataFrame(ours, index=_rows(first)).join(pd.DataFrame(paper))
        table.insert(0, "base rate", _baselines(first)["base rate"])
        what = {"ACC": "Accuracy at .5", "AUC": "AUC"}[metric]
        picture = bars(_rows(first), ours, title=f"{what}: 2-D against 3-D, with co-occurrence", axis=what)
        return Product(
            _line(request, outcomes),
            {
                "": table,
                "-means": _means(outcomes),
                "-differences": _differences(outcomes, (*CLAIMS[:2], *OF_CENTRED[:2])),
            },
            {"": picture},
            notes=(*_notes(request), CENTRED_NOTE),
            runs=tuple(outcome.run for outcome in outcomes.values()),
        )

    return make


def _with_and_without(request: Request) -> Product:
    """Fig. 15."""
    outcomes = cooccurrence_outcomes(request)
    first = outcomes["2DCNN"]
    tables: dict[str, pd.DataFrame] = {}
    pictures = {}
    for metric in ("ACC", "AUC"):
        values = {name: _column(outcome, metric) for name, outcome in outcomes.items()}
        table = pd.DataFrame(values, index=_rows(first))
        table.loc["mean"] = table.mean()
        suffix = "" if metric == "ACC" else "-auc"
        tables[suffix] = table
        what = {"ACC": "Accuracy at .5", "AUC": "AUC"}[metric]
        series = {str(name): column.to_numpy(float) for name, column in table.items()}
        pictures[suffix] = bars(list(table.index), series, title=f"{what}: with and without ties", axis=what)
    tables["-differences"] = _differences(outcomes, (*CLAIMS[2:], OF_CENTRED[2]))
    tables["-said"] = _said(outcomes)
    return Product(
        _line(request, outcomes),
        tables,
        pictures,
        notes=(
            *_notes(request),
            CENTRED_NOTE,
            "The paper prints no numbers in Fig. 15; it says that ties raise the accuracy of most AUs, of "
            "AU4 by 16 and of AU12 by 12 points. 'Alone' is the same network without fusion layer and "
            "without the term in the loss. The last table is how often each network says that an AU is "
            "shown (at .5): one that never does has the accuracy of Zeros.",
        ),
        runs=tuple(outcome.run for outcome in outcomes.values()),
    )


def _said(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """How often each AU is shown, and how often each network says so at .5."""
    first = next(iter(outcomes.values()))
    columns: dict[str, NDArray[np.float64]] = {"shown": _baselines(first)["base rate"].to_numpy()}
    for name, outcome in outcomes.items():
        said = decide(outcome.of_aus("_p"), np.full(len(outcome.scores.aus), 0.5))
        counts = count(outcome.labels, said)
        columns[name] = (counts.tp + counts.fp) / np.maximum(counts.tp + counts.fp + counts.fn + counts.tn, 1)
    return pd.DataFrame(columns, index=_rows(first))


COOCCURRENCE_MAKERS: Mapping[tuple[str, str], Maker] = {
    ("cooccurrence", "table5"): _table_of("table5", "2DCNN"),
    ("cooccurrence", "table6"): _table_of("table6", "3DCNN"),
    ("cooccurrence", "fig13"): _two_against_three("ACC"),
    ("cooccurrence", "fig14"): _two_against_three("AUC"),
    ("cooccurrence", "fig15"): _with_and_without,
}
