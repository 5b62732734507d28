"""`au models` as a user runs it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from actionunits.cli.main import app


@pytest.mark.parametrize("name", ["embedded", "default"])
def test_the_card_of_the_embedded_model_is_text_to_read(name: str) -> None:
    done = CliRunner().invoke(app, ["models", "show", name])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("# The embedded model")
    assert "Inner Brow Raiser" in done.output
    assert len(done.output.splitlines()) < 160


def test_json_is_the_card_of_the_file() -> None:
    done = CliRunner().invoke(app, ["models", "show", "embedded", "--json"])
    assert done.exit_code == 0, done.output
    values = json.loads(done.output)
    assert set(values) == {"name", "input", "card"}
    assert len(values["input"]["aus"]) == 17
    assert json.loads(CliRunner().invoke(app, ["models", "show", "default", "--json"]).output) == values
