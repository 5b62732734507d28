"""Optical flow kept beside the crops is what would be computed, however the run that made it ended."""

import pickle
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from actionunits.datasets import flow_store
from actionunits.datasets.adapter import usable_index
from actionunits.datasets.cache import CropCache
from actionunits.datasets.flow_store import FlowStore, following_rows, has_flow, keep_flow
from actionunits.datasets.prepare import prepare
from actionunits.datasets.registry import data_set
from actionunits.errors import UserError
from actionunits.faces.batch import clip_flow
from actionunits.faces.flow import crop_flow
from actionunits.records import InputSpec

SPEC = InputSpec(aus=(1, 2, 12), size_px=48, inter_ocular_px=20.0, needs_flow=True)


@pytest.fixture(scope="module")
def crops(painted_bp4d, tmp_path_factory) -> Path:
    """A cache of six sequences of six frames."""
    index = usable_index(data_set("bp4d").read(painted_bp4d, None))
    return prepare(index, painted_bp4d, SPEC, tmp_path_factory.mktemp("crops") / "cache").cache.folder


@pytest.fixture
def cache(crops, tmp_path) -> CropCache:
    return CropCache(shutil.copytree(crops, tmp_path / "cache"))


@pytest.fixture(scope="module")
def slow(crops, tmp_path_factory) -> CropCache:
    """The same with TV-L1 of an undisturbed run."""
    cache = CropCache(shutil.copytree(crops, tmp_path_factory.mktemp("slow") / "cache"))
    assert keep_flow(cache, "tvl1") == 6
    return cache


def fields(cache: CropCache, method: str) -> dict[str, bytes]:
    return {file.parent.name: file.read_bytes() for file in cache.folder.glob(f"parts/*/flow-{method}.npy")}


def without(cache: CropCache, *rows: int, **changed) -> CropCache:
    """The cache with frames in which there is no face, or with other columns."""
    table = cache.frames.assign(found=~np.isin(np.arange(len(cache.frames)), rows), **changed)
    table.to_parquet(cache.folder / "frames.parquet", index=False)
    return CropCache(cache.folder)


def test_each_row_holds_the_way_from_the_row_before(cache):
    before = cache.digest
    seen = []
    assert not has_flow(cache, "dis")
    assert keep_flow(cache, "dis", on_progress=lambda done, total: seen.append((done, total))) == 6
    assert seen == [(n, 36) for n in range(1, 37)]
    assert has_flow(cache, "dis")
    assert not has_flow(cache, "tvl1")
    for part, name in enumerate(cache.part_names):
        kept = np.load(cache.folder / "parts" / name / "flow-dis.npy")
        assert (kept.dtype, kept.shape) == (np.float16, (6, 48, 48, 2))
        np.testing.assert_array_equal(kept, clip_flow(cache.crops(part)))
    assert keep_flow(cache, "dis") == 0
    assert CropCache(cache.folder).digest == before


def test_there_is_none_over_a_gap_or_a_missing_face(cache):
    numbers = cache.frames["frame"].to_numpy().copy()
    numbers[15:18] += 1  # the third sequence skips a frame
    cache = without(cache, 7, frame=numbers)
    wanted = np.tile([False] + [True] * 5, (6, 1))
    wanted[1, [1, 2]] = wanted[2, 3] = False
    assert np.array_equal(np.stack(following_rows(cache)), wanted)
    keep_flow(cache, "dis")
    for part, name in enumerate(cache.part_names):
        kept = np.load(cache.folder / "parts" / name / "flow-dis.npy")
        whole = clip_flow(cache.crops(part))
        np.testing.assert_array_equal(kept, whole * wanted[part][:, None, None, None])


def test_pictures_of_one_part_do_not_move(cache):
    views = np.char.add("v", np.arange(36).astype(str))
    assert not np.concatenate(following_rows(without(cache, view=views))).any()


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize(
    "rows", [[0, 1, 2, 3], [0, 0, 1, 1], [1, 3, 5, 5], [2, 4, 5, 5], [5, 4, 3, 3], [0, 1, 3, 4]]
)
def test_a_clip_gets_its_own_flow_kept_or_not(cache, rows, kept):
    cache = without(cache, 2)
    if kept:
        keep_flow(cache, "dis")
        for name in cache.part_names:  # what is read is what is kept: doubled, it shows
            file = cache.folder / "parts" / name / "flow-dis.npy"
            np.save(file, 2 * np.load(file))
    frames = cache.crops(0)[rows]
    found = pickle.loads(pickle.dumps(FlowStore(cache, "dis"))).of_clip(0, np.array(rows), frames)
    wanted = clip_flow(frames)
    read = [kept and b == a + 1 and 2 not in (a, b) for a, b in pairwise(rows)]
    wanted[1:][read] *= 2
    np.testing.assert_array_equal(found, wanted)
    for at in np.flatnonzero(np.diff(rows) == 0) + 1:
        assert not found[at].any()
    assert found.any()


def test_the_flow_of_another_method_is_another(slow):
    crops = slow.crops(0)
    found = FlowStore(slow, "tvl1").of_clip(0, np.arange(6), crops)
    np.testing.assert_array_equal(found[3], crop_flow(crops[2], crops[3], "tvl1"))
    other = FlowStore(slow, replace(SPEC).flow).of_clip(0, np.arange(6), crops)
    assert not np.array_equal(found, other)


def test_a_killed_run_goes_on_and_ends_the_same(cache, slow, tmp_path):
    script = (
        "from pathlib import Path; import sys\n"
        "from actionunits.datasets.cache import CropCache\n"
        "from actionunits.datasets.flow_store import keep_flow\n"
        "if __name__ == '__main__':\n"
        "    keep_flow(CropCache(Path(sys.argv[1])), 'tvl1', jobs=2)\n"
    )
    (tmp_path / "run.py").write_text(script)
    process = subprocess.Popen([sys.executable, str(tmp_path / "run.py"), str(cache.folder)])
    for _ in range(1200):
        if fields(cache, "tvl1") or process.poll() is not None:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.5)  # its workers end with it
    before = fields(cache, "tvl1")
    assert 0 < len(before) < 6
    left = cache.folder / "parts" / cache.part_names[5] / ".flow-tvl1.part-999999999.npy"
    left.write_bytes(b"half")
    assert keep_flow(cache, "tvl1") == 6 - len(before)
    assert fields(cache, "tvl1") == fields(slow, "tvl1")
    assert not list(cache.folder.glob("parts/*/.flow-*"))


def test_a_stopped_run_leaves_nothing_half_written(cache, monkeypatch):
    def stop(*args):
        if len(fields(cache, "dis")) == 2:
            raise KeyboardInterrupt
        return crop_flow(*args)

    monkeypatch.setattr(flow_store, "crop_flow", stop)
    with pytest.raises(KeyboardInterrupt):
        keep_flow(cache, "dis")
    assert len(list(cache.folder.glob("parts/*/*flow*"))) == 2


def test_two_processes_make_the_same(cache, crops, tmp_path):
    other = CropCache(shutil.copytree(crops, tmp_path / "other"))
    assert keep_flow(cache, "dis", jobs=2) == keep_flow(other, "dis") == 6
    assert fields(cache, "dis") == fields(other, "dis")


def test_a_cache_that_cannot_be_written_to_is_told(cache, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(UserError, match="cannot be written to"):
        keep_flow(cache, "dis")
