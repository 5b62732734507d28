"""Seed 001's networks over time, trained for longer than two cores have time for; and TV-L1 against DIS.

    python benchmarks/au_rcnn_over_time.py --runs FOLDER [--accelerator cuda] [--jobs 12] [--out RESULT.md]

AR_res and the four networks over time learn from the small scale's painted people (`au reproduce au_rcnn
table5-dynamic --scale small`) for :data:`TIMES` its epochs; AR_2stream learns from TV-L1's optical flow
and from DIS's. The folds are trained side by side, one process each; what is finished is kept in the folder.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import pandas as pd
import torch

from actionunits.atomic import replace_when_done
from actionunits.experiments.au_rcnn_runs import DYNAMIC, OURS, au_rcnn_recipes
from actionunits.experiments.compare import Outcome, compare, intervals, mean_difference
from actionunits.experiments.crops import open_crops
from actionunits.experiments.cross_validate import cross_validate, spec_of
from actionunits.experiments.duration_gain import duration_gain
from actionunits.experiments.dynamic_tables import segment_means
from actionunits.experiments.recipe import Recipe, StillSettings
from actionunits.experiments.reproduced import Request, Scale
from actionunits.reports.tables import to_markdown

Accelerator = Literal["cpu", "cuda"]
#: The small scale's epochs are multiplied by these.
TIMES: Mapping[str, int] = {"ARres": 3, "AR2stream": 4, "ARConvLSTM": 8, "ARCRF": 3, "ARTAL": 3}
METRICS = ("F1", "AUC")
CONV_LSTM = "ARConvLSTM"
DIS, TVL1 = "AR2stream", "AR2stream, TV-L1"
#: A network whose rounds of belief propagation are faster on a CPU.
ON_CPU = "ARCRF"


def recipes_of(scale: Scale, runs: Path, accelerator: Accelerator) -> dict[str, Recipe]:
    """Name to recipe, AR_res first."""
    request = Request(scale=scale, folder=runs)
    found = au_rcnn_recipes(request, "bp4d", [OURS, *DYNAMIC], sequences=True)
    config = {**found[DIS].model.config, "flow": "tvl1"}
    found[TVL1] = replace(found[DIS], model=replace(found[DIS].model, config=config))
    for name, recipe in found.items():
        times = 1 if scale == "tiny" else TIMES[name.split(",")[0]]
        on = "cpu" if name == ON_CPU else accelerator
        training = replace(recipe.training, epochs=recipe.training.epochs * times, accelerator=on)
        still = None if recipe.still is None else StillSettings(run=str(folder_of(OURS, runs)))
        found[name] = replace(recipe, training=training, still=still)
    return {name: found[name] for name in (OURS, *DYNAMIC, TVL1)}


def folder_of(name: str, runs: Path) -> Path:
    """Where :func:`~actionunits.experiments.compare.compare` looks for a network's run."""
    return runs / "networks" / name.lower().replace(" ", "-")


def train_one(name: str, recipe: Recipe, fold: int, runs: Path) -> float:
    """Train and test a fold; the seconds that it took."""
    torch.set_num_threads(1)
    began = time.perf_counter()
    cross_validate(recipe, folder_of(name, runs), only=[fold], cache=runs / "data")
    return time.perf_counter() - began


def trained(
    names: Sequence[str], recipes: Mapping[str, Recipe], runs: Path, pool: ProcessPoolExecutor
) -> dict[tuple[str, int], Future[float]]:
    """The folds of some networks, waiting to be trained."""
    folds = range(1, recipes[OURS].folds.count + 1)
    return {
        (name, fold): pool.submit(train_one, name, recipes[name], fold, runs)
        for name in names
        for fold in folds
    }


def waited_for(jobs: Mapping[tuple[str, int], Future[float]]) -> set[str]:
    """Wait, say what each took, and give the networks of which a fold failed."""
    failed = set()
    for (name, fold), job in jobs.items():
        try:
            print(f"{name}, fold {fold}: {job.result():.0f} s", flush=True)
        except Exception:  # the others are still worth their time; it is printed and the network left out
            traceback.print_exc()
            failed.add(name)
    return failed


def result_tables(outcomes: Mapping[str, Outcome], epochs: Mapping[str, int]) -> list[pd.DataFrame]:
    """Means, differences, whole segments, and gain against duration; 95 % intervals over people."""
    means: dict[str, dict[str, str]] = {}
    apart: dict[str, dict[str, str]] = {}
    for name, outcome in outcomes.items():
        bounds = intervals(outcome, METRICS)
        cells = {metric: "{:.3f} [{:.3f}, {:.3f}]".format(*bounds[metric].mean) for metric in METRICS}
        means[name] = {"epochs": str(epochs[name]), **cells}
    pairs = [(name, OURS) for name in outcomes if name != OURS]
    pairs += [(TVL1, DIS)] if {TVL1, DIS} <= set(outcomes) else []
    for ours, theirs in pairs:
        found = {metric: mean_difference(outcomes[ours], outcomes[theirs], metric) for metric in METRICS}
        apart[f"{ours} - {theirs}"] = {
            metric: "{:+.3f} [{:+.3f}, {:+.3f}]".format(*values) for metric, values in found.items()
        }
    tables = [pd.DataFrame.from_dict(means, orient="index"), pd.DataFrame.from_dict(apart, orient="index")]
    tables.append(segment_means(outcomes))
    if CONV_LSTM in outcomes:
        tables.append(duration_gain(outcomes[OURS], outcomes[CONV_LSTM]).correlation_table())
    return tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True, help="folder of crops, flow and runs")
    parser.add_argument("--scale", default="small", choices=["small", "tiny"])
    parser.add_argument("--accelerator", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="folds side by side")
    parser.add_argument("--out", type=Path, help="Markdown file of the results")
    given = parser.parse_args()
    runs = given.runs.resolve()
    recipes = recipes_of(given.scale, runs, given.accelerator)
    began = time.perf_counter()
    for name in (OURS, DIS):  # the pictures and DIS's flow, by all cores
        open_crops(recipes[name].data, spec_of(recipes[name]), runs / "data")
        print(f"data of {name}: {time.perf_counter() - began:.0f} s", flush=True)
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn")) as pool:
        first = trained([OURS], recipes, runs, pool)
        open_crops(recipes[TVL1].data, spec_of(recipes[TVL1]), runs / "data")
        print(f"TV-L1: {time.perf_counter() - began:.0f} s", flush=True)
        failed = waited_for(first)
        if failed:
            raise SystemExit(f"{OURS} failed, and the others begin with its weights")
        failed = waited_for(trained([DIS, TVL1, *(n for n in DYNAMIC if n != DIS)], recipes, runs, pool))
    kept = {name: recipe for name, recipe in recipes.items() if name not in failed}
    outcomes = compare(kept, runs / "networks", runs / "data")
    tables = result_tables(outcomes, {name: recipe.training.epochs for name, recipe in kept.items()})
    device = torch.cuda.get_device_name() if given.accelerator == "cuda" else platform.machine()
    text = "\n\n".join([*map(to_markdown, tables), f"{device}, PyTorch {torch.__version__}"])
    print(text)
    print(f"all: {time.perf_counter() - began:.0f} s", flush=True)
    if given.out:
        with replace_when_done(given.out) as beside:
            beside.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
