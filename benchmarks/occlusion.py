"""Occlusion maps beside captum's and beside predicting every hidden face as a whole, in one run.

Painted faces, random weights, batch normalisation settled on these faces. First the 2D CNN of seed 003 at
the paper's size (200 px, patch 15 px, step 3): our maps of all twelve AUs, and ``captum.attr.Occlusion`` for
one of them, with as many hidden faces at a time as the network predicts quickest. Then FACS3D-Net, smaller,
ours and the plain way; and at the paper's size for some places, as the plain way would take hours for all.
The best of ``--runs`` counts, because other work on the machine can only slow a run down.

    python benchmarks/occlusion.py [--frames 2] [--runs 2] [--threads 2] [--out RESULT.md]
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from captum.attr import Occlusion

from actionunits.atomic import replace_when_done
from actionunits.detect.backends import TorchBackend
from actionunits.explain.grid import PatchGrid
from actionunits.explain.hiding import choose_hider
from actionunits.explain.occlusion import occlusion_maps
from actionunits.faces.align import align_for
from actionunits.faces.batch import collate, sample_of
from actionunits.models.interface import AUModel, to_tensors
from actionunits.models.registry import build_model
from actionunits.records import Batch, Frame, InputSpec
from actionunits.reports.tables import to_markdown
from actionunits.synthesis.painting import paint_portrait

SMALLER = {"size_px": 100, "inter_ocular_px": 40.0, "clip_length": 56}
AU = 12


def clips(spec: InputSpec, count: int) -> Batch:
    """Painted faces; a clip goes through several of them."""
    samples = []
    for clip in range(count):
        portraits = [paint_portrait(clip + 7 * n, 320) for n in range(min(spec.clip_length, 4))]
        portraits = [portraits[n * len(portraits) // spec.clip_length] for n in range(spec.clip_length)]
        frames = [Frame(p.image[..., 1].copy(), 0, 0.0, p.image) for p in portraits]
        crops = [align_for(spec, f, p.landmarks) for f, p in zip(frames, portraits, strict=True)]
        samples.append(sample_of(crops, [p.landmarks for p in portraits], spec))
    return collate(samples, spec)


def network(name: str, values: dict[str, object]) -> AUModel:
    """Random weights, large enough that hiding matters, with settled batch normalisation."""
    torch.manual_seed(0)
    model = build_model(name, values)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.Linear):
                module.weight.mul_(3)
            if hasattr(module, "momentum") and hasattr(module, "running_mean"):
                module.momentum = None  # the plain mean of what is seen
        model.train()
        model(to_tensors(clips(model.spec, 8 if model.spec.clip_length == 1 else 1)))
    return model.eval()


def seconds(work: Callable[[], Any], runs: int = 1) -> tuple[float, Any]:
    """How long the best run takes, and what it gives."""
    best = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return best, result


@dataclass(frozen=True)
class Row:
    """One comparison."""

    what: str
    ours_s: float
    other: str
    other_s: float
    difference: float


def faces_at_a_time(model: AUModel) -> int:
    """The batch in which the network predicts quickest."""

    def per_face(count: int) -> float:
        frames = torch.rand(count, 1, 1, model.spec.size_px, model.spec.size_px)
        batch = to_tensors(Batch(frames.numpy()))
        return seconds(lambda: model(batch), runs=3)[0] / count

    with torch.inference_mode():
        return min((4, 8, 16, 32, 64), key=per_face)


def beside_captum(count: int, runs: int) -> tuple[Row, int]:
    """The 2D CNN, all places of some frames."""
    model = network("facs3d/cnn2d", {})
    batch, column = clips(model.spec, count), model.spec.aus.index(AU)
    ours, maps = seconds(lambda: occlusion_maps(TorchBackend(model), batch), runs)
    at_a_time = faces_at_a_time(model)

    def probability(frames: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(model(to_tensors(Batch(frames[:, None].numpy()))).logits[:, 0])

    frames = torch.from_numpy(batch.frames[:, 0])
    options = {
        "sliding_window_shapes": (1, 15, 15),
        "strides": (1, 3, 3),
        "baselines": 0.5,
        "target": column,
        "perturbations_per_eval": max(1, at_a_time // count),  # of each frame
    }
    with torch.inference_mode():
        theirs, found = seconds(lambda: Occlusion(probability).attribute(frames, **options), runs)
    fall = maps.plain[:, None, None] - maps.hidden
    inner = (200 - 15) // 3 * 3 + 3  # captum has one more window a side, cut off by the border, from here on
    difference = max(
        np.abs(maps.on_pixels(each)[:inner, :inner, column] - other[0, :inner, :inner].numpy()).max()
        for each, other in zip(fall, found, strict=True)
    )
    per_frame = (ours / count, theirs / count)
    what = "2D CNN, 200 px, 62 x 62 places, a frame"
    return Row(what, per_frame[0], "captum, one AU", per_frame[1], float(difference)), at_a_time


def beside_plain(runs: int) -> Row:
    """A smaller FACS3D-Net, all places of one clip."""
    model = network("facs3d/net", SMALLER)
    batch, backend = clips(model.spec, 1), TorchBackend(model)
    size = {"patch_px": 8, "stride_px": 6}
    ours, maps = seconds(lambda: occlusion_maps(backend, batch, **size), runs)
    theirs, plain = seconds(lambda: occlusion_maps(backend, batch, fast=False, **size), runs)
    side = maps.hidden.shape[1]
    what = f"FACS3D-Net, 56 frames of 100 px, {side} x {side} places of 8 px, a clip"
    return Row(what, ours, "every face as a whole", theirs, float(np.abs(maps.hidden - plain.hidden).max()))


def at_full_size(runs: int, rows: int = 3, places: int = 3) -> Row:
    """FACS3D-Net as in the paper: the first rows of places, and the first places the plain way."""
    model = network("facs3d/net", {})
    batch, grid = clips(model.spec, 1), PatchGrid(200, 15, 3)

    def parts(fast: bool, count: int):
        hider = choose_hider(TorchBackend(model), grid, value=0.5, batch_size=1, fast=fast)
        return list(islice(hider.hidden(batch), count))

    ours, quick = seconds(lambda: parts(True, rows), runs)
    theirs, plain = seconds(lambda: parts(False, places), runs)
    done = sum(len(part.rows) for part in quick)
    there = np.concatenate([part.probability for part in plain])
    difference = np.abs(quick[0].probability[: len(there)] - there).max()
    return Row(
        f"FACS3D-Net, 126 frames of 200 px, a place of 62 x 62 (mean of {done} and of {len(there)})",
        ours / done,
        "every face as a whole",
        theirs / len(there),
        float(difference),
    )


def page(rows: list[Row], at_a_time: int, options: argparse.Namespace, load: float) -> str:
    """The result as Markdown."""
    table = pd.DataFrame(
        {
            "actionunits (s)": [row.ours_s for row in rows],
            "other way (s)": [row.other_s for row in rows],
            "times as fast": [row.other_s / row.ours_s for row in rows],
            "other way": [row.other for row in rows],
        },
        index=[row.what for row in rows],
    )
    worst = max(row.difference for row in rows)
    shared = f" Other work shared it (load {load:.1f} at the start)." if load > 0.7 else ""
    given = f"--frames {options.frames} --runs {options.runs} --threads {options.threads}"
    how = f"{options.threads} threads for both, in one process, best of {options.runs} runs"
    return f"""# Occlusion maps: time beside captum's and the plain way's

