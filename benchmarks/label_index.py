"""Time and memory of reading a data set's labels at full size: 150,000 frames of 34 AUs, in BP4D's layout.

Run from the repository: ``python benchmarks/label_index.py``. The pictures are empty files in a temporary
folder, which is removed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from actionunits.datasets.fakes.bp4d import CODED_AUS
from actionunits.datasets.folds import named_folds

READ = """
import resource, sys, time
from pathlib import Path
begin = time.perf_counter()
from actionunits.datasets.adapter import usable_index
from actionunits.datasets.registry import data_set
read = data_set("bp4d").read
imported = time.perf_counter()
index = usable_index(read(Path(sys.argv[1]), None))
done = time.perf_counter()
labels = index.labels(index.aus)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
size = index.table.memory_usage(deep=True).sum() / 2**20
print(f"{len(index):,} frames x {len(index.aus)} AUs, {len(index.intensity_aus)} with intensity: "
      f"imports {imported - begin:.1f} s, reading {done - imported:.1f} s, "
      f"table {size:.0f} MiB, peak of the process {peak:.0f} MiB")
"""


def make(root: Path, frames: int) -> None:
    people = sorted(named_folds("bp4d-3").subjects)
    keys = [(who, f"T{task}") for who in people for task in range(1, 9)]
    rng = np.random.default_rng(0)
    header = ",".join(map(str, [1, *CODED_AUS]))
    for place in ("AU_OCC", *(f"AU_INT/AU{au:02d}" for au in (6, 10, 12, 14, 17))):
        (root / "AUCoding" / place).mkdir(parents=True)
    for number, (who, task) in enumerate(keys):
        count = frames // len(keys) + (number < frames % len(keys))
        pictures = root / "BP4D-training" / who / task
        pictures.mkdir(parents=True)
        codes = rng.choice([0, 1, 9], (count, len(CODED_AUS)), p=[0.7, 0.2, 0.1])
        rows = np.column_stack([np.arange(count), codes])
        np.savetxt(
            root / "AUCoding" / "AU_OCC" / f"{who}_{task}.csv", rows, "%d", ",", header=header, comments=""
        )
        for au in (6, 10, 12, 14, 17):
            graded = np.column_stack([np.arange(count), rng.integers(0, 6, count)])
            file = root / "AUCoding" / "AU_INT" / f"AU{au:02d}" / f"{who}_{task}_AU{au:02d}.csv"
            np.savetxt(file, graded, "%d", ",")
        for frame in range(count):
            (pictures / f"{frame:04d}.jpg").touch()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=150_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        make(Path(temporary), options.frames)
        for _ in range(3):
            subprocess.run([sys.executable, "-c", READ, temporary], check=True)


if __name__ == "__main__":
    main()
