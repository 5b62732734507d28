"""Where the time of `au detect` goes, stage by stage, beside what limits each; and what `--jobs` gains.

The stages run one after the other on the same frames in one thread of Python, and each is told in CPU time,
which other work on the machine changes little. Beside them stand the limits: decoding alone, one search of a
whole frame by the detector, and the network's operations at the speed of a matrix product. `--jobs` is
measured as whole processes, wall time, one setting after the other in turn, so that load hits all alike.

    python benchmarks/detect_stages.py FOLDER_OF_CLIPS [--frames 600] [--rounds 3] [--out RESULT.json]
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np
from detect_speed import join

from actionunits.detect.agreement import agreeing
from actionunits.detect.backends import load_backend
from actionunits.detect.layouts import layout_of
from actionunits.detect.results import FaceResult, FrameResult
from actionunits.faces.align import align_for
from actionunits.faces.batch import collate, sample_of
from actionunits.faces.detect import make_detector
from actionunits.faces.track import FaceTracker
from actionunits.faces.video import open_source

BATCH = 16
Given = TypeVar("Given")


class Clock:
    """CPU seconds of each stage."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)

    def __call__(self, stage: str, work: Callable[[], Given]) -> Given:
        """Do the work and charge the stage with it."""
        start = time.process_time()
        done = work()
        self.spent[stage] += time.process_time() - start
        return done


def stages(video: Path) -> dict[str, float]:
    """Milliseconds of CPU time a frame."""
    cv2.setNumThreads(1)
    clock, backend = Clock(), load_backend()
    tracker = FaceTracker(
        make_detector("hog"), keep="largest", landmarks=backend.spec.landmarks, search_every_s=4.0
    )
    layout = layout_of("openface", backend.spec.aus, backend.thresholds)
    table = csv.writer(io.StringIO())
    waiting: list[tuple] = []
    frames = iter(open_source(video))
    count = 0

    def write(results: list[FrameResult]) -> None:
        for result in agreeing(results, backend.thresholds):
            table.writerows(layout.rows(result))

    while True:
        frame = clock("decode", lambda: next(frames, None))
        if frame is not None:
            count += 1
            glance = clock("search at a cut", lambda f=frame: tracker.glance(f))
            for found in clock("follow: points, looks", lambda f=frame, g=glance: tracker.update(f, g)):
                crop = clock("cut out", lambda f=frame, t=found: align_for(backend.spec, f, t.landmarks))
                waiting.append((frame.index, frame.time_s, found, crop))
        if waiting and (frame is None or len(waiting) == BATCH):
            own = [sample_of([crop], [face.landmarks], backend.spec) for *_, face, crop in waiting]
            batch = clock("batch", lambda o=own: collate(o, backend.spec))
            said = clock("network", lambda b=batch: backend.predict(b))
            faces = [
                FrameResult(
                    index,
                    at,
                    (
                        FaceResult(
                            0,
                            1.0,
                            t.face.box,
                            t.landmarks.points,
                            said.probability[i, 0],
                            said.intensity[i, 0],
                            finder=backend.spec.landmarks,
                        ),
                    ),
                )
                for i, (index, at, t, _) in enumerate(waiting)
            ]
            clock("pose, agreement, table", lambda r=faces: write(r))
            waiting = []
        if frame is None:
            return {stage: 1000 * seconds / count for stage, seconds in clock.spent.items()}


def limits(video: Path) -> dict[str, float]:
    """What bounds the stages, ms of CPU time: of a frame decoded, a frame searched, a face's operations."""
    clock, detector = Clock(), make_detector("hog")
    frames = list(open_source(video))[:40]
    detector.find(frames[0].grey)
    clock("search", lambda: [detector.find(frame.grey) for frame in frames[::4]])
    a = np.random.default_rng(0).random((768, 768), np.float32)
    a @ a
    clock("product", lambda: [a @ a for _ in range(20)])
    flop_per_s = 20 * 2 * 768**3 / clock.spent["product"]
    return {
        "one search of a whole frame": 1000 * clock.spent["search"] / len(frames[::4]),
        "matrix product, GFLOP/s": flop_per_s / 1e9,
        "network, MFLOP a face": flops() / 1e6,
        "network at the speed of a matrix product": 1000 * flops() / flop_per_s,
    }


def flops() -> float:
    """Of one face, as PyTorch counts them: two for each multiplication with its addition."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from actionunits.models.embedded.net import EmbeddedConfig, build
    from actionunits.models.interface import TensorBatch

    members = load_backend().card["recipe"]["model"]["members"]
    model = build(EmbeddedConfig(members=members)).eval()
    spec = model.spec
    frames = torch.zeros(1, 1, spec.channels, spec.size_px, spec.size_px)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(TensorBatch(frames=frames, landmarks=torch.full((1, 1, 68, 2), spec.size_px / 2.0)))
    return float(counter.get_total_flops())


def jobs(video: Path, copies: int, rounds: int, settings: tuple[int, ...]) -> dict[str, list[float]]:
    """Frames a second of wall time over several videos, for each round and number of jobs."""
    found: dict[str, list[float]] = {f"--jobs {n}": [] for n in settings}
    frames = sum(1 for _ in open_source(video))
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{i}.mp4") for i in range(copies)]
        for path in paths:
            path.write_bytes(video.read_bytes())
        for _ in range(rounds):
            for n in settings:
                words = [*map(str, paths), "--out", folder, "--jobs", str(n)]
                start = time.perf_counter()
                subprocess.run(
                    [sys.executable, "-m", "actionunits", "detect", *words],
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
                found[f"--jobs {n}"].append(copies * frames / (time.perf_counter() - start))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    clips = sorted(path for path in options.clips.iterdir() if path.suffix in (".mkv", ".mp4", ".mov"))
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder, "joined.mp4")
        join(clips, video, options.frames)
        runs = [stages(video) for _ in range(options.rounds)]
        results = {
            "stages": {name: sorted(run[name] for run in runs) for name in runs[0]},
            "limits": limits(video),
            "jobs": jobs(video, options.copies, options.rounds, (1, 2)),
        }
    print(json.dumps(results, indent=1))
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
