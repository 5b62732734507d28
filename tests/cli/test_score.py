"""`au score` as a user runs it."""

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from actionunits.cli.analyze import analyze
from actionunits.cli.label_source import read_labels
from actionunits.cli.score import score
from actionunits.datasets.fakes import FakeSize, write_fake
from actionunits.errors import UserError


@pytest.fixture
def run(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    keys = pd.DataFrame(
        {"subject": np.repeat(["a", "b"], 40), "sequence": "1", "frame": np.tile(range(40), 2)}
    )
    truth = rng.integers(0, 2, (80, 2))
    scores = np.clip(truth * 0.5 + rng.random((80, 2)) * 0.5, 0, 1)
    keys.assign(AU12=truth[:, 0], AU25=truth[:, 1], AU04=0).to_csv(tmp_path / "labels.csv", index=False)
    keys.assign(AU12_p=scores[:, 0], AU25_p=scores[:, 1], AU01_p=0.1).to_csv(
        tmp_path / "said.csv", index=False
    )
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(score)
    return lambda *words: CliRunner().invoke(app, list(map(str, words)), catch_exceptions=True)


def test_a_table_a_note_for_each_choice_and_files(run, tmp_path):
    result = run("said.csv", "labels.csv", "--bootstrap", 50, "--out", "s.html")
    assert result.exit_code == 0, result.output
    assert "shown from a probability of 0.5 up" in result.output
    assert "80 frames, joined by subject, sequence, frame" in result.output
    assert "AU 1 only predicted" in result.output
    assert "AU 4 only labelled" in result.output
    assert "| mean of 2 |" in result.output
    assert "F1 of Ones" in (tmp_path / "s.html").read_text(encoding="utf-8")
    for name, part in (("s.md", "## Occurrence"), ("s.tex", r"\begin{tabular}"), ("s.csv", ",F1 low,")):
        assert run("said.csv", "labels.csv", "--bootstrap", 5, "--out", name).exit_code == 0
        assert part in (tmp_path / name).read_text(encoding="utf-8")
    assert pd.read_csv("s.csv", index_col=0).loc["AU12", "frames"] == 80


def test_lost_rows_are_an_error_unless_allowed(run):
    said = pd.read_csv("said.csv")
    said.iloc[5:].to_csv("less.csv", index=False)
    problem = run("less.csv", "labels.csv").exception
    assert isinstance(problem, UserError)
    assert "5 labelled rows without a prediction (a 1 frame 0, a 1 frame 1, a 1 frame 2 ..)" in str(problem)
    assert "--allow-missing scores the other 75" in str(problem)
    result = run("less.csv", "labels.csv", "--allow-missing", "--bootstrap", 0)
    assert "left out: 5 labelled rows" in result.output
    said.assign(frame=said["frame"] + 1).to_csv("late.csv", index=False)
    assert "--shift" in str(run("late.csv", "labels.csv").exception)
    assert run("late.csv", "labels.csv", "--shift", -1).exit_code == 0


def test_thresholds_and_published_numbers(run):
    result = run("said.csv", "labels.csv", "--threshold", "oracle", "--metric", "F1", "--bootstrap", 0)
    assert "F1 (oracle)" in result.output
    result = run("said.csv", "labels.csv", "--validation", "said.csv", "labels.csv", "--bootstrap", 0)
    assert "chosen on the validation tables (AU12 0." in result.output
    result = run("said.csv", "labels.csv", "--beside", "au_rcnn/table7/ARres", "--bootstrap", 0)
    assert "F1, ARres" in result.output
    assert "paper's own data" in result.output
    for words, message in (
        (["--threshold", "high"], "a number within 0 to 1, or oracle"),
        (["--beside", "au_rcnn/table7/ARress"], "did you mean 'ARres'"),
        (["--beside", "au_rcnn/table99"], "no published au_rcnn table99"),
        (["--metric", "F2"], "unknown metric"),
        (["--aus", "7"], "AU 7"),
        (["--out", "s.doc"], "expected .md, .csv, .tex or .html"),
    ):
        problem = run("said.csv", "labels.csv", "--bootstrap", 0, *words).exception
        assert isinstance(problem, UserError)
        assert message in str(problem)


def test_a_lowest_code_that_reaches_not_every_au_is_noted(tmp_path):
    (tmp_path / "coded.csv").write_text("frame,AU06,AU12\n1,0,1\n2,1,3\n")
    index, notes = read_labels(str(tmp_path / "coded.csv"), 2)
    assert index.labels([6, 12]).tolist() == [[0, 0], [1, 1]]
    assert notes == ["no intensities, so shown as the table says, not from 2 up: AU 6"]
    assert read_labels(str(tmp_path / "coded.csv"))[1] == []


def test_a_data_sets_folder_is_given_with_its_name(run, tmp_path):
    index, notes = read_labels("table=labels.csv")
    assert (len(index), notes) == (80, [])
    with pytest.raises(UserError, match="unknown data set 'dissfa': did you mean 'disfa'"):
        read_labels("dissfa=labels.csv")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=r"is a folder: say which data set it is, such as bp4d=folder"):
        read_labels("folder")


def test_both_commands_take_a_data_sets_folder(run, tmp_path):
    def grey(person, expression):
        return np.full((32, 32, 3), 128, np.uint8)

    write_fake("disfa", tmp_path / "set", grey, FakeSize(subjects=2, sequences=1, frames=6))
    index, _ = read_labels("disfa=set")
    columns = ["subject", "sequence", "frame"]
    said = index.table[columns].astype(dict.fromkeys(columns[:2], str))
    said.assign(AU12_p=0.7).to_csv("set.csv", index=False)
    result = run("set.csv", "disfa=set", "--aus", 12, "--metric", "recall", "--bootstrap", 0)
    assert result.exit_code == 0, result.output
    assert f"{len(index)} frames, joined by subject, sequence, frame" in result.output
    app = typer.Typer()
    app.command()(analyze)
    result = CliRunner().invoke(app, ["disfa=set", "--aus", "disfa-8", "--report", "page.html"])
    assert result.exit_code == 0, result.output
    assert f"{len(index)} frames, 2 sequences, 2 subjects" in result.output
    assert "Length of the segments" in (tmp_path / "page.html").read_text(encoding="utf-8")
