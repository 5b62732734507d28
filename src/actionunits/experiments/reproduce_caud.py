"""Tables 1 and 2 and Fig. 5 of seed 002: eight emotions by a bag of words, AlexNet and VGG-16."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from actionunits.analysis.published import published
from actionunits.errors import UserError
from actionunits.experiments.caud_figures import emotions_sheet
from actionunits.experiments.caud_notes import COUNTING, scores_of_run, start_note
from actionunits.experiments.caud_runs import (
    BACKBONES,
    au_set_of,
    bag_of_words,
    card_of,
    emotion_line,
    emotion_recipe,
    emotion_run,
    emotion_sets,
    networks,
)
from actionunits.experiments.emotions import EmotionScores, aca_difference, score_emotions
from actionunits.experiments.reproduce_caud_heads import HEAD_MAKERS
from actionunits.experiments.reproduced import Maker, Product, Request
from actionunits.experiments.scores import read_predictions
from actionunits.reports.figures import bars, heat_map
from actionunits.synthesis.emotion_set import VIEWS_DEG

__all__ = ["CAUD_MAKERS"]


def _emotion_outcomes(request: Request) -> tuple[dict[str, EmotionScores], dict[str, Path]]:
    """BoW, AlexNet and, where the scale has it, VGG on the same pictures, and the networks' runs."""
    if (aus := au_set_of(request)) is not None:
        raise UserError(
            f"{aus[0]} has no emotions that seed 002 learns: give --data ckplus=FOLDER, "
            "bosphorus=FOLDER, rafd=FOLDER, or some of them"
        )
    runs = {name: emotion_run(request, backbone) for name, backbone in networks(request).items()}
    missed = read_predictions(runs["AlexNet"])[1]
    words = pd.read_parquet(bag_of_words(request) / "predictions.parquet")
    scores = {"BoW": score_emotions(words, missed)}
    return scores | {name: scores_of_run(run) for name, run in runs.items()}, runs


def _table1(request: Request) -> Product:
    scores, runs = _emotion_outcomes(request)
    printed = published("emotions").replace({"emotion": {"sad": "sadness"}})
    paper = printed.pivot(index="emotion", columns="method", values="accuracy")
    names = scores["BoW"].names
    table = pd.DataFrame(index=[*names, "average (ACA)"])
    for method in ("BoW", *BACKBONES):
        if method in scores:
            own = scores[method].table()
            table[f"{method}"] = own["accuracy"]
            table[f"{method}, not found = error"] = own["accuracy, not found = error"]
        table[f"{method}, paper"] = [*paper[method].reindex(names), paper[method].reindex(names).mean()]
    averages = _averages(scores)
    return Product(
        emotion_line(request),
        {"": table, "-averages": averages},
        {"": _averages_picture(averages)},
        notes=(
            start_note(runs),
            *_without_vgg(request),
            COUNTING,
            "The second table holds the averages and their differences with 95 % intervals (test people "
            f"drawn with replacement; they are {len(scores['BoW'].subjects)}). The paper prints 38.1 as the "
            "bag of words' average; its rows have a mean of 36.9.",
            *_synthetic_note(request),
        ),
        runs=tuple(runs.values()),
    )


def _without_vgg(request: Request) -> tuple[str, ...]:
    if len(networks(request)) == len(BACKBONES):
        return ()
    return (
        "VGG-16 is not trained at this scale: it costs about twenty times AlexNet's arithmetic. `--scale "
        "paper` has it, and `--scale tiny` runs it for a step.",
    )


def _synthetic_note(request: Request) -> tuple[str, ...]:
    """What the reader of a number must know of painted emotions."""
    if emotion_sets(request):
        return ()
    hard = emotion_recipe(request, "alexnet").data.difficulty
    return (
        f"The painted people show the AUs of FACS's prototypes, {hard.weak:.0%} of these weakly, "
        f"{hard.changed:.0%} of the faces with an AU more or less, on resting faces of their own, turned by "
        f"up to {max(VIEWS_DEG):.0f} degrees in five views; RaFD's cameras go to the profile.",
    )


def _averages(scores: Mapping[str, EmotionScores]) -> pd.DataFrame:
    rows: dict[str, tuple[float, ...]] = {}
    for name, each in scores.items():
        rows[name] = (*each.interval(), *each.interval(with_errors=True))
    for ours, theirs in (("AlexNet", "BoW"), ("VGG", "BoW"), ("VGG", "AlexNet")):
        if ours not in scores:
            continue
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


def _best_network(runs: Mapping[str, Path]) -> tuple[str, Path]:
    """The network whose validation people score best; the test part has no say."""

    def validated(run: Path) -> float:
        value = card_of(run).get("validation_score")
        return value if isinstance(value, float) else -np.inf

    best = max(runs, key=lambda name: validated(runs[name]))
    return best, runs[best]


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
            f"Of {best}, the trained network with the best validation ACA; the paper's is of VGG. Shares of "
            "a row, with a column for faces that were not found.",
            f"The most frequent mistakes here: {worst}. The paper's: neutral for contempt (.118), contempt "
            "for neutral (.114), fear for surprise (.093) and the other way round (.077).",
        ),
        runs=tuple(runs.values()),
    )


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


CAUD_MAKERS: Mapping[tuple[str, str], Maker] = {
    ("caud", "table1"): _table1,
    ("caud", "table2"): _table2,
    ("caud", "fig5"): _fig5,
    **HEAD_MAKERS,
}
