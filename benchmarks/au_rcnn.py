"""Seed 001's Table 11: AR_vgg19 beside ROI-Nets and LCN; and AR_res outside convolutions and FC layers.

1. One face of 512x512 px at batch 1, f32, 20 trials: AR_vgg19 (9 boxes), ROI-Nets (20 centres, a convolution
   of its own each) and LCN (a locally connected layer), on the same VGG-19 convolutions with random weights,
   in turns pass by pass, so that whatever else runs hits all of them.
2. AR_res (ResNet-101) at batch 1: the share of its time outside convolutions and fully connected layers, as
   PyTorch runs it layer by layer, and as ONNX Runtime runs the exported file with the pooling inside.

    python benchmarks/au_rcnn.py [--trials 20] [--passes 1] [--out RESULT.md]
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Mapping
from pathlib import Path

import onnxruntime
import torch

from actionunits.atomic import replace_when_done
from actionunits.experiments.au_rcnn_speed import (
    OURS,
    Speed,
    measured,
    outside_in_onnx,
    outside_in_torch,
    ratio,
    table_11_networks,
)
from actionunits.experiments.reproduce_speed import PUBLISHED_MS

SIZE_PX = 512


def time_table(speeds: Mapping[str, Speed]) -> str:
    rows = ["| | ms a face | deviation of the trials | paper, GTX 1080 Ti |", "|---|---:|---:|---:|"]
    for name, speed in speeds.items():
        rows.append(
            f"| {name} | {speed.ms.mean():.0f} | {speed.ms.std(ddof=1):.0f} | {PUBLISHED_MS[name]:.1f} |"
        )
    return "\n".join(rows)


def ratio_table(speeds: Mapping[str, Speed]) -> str:
    rows = ["| | median of the trials | lowest, highest | paper |", "|---|---:|---:|---:|"]
    for other in speeds:
        if other != OURS:
            middle, low, high = ratio(speeds, other)
            paper = PUBLISHED_MS[OURS] / PUBLISHED_MS[other]
            rows.append(f"| ours / {other} | {middle:.3f} | {low:.3f}, {high:.3f} | {paper:.3f} |")
    return "\n".join(rows)


def share_table(shares: Mapping[str, float], most: int = 7) -> str:
    named = [(name, share) for name, share in shares.items() if name != "outside"][:most]
    rows = ["| operator | share |", "|---|---:|"]
    rows += [f"| `{name}` | {100 * share:.1f} % |" for name, share in named]
    return "\n".join(rows)


def verdict(share: float) -> str:
    return "within" if share <= 0.10 else "above"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--passes", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    speeds = measured(table_11_networks(SIZE_PX), options.trials, options.passes)
    eager, exported = outside_in_torch(SIZE_PX), outside_in_onnx(SIZE_PX)
    text = f"""# AU R-CNN: time for a face beside ROI-Nets and LCN, and where AR_res spends its own

{time_table(speeds)}

{ratio_table(speeds)}

One face of {SIZE_PX}x{SIZE_PX} px, batch 1, f32, {options.trials} trials of {options.passes} passes, the
networks in turns pass by pass. All three stand on the same VGG-19 convolutions and random weights, which are
102 of the 102 to 103 billion multiplications of each: what is theirs alone is 1.1 billion for ours (9 boxes
through fc6 to fc8), 0.4 for ROI-Nets and 0.1 for LCN. The paper's ratios cannot come from arithmetic; twenty
small networks one after the other may have cost its GPU what they do not cost a CPU.

## AR_res: what is not convolution or fully connected layer

As ONNX Runtime runs the exported file (pooling of the boxes inside): **{100 * exported["outside"]:.1f} %**, \
{verdict(exported["outside"])} 10 %.

{share_table(exported)}

As PyTorch runs the network layer by layer: **{100 * eager["outside"]:.1f} %**, \
{verdict(eager["outside"])} 10 %.

{share_table(eager)}

PyTorch {torch.__version__.split("+")[0]}, ONNX Runtime {onnxruntime.__version__},
{torch.get_num_threads()} threads, {platform.machine()}, {os.cpu_count()} cores, load {load:.1f} at the start.
Made by `python benchmarks/au_rcnn.py --out docs/benchmarks/au_rcnn.md`.
"""
    print(text)
    if options.out:
        with replace_when_done(options.out) as part:
            part.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
