"""The command ``au``: one file a verb; every verb is imported here, its libraries only when it runs."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Annotated, Any

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


#: What a mistake in a command is raised as: Click's, or in newer ones Typer's own copy of it.
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]


def _terminate(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def run() -> None:
    """Entry point of ``au``: a user's mistake ends with one line and exit code 2, never a traceback."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        try:
            ended = app(standalone_mode=False)
        finally:
            sys.stdout.flush()
        sys.exit(ended if isinstance(ended, int) else 0)  # 130 after Ctrl-C
    except UserError as problem:
        print(f"au: {problem}", file=sys.stderr)
        sys.exit(problem.exit_code)
    except (typer.Abort, KeyboardInterrupt, SystemExit) as end:
        code = end.code if isinstance(end, SystemExit) else 130
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
    except _UsageError as problem:
        _tell_mistake(problem)
        sys.exit(2)


#: What libraries say of a value, and how it is told.
_IN_OTHER_WORDS = {
    "Value error, ": "",
    ", unable to parse string as an integer": "",
    ", unable to parse string as a number": "",
    "Input should be": "it should be",
}


def _tell_mistake(problem: Any) -> None:
    """A mistake in the command as one line; a verb without anything after it shows its help.

    Typer's own boxes take several lines.
    """
    if type(problem).__name__ == "NoArgsIsHelpError":
        problem.show()
        return
    said = " ".join(problem.format_message().split()).rstrip(".")
    for theirs, ours in _IN_OTHER_WORDS.items():
        said = said.replace(theirs, ours)
    context = getattr(problem, "ctx", None)
    verbs = [word for word in sys.argv[1:2] if word in {info.name for info in app.registered_commands}]
    verb = context.command_path if context else " ".join(["au", *verbs])
    print(f"au: {said[:1].lower()}{said[1:]}: see {verb} --help", file=sys.stderr)
