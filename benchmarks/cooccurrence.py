"""Thirteen networks of seed 000 as one computation beside thirteen single ones. One run, in turns.

1. Forward pass of a batch of crops (64x64 px; stills, and clips of seven frames) in evaluation mode. Ours:
   `models.cooccurrence.towers`, all thirteen at once. Single: the same class, one network at a time.
   Plain: thirteen `nn.Sequential` of PyTorch's own layers (Conv2d or Conv3d, BatchNorm, ReLU, MaxPool,
   Linear), called one after the other. Ours and the plain ones are equal to 1e-5: a test shows it
   (tests/models/test_cooccurrence.py).
2. The same for a training step: forward, loss and backward.

    python benchmarks/cooccurrence.py [--runs 5] [--out RESULT.md]
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from actionunits.atomic import replace_when_done
from actionunits.models.cooccurrence.towers import Towers

COUNT, SIDE_PX, FILTERS, UNITS = 13, 64, (32, 64, 64, 128), 128


def plain_network(frames: int) -> nn.Sequential:
    """One AU's network as one would write it."""
    flat = frames == 1
    convolution, norm, pool = (
        (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d) if flat else (nn.Conv3d, nn.BatchNorm3d, nn.MaxPool3d)
    )
    layers: list[nn.Module] = []
    for inputs, outputs in zip((1, *FILTERS), FILTERS, strict=False):
        window = 2 if flat else (min(2, frames), 2, 2)
        layers += [convolution(inputs, outputs, 3, padding=1), norm(outputs), nn.ReLU(inplace=True)]
        layers.append(pool(window, ceil_mode=True))
        frames = (frames + 1) // 2
    values = FILTERS[-1] * frames * (SIDE_PX // 16) ** 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(values, UNITS), nn.ReLU(), nn.Linear(UNITS, 1))


def ways(frames: int, batch: int, training: bool) -> dict[str, Callable[[], Tensor]]:
    """Name to one pass over the same crops."""
    torch.manual_seed(0)
    crops = torch.randn(batch, frames, COUNT, SIDE_PX, SIDE_PX)
    together = Towers(COUNT, frames, SIDE_PX, FILTERS, UNITS).train(training)
    alone = [Towers(1, frames, SIDE_PX, FILTERS, UNITS).train(training) for _ in range(COUNT)]
    plain = [plain_network(frames).train(training) for _ in range(COUNT)]

    def of_plain(index: int) -> Tensor:
        mine = crops[:, :, index : index + 1]  # [B,T,1,P,P]
        answer: Tensor = plain[index](mine[:, 0] if frames == 1 else mine.transpose(1, 2))
        return answer

    return {
        "ours": lambda: together(crops),
        "single": lambda: torch.cat([net(crops[:, :, i : i + 1]) for i, net in enumerate(alone)], dim=1),
        "plain": lambda: torch.cat([of_plain(i) for i in range(COUNT)], dim=1),
    }


def milliseconds(passes: dict[str, Callable[[], Tensor]], runs: int, training: bool) -> dict[str, float]:
    """The best of some runs of each way, in turns."""

    def once(work: Callable[[], Tensor]) -> float:
        begun = time.perf_counter()
        answers = work()
        if training:
            answers.square().mean().backward()
        return 1e3 * (time.perf_counter() - begun)

    best = dict.fromkeys(passes, float("inf"))
    with torch.inference_mode(not training):
        for run in range(runs + 1):
            for name, work in passes.items():
                spent = once(work)
                if run:  # the first warms up
                    best[name] = min(best[name], spent)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    lines = ["# Seed 000: thirteen networks at once", ""]
    for title, training, sizes in (
        ("Forward, evaluation", False, ((1, 1), (1, 8), (1, 32), (7, 1), (7, 4))),
        ("Forward and backward, training", True, ((1, 16), (7, 4))),
    ):
        lines += [
            f"| {title} | ours, ms | single, ms | plain, ms | single / ours | plain / ours |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        for frames, batch in sizes:
            best = milliseconds(ways(frames, batch, training), asked.runs, training)
            what = f"{batch} still{'s' * (batch > 1)}" if frames == 1 else f"{batch} x {frames} frames"
            ratios = (best[name] / best["ours"] for name in ("single", "plain"))
            lines.append(
                f"| {what} | "
                + " | ".join(f"{best[name]:.1f}" for name in ("ours", "single", "plain"))
                + " | "
                + " | ".join(f"{ratio:.1f}" for ratio in ratios)
                + " |"
            )
        lines.append("")
    lines += [
        "Best of the runs of each, in turns. `single` is the same code with one network at a time, `plain`",
        "PyTorch's own layers; the sums are the same (equal to 1e-5, tests/models/test_cooccurrence.py).",
        "",
        f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()},",
        f"{os.cpu_count()} cores, load {load:.1f} at the start.",
        "Made by `python benchmarks/cooccurrence.py --out docs/benchmarks/cooccurrence.md`.",
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if asked.out:
        with replace_when_done(asked.out) as beside:
            beside.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
