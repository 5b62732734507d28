"""Table 11 of seed 001: the time of AR_vgg19 for a face beside ROI-Nets' and LCN's."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from actionunits.experiments.au_rcnn_speed import OURS, measured, ratio, table_11_networks
from actionunits.experiments.reproduced import Maker, Product, Request, Scale
from actionunits.reports.tables import beside

__all__ = ["PUBLISHED_MS", "SPEED_MAKERS"]

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


SPEED_MAKERS: Mapping[tuple[str, str], Maker] = {("au_rcnn", "table11"): _table11}
