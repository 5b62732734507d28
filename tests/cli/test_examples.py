"""The help of every verb, and of each command in it, has an example, and the example is of that verb."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest
import typer
from typer.testing import CliRunner

from actionunits.cli.main import app


def _verbs(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield words
    for name, inner in getattr(command, "commands", {}).items():
        yield from _verbs(inner, (*words, name))


VERBS = list(_verbs(typer.main.get_command(app)))


def test_groups_are_walked() -> None:
    assert {(), ("detect",), ("datasets", "check"), ("models", "show"), ("synthesize", "clips")} <= set(VERBS)


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_every_help_has_an_example(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [*words, "--help"])
    assert done.exit_code == 0
    text = " ".join(done.output.split())
    assert re.search(r"[Ee]xamples?: " + " ".join(("au", *words)), text), done.output
