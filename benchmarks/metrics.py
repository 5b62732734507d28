"""Time of Table I's metrics with intervals, beside scikit-learn's for the same, in one run.

146,847 frames x 12 AUs of 41 subjects (BP4D's size) are made from a seed, with BP4D's counted base rates. F1,
ACC, NA, AUC and S are computed once, and 1,000 times on subjects drawn with replacement. Ours draws counts.
With scikit-learn each draw takes the drawn subjects' frames and scores them again: that many draws would take
too long, so a smaller number is timed and multiplied; these draws' intervals are compared with ours. Both are
single-threaded; the best of ``--runs`` counts, because other work on the machine can only slow a run down.

    python benchmarks/metrics.py [--runs 3] [--draws 1000] [--timed-draws 3] [--out RESULT.md]
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import metrics as sk

from actionunits.analysis.published import published_base_rates
from actionunits.atomic import replace_when_done
from actionunits.metrics.scoring import score_table
from actionunits.metrics.statistics import bootstrap_scores, subject_draws
from actionunits.reports.tables import to_markdown

METRICS = ("F1", "ACC", "NA", "AUC", "S")
FRAMES, SUBJECTS, SEED = 146_847, 41, 0


@dataclass(frozen=True)
class Data:
    """Made predictions: labels and decisions i8[N,A], scores f32[N,A], subject numbers i64[N]."""

    aus: tuple[int, ...]
    labels: NDArray[np.int8]
    decisions: NDArray[np.int8]
    scores: NDArray[np.float32]
    subjects: NDArray[np.int64]


def make(frames: int) -> Data:
    """Labels at BP4D's base rates that vary between subjects, and scores that know something of them."""
    rng = np.random.default_rng(SEED)
    rates = published_base_rates("bp4d", "coded")
    subjects = np.sort(rng.integers(0, SUBJECTS, frames))
    own = np.clip(rates.to_numpy(float) * rng.uniform(0.5, 1.5, (SUBJECTS, len(rates))), 0.01, 0.99)
    labels = (rng.random((frames, len(rates))) < own[subjects]).astype(np.int8)
    logit = 1.5 * (labels - 0.5) + rng.normal(0, 1, labels.shape) + rng.normal(0, 0.5, own.shape)[subjects]
    scores = (1 / (1 + np.exp(-logit))).astype(np.float32)
    return Data(tuple(rates.index), labels, (scores >= 0.5).astype(np.int8), scores, subjects)


def with_sklearn(data: Data, rows: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
    """f64[A,5]: the metrics of all or of the drawn frames."""
    chosen = slice(None) if rows is None else rows
    result = np.empty((len(data.aus), len(METRICS)))
    for au in range(len(data.aus)):
        truth, said, score = (part[chosen, au] for part in (data.labels, data.decisions, data.scores))
        accuracy = sk.accuracy_score(truth, said)
        negative, positive = sk.f1_score(truth, said, average=None, labels=[0, 1])
        result[au] = positive, accuracy, negative, sk.roc_auc_score(truth, score), 2 * accuracy - 1
    return result


def drawn_rows(data: Data, draws: int) -> list[NDArray[np.int64]]:
    """The frames of each draw; the draws are the ones that :func:`bootstrap_scores` makes."""
    every = np.arange(len(data.labels))
    return [
        np.repeat(every, draw.astype(int)[data.subjects]) for draw in subject_draws(SUBJECTS, draws, SEED)
    ]


def best(work: Callable[[], object], runs: int) -> float:
    """Seconds of the fastest of some runs."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def agree(data: Data, draws: int) -> float:
    """Largest difference from scikit-learn: scores of all frames, and intervals by the few draws."""
    table = score_table(data.aus, data.labels, data.scores, METRICS)
    largest = float(np.abs(table.values - with_sklearn(data)).max())
    theirs = np.stack([with_sklearn(data, rows) for rows in drawn_rows(data, draws)])
    ours = bootstrap_scores(
        data.labels, data.decisions, data.scores, data.subjects, METRICS, draws=draws, seed=SEED
    )
    for column, name in enumerate(METRICS):
        ends = np.quantile(theirs[:, :, column], [0.025, 0.975], axis=0)
        largest = max(largest, float(np.abs(np.stack([ours[name].low, ours[name].high]) - ends).max()))
    return largest


def measure(data: Data, runs: int, draws: int, timed: int) -> pd.DataFrame:
    """A row a task: seconds of both and their ratio."""
    rows = drawn_rows(data, timed)
    ours_once = best(lambda: score_table(data.aus, data.labels, data.scores, METRICS), runs)
    theirs_once = best(lambda: with_sklearn(data), runs)
    ours = best(
        lambda: bootstrap_scores(
            data.labels, data.decisions, data.scores, data.subjects, METRICS, draws=draws, seed=SEED
        ),
        runs,
    )
    theirs = best(lambda: [with_sklearn(data, one) for one in rows], runs) / timed * draws
    return pd.DataFrame(
        {
            "actionunits (s)": [ours_once, ours],
            "scikit-learn (s)": [theirs_once, theirs],
            "times as fast": [theirs_once / ours_once, theirs / ours],
        },
        index=["once, all frames", f"{draws:,} draws of subjects"],
    )


def page(table: pd.DataFrame, difference: float, options: argparse.Namespace, load: float) -> str:
    """The result as Markdown."""
    cores = os.cpu_count() or 1
    factor = options.draws / options.timed_draws
    shared = f" Other work shared it (load {load:.1f} at the start)." if load > 0.7 else ""
    return f"""# Metrics: time beside scikit-learn's

F1, ACC, NA, AUC and S of {options.frames:,} frames x 12 AUs of {SUBJECTS} subjects (made from a seed, with
BP4D's size and base rates), once, and with {options.draws:,} draws of subjects for 95 % intervals.

{to_markdown(table, digits=2)}

- scikit-learn's {options.draws:,} draws are extrapolated: {options.timed_draws} draws were timed and
  multiplied by {factor:,.0f}. Only the scoring of a draw's frames is timed, not their drawing; it is called
  AU by AU.
- Both give the same: the scores of all frames, and the interval ends by these {options.timed_draws} draws,
  differ by at most {difference:.0e}.
- Best of {options.runs} runs each, one thread, in one process. Python {platform.python_version()}, NumPy
  {np.__version__}, scikit-learn {version("scikit-learn")}, {platform.machine()}, {cores} cores.{shared}
- Why: a draw only adds up each subject's true and false positives and negatives, and for AUC the numbers of
  ranked pairs between two subjects; the frames are gone through once.

Made by `python benchmarks/metrics.py --out docs/benchmarks/metrics.md`.
"""


def main() -> None:
    """Measure, check and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--timed-draws", type=int, default=3)
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    data = make(options.frames)
    difference = agree(data, options.timed_draws)
    if difference > 1e-6:
        raise SystemExit(f"scores differ from scikit-learn's by {difference:.1e}: no time is worth stating")
    table = measure(data, options.runs, options.draws, options.timed_draws)
    text = page(table, difference, options, load)
    print(text)
    if options.out:
        with replace_when_done(options.out) as part:
            part.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
