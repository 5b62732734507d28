"""What the pages of seed 002 say of every network: how faces were counted, and what it started from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from actionunits.experiments.caud_runs import card_of
from actionunits.experiments.emotions import EmotionScores, score_emotions
from actionunits.experiments.scores import read_predictions

__all__ = ["COUNTING", "scores_of_run", "start_note"]

COUNTING = (
    "Faces are found by Viola-Jones. A test picture in which none is found counts as an error where the "
    "table says so, as in the paper; the other columns are of the pictures with a face."
)


def scores_of_run(run: Path) -> EmotionScores:
    """The emotions' scores of a run."""
    return score_emotions(*read_predictions(run))


def start_note(runs: Mapping[str, Path]) -> str:
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
