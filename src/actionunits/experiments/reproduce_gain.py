"""Figure 9 of seed 001: does ConvLSTM gain more over AR_res where AUs last longer?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from actionunits.experiments.au_rcnn_runs import OURS, au_rcnn_outcomes, protocol
from actionunits.experiments.au_rcnn_tables import printed_table
from actionunits.experiments.coded_durations import VIDEOS, published_durations
from actionunits.experiments.duration_gain import correlations, duration_gain
from actionunits.experiments.dynamic_tables import begin_note, training_note
from actionunits.experiments.reproduced import Maker, Product, Request
from actionunits.reports.figures import scatter

__all__ = ["GAIN_MAKERS", "claim"]

CONV_LSTM = "ARConvLSTM"


def _paper() -> pd.DataFrame:
    """A row an AU: the duration in s and the gain that the paper's Tables 14 and 5 print."""
    scores = printed_table("table5")
    gain = (scores[CONV_LSTM] - scores[OURS]).drop("mean")
    return pd.DataFrame({"s": published_durations("bp4d")["mean (s)"], "gain": gain})


def claim(correlation: pd.DataFrame) -> str:
    """What the intervals of the correlations say to "the longer the duration, the larger the gain".

    Args:
        correlation: rows Pearson and Spearman; ``ours``, ``low``, ``high``.
    """
    said = []
    for name, (value, low, high) in correlation[["ours", "low", "high"]].iterrows():
        if not np.isfinite([value, low, high]).all():
            said.append(f"{name}'s correlation is not defined for enough draws of people")
            continue
        if low > 0:
            what = "longer AUs gain more"
        elif high < 0:
            what = "longer AUs gain less"
        else:
            what = "it cannot be told, for the interval holds 0"
        said.append(f"{name}'s {value:.2f} [{low:.2f}, {high:.2f}]: {what}")
    return f'"The longer the duration, the larger the gain" here: {"; ".join(said)}.'


def _figure(request: Request) -> Product:
    outcomes, recipes, line = au_rcnn_outcomes(request, "bp4d", (OURS, CONV_LSTM), sequences=True)
    rate_hz = recipes[OURS].data.rate_hz if request.data is None else VIDEOS["bp4d"].rate_hz
    found = duration_gain(outcomes[OURS], outcomes[CONV_LSTM])
    paper = _paper()
    ours = found.table()
    ours.insert(0, "s", ours.pop("frames") / rate_hz)
    ours = ours.join(paper.rename(columns=lambda name: f"{name}, paper"))
    table = found.correlation_table()
    printed = correlations(*(paper[[name]].to_numpy(float).T for name in ("s", "gain")))
    table["paper"] = [float(printed[name][0]) for name in table.index]
    axes = {"x_axis": "mean duration of the AU (s)", "y_axis": f"F1 of {CONV_LSTM} - F1 of {OURS}"}
    pictures = {
        "": scatter(ours["s"], ours["gain"], list(ours.index), title="Gain by duration, ours", **axes),
        "-published": scatter(
            paper["s"], paper["gain"], list(paper.index), title="Gain by duration, the paper's tables", **axes
        ),
    }
    notes = (
        protocol(recipes[OURS]),
        begin_note({CONV_LSTM: recipes[CONV_LSTM]}),
        training_note(recipes),
        f"The gain is the F1 of {CONV_LSTM} minus that of {OURS}, on the same test frames; the duration is "
        "the mean length of an AU's segments in them. 95 % intervals: people drawn with replacement, with "
        "their segments. The paper's correlations are computed from its Tables 5 and 14.",
        claim(table),
    )
    return Product(
        line,
        {"": ours, "-correlation": table},
        pictures,
        notes,
        tuple(outcome.run for outcome in outcomes.values()),
    )


GAIN_MAKERS: Mapping[tuple[str, str], Maker] = {("au_rcnn", "fig9"): _figure}
