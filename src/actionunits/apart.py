"""Work in a process of its own: an iterator whose items another Python makes.

Threads share one interpreter lock. Work that holds it for long (dlib's predictor does, while it is loaded and
for each face) is done beside the caller only in another process. That process is a fresh Python, which
imports this package and nothing of the caller's program, so that the caller needs no guard of ``__main__``.
It is spoken to through two pipes and ends when they are closed: whatever ends the caller ends it too.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import traceback
import weakref
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, ParamSpec, TypeVar

from actionunits.errors import UserError

__all__ = ["Apart", "can_work_apart", "serve"]

Item = TypeVar("Item")
Given = ParamSpec("Given")

_SERVE = "import sys; sys.path[:] = sys.argv[1:]; from actionunits.apart import serve; serve()"
_BUFFER_BYTES = 1 << 16
#: What the pipe of answers holds, where the system lets it be chosen (Linux): some dozens of crops. With its
#: usual 64 kB, four of them, each side waits while the other has a batch in hand.
_PIPE_BYTES = 1 << 20
#: dlib's predictor reads here and there in 65 MB: in large pages that is faster. Only glibc heeds it.
_LARGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


@dataclass(frozen=True)
class _End:
    """The last answer to a request: how it ended."""

    problem: Exception | None = None
    where: str = ""


def can_work_apart() -> bool:
    """Whether a process of its own is possible (not in a frozen program) and pays (not on a single core)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores > 1 and bool(sys.executable) and not getattr(sys, "frozen", False)


class Apart:
    """Runs functions in another process, which starts at once and ends with this object.

    Args:
        prepare: an importable function that is run there first, so that what takes long to load is loaded
            while the caller is still busy. Its exceptions are not told: the work meets them again.
    """

    def __init__(self, prepare: Callable[[], object]) -> None:
        self._prepare = prepare
        self._idle = [self._start()]

    def _start(self) -> _Worker:
        worker = _Worker()
        weakref.finalize(self, worker.end)
        worker.send(self._prepare)
        return worker

    def items(
        self, function: Callable[Given, Iterable[Item]], *given: Given.args, **named: Given.kwargs
    ) -> Generator[Item, None, None]:
        """Give what ``function(*given)`` gives, in order; function, arguments and items must be picklable.

        The process works ahead by as much as its pipe holds. An exception is raised here, after the items
        before it. Closing this generator early, or leaving it by an exception, ends the process.

        Raises:
            UserError: the process was ended from outside.
        """
        worker = self._idle.pop() if self._idle else self._start()
        answer = None
        try:
            worker.send((function, given, named))
            while not isinstance(answer := worker.receive(), _End):
                yield answer
        finally:
            if isinstance(answer, _End):
                self._idle.append(worker)
            else:
                worker.end()
        if answer.problem is not None:
            answer.problem.add_note(answer.where)
            raise answer.problem


class _Worker:
    """The process as its caller sees it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, *sys.path],
            bufsize=_BUFFER_BYTES,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_LARGE_PAGES | os.environ,
            process_group=0,  # Ctrl-C is for the caller, who then ends this process
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._requests, self._answers = self.process.stdin, self.process.stdout
        _widen(self._answers)

    def send(self, request: object) -> None:
        try:
            _write(self._requests, request)
        except OSError:
            raise self._gone() from None

    def receive(self) -> Any:
        try:
            return pickle.load(self._answers)
        except (EOFError, pickle.UnpicklingError):
            raise self._gone() from None

    def _gone(self) -> UserError:
        code = self.process.wait()
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return UserError(f"a process that works for this one ended {how}: is there enough free memory?")

    def end(self) -> None:
        """End the process at once; it holds nothing that must be kept."""
        self.process.kill()
        self.process.wait()
        with suppress(OSError):  # what was not sent any more
            self._requests.close()
        self._answers.close()


def _widen(pipe: IO[bytes]) -> None:
    """Let a pipe hold more; it stays as it is on other systems, and where a user's pipes are used up."""
    if sys.platform != "linux":
        return
    import fcntl

    with suppress(OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


class _CallerGoneError(Exception):
    """Nobody reads the answers."""


def _write(pipe: IO[bytes], what: object) -> None:
    pipe.write(pickle.dumps(what, protocol=pickle.HIGHEST_PROTOCOL))
    pipe.flush()


def serve() -> None:
    """The other side: answer requests until the pipes are closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Windows Ctrl-C reaches every process of a console
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb", buffering=_BUFFER_BYTES)
    os.dup2(2, 1)  # what a library prints must not come between the answers
    with suppress(EOFError, _CallerGoneError):
        prepare = pickle.load(requests)
        with suppress(Exception):
            prepare()
        while True:
            function, given, named = pickle.load(requests)
            _answer(answers, function, given, named)


def _answer(
    answers: IO[bytes], function: Callable[..., Iterable[object]], given: Any, named: dict[str, Any]
) -> None:
    def tell(what: object) -> None:
        try:
            _write(answers, what)
        except OSError:
            raise _CallerGoneError from None

    try:
        for item in function(*given, **named):
            tell(item)
        end = _End()
    except _CallerGoneError:
        raise
    except Exception as problem:  # whatever it is, it is raised at the caller's
        end = _End(_portable(problem), "In the other process: " + traceback.format_exc())
    tell(end)


def _portable(problem: Exception) -> Exception:
    """The exception, or what can be told of one that cannot be sent."""
    try:
        pickle.loads(pickle.dumps(problem))
    except Exception:  # an exception's own pickling can fail in any way
        return RuntimeError(f"{type(problem).__name__}: {problem}")
    return problem
