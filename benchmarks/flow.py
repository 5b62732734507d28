"""How many fields of optical flow between consecutive face crops DIS and TV-L1 give a second, on two cores.

    python benchmarks/flow.py [--videos FOLDER] [--repeats 2] [--out RESULT.md]

The faces are those of the first videos of a folder, at 128 and 512 px; without one, a painted face in motion.
Two processes with one thread each work side by side, as where flow is made beside a crop cache; their
processor time counts, so that other work on the machine does not. What is kept is read back, from memory.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice, pairwise
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.atomic import replace_when_done
from actionunits.detect.cropping import cropped_frames
from actionunits.faces.detect import make_detector
from actionunits.faces.flow import FLOW_METHODS, crop_flow
from actionunits.faces.video import open_source
from actionunits.models.au_rcnn.region_net import au_rcnn_spec
from actionunits.synthesis.animate import PortraitAnimator
from actionunits.synthesis.clip import render_clip, write_clip
from actionunits.synthesis.painting import paint_portrait
from actionunits.synthesis.timeline import random_timeline

PROCESSES = 2
SIZES_PX = (128, 512)
#: Pairs of crops for each process.
PAIRS = {("dis", 128): 400, ("dis", 512): 60, ("tvl1", 128): 12, ("tvl1", 512): 2, ("read", 128): 400}
PAIRS["read", 512] = 60
#: Frames of a video, and videos.
FRAMES, VIDEOS = 20, 4


def face_crops(videos: list[Path], size_px: int) -> list[NDArray[np.uint8]]:
    """u8[N,S,S,3] of each video: its first frames with a face, cropped as seed 001 does."""
    spec, detector = au_rcnn_spec((1, 12), size_px, "points", needs_regions=True), make_detector("hog")
    found = []
    for video in videos:
        frames = cropped_frames(open_source(video), spec, detector, faces="largest", keep_frames=False)
        crops = [crop.image for frame in islice(frames, FRAMES) for crop, _ in frame.crops.values()]
        found.append(np.stack(crops))
    return found


def painted_video(folder: Path) -> Path:
    timeline = random_timeline(np.random.default_rng(1), FRAMES / 25, (1, 2, 4, 12, 25))
    animator = PortraitAnimator(paint_portrait(3, 480))
    write_clip(folder / "face.mp4", render_clip(animator, timeline, 25.0), 25.0, aus=(1, 2, 4, 12, 25))
    return folder / "face.mp4"


def work(clips: list[NDArray[np.uint8]], kept: Path, method: str) -> float:
    """Fields a second of this process's own time."""
    cv2.setNumThreads(1)
    size = clips[0].shape[1]
    pairs = [pair for clip in clips for pair in pairwise(clip)]
    fields = np.load(kept, mmap_mode="r")

    def step(at: int) -> None:
        if method == "read":
            np.array(fields[at % len(fields)])
        else:
            crop_flow(*pairs[at % len(pairs)], method)

    step(0)
    begin = time.process_time()
    for at in range(PAIRS[method, size]):
        step(at)
    return PAIRS[method, size] / (time.process_time() - begin)


def rate(pool: ProcessPoolExecutor, clips: list[NDArray[np.uint8]], kept: Path, method: str) -> float:
    """Fields a second of all processes together."""
    return sum(pool.map(partial(work, clips, kept), [method] * PROCESSES))


def apart_px(clips: list[NDArray[np.uint8]]) -> tuple[float, float]:
    """How far DIS lies from TV-L1, and how far TV-L1's pixels move: means over the pixels of some pairs."""
    pairs = [pair for clip in clips for pair in islice(pairwise(clip), 5)]
    flows = [
        np.stack([crop_flow(*pair, method) for pair in pairs]).astype(np.float32) for method in FLOW_METHODS
    ]
    apart, moved = (np.linalg.norm(each, axis=-1).mean() for each in (flows[0] - flows[1], flows[1]))
    return float(apart), float(moved)


def measured(videos: list[Path], repeats: int, folder: Path) -> dict[tuple[str, int], float]:
    """Fields a second, the best of some repeats in turns."""
    best: dict[tuple[str, int], float] = {}
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        for size in SIZES_PX:
            clips, kept = face_crops(videos, size), folder / f"{size}.npy"
            np.save(kept, np.stack([crop_flow(*pair) for pair in pairwise(clips[0])]))
            for _ in range(repeats):
                for method in (*FLOW_METHODS, "read"):
                    found = rate(pool, clips, kept, method)
                    best[method, size] = max(found, best.get((method, size), 0.0))
    return best


def table(best: dict[tuple[str, int], float]) -> str:
    rows = [
        "| side of the crop | DIS | TV-L1 | reading a kept field | DIS : TV-L1 | reading : DIS |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for size in SIZES_PX:
        dis, tvl1, read = (best[method, size] for method in ("dis", "tvl1", "read"))
        rows.append(
            f"| {size} px | {dis:,.0f} | {tvl1:,.2f} | {read:,.0f} | {dis / tvl1:,.0f} | {read / dis:,.0f} |"
        )
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=Path)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        given = [] if options.videos is None else sorted(options.videos.glob("*.mkv"))[:VIDEOS]
        videos = given or [painted_video(folder)]
        best = measured(videos, options.repeats, folder)
        differ, moves = apart_px(face_crops(videos, SIZES_PX[0]))
    faces = f"real faces out of {len(given)} videos" if given else "a painted face"
    hours = {method: 140_000 / best[method, 512] / 3600 for method in FLOW_METHODS}
    text = f"""# Optical flow of face crops: DIS and TV-L1

Fields a second of two cores, {PROCESSES} processes with one thread each, {faces}, best of {options.repeats}:

{table(best)}

A field of 512 px takes {512 * 512 * 4 / 1e6:.1f} MB on disk, one of 128 px {128 * 128 * 4 / 1e3:.0f} kB.
The flow of 140,000 crops of 512 px, as many as BP4D's, is 147 GB and takes {hours["dis"]:.1f} h by DIS and
{hours["tvl1"]:,.0f} h by TV-L1 at these rates. If it were not kept, a network of 11 frames that learns from
every frame would compute each field ten times an epoch. Reading is from memory here, not from the disk.

From frame to frame, at 128 px, the two lie {differ:.2f} px apart where TV-L1 moves a pixel by {moves:.2f} px
(means over all pixels of the first frames of each video, hands and background too).

OpenCV {cv2.__version__}, {platform.machine()}, {os.cpu_count()} cores, load {load:.1f} at the start.
Processor time is counted, but caches are shared: on a busy machine the ratios are worth more than the rates.
Made by `python benchmarks/flow.py --videos FOLDER --out docs/benchmarks/flow.md`.
"""
    print(text)
    if options.out:
        with replace_when_done(options.out) as part:
            part.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
