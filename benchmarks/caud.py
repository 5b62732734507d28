"""Twelve AU heads on codes computed once, beside the least that they can cost and beside naive training.

1. Ours: the encoder looks at every picture once, its codes lie on disk (`training/codes.py`), and twelve
   heads are trained on them by `training.loop.fit`, checkpoints and all.
2. The least it can cost: one encoder pass, and twelve bare loops (forward, loss, backward, step) on the codes
   in memory.
3. Naive: each head is trained by itself on pictures, so the encoder runs for each AU in each epoch. One epoch
   of one AU is timed and multiplied.

All three in turns, the same pictures, heads, batches and steps.

    python benchmarks/caud.py [--runs 3] [--out RESULT.md]
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from actionunits.atomic import replace_when_done
from actionunits.models.caud.heads import Caud, CodedHead
from actionunits.models.interface import TensorBatch
from actionunits.models.registry import build_model
from actionunits.training.codes import CodeBatches, code_batch, encode_once
from actionunits.training.loop import fit
from actionunits.training.settings import TrainSettings, make_optimiser

SIZE_PX, UNITS, PICTURES, EPOCHS, BATCH = 112, 256, 384, 6, 64
SETTINGS = TrainSettings(epochs=EPOCHS, optimiser="sgd", lr=1e-3)


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def make() -> tuple[Caud, torch.Tensor, np.ndarray]:
    torch.manual_seed(0)
    model = build_model("caud/heads", {"size_px": SIZE_PX, "units": UNITS})
    assert isinstance(model, Caud)
    pictures = torch.randn(PICTURES, 1, 3, SIZE_PX, SIZE_PX)
    labels = np.random.default_rng(0).integers(0, 2, (PICTURES, len(model.spec.aus))).astype(np.int8)
    return model.eval(), pictures, labels


def ours(model: Caud, pictures: torch.Tensor, labels: np.ndarray) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        codes = encode_once(
            place / "codes",
            PICTURES,
            lambda rows: pictures[list(rows)],
            model.encode,
            key="bench",
            batch=BATCH,
        )
        for column, au in enumerate(model.spec.aus):
            head = CodedHead(model.heads[f"au{au}"], au, model.spec)
            source = CodeBatches(codes, np.arange(PICTURES), labels[:, column], BATCH)
            fit(head, source, SETTINGS, run=place / f"au{au}")


def least(model: Caud, pictures: torch.Tensor, labels: np.ndarray) -> None:
    with torch.inference_mode():
        parts = [model.encode(pictures[first : first + BATCH]) for first in range(0, PICTURES, BATCH)]
    codes = torch.cat(parts).clone()
    for column, au in enumerate(model.spec.aus):
        head = CodedHead(model.heads[f"au{au}"], au, model.spec).train()
        optimiser = make_optimiser(head, SETTINGS)
        for _ in range(EPOCHS):
            order = torch.randperm(PICTURES)
            for first in range(0, PICTURES, BATCH):
                at = order[first : first + BATCH]
                batch = code_batch(codes[at].numpy(), labels[at.numpy(), column])
                optimiser.zero_grad()
                head.loss(batch, head(batch)).backward()
                optimiser.step()


def naive_epoch(model: Caud, pictures: torch.Tensor, labels: np.ndarray) -> None:
    """One epoch of one AU."""
    au = model.spec.aus[0]
    head = CodedHead(model.heads[f"au{au}"], au, model.spec).train()
    optimiser = make_optimiser(head, SETTINGS)
    order = torch.randperm(PICTURES)
    for first in range(0, PICTURES, BATCH):
        at = order[first : first + BATCH]
        with torch.no_grad():
            codes = model.encode(pictures[at])
        truth = torch.from_numpy(labels[at.numpy(), 0])[:, None, None]
        batch = TensorBatch(pictures[at], labels=truth, codes=codes[:, None])
        optimiser.zero_grad()
        head.loss(batch, head(batch)).backward()
        optimiser.step()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    parts = make()
    aus = len(parts[0].spec.aus)
    naive_epoch(*parts)  # warms up
    times: dict[str, list[float]] = {"ours": [], "least": [], "naive": []}
    for _ in range(options.runs):
        times["ours"].append(seconds(lambda: ours(*parts)))
        times["least"].append(seconds(lambda: least(*parts)))
        times["naive"].append(seconds(lambda: naive_epoch(*parts)) * aus * EPOCHS)
    middle = {name: statistics.median(values) for name, values in times.items()}
    every = {name: ", ".join(f"{value:.1f}" for value in values) for name, values in times.items()}
    what = f"{aus} heads of {UNITS} units, {PICTURES} pictures of {SIZE_PX} px, AlexNet, {EPOCHS} epochs"
    faster, above = middle["naive"] / middle["ours"], middle["ours"] / middle["least"]
    text = f"""# Seed 002's heads: codes computed once, and training that runs the encoder each time

| {what} | s, median of {options.runs} | all runs |
|---|---:|---|
| ours: codes once, on disk; heads by `training.loop.fit` | {middle["ours"]:.1f} | {every["ours"]} |
| least: one encoder pass and {aus} bare loops on codes in memory | {middle["least"]:.1f} | {every["least"]} |
| naive: the encoder runs for every AU in every epoch | {middle["naive"]:.0f} | {every["naive"]} |

**{faster:.1f} times as fast as naive training, {above:.2f} times the least that it can cost.**
The rest is checkpoints (each head's weights and optimiser after each epoch) and the codes' way over the disk.
One naive epoch of one AU was timed and multiplied by {aus * EPOCHS}. The three were run in turns. With the
paper's 100 epochs the encoder's share of ours falls, and that of naive training does not.

PyTorch {torch.__version__.split("+")[0]}, {torch.get_num_threads()} threads, {platform.machine()},
{os.cpu_count()} cores, load {load:.1f} at the start.
Made by `python benchmarks/caud.py --out docs/benchmarks/caud.md`.
"""
    print(text)
    if options.out:
        with replace_when_done(options.out) as part:
            part.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
