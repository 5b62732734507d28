"""Items of seed 004 that are about published scores: they ship with the package, so no data are needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from actionunits.analysis.baselines import base_rate_correlation, deviation_over_methods, ones_f1
from actionunits.analysis.published import published, published_base_rates, published_scores
from actionunits.experiments.reproduced import Maker, Product, Request
from actionunits.reports.figures import curves
from actionunits.reports.tables import beside

__all__ = ["PUBLISHED_MAKERS"]

Data = Literal["bp4d", "disfa"]

DATA = (
    "Data: published per-AU F1 of other papers and base rates counted from public label lists; nothing was "
    "trained or measured here."
)

#: Where each data set's scores stand, and by which rule an AU of it counts as shown.
SOURCES: Mapping[Data, tuple[str, str]] = {"bp4d": ("table4", "coded"), "disfa": ("table7", "intensity >= 1")}

#: Names of methods in seed 004's Table I that other papers spell otherwise.
SPELLINGS = {"LSTM": "CNN+LSTM", "iCPM": "CPM", "EAC": "EAC-Net", "ROI": "ROI-Nets"}

#: AU R-CNN's own networks are newer than seed 004 and not in its list.
OWN = ("ARvgg16", "ARvgg19", "ARres", "CNNres")


def _scores(data: Data) -> pd.DataFrame:
    """F1 of every published method but AU R-CNN's own: a row an AU number, a column a method."""
    rows = published_scores(data=data, metric="F1", paper=["au_rcnn", "literature"])
    rows = rows[rows["item"].isin([SOURCES[data][0], "f1"]) & ~rows["method"].isin(OWN)]
    rows = rows.drop_duplicates(["method", "au"])
    table = rows.pivot(index="au", columns="method", values="value")
    return table[list(dict.fromkeys(rows["method"]))]


def _rates(data: Data) -> pd.Series[float]:
    return published_base_rates(data, SOURCES[data][1])


def _table1(request: Request) -> Product:
    """Correlation of F1 with base rate per method; the paper's methods first."""
    printed = published("correlations")
    tables, notes = {}, []
    for data in SOURCES:
        wanted = printed[(printed["item"] == "table1") & (printed["data"] == data)]
        paper = wanted.set_index("method")["value"].rename(index=SPELLINGS).rename_axis(None)
        ours = base_rate_correlation(_scores(data), _rates(data)).rename_axis(None)
        table = beside(ours.rename("correlation").to_frame(), paper.rename("correlation").to_frame())
        tables[f"-{data}"] = table
        both = table.dropna()
        notes.append(
            f"{data.upper()}: {len(both)} methods have both; mean difference "
            f"{float((both.iloc[:, 0] - both.iloc[:, 1]).abs().mean()):.3f}; the paper's mean over its "
            f"{len(paper)} methods is {paper.mean():.3f}."
        )
    notes.append("A dash: the method's scores, or the paper's number, are not among what ships.")
    return Product(DATA, tables, notes=tuple(notes))


def _paper_methods(data: Data) -> list[str]:
    """The methods of seed 004's Table I on this data set, as the scores spell them."""
    printed = published("correlations")
    rows = printed[(printed["item"] == "table1") & (printed["data"] == data)]
    return [SPELLINGS.get(name, name) for name in rows["method"]]


def _table2(request: Request) -> Product:
    """Deviation of F1 over the methods, per AU."""
    facts = published("facts")
    tables, notes = {}, []
    for data in SOURCES:
        rows = facts[(facts["item"] == "table2") & (facts["data"] == data)]
        paper = pd.Series(rows["value"].to_numpy(float), index=rows["au"].to_numpy(int))
        scores, named = _scores(data), _paper_methods(data)
        used = [name for name in scores.columns if name in named]
        ours = deviation_over_methods(scores[used]).reindex(paper.index)
        table = beside(ours.rename("deviation").to_frame(), paper.rename("deviation").to_frame())
        tables[f"-{data}"] = table.set_axis([f"AU{au}" for au in table.index], axis=0)
        notes.append(
            f"{data.upper()}: ours is over {len(used)} of the paper's {len(named)} methods "
            f"({', '.join(used)}); the others' scores are not among what ships."
        )
    return Product(DATA, tables, notes=tuple(notes))


def _figure(data: Data) -> Maker:
    def make(request: Request) -> Product:
        scores, rates = _scores(data), _rates(data)
        order = list(scores.index)
        p = rates.reindex(order).to_numpy(float)
        series = {"base rate": p, "Ones": ones_f1(p)}
        named = [name for name in scores.columns if name in _paper_methods(data)]
        shown = [name for name in named if scores[name].notna().all()]
        series.update({name: scores[name].to_numpy(float) for name in shown})
        title = f"F1 of published methods and base rates, {data.upper()}"
        picture = curves([f"AU{au}" for au in order], series, title=title, y_axis="F1, base rate")
        table = pd.DataFrame(series, index=[f"AU{au}" for au in order])
        correlation = np.corrcoef(p, scores[shown].mean(axis=1).to_numpy(float))[0, 1]
        note = f"Correlation of the mean of these methods with the base rate: {correlation:.3f}."
        return Product(DATA, {"": table}, {"": picture}, (note,))

    return make


PUBLISHED_MAKERS: Mapping[tuple[str, str], Maker] = {
    ("patterns", "table1"): _table1,
    ("patterns", "table2"): _table2,
    ("patterns", "fig1"): _figure("bp4d"),
    ("patterns", "fig2"): _figure("disfa"),
}
