from __future__ import annotations

import gc
import itertools
import json
import operator
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from actionunits.apart import Apart, can_work_apart
from actionunits.errors import UserError
from actionunits.faces.video import FrameSource


def _wait_until_gone(process_id: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.kill(process_id, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {process_id} is still there")


def test_it_keeps_the_order_in_one_process_for_several_works() -> None:
    apart = Apart(gc.collect)
    assert list(apart.items(range, 500)) == list(range(500))
    (first,), (second,) = (list(apart.items(map, operator.call, [os.getpid])) for _ in range(2))
    assert first == second != os.getpid()


def test_two_works_at_once_do_not_mix() -> None:
    apart = Apart(gc.collect)
    evens, odds = apart.items(range, 0, 100, 2), apart.items(range, 1, 100, 2)
    assert list(itertools.chain.from_iterable(zip(evens, odds, strict=True))) == list(range(100))


_MOST_IN_A_PIPE = Path("/proc/sys/fs/pipe-max-size")


@pytest.mark.skipif(
    not _MOST_IN_A_PIPE.exists() or int(_MOST_IN_A_PIPE.read_text()) < 1 << 20,
    reason="only Linux lets a program choose what a pipe holds, up to a limit of the system",
)
def test_it_works_ahead_by_dozens_of_crops_while_nobody_reads() -> None:
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    apart = Apart(gc.collect)
    crops = apart.items(itertools.repeat, bytes(12_544))
    next(crops)
    worker = crops.gi_frame.f_locals["worker"]
    assert fcntl.fcntl(worker._answers, fcntl.F_GETPIPE_SZ) >= 1 << 20
    deadline, held = time.monotonic() + 20, 0
    while held < 40 * 12_544 and time.monotonic() < deadline:
        time.sleep(0.01)
        held = int.from_bytes(fcntl.ioctl(worker._answers, termios.FIONREAD, bytes(4)), sys.byteorder)
    assert held >= 40 * 12_544
    crops.close()


def test_an_exception_comes_after_the_items_before_it_and_does_not_end_the_process() -> None:
    apart = Apart(gc.collect)
    stream = apart.items(map, json.loads, ["1", "2", "three"])
    assert [next(stream), next(stream)] == [1, 2]
    with pytest.raises(json.JSONDecodeError) as raised:
        next(stream)
    assert "In the other process" in raised.value.__notes__[0]
    assert list(apart.items(range, 2)) == [0, 1]


def test_an_exception_that_cannot_be_sent_is_told_all_the_same() -> None:
    with pytest.raises(RuntimeError, match="^Own: 1"):
        list(Apart(gc.collect).items(map, exec, ["raise type('Own', (UnicodeError,), {})(1)"]))


def test_a_users_error_crosses_whole(tmp_path: Path) -> None:
    missing = FrameSource(tmp_path / "none.mp4", "video", None, None)
    with pytest.raises(UserError, match=r"none\.mp4 cannot be read"):
        list(Apart(gc.collect).items(iter, missing))


def test_what_prepares_may_fail() -> None:
    assert list(Apart(os.getpgid).items(range, 3)) == [0, 1, 2]  # a TypeError: it needs an argument


def test_closing_early_ends_the_process_and_the_next_work_has_another() -> None:
    apart = Apart(gc.collect)
    process = apart._idle[0].process
    stream = apart.items(itertools.count)
    assert [next(stream) for _ in range(3)] == [0, 1, 2]
    stream.close()
    assert process.poll() is not None
    assert list(apart.items(range, 3)) == [0, 1, 2]


def test_the_process_ends_with_its_object() -> None:
    apart = Apart(gc.collect)
    process = apart._idle[0].process
    assert process.poll() is None
    del apart
    gc.collect()
    assert process.poll() is not None


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_process_that_is_killed_is_one_clear_line() -> None:
    apart = Apart(gc.collect)
    stream = apart.items(itertools.count)
    process = _process_of(stream)
    next(stream)
    process.kill()
    with pytest.raises(UserError, match=r"ended by signal 9: is there enough free memory\?"):
        for _ in stream:
            pass
    assert list(apart.items(range, 3)) == [0, 1, 2]
    apart._idle[0].process.kill()
    with pytest.raises(UserError, match="ended by signal 9"):
        list(apart.items(range, 3))


def _process_of(stream: object) -> subprocess.Popen[bytes]:
    next(stream)
    process: subprocess.Popen[bytes] = stream.gi_frame.f_locals["worker"].process
    return process


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_orphan_stays_whatever_ends_the_caller(number: signal.Signals) -> None:
    code = (
        "import gc, itertools; from actionunits.apart import Apart; apart = Apart(gc.collect)\n"
        "print(apart._idle[0].process.pid, flush=True)\n"
        "for _ in apart.items(itertools.count): pass"
    )
    caller = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert caller.stdout is not None
    try:
        process_id = int(caller.stdout.readline())
        time.sleep(0.3)
        caller.send_signal(number)
        caller.communicate(timeout=20)
        _wait_until_gone(process_id)
    finally:
        caller.kill()


def test_not_in_a_frozen_program_and_not_on_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    assert can_work_apart()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert not can_work_apart()
    monkeypatch.setattr(sys, "frozen", False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert not can_work_apart()
