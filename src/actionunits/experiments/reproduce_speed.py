"""Times of seed 001: Table 11, a face by AR_vgg19, ROI-Nets and LCN; Table 16, the networks over time."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import torch

from actionunits.experiments.au_rcnn_runs import DYNAMIC, METHODS, au_rcnn_recipes
from actionunits.experiments.au_rcnn_speed import OURS, measured, ratio, table_11_networks
from actionunits.experiments.dynamic_speed import model_speed
from actionunits.experiments.reproduced import Maker, Product, Request, Scale
from actionunits.models.registry import build_model
from actionunits.reports.tables import beside

__all__ = ["PUBLISHED_MS", "SPEED_MAKERS"]

#: What Table 16 says of training.
PUBLISHED_WORDS: Mapping[str, str] = {
    "ARres": "fast",
    "ARConvLSTM": "slow",
    "AR2stream": "fast but need pre-compute optical flow",
    "ARCRF": "medium and need pre-compute features",
    "ARTAL": "fast",
}

#: Table 11, in ms on an Nvidia GTX 1080 Ti.
PUBLISHED_MS: Mapping[str, float] = {OURS: 27.4, "ROI-Nets": 67.7, "LCN": 34.7}
#: Side of the face, share of VGG's filters, units of the wide layers, trials, passes of a trial. The paper
#: takes 20 trials of 1000 passes.
SIZES: Mapping[Scale, tuple[int, float, int, int, int]] = {
    "tiny": (64, 0.0625, 16, 3, 2),
    "small": (512, 1.0, 4096, 20, 1),
    "paper": (512, 1.0, 4096, 20, 1000),
}


def _table11(request: Request) -> Product:
    size_px, width, units, trials, passes = SIZES[request.scale]
    networks = table_11_networks(size_px, width, units)
    show = request.stage("timing three networks in turns", "trials") if request.stage else None
    speeds = measured(networks, trials, passes, show)
    rows = {name: (speed.ms.mean(), speed.ms.std(ddof=1)) for name, speed in speeds.items()}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["ms", "deviation"])
    table = beside(table, pd.DataFrame({"ms": PUBLISHED_MS}))
    ratios = {
        f"{OURS} / {other}": (*ratio(speeds, other), PUBLISHED_MS[OURS] / PUBLISHED_MS[other])
        for other in speeds
        if other != OURS
    }
    columns = ["median of trials", "lowest", "highest", "paper"]
    return Product(
        f"Data: none: one face of {size_px} x {size_px} px of noise, batch 1, on this machine's CPU; the "
        "paper's times are of a GPU.",
        {
            "": table.dropna(axis=1, how="all"),
            "-ratios": pd.DataFrame.from_dict(ratios, orient="index", columns=columns),
        },
        notes=(
            f"{trials} trials of {passes} passes, the networks in turns pass by pass, in f32 with the same "
            "VGG-19 trunk; mean and standard deviation of the trials.",
        ),
    )


def _table16(request: Request) -> Product:
    names = ("ARres", *DYNAMIC)
    assert set(names) <= {*METHODS, *DYNAMIC}
    recipes = au_rcnn_recipes(request, "bp4d", names, sequences=True)
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    show = request.stage("timing the networks", "networks") if request.stage else None
    rows: dict[str, tuple[object, ...]] = {}
    for device in devices:
        for done, (name, recipe) in enumerate(recipes.items(), start=1):
            torch.manual_seed(0)
            speed = model_speed(build_model(recipe.model.name, recipe.model.config), device)
            frames = speed.learnt * speed.labelled
            times = (speed.frames, speed.learnt, frames, speed.encoded, speed.seen)
            rows[name if len(devices) == 1 else f"{name}, {device}"] = (*times, PUBLISHED_WORDS[name])
            if show is not None:
                show(done, len(recipes))
    columns = ["frames of a clip", "clips/s learnt", "labelled frames/s learnt", "frames/s encoded before"]
    columns += ["frames/s in use", "training speed, paper"]
    config = recipes["ARres"].model.config
    return Product(
        f"Data: none: noise on this machine, {torch.get_num_threads()} thread(s), in f32; crops of "
        f"{config.get('size_px', 512)} px, {config.get('backbone', 'resnet101')}, random weights.",
        {"": pd.DataFrame.from_dict(rows, orient="index", columns=columns)},
        notes=(
            "Learning: forward, loss, backward, step of one clip at a time. ARCRF and ARTAL learn from codes "
            "that AR_res gives once for each frame (encoded before). In use each frame has an answer of its "
            "own: ARConvLSTM looks once at a frame and runs its boxes' memories over the ten of its clip, "
            "AR2stream looks at one frame and ten fields of flow (whose own time is not in it: "
            "docs/benchmarks/flow.md), ARCRF and ARTAL answer for a window at a time.",
        ),
    )


SPEED_MAKERS: Mapping[tuple[str, str], Maker] = {
    ("au_rcnn", "table11"): _table11,
    ("au_rcnn", "table16"): _table16,
}
