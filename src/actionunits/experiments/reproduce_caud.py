"""Tables 1 to 5 of seed 002: emotions, then AU heads on their encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from actionunits.analysis.published import published, published_table
from actionunits.errors import UserError
from actionunits.experiments.caud_figures import detections_sheet, emotions_sheet
from actionunits.experiments.caud_runs import (
    BACKBONES,
    bag_of_words,
    card_of,
    emotion_line,
    emotion_recipe,
    emotion_run,
    has_imagenet,
    head_line,
    head_recipe,
    head_run,
)
from actionunits.experiments.compare import Outcome, intervals, mean_difference
from actionunits.experiments.emotions import EmotionScores, aca_difference, score_emotions
from actionunits.experiments.recipe import Recipe
from actionunits.experiments.reproduced import Maker, Product, Request
from actionunits.experiments.scores import read_predictions, score_predictions, score_with_errors
from actionunits.metrics.averages import mean_defined
from actionunits.metrics.classification import f1_score
from actionunits.models.registry import build_model
from actionunits.records import ScoreTable
from actionunits.reports.figures import bars, heat_map
from actionunits.synthesis.emotion_set import VIEWS_DEG

__all__ = ["CAUD_MAKERS"]

METRICS = ("F1", "F1-half", "F1-oracle", "AP")
#: Thirds of the people, as the paper's control experiments.
THIRDS = ("folds.name=thirds",)

_COUNTING = (
    "Faces are found by Viola-Jones. A test picture in which none is found counts as an error where the "
    "table says so, as in the paper; the other columns are of the pictures with a face."
)
_THRESHOLDS = (
    "F1: thresholds from the validation people; F1-half: .5; F1-oracle: the threshold that is best on the "
    'test part itself, which is what the paper\'s "optimal regime of the precision-recall curve" means, and '
    "optimistic. AP needs no threshold."
)


def _emotion_scores(run: Path) -> EmotionScores:
    predictions, missed = read_predictions(run)
    return score_emotions(predictions, missed)


def _emotion_outcomes(request: Request) -> tuple[dict[str, EmotionScores], tuple[Path, ...]]:
    """BoW, AlexNet and VGG on the same pictures, and the networks' runs."""
    if request.data is not None:
        raise UserError(
            f"{request.data[0]} has no emotions that seed 002 learns: give --data ckplus=FOLDER, "
            "bosphorus=FOLDER, rafd=FOLDER, or some of them"
        )
    runs = {name: emotion_run(request, backbone) for name, backbone in BACKBONES.items()}
    missed = read_predictions(runs["AlexNet"])[1]
    words = pd.read_parquet(bag_of_words(request) / "predictions.parquet")
    scores = {"BoW": score_emotions(words, missed)}
    return scores | {name: _emotion_scores(run) for name, run in runs.items()}, tuple(runs.values())


def _start_notes(runs: Mapping[str, Path]) -> str:
    """What the networks started from, and whether they learnt."""
    parts = []
    for name, run in runs.items():
        card = card_of(run)
        log = run / "fold-1" / "run" / "log.csv"
        losses = pd.read_csv(log)["loss"].to_numpy() if log.is_file() else np.array([])
        fell = (
            f"training loss {losses[0]:.2f} to {losses[-1]:.2f} in {len(losses)} epochs"
            if len(losses)
            else ""
        )
        best = card.get("validation_score")
        reached = f"validation ACA {best:.3f} (chance .125)" if isinstance(best, float) else "no validation"
        parts.append(f"{name}: {', '.join(filter(None, (str(card['started_from']), fell, reached)))}")
    return (
        "The paper starts from ImageNet's weights and says that a start from random ones does not converge. "
        f"Here: {'; '.join(parts)}."
    )


