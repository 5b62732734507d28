from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from actionunits.ahead import ahead


def _threads() -> int:
    return sum(thread.name == "actionunits-ahead" for thread in threading.enumerate())


def test_it_keeps_the_order_and_works_in_another_thread() -> None:
    def items() -> Iterator[tuple[int, str]]:
        for i in range(200):
            yield i, threading.current_thread().name

    found = list(ahead(items(), size=3))
    assert [i for i, _ in found] == list(range(200))
    assert {name for _, name in found} == {"actionunits-ahead"}


def test_it_is_never_more_than_its_size_ahead() -> None:
    made = 0

    def items() -> Iterator[int]:
        nonlocal made
        for i in range(50):
            made += 1
            yield i

    for taken, _ in enumerate(ahead(items(), size=4), start=1):
        time.sleep(0.002)
        assert made <= taken + 4 + 1  # the queue, and one that waits for a place in it


def test_an_exception_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("broken")

    stream = ahead(items(), size=8)
    assert [next(stream), next(stream)] == [1, 2]
    with pytest.raises(ValueError, match="broken"):
        next(stream)


def test_closing_early_ends_the_thread_and_closes_the_items() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            while True:
                yield 0
        finally:
            closed.set()

    before = _threads()
    stream = ahead(ahead(items(), size=2), size=2)
    next(stream)
    assert _threads() == before + 2
    start = time.perf_counter()
    stream.close()
    assert closed.is_set()
    assert _threads() == before
    assert time.perf_counter() - start < 2.0
