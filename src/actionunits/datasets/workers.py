"""Work on a crop cache in several processes: one run at a time, which ends as a whole."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for
from pathlib import Path

from actionunits.errors import UserError
from actionunits.records import OnProgress

__all__ = ["LOCK", "Counter", "locked", "worker_pool"]

#: Name of a cache's lock.
LOCK = ".lock"


@contextmanager
def locked(out: Path, *, wait: bool = False) -> Iterator[None]:
    """Keep other runs out of a crop cache; the system lets go of the lock however this process ends.

    Args:
        out: folder of the cache.
        wait: for a run that is at work there.

    Raises:
        UserError: another run is at work there and it is not waited for.
    """
    if sys.platform == "win32":  # there the user has to see to it
        yield
        return
    import fcntl

    with (out / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as problem:
            raise UserError(f"another au prepare is filling {out}: wait for it, or stop it") from problem
        yield


class Counter:
    """What is done, told as it grows."""

    def __init__(self, total: int, on_progress: OnProgress | None) -> None:
        self.total, self.on_progress, self.done = total, on_progress, 0

    def add(self, count: int = 1) -> None:
        """So many more are done."""
        self.done += count
        if self.on_progress is not None and count:
            self.on_progress(self.done, self.total)


@contextmanager
def worker_pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that end with this one, however it ends; stopped at once when an error or Ctrl-C comes."""
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    with _one_thread_each():
        pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin_worker)
        try:
            yield pool
            pool.shutdown()
        except BaseException as problem:
            for child in set(multiprocessing.active_children()) - before:
                child.terminate()
            pool.shutdown(wait=True, cancel_futures=True)
            if isinstance(problem, BrokenProcessPool):
                raise UserError(
                    "a process that worked on the crops was ended from outside (is the memory full?): "
                    "run it again, finished sequences are kept"
                ) from problem
            raise


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that are begun here do linear algebra in one thread: more would only take turns."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _begin_worker() -> None:
    import cv2

    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()

    def end_with_parent() -> None:
        if parent is not None:
            wait_for([parent.sentinel])
            os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
