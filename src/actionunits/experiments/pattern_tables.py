"""Tables and figures of seed 004's experiments, Ones, Zeros and chance always beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.analysis.baselines import BASELINES, base_rate_correlation, baseline_scores
from actionunits.analysis.patterns import count_patterns
from actionunits.analysis.published import published, published_table
from actionunits.experiments.compare import Outcome, intervals, mean_difference, variance_difference
from actionunits.experiments.pattern_experiments import METRICS
from actionunits.facs.sets import au_set
from actionunits.records import LabelIndex
from actionunits.reports.figures import curves

__all__ = [
    "base_rates",
    "compared_with_published",
    "differences",
    "figures",
    "pattern_note",
    "printed_scores",
    "rare_aus",
    "scores_by_au",
    "summary",
    "variances",
]

#: An AU is rare that fewer frames show than this share.
RARE = 0.25
#: The paper's names of the metrics.
PAPER_NAMES = {"F1": "F1-binary", "F1-micro": "F1-micro", "F1-macro": "F1-macro", "AUC": "AUC"}


def base_rates(outcome: Outcome) -> pd.Series[float]:
    """The share of test frames that show each AU, among those whose label is known."""
    labels = outcome.labels
    known = np.maximum((labels >= 0).sum(axis=0), 1)
    names = [f"AU{au}" for au in outcome.scores.aus]
    return pd.Series((labels == 1).sum(axis=0) / known, index=names, name="base rate")


def rare_aus(outcome: Outcome) -> tuple[int, ...]:
    """The AUs below a base rate of a quarter; all where none is."""
    rare = [au for au, p in zip(outcome.scores.aus, base_rates(outcome), strict=True) if 0 < p < RARE]
    return tuple(rare) or outcome.scores.aus


def _methods(outcomes: Mapping[str, Outcome]) -> dict[str, pd.DataFrame]:
    """Name to a row an AU, a column a metric: the networks, then the baselines."""
    first = next(iter(outcomes.values()))
    rates = base_rates(first)
    tables = {
        name: pd.DataFrame(outcome.scores.values, index=rates.index, columns=list(outcome.scores.metrics))
        for name, outcome in outcomes.items()
    }
    counted = baseline_scores(first.labels, first.scores.aus, METRICS[:3])
    both = (rates > 0) & (rates < 1)
    for name in BASELINES:
        # rounded: chance's F1-macro is .5 for every AU, and what is left of it would correlate with anything
        tables[name] = counted[name].round(12).assign(AUC=np.where(both, 0.5, np.nan))
    return tables


def scores_by_au(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """Every metric of every network and baseline: a row an AU, and their mean below."""
    methods = _methods(outcomes)
    columns: dict[str, pd.Series[float]] = {"base rate": base_rates(next(iter(outcomes.values())))}
    for metric in METRICS:
        for name, values in methods.items():
            columns[f"{PAPER_NAMES[metric]} {name}"] = values[metric]
    table = pd.DataFrame(columns)
    table.loc[f"mean of {len(table)}"] = table.mean()
    return table


def summary(outcomes: Mapping[str, Outcome]) -> pd.DataFrame:
    """Mean over the AUs with its interval, correlation with the base rate, sample variance over the AUs."""
    methods = _methods(outcomes)
    rates = base_rates(next(iter(outcomes.values())))
    bounds = {name: intervals(outcome, METRICS) for name, outcome in outcomes.items()}
    rows = []
    for metric in METRICS:
        together = pd.DataFrame({name: values[metric] for name, values in methods.items()})
        follows = base_rate_correlation(together, rates)
        for name in methods:
            mean = (
                bounds[name][metric].mean if name in bounds else (together[name].mean(), *2 * [float("nan")])
            )
            spread = float(together[name].var(ddof=1))
            rows.append((PAPER_NAMES[metric], name, *mean, float(follows[name]), spread))
    columns = ["metric", "method", "mean", "low", "high", "correlation with base rate", "variance over AUs"]
    return pd.DataFrame(rows, columns=columns).set_index("metric")


def differences(outcomes: Mapping[str, Outcome], pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """How much higher the first network of each pair is, with 95 % intervals over the test subjects."""
    rows = []
    for ours, theirs in pairs:
        both = outcomes[ours], outcomes[theirs]
        rare, what = rare_aus(both[0]), f"{ours} - {theirs}"
        for metric in METRICS:
            rows.append((what, f"mean {PAPER_NAMES[metric]}", *mean_difference(*both, metric)))
        for metric in ("F1", "AUC"):
            name = f"mean {PAPER_NAMES[metric]} of the {len(rare)} rare AUs"
            rows.append((what, name, *mean_difference(*both, metric, aus=rare)))
        rows.append((what, "variance of F1-binary over AUs", *variance_difference(*both, "F1")))
    return pd.DataFrame(rows, columns=["networks", "quantity", "difference", "low", "high"]).set_index(
        "networks"
    )


def figures(outcomes: Mapping[str, Outcome], title: str) -> dict[str, bytes]:
    """A curve over the AUs for each metric, beside the base rates, Ones and chance."""
    methods, pictures = _methods(outcomes), {}
    rates = base_rates(next(iter(outcomes.values())))
    for metric in METRICS:
        series: dict[str, NDArray[np.float64]] = {"base rate": np.asarray(rates, np.float64)}
        for name in (*outcomes, "Ones", "chance"):
            series = _with_curve(series, name, np.asarray(methods[name][metric], np.float64))
        name = PAPER_NAMES[metric]
        pictures[f"-{name.lower()}"] = curves(
            list(rates.index), series, title=f"{title}: {name}", y_axis=f"{name}, base rate"
        )
    return pictures


def _with_curve(
    series: dict[str, NDArray[np.float64]], name: str, values: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """One curve more; one that another would cover shares its name."""
    for other, there in series.items():
        if np.allclose(there, values, equal_nan=True):
            return {f"{key}, {name}" if key == other else key: each for key, each in series.items()}
    return {**series, name: values}


def compared_with_published(outcomes: Mapping[str, Outcome], item: str) -> pd.DataFrame:
    """Correlations with the base rate (Tables VII, VIII): ours and the paper's, a row a metric."""
    methods = _methods(outcomes)
    rates = base_rates(next(iter(outcomes.values())))
    printed = published("correlations")
    printed = printed[printed["item"] == item]
    keys = zip(printed["metric"].astype(str), printed["method"].astype(str), strict=True)
    values_of = dict(zip(keys, printed["value"].to_numpy(float).tolist(), strict=True))
    rows = {}
    for metric in ("F1", "F1-macro", "AUC", "F1-micro"):
        together = pd.DataFrame({name: values[metric] for name, values in methods.items()})
        found = base_rate_correlation(together, rates)
        row = {f"{name}, ours": float(found[name]) for name in methods}
        for name in (*outcomes, "Ones"):
            row[f"{name}, paper"] = values_of.get((metric, name), float("nan"))
        rows[PAPER_NAMES[metric]] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def printed_scores(item: str) -> pd.DataFrame:
    """A table of the paper: a row an AU, a column a metric and network."""
    columns = {}
    for metric in METRICS:
        for name, values in published_table("patterns", item, metric).items():
            columns[f"{PAPER_NAMES[metric]} {name}"] = values
    table = pd.DataFrame(columns)
    table.loc[f"mean of {len(table)}"] = table.mean()
    return table


def variances(outcomes: Mapping[str, Outcome]) -> pd.Series[float]:
    """The sample variance of F1-binary over the AUs, by network and baseline."""
    return pd.Series({name: float(values["F1"].var(ddof=1)) for name, values in _methods(outcomes).items()})


def pattern_note(index: LabelIndex, whole: LabelIndex, pattern_set: str = "bp4d-12") -> str:
    """How many patterns are used, and how frequent they are, in a sentence.

    Args:
        index: the frames that are used.
        whole: all frames.
        pattern_set: the AUs of the patterns.
    """
    aus = au_set(pattern_set)
    used, everything = (count_patterns(each.labels(aus), aus) for each in (index, whole))
    top = min(66, len(used))
    return (
        f"All {len(whole):,} frames of the set show {len(everything)} patterns of {len(aus)} AUs; the "
        f"{len(index):,} that are used show {len(used)}. Each of the {top} most frequent has "
        f"{int(used.frames[top - 1])} frames or more; together they hold "
        f"{used.frames[:top].sum() / max(everything.frames.sum(), 1):.0%} of all."
    )
