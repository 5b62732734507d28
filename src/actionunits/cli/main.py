"""The command ``au``: one file a verb; every verb is imported here, its libraries only when it runs."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from actionunits.cli.analyze import analyze
from actionunits.cli.datasets import app as datasets
from actionunits.cli.demo import demo
from actionunits.cli.detect import detect
from actionunits.cli.evaluate import evaluate
from actionunits.cli.explain import explain
from actionunits.cli.export import export
from actionunits.cli.models import app as models
from actionunits.cli.prepare import prepare
from actionunits.cli.reproduce import reproduce
from actionunits.cli.score import score
from actionunits.cli.synthesize import app as synthesize
from actionunits.cli.train import train
from actionunits.errors import UserError

__all__ = ["app", "run"]

app = typer.Typer(
    name="au",
    help="Facial Action Units (FACS) out of pictures and videos. Example: au detect interview.mp4",
    epilog="For the papers' networks and --landmarks dlib, the points of a face come from a predictor "
    "that was trained on iBUG 300-W: not for commercial use (THIRD_PARTY_NOTICES.md). Nothing leaves this "
    "machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for _verb in (demo, detect, explain, analyze, score, prepare, train, evaluate, reproduce, export):
    app.command(_verb.__name__)(_verb)
for _name, _verbs in (("synthesize", synthesize), ("datasets", datasets), ("models", models)):
    app.add_typer(_verbs, name=_name)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"actionunits {version('actionunits')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    pass


#: Exit codes of a run that was stopped: Ctrl-C, which Typer turns into one, and SIGTERM.
_STOPPED = (128 + signal.SIGINT, 128 + signal.SIGTERM)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def run() -> None:
    """Entry point of ``au``: a user's mistake ends with one line and exit code 2, never a traceback."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except UserError as problem:
        print(f"au: {problem}", file=sys.stderr)
        sys.exit(problem.exit_code)
    except (KeyboardInterrupt, SystemExit) as end:
        code = 130 if isinstance(end, KeyboardInterrupt) else end.code
        if code in _STOPPED:
            print("au: stopped; what was complete is kept", file=sys.stderr)
        sys.exit(code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as problem:
        where = f": {problem.filename}" if problem.filename else ""
        print(f"au: {problem.strerror or problem}{where}", file=sys.stderr)
        sys.exit(1)
