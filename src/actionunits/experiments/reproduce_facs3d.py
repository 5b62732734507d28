"""Items of seed 003: FACS3D-Net beside the 2D CNN and the 2D CNN-LSTM."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from actionunits.analysis.cooccurrence import jaccard
from actionunits.analysis.published import published, published_table
from actionunits.experiments.compare import Outcome, auc_by_intensity, compare, intervals, mean_difference
from actionunits.experiments.crops import data_line, open_crops, used_index
from actionunits.experiments.cross_validate import spec_of
from actionunits.experiments.recipe import Recipe, load_recipe
from actionunits.experiments.reproduced import Maker, Product, Request
from actionunits.metrics.averages import mean_defined
from actionunits.metrics.classification import f1_score
from actionunits.metrics.statistics import paired_t_test, stars
from actionunits.reports.figures import bars, heat_map

__all__ = ["FACS3D_MAKERS", "METHODS", "facs3d_outcomes", "facs3d_recipes", "runs_of"]

#: The paper's three networks: its name for each in Table I, and the recipe.
METHODS: Mapping[str, str] = {
    "2D CNN": "facs3d/cnn2d",
    "2D CNN-LSTM": "facs3d/cnn_lstm",
    "FACS3D-Net": "facs3d/net",
}
OURS = "FACS3D-Net"
METRICS = ("F1", "ACC", "NA", "AUC", "S")

#: The paper samples 126 frames of a video, every second or third (here: second), and all networks see them.
LICENSED = ("data.thin_frames=126", "data.thin_step=2")
CLIPS = ("model.config.frame_step=2",)

#: What the reader of a number must know of synthetic data.
DESIGNED = (
    "Painted faces were made so that motion can help: half of what they show is weak (B), and each person's "
    "resting face holds traces of AUs that are not coded. A difference between the networks here says what "
    "they can make of that, not what they would make of people."
)


def _protocol(recipes: Mapping[str, Recipe]) -> str:
    """How the scores came about, in two sentences."""
    scores, folds = recipes[OURS].scores, recipes[OURS].folds
    thresholds = {"half": "thresholds of .5", "validation": "each AU's best threshold on validation people"}
    chosen = f"{folds.validation:.0%} of the training people choose the epoch" if folds.validation else ""
    return (
        f"Scores over the test frames of all folds pooled, {thresholds[scores.thresholds]}; "
        f"{chosen or 'the last epoch is kept'} (the paper has no validation people). Ones says that every AU "
        "is always shown; chance has an AUC of .5. Means are over the AUs whose score is defined, for each "
        "network its own; differences are over the AUs that are defined for both."
    )


def facs3d_recipes(request: Request) -> dict[str, Recipe]:
    """The three recipes at a scale, on the same data."""
    recipes = {}
    for name, path in METHODS.items():
        changes: list[str] = []
        if request.data is not None:
            data, root = request.data
            changes = [f"data.name={data}", f"data.root={root}", *LICENSED]
            changes += CLIPS if path != "facs3d/cnn2d" else ()
        recipes[name] = load_recipe(path, changes, request.scale)
    return recipes


def runs_of(request: Request) -> Path:
    """The folder of the three networks' runs: the items share them."""
    data = "" if request.data is None else f"-{request.data[0]}"
    return request.folder / f"facs3d-{request.scale}{data}"


def facs3d_outcomes(request: Request) -> tuple[dict[str, Outcome], str]:
    """The three networks' test predictions, and a line on the data."""
    recipes = facs3d_recipes(request)
    cache = request.folder / "data"
    outcomes = compare(recipes, runs_of(request), cache, stage=request.stage)
    recipe = recipes[OURS]
    index = used_index(recipe.data, open_crops(recipe.data, spec_of(recipe), cache))
    return outcomes, data_line(recipe.data, index)


def _table1(request: Request) -> Product:
    outcomes, data = facs3d_outcomes(request)
    first = next(iter(outcomes.values()))
    rows = [f"AU{au}" for au in first.scores.aus]
    labels = first.labels
    rates, _ = mean_defined(np.where(labels >= 0, labels, np.nan))
    ours: dict[str, object] = {
        "base rate": rates,
        "F1 Ones": f1_score(labels, np.ones_like(labels)),
    }
    for metric in METRICS:
        for name, outcome in outcomes.items():
            ours[f"{metric} {name}"] = outcome.scores.values[:, METRICS.index(metric)]
    table = pd.DataFrame(ours, index=rows)
    table.loc["mean"] = table.mean()
    means = _means(outcomes)
    widths = np.abs(means[["low", "high"]].to_numpy().T - means["ours"].to_numpy())
    picture = bars(
        [f"{row.metric} {row.method}" for row in means.itertuples()],
        {"ours": means["ours"], "paper (EB+)": means["paper"]},
        errors={"ours": widths},
        title="Mean over the AUs, ours with 95 % intervals over subjects",
        axis="score",
    )
    return Product(
        data,
        {
            "": table,
            "-means": means.set_index("method"),
            "-differences": _differences(outcomes),
            "-weak": _by_intensity(outcomes),
            "-published": _published(),
        },
        {"": picture},
        runs=tuple(outcome.run for outcome in outcomes.values()),
        notes=(
            _protocol(facs3d_recipes(request)),
            *([DESIGNED] if request.data is None else []),
            "The second table holds the means over the AUs with their 95 % intervals (subjects drawn with "
            "replacement), their mean over the folds, which is how the paper averages, and the paper's; the "
            "third how much higher FACS3D-Net's mean is; the fourth AUC by intensity: weak is B only (2 to "
            "3), strong from C (3) on, each against all frames without the AU. The last is the paper's Table "
            "I.",
        ),
    )


