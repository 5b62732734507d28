"""Progress bars: rate and time left, on the error stream, silent when it is not a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actionunits.records import OnProgress, Stage

__all__ = ["progress_bar", "progress_stages"]


@contextmanager
def progress_stages() -> Iterator[Stage]:
    """Give a function that starts a stage, with a bar of its own below the last, and how to move it.

    A bar shows its title, the share done, the rate in its unit and the time left. Without a terminal nothing
    is drawn, so that logs stay clean.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed, unit = task.finished_speed or task.speed, task.fields["unit"]
            return Text(f"{speed:,.1f} {unit}/s" if speed else f"- {unit}/s")

    console = Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:

        def stage(title: str, unit: str) -> OnProgress:
            task = bars.add_task(title, total=None, unit=unit)

            def move(done: int, total: int | None) -> None:
                bars.update(task, completed=done, total=total)

            return move

        yield stage


@contextmanager
def progress_bar(title: str, unit: str) -> Iterator[OnProgress]:
    """One bar: see :func:`progress_stages`."""
    with progress_stages() as stage:
        yield stage(title, unit)