A patch of 15x15 px slides by 3 px over aligned faces (seed 003, Fig. 4). Painted faces, random weights.

{to_markdown(table, digits=2)}

- Both ways give the same maps: they differ by at most {worst:.0e} in probability. captum has one more,
  cut-off window at the right and lower border (185 is no multiple of 3); compared is where both have the
  same windows.
- captum {version("captum")} gives the map of one AU a run, here with {at_a_time} hidden faces at a time (the
  quickest of 4 to 64 for this network); all twelve AUs would take twelve runs. Ours has all twelve.
- The first row is the mean of {options.frames} frames. The last row was measured on the first places only,
  ours with the maps of the unhidden clip included: the plain way would take hours for all.
- {how}. Python {platform.python_version()},
  PyTorch {torch.__version__}, {platform.machine()}, {os.cpu_count()} cores.{shared}
- Why: the patch changes a tenth of the 2D CNN's first map's side and about six tenths of the last one's. Only
  these windows are computed, and of a convolution only what it makes of the change of its input.

Made by `python benchmarks/occlusion.py {given} --out docs/benchmarks/occlusion.md`.
"""


def main() -> None:
    """Measure, check and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=2)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    load = os.getloadavg()[0]
    first, at_a_time = beside_captum(options.frames, options.runs)
    rows = [first, beside_plain(options.runs), at_full_size(options.runs)]
    worst = max(row.difference for row in rows)
    if worst > 1e-5:
        raise SystemExit(f"the maps differ by {worst:.1e}: no time is worth stating")
    text = page(rows, at_a_time, options, load)
    print(text)
    if options.out:
        with replace_when_done(options.out) as part:
            part.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
