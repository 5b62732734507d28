"""A coder corrects our ELAN file, and `au score` sets it against our table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from actionunits.cli.main import app


def _score(*words: object) -> Result:
    return CliRunner().invoke(app, ["score", *map(str, words)])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """100 frames at 29.97 Hz: AU12 in frames 31 to 60, no face in the last ten."""
    frame = np.arange(1, 101)
    face = frame <= 90
    smile = (frame >= 31) & (frame <= 60)
    columns = {
        "frame": frame,
        "face_id": np.where(face, 0, -1),
        "timestamp": np.round((frame - 1) * 1001 / 30000, 6),
        "success": face.astype(int),
    }
    for au, shown in ((12, smile), (4, np.zeros(100, bool))):
        for kind, values in (
            ("r", np.where(shown, 3.2, 0.1)),
            ("c", shown.astype(float)),
            ("p", np.where(shown, 0.9, 0.1)),
        ):
            columns[f"AU{au:02d}_{kind}"] = np.where(face, values, np.nan)
    pd.DataFrame(columns).to_csv(tmp_path / "interview.csv", index=False)
    return tmp_path / "interview.csv"


def _corrected(path: Path, tiers: dict[str, list[tuple[int, int, str]]]) -> Path:
    from pympi.Elan import Eaf

    document = Eaf()
    for name, spans in tiers.items():
        document.add_tier(name)
        for start, end, text in spans:
            document.add_annotation(name, start, end, text)
    document.to_file(str(path))
    return path


def _rows(result: Result, title: str) -> dict[str, list[str]]:
    block = result.stdout.split(f"\n{title}\n\n")[1].split("\n\n")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
    return {row[0]: row[1:] for row in cells}


def test_in_either_order_the_coder_is_the_truth(table: Path, tmp_path: Path) -> None:
    # the coder ends the smile 15 frames earlier, and sees a frown of ten frames
    def t(frame: int) -> int:
        return round((frame - 1) * 1001 / 30)

    coder = _corrected(
        tmp_path / "corrected.eaf",
        {"AU12": [(t(31), t(46), "D peak 1.2")], "AU4": [(t(71), t(81), "B")], "face": [(0, t(91), "")]},
    )
    one = _score(coder, table)
    assert one.exit_code == 0, one.output
    assert one.stdout == _score(table, coder).stdout
    assert f"{table} against {coder}" in one.stdout
    scores = _rows(one, "Occurrence")
    names = scores[""]
    smile = dict(zip(names, scores["AU12"], strict=True))
    assert smile["frames"] == "90"
    assert float(smile["F1"]) == pytest.approx(2 * 15 / (2 * 15 + 15), abs=0.001)
    assert float(smile["ACC"]) == pytest.approx(75 / 90, abs=0.001)
    frown = dict(zip(names, scores["AU4"], strict=True))
    assert float(frown["base rate"]) == pytest.approx(10 / 90, abs=0.001)
    assert float(frown["F1"]) == 0
    graded = _rows(one, "Intensity")
    errors = dict(zip(graded[""], graded["AU12"], strict=True))
    assert errors["frames"] == "76"  # the peak, and all frames without the AU
    assert "tiers that are no AU are left out: default" in one.stdout


def test_a_file_as_openface_writes_it_can_be_scored(table: Path, tmp_path: Path) -> None:
    ours = pd.read_csv(table).fillna(0).drop(columns=["AU12_p", "AU04_p"])
    lines = [", ".join(ours.columns), *(", ".join(map(str, row)) for row in ours.to_numpy().tolist())]
    (tmp_path / "openface.csv").write_text("\n".join(lines))
    coder = _corrected(tmp_path / "c.eaf", {"AU12": [(1001, 2002, "C")]})
    result = _score(tmp_path / "openface.csv", coder, "--metric", "ACC")
    assert result.exit_code == 0, result.output
    assert float(_rows(result, "Occurrence")["AU12"][2]) == 1.0


def test_our_own_file_agrees_with_our_own_table(tmp_path: Path) -> None:
    from actionunits.synthesis.animate import PortraitAnimator
    from actionunits.synthesis.clip import render_clip, write_clip
    from actionunits.synthesis.portraits import astronaut
    from actionunits.synthesis.timeline import sequence_timeline

    clip = tmp_path / "clip.mp4"
    write_clip(clip, render_clip(PortraitAnimator(astronaut()), sequence_timeline((12, 4), 1.6), 12.5), 12.5)
    found = CliRunner().invoke(app, ["detect", str(clip), "--out", str(tmp_path / "out"), "--elan"])
    assert found.exit_code == 0, found.output
    table = pd.read_csv(tmp_path / "out" / "clip.csv")
    result = _score(tmp_path / "out" / "clip.eaf", tmp_path / "out" / "clip.csv", "--metric", "ACC")
    assert result.exit_code == 0, result.output
    accuracy = {name: row[2] for name, row in _rows(result, "Occurrence").items() if name.startswith("AU")}
    assert len([name for name in accuracy if name[2:].isdigit()]) == 17
    assert {value for name, value in accuracy.items() if name[2:].isdigit()} == {"1.000"}
    assert table.filter(regex=r"AU\d\d_c").to_numpy().any()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["corrected.eaf", "corrected.eaf"], "needs a table of the video's frames"),
        (["interview.csv", "corrected.eaf", "--shift", "1"], "leave --shift out"),
        (["interview.csv", "corrected.eaf", "--positive", "2"], "leave --positive out"),
        (["feat.csv", "corrected.eaf"], "expected a column timestamp"),
        (["interview.csv", "gone.eaf"], "no ELAN file"),
    ],
)
def test_mistakes_are_one_line(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    _corrected(tmp_path / "corrected.eaf", {"AU12": [(0, 100, "A")]})
    (tmp_path / "feat.csv").write_text("AU12,frame,approx_time\n0.5,0,00:00\n")
    result = _score(*words)
    assert result.exit_code != 0
    assert message in str(result.exception)


def test_an_elan_file_alone_has_no_frames(tmp_path: Path) -> None:
    coder = _corrected(tmp_path / "corrected.eaf", {"AU12": [(0, 100, "A")]})
    result = CliRunner().invoke(app, ["analyze", str(coder)])
    assert "give it to `au score` beside a table" in str(result.exception)
