"""Seed 001's networks over time beside AR_res: segments found, and what the differences tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from actionunits.experiments.au_rcnn_runs import DYNAMIC, OURS
from actionunits.experiments.compare import Outcome
from actionunits.experiments.recipe import Recipe
from actionunits.experiments.segment_scores import segment_table
from actionunits.metrics.averages import mean_defined
from actionunits.models.config import to_plain

__all__ = ["PAPERS_CLAIM", "begin_note", "segment_means", "training_note", "verdict"]

PAPERS_CLAIM = (
    "The paper: no network over time has a higher mean F1 than ARres on BP4D; on DISFA AR2stream has "
    "(Tables 5 and 8)."
)


def segment_means(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """A row a network: the mean over the AUs of the average precision of segments, at several overlaps."""
    rows = {}
    for name, outcome in outcomes.items():
        scores = segment_table(outcome.predictions)
        rows[name] = dict(zip(scores.metrics, mean_defined(scores.values)[0].tolist(), strict=True))
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.rename(columns=lambda name: name.replace("AP@", "mAP, IoU "))


def verdict(differences: pd.DataFrame, names: Sequence[str], metric: str = "F1") -> str:
    """In words, how each network's mean stands to AR_res's, by the intervals.

    Args:
        differences: of :func:`~actionunits.experiments.au_rcnn_tables.difference_table`, AR_res's mean minus
            a network's.
        names: of the networks.
        metric: which.
    """
    kinds: dict[str, list[str]] = {"higher": [], "lower": [], "undecided": []}
    for name in names:
        low, high = differences.loc[f"{metric}, {OURS} - {name}", ["low", "high"]].to_numpy(float)
        kinds["higher" if high < 0 else "lower" if low > 0 else "undecided"].append(name)
    said = [
        f"{', '.join(found)}: {what}"
        for what, found in (
            (f"higher than {OURS}", kinds["higher"]),
            (f"lower than {OURS}", kinds["lower"]),
            (f"not to be told from {OURS} with these people", kinds["undecided"]),
        )
        if found
    ]
    return f"Mean {metric} here, by 95 % intervals of the differences: {'; '.join(said)}."


def begin_note(recipes: Mapping[str, Recipe]) -> str:
    """Which networks begin with AR_res's weights, fold by fold."""
    taken = [name for name, recipe in recipes.items() if recipe.still is not None]
    others = [name for name in recipes if name in DYNAMIC and name not in taken]
    text = f"{', '.join(taken)} take over {OURS}'s weights of the same fold" if taken else ""
    if others:
        text += ("; " if taken else "") + f"{', '.join(others)} begin as {OURS} does and are trained whole"
    return f"{text}."


def training_note(recipes: Mapping[str, Recipe]) -> str:
    """How the networks' trainings differ from AR_res's, setting by setting."""
    said = []
    plain = {name: _training(recipe) for name, recipe in recipes.items()}
    for name, settings in plain.items():
        apart = [f"{key} {value}" for key, value in settings.items() if value != plain[OURS][key]]
        if apart:
            said.append(f"{name}: {', '.join(apart)}")
    usual = ", ".join(f"{key} {value}" for key, value in plain[OURS].items())
    if not said:
        return f"All are trained alike: {usual}."
    return f"Trained with {usual}; otherwise {'; '.join(said)}."


def _training(recipe: Recipe) -> dict[str, object]:
    settings = to_plain(recipe.training)
    kept = ("optimiser", "lr", "weight_decay", "epochs", "schedule")
    return {"batches of": recipe.batches.size, **{name: settings[name] for name in kept}}
