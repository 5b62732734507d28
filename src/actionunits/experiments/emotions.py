"""Scores of emotions: accuracy of each, their average, and what is taken for what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.metrics.classification import average_class_accuracy, confusion_matrix
from actionunits.metrics.statistics import subject_draws

__all__ = ["EmotionScores", "aca_difference", "emotion_names", "score_emotions"]

#: The column of what was said where no face was found.
NO_FACE = "no face"


def emotion_names(predictions: pd.DataFrame) -> tuple[str, ...]:
    """The emotions that a table of predictions has probabilities of, in order."""
    names = [str(name) for name in predictions.columns if str(name).startswith("emotion_")]
    return tuple(name.removeprefix("emotion_") for name in names)


@dataclass(frozen=True)
class EmotionScores:
    """What was taken for what; the subjects are counted apart, so that they can be drawn.

    Attributes:
        names: the E emotions.
        subjects: S names.
        counts: i64[S,E,E+1], rows of truth; the last column is "no face was found".
    """

    names: tuple[str, ...]
    subjects: tuple[str, ...]
    counts: NDArray[np.int64]

    def matrix(self, *, with_errors: bool = False) -> NDArray[np.int64]:
        """i64[E,E], or with the frames without a face i64[E,E+1]."""
        whole: NDArray[np.int64] = self.counts.sum(axis=0)
        return whole if with_errors else whole[:, :-1]

    def accuracies(self, *, with_errors: bool = False) -> NDArray[np.float64]:
        """f64[E]: the share of each emotion's frames that is right; NaN without a frame."""
        matrix = self.matrix(with_errors=with_errors)
        total = matrix.sum(axis=1)
        return np.where(total > 0, np.diag(matrix) / np.maximum(total, 1), np.nan)

    def average(self, *, with_errors: bool = False) -> float:
        """Average class accuracy (ACA)."""
        return average_class_accuracy(self.matrix(with_errors=with_errors))

    def drawn(self, *, with_errors: bool = False, draws: int = 1000) -> NDArray[np.float64]:
        """f64[B]: the ACA of subjects drawn with replacement; the same draws for the same people."""
        counts = self.counts if with_errors else self.counts[:, :, :-1]
        weights = subject_draws(len(self.subjects), draws, 0).astype(np.int64)
        return np.array([average_class_accuracy(np.tensordot(each, counts, axes=1)) for each in weights])

    def interval(self, *, with_errors: bool = False, draws: int = 1000) -> tuple[float, float, float]:
        """(ACA, low, high): 95 % by drawing subjects."""
        drawn = self.drawn(with_errors=with_errors, draws=draws)
        low, high = np.nanquantile(drawn, [0.025, 0.975])
        return self.average(with_errors=with_errors), float(low), float(high)

    def table(self) -> pd.DataFrame:
        """A row an emotion and their average: frames, accuracy, and accuracy with missed faces as errors."""
        matrix = self.matrix(with_errors=True)
        frame = pd.DataFrame(
            {
                "frames with a face": matrix[:, :-1].sum(axis=1),
                "faces not found": matrix[:, -1],
                "accuracy": self.accuracies(),
                "accuracy, not found = error": self.accuracies(with_errors=True),
            },
            index=pd.Index(self.names),
        )
        frame.loc["average (ACA)"] = [
            int(matrix[:, :-1].sum()),
            int(matrix[:, -1].sum()),
            self.average(),
            self.average(with_errors=True),
        ]
        return frame.astype({"frames with a face": int, "faces not found": int})

    def confusion(self) -> pd.DataFrame:
        """Shares of each row's frames, with a column for those without a face."""
        matrix = self.matrix(with_errors=True)
        shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        shares[matrix.sum(axis=1) == 0] = np.nan
        return pd.DataFrame(shares, index=pd.Index(self.names), columns=[*self.names, NO_FACE])


def score_emotions(predictions: pd.DataFrame, missed: pd.DataFrame | None = None) -> EmotionScores:
    """Count what was taken for what.

    Args:
        predictions: with ``emotion`` and the probabilities ``emotion_happy`` ..; the highest one is said.
        missed: frames without a face, with ``emotion``.
    """
    names = emotion_names(predictions)
    lost = missed if missed is not None else predictions.iloc[:0]
    truth = _numbers(names, [*predictions["emotion"], *lost.get("emotion", ())])
    values = predictions[[f"emotion_{name}" for name in names]].to_numpy(np.float64)
    said = np.concatenate([values.argmax(axis=1), np.full(len(lost), len(names))]).astype(np.int64)
    who = np.array([*_who(predictions), *_who(lost)], dtype=str)
    subjects = np.unique(who)
    counts = np.stack(
        [confusion_matrix(truth[who == one], said[who == one], len(names) + 1)[:-1] for one in subjects]
    )
    return EmotionScores(names, tuple(subjects.tolist()), counts)


def _who(table: pd.DataFrame) -> list[str]:
    return (table["dataset"].astype(str) + "/" + table["subject"].astype(str)).tolist()


def _numbers(names: Sequence[str], words: Sequence[str]) -> NDArray[np.int64]:
    place = {name: at for at, name in enumerate(names)}
    return np.array([place.get(str(word), -1) for word in words], np.int64)


def aca_difference(
    ours: EmotionScores, theirs: EmotionScores, *, with_errors: bool = False, draws: int = 1000
) -> tuple[float, float, float]:
    """(value, low, high): how much higher our ACA is, with its 95 % interval; subjects are drawn for both.

    Raises:
        ValueError: they are of other people.
    """
    if ours.subjects != theirs.subjects:
        raise ValueError("scores of other people cannot be compared by draws of them")
    apart = ours.drawn(with_errors=with_errors, draws=draws) - theirs.drawn(
        with_errors=with_errors, draws=draws
    )
    low, high = np.nanquantile(apart, [0.025, 0.975])
    value = ours.average(with_errors=with_errors) - theirs.average(with_errors=with_errors)
    return value, float(low), float(high)
