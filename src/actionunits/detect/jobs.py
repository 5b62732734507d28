"""Several sources side by side, each in a process that does one after the other."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any

from actionunits.detect.outputs import OutputPlan, SourceSummary, detect_to_files
from actionunits.detect.pipeline import Detector
from actionunits.errors import UserError

__all__ = ["detect_side_by_side"]

#: What comes back of a source: its summary, or why there is none.
Outcome = SourceSummary | UserError


@dataclass
class _Worker:
    """A process, the pipe to it, and the source that it is busy with."""

    process: BaseProcess
    pipe: Connection
    source: Path | None = None

    def give(self, source: Path, name: str) -> None:
        self.source = source
        self.pipe.send((source, name))

    def answer(self) -> Outcome:
        """What came of its source; that the process has ended is an answer, too."""
        try:
            outcome: Outcome = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            code = self.process.exitcode or 0
            how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
            outcome = UserError(f"{self.source}: its process ended {how}: is there enough free memory?")
        self.source = None
        return outcome

    def end(self) -> None:
        """Let it remove what it has half written, and wait until it is gone."""
        self.process.terminate()
        self.process.join()
        self.pipe.close()


def detect_side_by_side(
    sources: Sequence[tuple[Path, str]], options: Mapping[str, Any], plan: OutputPlan, jobs: int
) -> Generator[tuple[Path, Outcome], None, None]:
    """Detect in several sources at once and write their files; in the order in which they are done.

    A source that fails does not stop the others. Closing this generator, or an exception in it, ends the
    processes; what was complete is kept.

    Args:
        sources: each with the name of its files.
        options: of :class:`~actionunits.detect.pipeline.Detector`, but for ``apart``: that is on where there
            are two cores for each process and no pictures are kept.
        plan: which files.
        jobs: processes at once, at least 1; each holds a detector of its own.
    """
    given = {**options, "apart": (os.cpu_count() or 1) >= 2 * jobs and not plan.video}
    waiting = deque(sources)
    workers: list[_Worker] = []
    try:
        while waiting or any(worker.source for worker in workers):
            while waiting and (idle := _idle(workers, jobs, given, plan)) is not None:
                idle.give(*waiting.popleft())
            busy = {worker.pipe: worker for worker in workers if worker.source is not None}
            for pipe in wait(list(busy)):
                worker = next(each for each in busy.values() if each.pipe is pipe)
                source = worker.source
                assert source is not None
                outcome = worker.answer()
                if not worker.process.is_alive():
                    workers.remove(worker)
                yield source, outcome
    finally:
        for worker in workers:
            worker.end()


def _idle(workers: list[_Worker], jobs: int, options: Mapping[str, Any], plan: OutputPlan) -> _Worker | None:
    """A process without work, a new one if there may be more."""
    free = next((worker for worker in workers if worker.source is None), None)
    if free is None and len(workers) < jobs:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, dict(options), plan), daemon=False)
        process.start()
        theirs.close()
        free = _Worker(process, ours)
        workers.append(free)
    return free


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _serve(pipe: Connection, options: dict[str, Any], plan: OutputPlan) -> None:
    """The other side: sources in, outcomes out, until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the caller, who then ends this process
    signal.signal(signal.SIGTERM, _stop)
    detector: Detector | None = None
    while True:
        try:
            source, name = pipe.recv()
        except EOFError:
            return
        try:
            detector = detector or Detector(**options)
            outcome: Outcome = detect_to_files(detector, source, name, plan)
        except UserError as problem:
            outcome = UserError(str(problem))
        pipe.send(outcome)
