"""FACS3D-Net: one 3-D pass a clip beside one a frame; the training loop beside a bare one. One run for both.

1. Evaluation of a clip of 126 frames of 200x200 px with the paper's network. Ours: the clip once, its 3-D
   code joined to the 2-D codes of all frames. The plain way, as the paper draws the network: for each frame f
   the clip and frame f. The plain way is timed on a few frames and multiplied; both give the same logits.
2. The loop's own cost: steps of `actionunits.training.loop.fit` beside forward, loss, backward and optimiser
   step of the same network on the same batches, in turns.

    python benchmarks/facs3d.py [--runs 3] [--out RESULT.md]
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from actionunits.atomic import replace_when_done
from actionunits.models.facs3d.net import Facs3dNet
from actionunits.models.interface import TensorBatch
from actionunits.models.registry import build_model
from actionunits.training.loop import fit
from actionunits.training.settings import TrainSettings, make_optimiser

PLAIN_FRAMES = 4
SMALL = {
    "size_px": 80,
    "inter_ocular_px": 32.0,
    "filters": [16, 32, 32],
    "code": 128,
    "clip_length": 60,
}


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def evaluation(runs: int) -> tuple[list[float], list[float], float]:
    """Seconds a clip, ours and the plain way, and the largest difference of their logits."""
    torch.manual_seed(0)
    model = build_model("facs3d/net").eval()
    assert isinstance(model, Facs3dNet)
    clip, still = model.encoders()
    frames = torch.rand(1, model.spec.clip_length, 1, model.spec.size_px, model.spec.size_px)

    def plain(frame: int) -> torch.Tensor:
        return model.head(clip(frames), still(frames[:, frame : frame + 1]))[0, 0]

    ours_s, plain_s = [], []
    with torch.inference_mode():
        whole = model(TensorBatch(frames)).logits[0]  # also warms up
        chosen = np.linspace(0, model.spec.clip_length - 1, PLAIN_FRAMES).astype(int).tolist()
        apart = max(float((plain(f) - whole[f]).abs().max()) for f in chosen)
        for _ in range(runs):
            ours_s.append(seconds(lambda: model(TensorBatch(frames))))
            each = seconds(lambda: [plain(f) for f in chosen]) / len(chosen)
            plain_s.append(each * model.spec.clip_length)
    return ours_s, plain_s, apart


class Same:
    """The same batch again and again."""

    def __init__(self, batch: TensorBatch, steps: int) -> None:
        self.batch, self.steps = batch, steps

    def __len__(self) -> int:
        return self.steps

    def epoch(self, number: int, seed: int) -> Iterator[TensorBatch]:
        """The batch, so many times."""
        del number, seed
        for _ in range(self.steps):
            yield self.batch


def loop(runs: int, steps: int) -> tuple[list[float], list[float]]:
    """Seconds a step, the loop's and the bare one's, in turns."""
    torch.manual_seed(0)
    settings = TrainSettings(epochs=1, optimiser="sgd", lr=1e-4)
    frames = torch.rand(4, SMALL["clip_length"], 1, SMALL["size_px"], SMALL["size_px"])
    labels = torch.randint(0, 2, (4, SMALL["clip_length"], 12), dtype=torch.int8)
    batch = TensorBatch(frames, labels=labels)
    ours, bare = [], []
    for _ in range(runs):
        model = build_model("facs3d/net", SMALL)
        ticks: list[float] = []
        with tempfile.TemporaryDirectory() as folder:
            fit(
                model,
                Same(batch, steps),
                settings,
                run=Path(folder),
                on_progress=lambda done, total, ticks=ticks: ticks.append(time.perf_counter()),
            )
        ours += np.diff(ticks).tolist()
        model = build_model("facs3d/net", SMALL).train()
        optimiser = make_optimiser(model, settings)

        def step(model=model, optimiser=optimiser) -> None:
            optimiser.zero_grad()
            model.loss(batch, model(batch)).backward()
            optimiser.step()

        step()
        bare += [seconds(step) for _ in range(steps - 1)]
    return ours, bare


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    ours, plain, apart = evaluation(options.runs)
    if apart > 1e-4:
        raise SystemExit(f"the two ways differ by {apart:.1e}: no time is worth stating")
    fitted, bare = loop(options.runs, options.steps)
    ratio = min(plain) / min(ours)
    own = statistics.median(fitted) / statistics.median(bare) - 1
    every = [", ".join(f"{t:.2f}" for t in times) for times in (ours, plain)]
    ours_ms, bare_ms = (1000 * statistics.median(times) for times in (fitted, bare))
    size = f"{SMALL['clip_length']} frames of {SMALL['size_px']} px, 4 clips"
    text = f"""# FACS3D-Net: what sharing the 3-D pass saves, and what the training loop costs

| evaluation of a clip, 126 frames of 200x200 px | s a clip, best of {options.runs} | all runs |
|---|---:|---|
| ours: one 3-D pass for all frames | {min(ours):.2f} | {every[0]} |
| plain: a 3-D pass for every frame | {min(plain):.1f} | {every[1]} |

**{ratio:.0f} times as fast.** The plain way was timed on {PLAIN_FRAMES} frames of the clip and multiplied.
The logits differ by at most {apart:.0e}.

| training step, reduced network ({size}) | ms, median |
|---|---:|
| `actionunits.training.loop.fit` | {ours_ms:.1f} |
| bare forward, loss, backward, optimiser step | {bare_ms:.1f} |

**The loop's own cost: {100 * own:.1f} %** of the bare step ({len(bare)} steps each, in turns; checkpoints,
which come once an epoch, are not in it).

PyTorch {torch.__version__.split("+")[0]}, {torch.get_num_threads()} threads, {platform.machine()},
{os.cpu_count()} cores, load {load:.1f} at the start.
Made by `python benchmarks/facs3d.py --out docs/benchmarks/facs3d.md`.
"""
    print(text)
    if options.out:
        with replace_when_done(options.out) as part:
            part.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
