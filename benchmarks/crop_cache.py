"""How fast a prepared cache is read into batches, beside JPEGs of the same crops and plain mapped reading.

Run from the repository: ``python benchmarks/crop_cache.py``. Makes a data set of painted faces, prepares it
and reads it in random order in two processes; everything lies in a temporary folder that is removed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.datasets.cache import CropCache
from actionunits.datasets.fakes import FakeSize
from actionunits.experiments.fakes import make_fake
from actionunits.experiments.prepare import prepare_data_set
from actionunits.faces.batch import Stack, collate
from actionunits.records import InputSpec
from actionunits.training.data import CropSamples

SPEC = InputSpec(aus=(1, 2, 4, 6, 12), size_px=200, inter_ocular_px=80.0)
BATCH = 64
PROCESSES = 2
PASSES = 4


class Opened:
    """The three ways to the crops, opened; this is not part of the reading times."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plain = np.load(folder / "plain.npy", mmap_mode="r").view(np.ndarray)
        self.samples = CropSamples(CropCache(folder / "cache"), SPEC)


def mapped_bytes(opened: Opened, rows: NDArray[np.int64]) -> None:
    """The crops' bytes, gathered from one mapped file into batches: nothing else."""
    for at in range(0, len(rows), BATCH):
        opened.plain[rows[at : at + BATCH]]


def mapped_batches(opened: Opened, rows: NDArray[np.int64]) -> None:
    """The same, normalised into the batches that a model takes."""
    for at in range(0, len(rows), BATCH):
        frames = opened.plain[rows[at : at + BATCH]][:, None]
        Stack(frames, np.zeros((len(frames), 1, len(SPEC.aus)), np.int8)).batch(SPEC)


def cache_bytes(opened: Opened, rows: NDArray[np.int64]) -> None:
    """Batches of the cache before they are normalised: crops and labels."""
    for at in range(0, len(rows), BATCH):
        opened.samples.stack(rows[at : at + BATCH].tolist())


def cache_batches(opened: Opened, rows: NDArray[np.int64]) -> None:
    """Batches of the cache, as training reads them."""
    for at in range(0, len(rows), BATCH):
        opened.samples.batch(rows[at : at + BATCH].tolist(), SPEC)


def cache_samples(opened: Opened, rows: NDArray[np.int64]) -> None:
    """Batches of the cache out of single samples, as training reads them to change each at random."""
    for at in range(0, len(rows), BATCH):
        collate([opened.samples[row] for row in rows[at : at + BATCH].tolist()], SPEC)


def jpeg_bytes(opened: Opened, rows: NDArray[np.int64]) -> None:
    """The same crops out of a JPEG each, not normalised."""
    for at in range(0, len(rows), BATCH):
        _decoded(opened.folder, rows[at : at + BATCH])


def jpeg_batches(opened: Opened, rows: NDArray[np.int64]) -> None:
    """The same batches out of a JPEG a crop."""
    for at in range(0, len(rows), BATCH):
        _decoded(opened.folder, rows[at : at + BATCH]).batch(SPEC)


def _decoded(folder: Path, rows: NDArray[np.int64]) -> Stack:
    size = SPEC.size_px
    frames = np.empty((len(rows), 1, size, size, 1), np.uint8)
    for at, row in enumerate(rows.tolist()):
        frames[at, 0, :, :, 0] = cv2.imread(str(folder / "jpeg" / f"{row}.jpg"), cv2.IMREAD_GRAYSCALE)
    return Stack(frames, np.zeros((len(rows), 1, len(SPEC.aus)), np.int8))


WAYS: dict[str, Callable[[Opened, NDArray[np.int64]], None]] = {
    "plain mapped reading, bytes": mapped_bytes,
    "cache, bytes": cache_bytes,
    "JPEG, bytes": jpeg_bytes,
    "plain mapped reading, batches": mapped_batches,
    "cache, batches": cache_batches,
    "cache, batches out of single samples": cache_samples,
    "JPEG, batches": jpeg_batches,
}


def timed(name: str, folder: Path, rows: NDArray[np.int64]) -> tuple[float, float]:
    """When a process began and ended its share."""
    cv2.setNumThreads(1)
    opened = Opened(folder)
    for at in range(len(opened.samples.cache.part_names)):
        opened.samples.cache.crops(at)
    WAYS[name](opened, rows[:BATCH])
    begin = time.time()
    WAYS[name](opened, rows)
    return begin, time.time()


def make(folder: Path, subjects: int, frames: int) -> int:
    make_fake("bp4d", folder / "data", FakeSize(subjects, 4, frames), size_px=260)
    done = prepare_data_set("bp4d", folder / "data", SPEC, folder / "cache", jobs=os.cpu_count() or 1)
    samples = CropSamples(done.cache, SPEC)
    plain = np.lib.format.open_memmap(
        folder / "plain.npy", mode="w+", dtype=np.uint8, shape=(len(samples), 200, 200, 1)
    )
    (folder / "jpeg").mkdir()
    for row in range(len(samples)):
        plain[row] = samples[row].frames[0]
        cv2.imwrite(str(folder / "jpeg" / f"{row}.jpg"), plain[row], [cv2.IMWRITE_JPEG_QUALITY, 95])
    plain.flush()
    return len(samples)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=6)
    parser.add_argument("--frames", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        count = make(folder, options.subjects, options.frames)
        rng = np.random.default_rng(0)
        rates: dict[str, list[float]] = {name: [] for name in WAYS}
        with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
            for _ in range(options.repeats):
                for name in WAYS:
                    shares = np.array_split(np.tile(rng.permutation(count), PASSES), PROCESSES)
                    done = list(pool.map(timed, [name] * PROCESSES, [folder] * PROCESSES, shares))
                    span = max(end for _, end in done) - min(begin for begin, _ in done)
                    rates[name].append(PASSES * count / span)
        best = {name: max(values) for name, values in rates.items()}
        begin = time.perf_counter()
        Opened(folder)
        print(f"opening: {time.perf_counter() - begin:.3f} s")
        print(f"{count} crops of 200 px, grey, batches of {BATCH}, best of {options.repeats}")
        for name, rate in best.items():
            print(f"| {name} | {rate:,.0f} crops/s | {rate * 40000 / 1e6:,.0f} MB/s |")
        for name, other in (
            ("cache, bytes", "JPEG, bytes"),
            ("cache, batches", "JPEG, batches"),
            ("cache, bytes", "plain mapped reading, bytes"),
            ("cache, batches", "plain mapped reading, batches"),
        ):
            print(f"{name} : {other} = {best[name] / best[other]:.2f}")


if __name__ == "__main__":
    main()