def _table1(request: Request) -> Product:
    scores, runs = _emotion_outcomes(request)
    printed = published("emotions").replace({"emotion": {"sad": "sadness"}})
    paper = printed.pivot(index="emotion", columns="method", values="accuracy")
    names = scores["BoW"].names
    table = pd.DataFrame(index=[*names, "average (ACA)"])
    for method, each in scores.items():
        own = each.table()
        table[f"{method}"] = own["accuracy"]
        table[f"{method}, not found = error"] = own["accuracy, not found = error"]
        table[f"{method}, paper"] = [*paper[method].reindex(names), paper[method].reindex(names).mean()]
    averages = _averages(scores)
    return Product(
        emotion_line(request),
        {"": table, "-averages": averages},
        {"": _averages_picture(averages)},
        notes=(
            _start_notes(dict(zip(BACKBONES, runs, strict=True))),
            _COUNTING,
            "The second table holds the averages and their differences with 95 % intervals (test people "
            f"drawn with replacement; they are {len(scores['BoW'].subjects)}, so intervals are rough).",
            *_synthetic_note(request),
        ),
        runs=runs,
    )


def _synthetic_note(request: Request) -> tuple[str, ...]:
    if request.emotions:
        return ()
    return (
        "The painted people show the AUs of FACS's prototypes, half of them weakly, one in ten times with an "
        f"AU more or less, on resting faces of their own, turned by up to {max(VIEWS_DEG):.0f} degrees in "
        "five views; RaFD's cameras go to the profile.",
    )


