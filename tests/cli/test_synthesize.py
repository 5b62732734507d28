"""``au synthesize``: what it writes, and one clear line for each mistake."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from actionunits.cli.synthesize import app, parse_aus, parse_expression
from actionunits.errors import UserError

runner = CliRunner()


def test_clips_of_painted_people(tmp_path: Path) -> None:
    command = [
        "clips",
        str(tmp_path / "out"),
        "--clips",
        "1",
        "--seconds",
        "1",
        "--rate",
        "5",
        "--aus",
        "1,12",
    ]
    done = runner.invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0
    assert "1 clips (1 new) of 1 subjects, 5 frames" in done.output
    index = pd.read_csv(tmp_path / "out" / "index.csv")
    assert list(index["subject"]) == ["painted-0"] * 5
    assert "AU12_r" in index.columns
    assert "AU04_r" not in index.columns
    command[3] = "2"
    more = runner.invoke(app, command, catch_exceptions=False)
    assert "2 clips (1 new) of 2 subjects" in more.output


def test_a_picture_shows_the_expression(tmp_path: Path) -> None:
    out = tmp_path / "surprise.png"
    command = ["picture", "painted:29", str(out), "--au", "1=5", "--au", "26=D", "--beside"]
    done = runner.invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0
    assert "AU1=5 AU26=4" in done.output
    image = cv2.imread(str(out))
    assert image.shape == (400, 800, 3)
    difference = np.abs(image[:, :400].astype(int) - image[:, 400:]).mean(axis=2)
    assert difference[210:290, 150:250].mean() > 5, "the mouth opens"
    assert difference[:, :30].max() < 3, "the background stays"


def test_painted_portraits_and_their_points(tmp_path: Path) -> None:
    done = runner.invoke(app, ["paint", str(tmp_path), "--people", "2", "--seed", "7", "--size", "200"])
    assert done.exit_code == 0
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["00007_neutral.png", "00007_points.csv", "00008_neutral.png", "00008_points.csv"]
    points = pd.read_csv(tmp_path / "00007_points.csv")
    assert points.shape == (68, 2)
    assert points.to_numpy().min() > 0
    assert points.to_numpy().max() < 200


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("12", "is not AU=INTENSITY"),
        ("12=6", "within 0 to 5"),
        ("26=3L", "has no sides"),
        ("99=1", "AU99 is not known"),
        ("12=F", "is not AU=INTENSITY"),
        ("smile=3", "is not an Action Unit"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_expression([text])


def test_sides_letters_and_repeats() -> None:
    face = parse_expression(["12=3", "12=5R", "AU06=b", "14=0.5L"])
    assert face.sides(12) == (3.0, 5.0)
    assert face.sides(6) == (2.0, 2.0)
    assert face.sides(14) == (0.5, 0.0)


def test_sets_of_aus() -> None:
    assert parse_aus("12, au4,12") == (12, 4)
    with pytest.raises(UserError, match="did you mean 'disfa-12'"):
        parse_aus("disfa12")
    with pytest.raises(UserError, match="AU99 is not known"):
        parse_aus("1,99")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["picture", "painted:x", "o.png", "--au", "1=1"], "expected painted:SEED"),
        (["picture", "painted:1", "o.gif", "--au", "1=1"], "use .png or .jpg"),
        (["picture", "nowhere.jpg", "o.png", "--au", "1=1"], "nowhere.jpg"),
        (["clips", "o", "--portraits", "nowhere"], "no such folder or file: nowhere"),
        (["clips", "o", "--portraits", "painted", "--portraits", "."], "two folders"),
        (["clips", "o", "--face-model", "nowhere.npz"], "nowhere.npz"),
        (["paint", "o", "--size", "20"], "at least 200 px"),
    ],
)
def test_a_mistake_in_the_command_is_a_user_error(
    command: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = runner.invoke(app, command)
    assert isinstance(done.exception, UserError)
    assert message in str(done.exception)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_micro_expressions_need_a_fast_camera(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="missed at 25 frames a second: give --rate 60 or more"):
        runner.invoke(app, ["clips", str(tmp_path / "out"), "--micro"], catch_exceptions=False)
    assert not (tmp_path / "out").exists()