def _means(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    printed = _means_published()
    rows = []
    bounds = {name: intervals(outcome, METRICS) for name, outcome in outcomes.items()}
    for number, metric in enumerate(METRICS):
        for name, outcome in outcomes.items():
            assert outcome.scores.per_fold is not None
            by_fold, _ = mean_defined(outcome.scores.per_fold[:, :, number].ravel())
            row = (*bounds[name][metric].mean, float(by_fold), printed[metric, name])
            rows.append((name, metric, *row))
    columns = ["method", "metric", "ours", "low", "high", "mean of folds", "paper"]
    return pd.DataFrame(rows, columns=columns)


def _differences(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """How much higher the mean of FACS3D-Net is, with intervals, and the paper's difference."""
    means = _means_published()
    rows = {}
    for other in outcomes:
        if other == OURS:
            continue
        for metric in METRICS:
            value, low, high = mean_difference(outcomes[OURS], outcomes[other], metric)
            rows[f"{metric}, {OURS} - {other}"] = (
                value,
                low,
                high,
                means[metric, OURS] - means[metric, other],
            )
    return pd.DataFrame.from_dict(rows, orient="index", columns=["ours", "low", "high", "paper"])


def _means_published() -> dict[tuple[str, str], float]:
    """The averages that Table I prints, by metric and method."""
    printed = published("averages")
    printed = printed[(printed["paper"] == "facs3d") & (printed["item"] == "table1")]
    keys = zip(printed["metric"].astype(str), printed["method"].astype(str), strict=True)
    return dict(zip(keys, printed["value"].to_numpy(float).tolist(), strict=True))


def _by_intensity(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    columns = {}
    for part, low, high in (("weak", 2.0, 3.0), ("strong", 3.0, 5.1)):
        for name, outcome in outcomes.items():
            columns[f"{part} {name}"] = auc_by_intensity(outcome, low, high)
    aus = next(iter(outcomes.values())).scores.aus
    table = pd.DataFrame(columns, index=[f"AU{au}" for au in aus])
    table.loc["mean"] = table.mean()
    return table


def _published() -> pd.DataFrame:
    parts = {}
    for metric in METRICS:
        for name, values in published_table("facs3d", "table1", metric).items():
            parts[f"{metric} {name}"] = values
    return pd.DataFrame(parts)


def _table2(request: Request) -> Product:
    outcomes, data = facs3d_outcomes(request)
    printed = published("significance").set_index(["against", "metric", "au"])["stars"].fillna("")
    aus = outcomes[OURS].scores.aus
    tables: dict[str, pd.DataFrame] = {}
    for other in outcomes:
        if other == OURS:
            continue
        columns: dict[str, list[str]] = {}
        for number, metric in enumerate(METRICS):
            mine, theirs = (outcomes[name].scores.per_fold for name in (OURS, other))
            assert mine is not None
            assert theirs is not None
            p = paired_t_test(mine[:, :, number], theirs[:, :, number]).p
            apart, _ = mean_defined(mine[:, :, number] - theirs[:, :, number])
            columns[f"{metric}, ours"] = [_mark(value, sign) for value, sign in zip(p, apart, strict=True)]
            columns[f"{metric}, paper"] = [str(printed.get((other, metric, au), "")) or "n.s." for au in aus]
        suffix = "" if not tables else f"-{other.lower().replace(' ', '-')}"
        tables[suffix] = pd.DataFrame(columns, index=[f"AU{au} against {other}" for au in aus])
    return Product(
        data,
        tables,
        runs=tuple(outcome.run for outcome in outcomes.values()),
        notes=(
            "Paired t-tests of FACS3D-Net against the other two networks over the folds (the paper does not "
            "say over what it pairs): * p < .05, ** p < .01, *** p < .001, n.s. else; + FACS3D-Net is "
            "better, - it is worse. Not corrected for the 60 tests of each comparison, as in the paper: by "
            "chance alone 3 of 60 have a star. The folds share most of their training people, which makes "
            "such tests too easy to pass; and S is 2 ACC - 1, so its stars are those of ACC.",
        ),
    )


def _mark(p: float, apart: float) -> str:
    if np.isnan(p):
        return "not defined"
    return f"{stars(p)} {'+' if apart > 0 else '-'}" if stars(p) else "n.s."


def _jaccard_figure(request: Request) -> Product:
    """Fig. 5, on the labels that the networks learn from."""
    recipe = facs3d_recipes(request)[OURS]
    index = used_index(recipe.data, open_crops(recipe.data, spec_of(recipe), request.folder / "data"))
    aus = spec_of(recipe).aus
    names = [f"AU{au}" for au in aus]
    values = jaccard(index.labels(aus))
    picture = heat_map(values, names, names, title="Jaccard index", limits=(0.0, 1.0))
    return Product(
        data_line(recipe.data, index),
        {"": pd.DataFrame(values, index=names, columns=names)},
        {"": picture},
        notes=(
            "The paper sees AU6, AU10 and AU12 together often; its figure prints no numbers that could stand "
            "beside ours.",
        ),
    )


FACS3D_MAKERS: Mapping[tuple[str, str], Maker] = {
    ("facs3d", "table1"): _table1,
    ("facs3d", "table2"): _table2,
    ("facs3d", "fig5"): _jaccard_figure,
}
