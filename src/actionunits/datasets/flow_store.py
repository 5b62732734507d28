"""Optical flow between the crops of a cache, computed once and kept beside them.

Of each part ``flow-dis.npy`` or ``flow-tvl1.npy``, f16[N,S,S,2]: row k from the crop of row k - 1 to that of
row k, 0 where the frame before is not in that row or one of the two has no face. A part's file appears when
it is whole: a run that was stopped or killed goes on with the parts that are left.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actionunits.atomic import replace_when_done
from actionunits.datasets.cache import KEYS, CropCache
from actionunits.datasets.workers import Counter, locked, worker_pool
from actionunits.errors import UserError
from actionunits.faces.flow import crop_flow
from actionunits.records import FlowMethod, ImageArray, OnProgress

__all__ = ["FlowStore", "following_rows", "has_flow", "keep_flow"]


def following_rows(cache: CropCache) -> tuple[NDArray[np.bool_], ...]:
    """bool[N] of each part: the row before holds the frame before, and both have a face."""
    table = cache.frames.sort_values(["part", "row"], kind="stable")
    part, number = table["part"].to_numpy(), table["frame"].to_numpy(np.int64)
    found = table["found"].to_numpy(bool)
    names = table[[name for name in KEYS if name != "frame"]].astype("str").to_numpy()
    follows = np.zeros(len(table), bool)
    follows[1:] = (part[1:] == part[:-1]) & (number[1:] == number[:-1] + 1) & found[1:] & found[:-1]
    follows[1:] &= (names[1:] == names[:-1]).all(axis=1)
    return tuple(np.split(follows, np.searchsorted(part, np.arange(1, len(cache.part_names)))))


def has_flow(cache: CropCache, method: FlowMethod) -> bool:
    """Whether the flow of every part is there."""
    return all(_file(cache, name, method).is_file() for name in cache.part_names)


def keep_flow(
    cache: CropCache, method: FlowMethod, *, jobs: int = 1, on_progress: OnProgress | None = None
) -> int:
    """Compute the flow of the parts that have none yet; a run that is at this already is waited for.

    Args:
        cache: of the crops.
        method: ``dis`` or ``tvl1``.
        jobs: processes.
        on_progress: called with (frames done, frames).

    Returns:
        How many parts were made now.

    Raises:
        UserError: the cache's folder cannot be written to.
    """
    if has_flow(cache, method):
        return 0
    if not os.access(cache.folder, os.W_OK):
        raise UserError(f"optical flow is kept beside the crops, and {cache.folder} cannot be written to")
    with locked(cache.folder, wait=True):
        for left in cache.folder.glob(f"parts/*/.flow-{method}.part-*"):
            left.unlink()
        follows = following_rows(cache)
        missing = [at for at, name in enumerate(cache.part_names) if not _file(cache, name, method).is_file()]
        counter = Counter(sum(map(len, follows)), on_progress)
        counter.add(counter.total - sum(len(follows[at]) for at in missing))
        work = [(_file(cache, cache.part_names[at], method), follows[at]) for at in missing]
        _make(work, method, jobs, counter)
        return len(missing)


def _file(cache: CropCache, part: str, method: FlowMethod) -> Path:
    return cache.folder / "parts" / part / f"flow-{method}.npy"


def _make(
    work: list[tuple[Path, NDArray[np.bool_]]], method: FlowMethod, jobs: int, counter: Counter
) -> None:
    if jobs == 1 or len(work) < 2:
        for file, follows in work:
            _write(file, follows, method, counter.add)
        return
    work = sorted(work, key=lambda each: -len(each[1]))
    with worker_pool(min(jobs, len(work))) as pool:
        waiting = {pool.submit(_write, file, follows, method): len(follows) for file, follows in work}
        for future in as_completed(waiting):
            future.result()
            counter.add(waiting[future])


def _write(
    file: Path,
    follows: NDArray[np.bool_],
    method: FlowMethod,
    on_frame: Callable[[], None] | None = None,
) -> None:
    """One part's fields; row by row, so that a full disk is told and not died of."""
    crops = np.load(file.with_name("crops.npy"), mmap_mode="r")
    shape = (len(follows), *crops.shape[1:3], 2)
    still = bytes(np.zeros(shape[1:], np.float16))
    with replace_when_done(file) as beside, beside.open("wb") as stream:
        header = {"descr": "<f2", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for row, moves in enumerate(follows.tolist()):
            stream.write(crop_flow(crops[row - 1], crops[row], method).tobytes() if moves else still)
            if on_frame is not None:
                on_frame()


class FlowStore:
    """The flow of a cache's clips: read where it is kept, else computed.

    Args:
        cache: of the crops.
        method: ``dis`` or ``tvl1``.
    """

    def __init__(self, cache: CropCache, method: FlowMethod) -> None:
        self.cache, self.method = cache, method
        self._follows: tuple[NDArray[np.bool_], ...] | None = None
        self._open: dict[int, NDArray[np.float16]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """For worker processes: they open the files themselves."""
        return {**self.__dict__, "_open": {}}

    def of_clip(self, part: int, rows: NDArray[np.int64], crops: ImageArray) -> NDArray[np.float16]:
        """f16[T,S,S,2], from each frame's predecessor in the clip to it: 0 for the first and a repeated one.

        Args:
            part: of the cache.
            rows: i64[T] of the part; they may repeat and skip.
            crops: u8[T,S,S,C], what stands there.
        """
        kept = self._kept(part)
        flow = np.zeros((*crops.shape[:3], 2), np.float16)
        for at in range(1, len(rows)):
            before, row = int(rows[at - 1]), int(rows[at])
            if row == before:
                continue
            if kept is not None and row == before + 1 and self._following(part)[row]:
                flow[at] = kept[row]
            else:
                flow[at] = crop_flow(crops[at - 1], crops[at], self.method)
        return flow

    def _following(self, part: int) -> NDArray[np.bool_]:
        if self._follows is None:
            self._follows = following_rows(self.cache)
        return self._follows[part]

    def _kept(self, part: int) -> NDArray[np.float16] | None:
        if part not in self._open:
            file = _file(self.cache, self.cache.part_names[part], self.method)
            if not file.is_file():
                return None
            self._open[part] = np.asarray(np.load(file, mmap_mode="r"))
        return self._open[part]
