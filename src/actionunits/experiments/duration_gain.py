"""Whether AUs that last longer gain more from a network over time: correlations, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from actionunits.experiments.compare import Outcome, draw_weights, drawn_scores
from actionunits.metrics.agreement import pearson
from actionunits.metrics.events import segments

__all__ = ["DurationGain", "correlations", "duration_gain"]

#: What names a sequence in a table of predictions.
_SEQUENCE = ("fold", "dataset", "subject", "sequence", "view")


@dataclass(frozen=True)
class DurationGain:
    """Mean durations and gains of everyone (first row) and of each draw of subjects.

    Attributes:
        aus: the A AUs.
        frames: f64[1+B,A], mean length of an AU's segments in frames.
        gain: f64[1+B,A], how much higher the second network's score is.
    """

    aus: tuple[int, ...]
    frames: NDArray[np.float64]
    gain: NDArray[np.float64]

    def table(self) -> pd.DataFrame:
        """A row an AU: ``frames``, ``gain``, ``low``, ``high`` (95 % over draws of subjects)."""
        low, high = np.nanquantile(self.gain[1:], [0.025, 0.975], axis=0)
        columns = {"frames": self.frames[0], "gain": self.gain[0], "low": low, "high": high}
        return pd.DataFrame(columns, index=[f"AU{au}" for au in self.aus])

    def correlation_table(self) -> pd.DataFrame:
        """``ours``, ``low``, ``high`` of Pearson's and Spearman's; NaN bounds if most draws have none."""
        rows = {}
        for name, values in correlations(self.frames, self.gain).items():
            drawn = values[1:][np.isfinite(values[1:])]
            enough = 2 * len(drawn) > len(values) - 1
            bounds = np.quantile(drawn, [0.025, 0.975]) if enough else np.full(2, np.nan)
            rows[name] = (values[0], *bounds)
        return pd.DataFrame.from_dict(rows, orient="index", columns=["ours", "low", "high"])


def correlations(x: NDArray[np.float64], y: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Pearson's and Spearman's correlation of each row, f64[R]; NaN pairs are left out.

    Args:
        x: f64[R,A].
        y: f64[R,A].

    >>> found = correlations(np.array([[1.0, 2.0, 9.0]]), np.array([[1.0, 2.0, 3.0]]))
    >>> round(float(found["Spearman"][0]), 3), round(float(found["Pearson"][0]), 3)
    (1.0, 0.918)
    """
    known = np.isfinite(x) & np.isfinite(y)
    a, b = (np.where(known, side, np.nan) for side in (x, y))
    ranks = [rankdata(side, axis=1, nan_policy="omit") for side in (a, b)]
    return {"Pearson": pearson(a.T, b.T), "Spearman": pearson(ranks[0].T, ranks[1].T)}


def duration_gain(theirs: Outcome, ours: Outcome, metric: str = "F1", draws: int = 1000) -> DurationGain:
    """Durations and gains, drawn together: a draw's durations are those of its people.

    Args:
        theirs: the network of stills.
        ours: the network over time, on the same frames.
        metric: see :func:`~actionunits.experiments.compare.drawn_scores`.
        draws: how many.
    """
    gain = drawn_scores(ours, metric, draws) - drawn_scores(theirs, metric, draws)
    names, weights = draw_weights(theirs, draws)
    table = theirs.predictions
    line = table.groupby([name for name in _SEQUENCE if name in table], sort=False).ngroup().to_numpy()
    starts, person = np.diff(line, prepend=-1) != 0, np.searchsorted(names, theirs.subjects)
    shown, begun = (np.zeros((len(names), gain.shape[1])) for _ in range(2))
    for row, column in enumerate(theirs.labels.T):
        found = segments(column == 1, starts)
        who = person[found[:, 0]]
        shown[:, row] = np.bincount(who, found[:, 1] - found[:, 0], len(names))
        begun[:, row] = np.bincount(who, minlength=len(names))
    number = weights @ begun
    frames = np.divide(weights @ shown, number, out=np.full(number.shape, np.nan), where=number > 0)
    return DurationGain(theirs.scores.aus, frames, gain)