def _averages(scores: Mapping[str, EmotionScores]) -> pd.DataFrame:
    rows: dict[str, tuple[float, ...]] = {}
    for name, each in scores.items():
        rows[name] = (*each.interval(), *each.interval(with_errors=True))
    for ours, theirs in (("AlexNet", "BoW"), ("VGG", "BoW"), ("VGG", "AlexNet")):
        pair = (scores[ours], scores[theirs])
        rows[f"{ours} - {theirs}"] = (*aca_difference(*pair), *aca_difference(*pair, with_errors=True))
    columns = ["ACA", "low", "high", "ACA, not found = error", "low of it", "high of it"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _averages_picture(averages: pd.DataFrame) -> bytes:
    rows = averages.loc[[name for name in averages.index if " - " not in name]]
    paper = {"BoW": 0.381, "AlexNet": 0.755, "VGG": 0.860}
    ours = rows["ACA"].to_numpy()
    spread = np.abs(rows[["low", "high"]].to_numpy().T - ours)
    return bars(
        list(rows.index),
        {"ours": ours, "paper (CK+, Bosphorus, RaFD)": [paper[name] for name in rows.index]},
        errors={"ours": spread},
        title="Average class accuracy of eight emotions, ours with 95 % intervals over people",
        axis="ACA (chance .125)",
    )


def _best_network(runs: Sequence[Path]) -> tuple[str, Path]:
    """The network whose validation people score best; the test part has no say."""

    def validated(run: Path) -> float:
        value = card_of(run).get("validation_score")
        return value if isinstance(value, float) else -np.inf

    named = dict(zip(BACKBONES, runs, strict=True))
    best = max(named, key=lambda name: validated(named[name]))
    return best, named[best]


def _table2(request: Request) -> Product:
    scores, runs = _emotion_outcomes(request)
    best, _ = _best_network(runs)
    ours = scores[best].confusion()
    printed = published("emotion_confusion").replace("sad", "sadness")
    paper = printed.pivot(index="row", columns="column", values="share")
    names = list(scores[best].names)
    paper = paper.reindex(index=names, columns=names).rename_axis(None).rename_axis(None, axis=1)
    picture = heat_map(
        ours.to_numpy(),
        names,
        list(ours.columns),
        title=f"What {best} says (columns) of what is shown (rows)",
        limits=(0.0, 1.0),
    )
    shares = ours[names].to_numpy(np.float64)
    places = [(i, j) for i in range(len(names)) for j in range(len(names)) if i != j]
    mistakes = [(float(shares[i, j]), names[i], names[j]) for i, j in places]
    worst = ", ".join(f"{row} for {column} ({share:.2f})" for share, row, column in sorted(mistakes)[:-4:-1])
    return Product(
        emotion_line(request),
        {"": ours, "-published": paper},
        {"": picture},
        notes=(
            f"Of {best}, the network with the better validation ACA; the paper's is of VGG. Shares of a row, "
            "with a column for faces that were not found.",
            f"The most frequent mistakes here: {worst}. The paper's: neutral for contempt (.118), contempt "
            "for neutral (.114), fear for surprise (.093) and the other way round (.077).",
        ),
        runs=runs,
    )


# ---------------------------------------------------------------- AUs


def _outcome(run: Path) -> tuple[Outcome, ScoreTable]:
    """A run's test predictions, and their scores with faces not found as errors."""
    predictions, missed = read_predictions(run)
    plain = Outcome(predictions, score_predictions(predictions, METRICS), run)
    return plain, plain.scores if missed is None else score_with_errors(predictions, missed, METRICS)


def _au_tables(
    outcomes: Mapping[str, tuple[Outcome, ScoreTable]], item: str, paper_names: Mapping[str, str]
) -> dict[str, pd.DataFrame]:
    """Per AU beside the paper, and the means with their intervals."""
    first = next(iter(outcomes.values()))[0]
    labels = first.labels
    rates, _ = mean_defined(np.where(labels >= 0, labels, np.nan))
    columns: dict[str, object] = {"base rate": rates, "F1 Ones": f1_score(labels, np.ones_like(labels))}
    for metric in METRICS:
        for name, (plain, _) in outcomes.items():
            columns[f"{metric} {name}"] = plain.scores.values[:, METRICS.index(metric)]
    table = pd.DataFrame(columns, index=[f"AU{au}" for au in first.scores.aus])
    table.loc["mean"] = table.mean()
    return {
        "": table,
        "-means": _au_means(outcomes, paper_names),
        "-differences": _au_differences(outcomes),
        "-published": _published(item),
    }


def _published(item: str) -> pd.DataFrame:
    parts = {}
    for metric in ("F1", "AP") if item != "table5" else ("F1",):
        for name, values in published_table("caud", item, metric).items():
            parts[f"{metric} {name}"] = values
    table = pd.DataFrame(parts)
    table.loc["mean"] = table.mean()
    return table


def _au_means(
    outcomes: Mapping[str, tuple[Outcome, ScoreTable]], paper_names: Mapping[str, str]
) -> pd.DataFrame:
    rows = {}
    for name, (plain, counted) in outcomes.items():
        f1 = intervals(plain, ("F1",))["F1"].mean
        auc = intervals(plain, ("AUC",))["AUC"].mean
        means, _ = mean_defined(plain.scores.values)
        errors, _ = mean_defined(counted.values)
        rows[name] = (*f1, *means[1:], *auc, errors[0], errors[3], *_paper_means(paper_names.get(name)))
    columns = ["F1", "low", "high", *METRICS[1:], "AUC", "low of AUC", "high of AUC"]
    columns += ["F1, not found = error", "AP, not found = error", "F1, paper", "AP, paper"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _paper_means(name: str | None) -> tuple[float, float]:
    if name is None:
        return np.nan, np.nan
    item, column = name.split(" ", 1)
    f1 = published_table("caud", item, "F1")[column].mean()
    ap = published_table("caud", item, "AP")[column].mean() if item != "table5" else np.nan
    return float(f1), float(ap)


def _au_differences(outcomes: Mapping[str, tuple[Outcome, ScoreTable]]) -> pd.DataFrame:
    """How much higher the first one's means are, with intervals over people."""
    first, *others = outcomes
    rows = {}
    for other in others:
        for metric in ("F1", "AUC"):
            pair = outcomes[first][0], outcomes[other][0]
            rows[f"{metric}, {first} - {other}"] = mean_difference(*pair, metric)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["ours", "low", "high"])


def _heads(
    request: Request, recipes: Mapping[str, Recipe], item: str, paper_names: Mapping[str, str]
) -> tuple[dict[str, pd.DataFrame], bytes, str, tuple[Path, ...]]:
    """Tables, a picture of the means, a line on the data, and the runs."""
    names = {name: name.lower().replace(" ", "-") for name in recipes}
    runs = {name: head_run(request, recipe, f"heads-{names[name]}") for name, recipe in recipes.items()}
    outcomes = {name: _outcome(run) for name, run in runs.items()}
    tables = _au_tables(outcomes, item, paper_names)
    means = tables["-means"]
    spread = np.abs(means[["low", "high"]].to_numpy().T - means["F1"].to_numpy())
    picture = bars(
        list(means.index),
        {"ours": means["F1"], "paper (BP4D)": means["F1, paper"]},
        errors={"ours": spread},
        title="Mean F1 over the AUs, ours with 95 % intervals over people",
        axis="F1",
    )
    line = head_line(request, next(iter(recipes.values())))
    return tables, picture, line, tuple(runs.values())


def _encoder_note(request: Request, backbone: str) -> str:
    run = emotion_run(request, backbone)
    scores = _emotion_scores(run)
    where = ", ".join(request.emotions) or "painted people of another seed"
    return (
        f"The EmotionNet encoder ({backbone}) learnt emotions from {where}: test ACA {scores.average():.3f}. "
        f"{_start_notes({'EmotionNet': run})}"
    )


def _backbone(request: Request) -> str:
    """The paper's encoder is VGG's; the smaller scales take AlexNet's, which two cores train in minutes."""
    return "vgg16" if request.scale == "paper" else "alexnet"


def _table3(request: Request) -> Product:
    backbone = _backbone(request)
    recipes = {
        "EmotionNet": head_recipe(request, "EmotionNet", backbone=backbone, folds=THIRDS),
        "random": head_recipe(request, "random", backbone=backbone, folds=THIRDS),
    }
    imagenet = head_recipe(request, "ImageNet", backbone=backbone, folds=THIRDS)
    if has_imagenet(imagenet):
        recipes["ImageNet"] = imagenet
        missing = ""
    else:
        missing = (
            " ImageNet's weights are not in PyTorch's cache and nothing is fetched: that column of the "
            "paper's has none of ours beside it; a random encoder stands for no pretraining at all."
        )
    names = {"EmotionNet": "table3 EmotionNet", "ImageNet": "table3 ImageNet"}
    tables, picture, line, runs = _heads(request, recipes, "table3", names)
    return Product(
        line,
        tables,
        {"": picture},
        notes=(
            _encoder_note(request, backbone),
            f"Heads are trained alone, one an AU, on codes that the frozen encoder gives once.{missing}",
            _THRESHOLDS,
            _COUNTING,
        ),
        runs=runs,
    )


def _table4(request: Request) -> Product:
    backbone = _backbone(request)
    whole = int(head_recipe(request, "random", backbone=backbone).model.config["units"])
    recipes, names, sizes = {}, {}, {}
    for share, paper in ((1, "FC-4096"), (2, "FC-2048"), (4, "FC-1024")):
        recipe = head_recipe(request, "EmotionNet", backbone=backbone, share=share, folds=THIRDS)
        name = "EmotionNet" if share == 1 else f"FC-{recipe.model.config['units']}"
        recipes[name], names[name] = recipe, f"table4 {paper}"
        sizes[name] = (
            int(recipe.model.config["units"]),
            _values(recipe),
            int(paper[3:]),
            _paper_values(paper),
        )
    tables, picture, line, runs = _heads(request, recipes, "table4", names)
    renamed = {"EmotionNet": f"FC-{whole}"}
    columns = ["units here", "values of a head here", "units in the paper", "values of a head there (VGG)"]
    tables["-sizes"] = pd.DataFrame.from_dict(sizes, orient="index", columns=columns)
    tables = {
        suffix: table.rename(index=_renaming(renamed), columns=_renaming(renamed))
        for suffix, table in tables.items()
    }
    return Product(
        line,
        tables,
        {"": picture},
        notes=(
            _encoder_note(request, backbone),
            f"Widths here are {whole}, {whole // 2} and {whole // 4}, the scale's share of the paper's 4096, "
            "2048 and 1024.",
            _THRESHOLDS,
            _COUNTING,
        ),
        runs=runs,
    )


def _renaming(names: Mapping[str, str]) -> dict[str, str]:
    """What rows and columns of the tables are called with other names of the networks."""
    ((old, new),) = names.items()
    found = {old: new, **{f"{metric} {old}": f"{metric} {new}" for metric in METRICS}}
    for metric in ("F1", "AUC"):
        for units in range(1, 5000):
            found[f"{metric}, {old} - FC-{units}"] = f"{metric}, {new} - FC-{units}"
    return found


def _values(recipe: Recipe) -> int:
    """Values of one head."""
    import torch

    with torch.device("meta"):
        model = build_model(recipe.model.name, {**recipe.model.config, "aus": [12]})
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def _paper_values(name: str) -> int:
    units = int(name[3:])
    return 25088 * units + units + units * units + units + units + 1


def _table5(request: Request) -> Product:
    backbone = _backbone(request)
    recipe = head_recipe(request, "EmotionNet", backbone=backbone)
    named = {"CAUD": replace(recipe, title="CAUD over all folds")}
    tables, picture, line, runs = _heads(request, named, "table5", {"CAUD": "table5 CAUD"})
    del tables["-differences"]
    folds = recipe.folds
    return Product(
        line,
        tables,
        {"": picture},
        notes=(
            _encoder_note(request, backbone),
            f"{folds.count} folds by people (the paper: 10), {folds.validation:.0%} of a fold's training "
            "people choose epochs and thresholds. The paper's column is at its oracle threshold; its other "
            "columns are of methods that Zeng et al. report.",
            "The paper's \"60,000 frames, 101 subjects\" of BP4D contradicts BP4D's 41 subjects.",
            _THRESHOLDS,
            _COUNTING,
        ),
        runs=runs,
    )


# ---------------------------------------------------------------- figures


def _fig5(request: Request) -> Product:
    _, runs = _emotion_outcomes(request)
    best, run = _best_network(runs)
    picture, table = emotions_sheet(request, emotion_recipe(request, BACKBONES[best]), run)
    right = (table["first"] == table["shown"]).mean()
    wrong = table[table["first"] != table["shown"]]
    second = (wrong["second"] == wrong["shown"]).mean()
    return Product(
        emotion_line(request),
        {"": table.head(40)},
        {"": picture},
        notes=(
            f"Test pictures as {best} sees them, the two emotions that it thinks likeliest: green is right, "
            "red is wrong. For each emotion the first row shows the surest right answer, the second the "
            "surest wrong one (empty where there is none).",
            f"Of all {len(table)} test pictures with a face {right:.1%} are right. Of the others the second "
            f"answer is right in {second:.1%}; the paper says 100 %. The table holds the first 40.",
        ),
        runs=(run,),
    )


def _fig6(request: Request) -> Product:
    backbone = _backbone(request)
    recipe = head_recipe(request, "EmotionNet", backbone=backbone, folds=THIRDS)
    run = head_run(request, recipe, "heads-emotionnet")
    picture, table = detections_sheet(request, recipe, run)
    return Product(
        head_line(request, recipe),
        {"": table},
        {"": picture},
        notes=(
            "The surest true positive, false positive and false negative of each AU among the test pictures, "
            "at a confidence of 50 % as in the paper; grey where there is none. The table counts them.",
            _encoder_note(request, backbone),
        ),
        runs=(run,),
    )


CAUD_MAKERS: Mapping[tuple[str, str], Maker] = {
    ("caud", "table1"): _table1,
    ("caud", "table2"): _table2,
    ("caud", "table3"): _table3,
    ("caud", "table4"): _table4,
    ("caud", "table5"): _table5,
    ("caud", "fig5"): _fig5,
    ("caud", "fig6"): _fig6,
}
