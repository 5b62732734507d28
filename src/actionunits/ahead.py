"""Work ahead in a thread: an iterator whose items are made while the caller works on the last one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

__all__ = ["ahead"]

Item = TypeVar("Item")

#: How often a waiting side looks whether the other has gone (seconds); also the delay of Ctrl-C on Windows.
_LOOK_S = 0.2


class _End:
    """The last thing in the queue: how the other thread ended."""

    def __init__(self, problem: BaseException | None) -> None:
        self.problem = problem


def ahead(items: Iterable[Item], size: int) -> Generator[Item, None, None]:
    """Give ``items`` in order, made by another thread up to ``size`` items ahead.

    An exception of the other thread is raised here, after the items before it. Closing this generator (or
    leaving it by an exception) ends the other thread, which closes ``items`` if that is a generator; it is
    waited for, so that no file stays open.

    >>> list(ahead(range(3), size=2))
    [0, 1, 2]
    """
    box: queue.Queue[Item | _End] = queue.Queue(maxsize=size)
    stop = threading.Event()

    def put(item: Item | _End) -> None:
        while not stop.is_set():
            try:
                box.put(item, timeout=_LOOK_S)
                return
            except queue.Full:
                continue

    def work() -> None:
        problem: BaseException | None = None
        iterator = iter(items)
        try:
            for item in iterator:
                put(item)
                if stop.is_set():
                    break
        except BaseException as raised:  # handed to the caller's thread
            problem = raised
        finally:
            if isinstance(iterator, Generator):
                iterator.close()
            put(_End(problem))

    thread = threading.Thread(target=work, name="actionunits-ahead", daemon=True)
    thread.start()
    try:
        while True:
            try:
                item = box.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if isinstance(item, _End):
                if item.problem is not None:
                    raise item.problem
                return
            yield item
    finally:
        stop.set()
        while thread.is_alive():
            try:
                box.get_nowait()
            except queue.Empty:
                thread.join(timeout=0.01)
