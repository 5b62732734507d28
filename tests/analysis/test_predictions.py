"""Tables of predictions in the layouts that `au detect` writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from actionunits.analysis.predictions import predictions_of, read_predictions
from actionunits.detect.layouts import layout_of
from actionunits.detect.results import FaceResult, FrameResult
from actionunits.detect.writers import open_table
from actionunits.errors import UserError

AUS, THRESHOLDS = (1, 12), np.array([0.5, 0.25], np.float32)


def _results() -> list[FrameResult]:
    rng = np.random.default_rng(2)
    results = []
    for i in range(6):
        face = FaceResult(
            track=0,
            box=np.array([0, 0, 80, 80], np.float32),
            confidence=0.9,
            landmarks=rng.uniform(0, 80, (68, 2)).astype(np.float32),
            probability=rng.random(2).astype(np.float32),
            intensity=(5 * rng.random(2)).astype(np.float32),
        )
        results.append(FrameResult(i, i / 25, () if i == 3 else (face,)))
    return results


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_row_an_au_says_the_same_as_a_column_an_au(tmp_path: Path, suffix: str) -> None:
    read = {}
    for name in ("openface", "long"):
        file = tmp_path / name / f"talk.{suffix}"
        file.parent.mkdir()
        with open_table(file, layout_of(name, AUS, THRESHOLDS, "talk.mp4")) as table:
            for result in _results():
                table.add(result)
        read[name] = read_predictions(file)
    wide, long = read["openface"], read["long"]
    assert long.aus == wide.aus == AUS
    for part in ("decisions", "scores", "intensities", "faceless", "time_s"):
        assert_array_equal(getattr(long, part), getattr(wide, part))
    assert_array_equal(long.keys["frame"], wide.keys["frame"])
    assert long.faceless.tolist() == [False, False, False, True, False, False]


@pytest.mark.parametrize("name", ["openface", "openface22", "long"])
def test_no_rounding_calls_an_au(tmp_path: Path, name: str) -> None:
    """Just below 1 and not called, left as strong as the whole: in no layout a 1."""
    almost = np.full(2, 0.9997, np.float32)
    face = FaceResult(
        track=0,
        box=np.array([0, 0, 80, 80], np.float32),
        confidence=0.9,
        landmarks=np.random.default_rng(1).uniform(0, 80, (68, 2)).astype(np.float32),
        probability=np.zeros(2, np.float32),
        intensity=almost,
        sides=np.stack([almost, almost / 2], axis=1),
    )
    sides = name != "openface22"
    with open_table(tmp_path / "x.csv", layout_of(name, AUS, THRESHOLDS, "x.mp4", sides=sides)) as table:
        table.add(FrameResult(0, 0.0, (face,)))
    said = pd.read_csv(tmp_path / "x.csv", skipinitialspace=True)
    columns = [c for c in said if c in ("intensity", "left") or c.endswith(("_r", "_left"))]
    assert columns
    assert said[columns].max().max() < 1.0


def test_what_cannot_be_a_row_an_au_is_told() -> None:
    row = {"frame": 1, "au": 12, "probability": 0.5}
    with pytest.raises(UserError, match="two rows of one AU"):
        predictions_of(pd.DataFrame([row, row]))
    for odd in ("smile", 12.5, np.inf):
        with pytest.raises(UserError, match=str(odd)):
            predictions_of(pd.DataFrame([row, {**row, "au": odd}]))
    with pytest.raises(UserError, match="frame"):
        predictions_of(pd.DataFrame([{"au": 12, "probability": 0.5}]))
    graded = predictions_of(pd.DataFrame([{"frame": 1, "au": 12, "intensity": 2.5}]))
    assert graded.intensities.tolist() == [[2.5]]
