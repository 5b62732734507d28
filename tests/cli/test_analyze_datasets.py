"""`au analyze` and `au datasets` as a user runs them."""

import json

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from actionunits.cli.analyze import analyze
from actionunits.cli.datasets import app as datasets_app
from actionunits.errors import UserError

TABLE = "subject,sequence,task,frame,AU06,AU12\n" + "".join(
    f"{s},1,{t},{f},{int(f > 3)},{int(f > 2)}\n" for s, t in (("a", "T1"), ("b", "T2")) for f in range(1, 7)
)


def run(app, *words):
    return CliRunner().invoke(app, list(map(str, words)), catch_exceptions=True)


@pytest.fixture
def analyze_app():
    app = typer.Typer()
    app.command()(analyze)
    return app


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(TABLE)
    return path


def test_analyze_prints_and_writes(analyze_app, table, tmp_path):
    out = tmp_path / "out"
    result = run(analyze_app, table, "--by", "task", "--out", out)
    assert result.exit_code == 0, result.output
    assert "12 frames, 2 sequences, 2 subjects" in result.output
    assert "| AU12 |" in result.output
    assert "T2" in result.output
    names = {path.name for path in out.iterdir()}
    assert {"report.html", "action_units.csv", "patterns.csv", "jaccard.csv", "groups.csv"} <= names
    units = pd.read_csv(out / "action_units.csv", index_col=0)
    assert units.loc["AU6", "base rate"] == pytest.approx(0.5)
    assert units.loc["AU12", "segments"] == 2
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 6
    pairs = pd.read_csv(out / "pairs.csv", index_col=0)
    assert pairs.loc["6, 12", ["Table 3", "people", "labels say"]].tolist() == ["together", 2, "together"]
    assert pairs.loc["6, 12", "lift"] == pytest.approx(1.5)
    assert "Pairs beside Table 3" in result.output
    assert "What Ones would score" in page


def test_analyze_takes_aus_by_number_and_by_set(analyze_app, table):
    assert "1 AUs" not in run(analyze_app, table, "--aus", "12,AU06").output
    assert "AU6 " not in run(analyze_app, table, "--aus", "12").output
    assert isinstance(run(analyze_app, table, "--aus", "disfa-8").exception, UserError)
    assert "did you mean" in str(run(analyze_app, table, "--aus", "disfa8").exception)


def test_datasets_lists_and_checks(table, tmp_path):
    assert "| table" in run(datasets_app).output
    good = run(datasets_app, "check", "table", table)
    assert good.exit_code == 0
    assert "2 subjects" in good.output
    values = json.loads(run(datasets_app, "check", "table", table, "--json").output)
    assert values["units"]["AU12"]["shown"] == 8
    assert values["usable"] is True
    table.write_text("frame,AU12\n1,9\n")
    bad = run(datasets_app, "check", "table", table)
    assert bad.exit_code == 1
    assert "not usable" in bad.output
    absent = run(datasets_app, "check", "table", tmp_path / "absent")
    assert absent.exit_code == 1
    assert "must be mended" in absent.output
