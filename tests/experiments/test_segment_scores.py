"""Segments out of a table of frames: the scores that a hand gives, unknown frames and folds apart."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from actionunits.errors import UserError
from actionunits.experiments.segment_scores import run_segments, segment_scores, segment_table


def _table(lines: dict[tuple[int, str], tuple[str, list[float]]], threshold: float = 0.5) -> pd.DataFrame:
    """A row a frame of sequences: (fold, name) -> labels as 0, 1 and ?, and the probabilities."""
    parts = []
    for (fold, name), (marks, said) in lines.items():
        frame = pd.DataFrame({"frame": np.arange(1, len(marks) + 1)})
        frame.insert(0, "fold", fold)
        frame.insert(1, "dataset", "d")
        frame.insert(2, "subject", f"s{fold}")
        frame.insert(3, "sequence", name)
        frame["AU12"] = np.array([{"?": -1}.get(mark, mark) for mark in marks]).astype(np.int8)
        frame["AU12_p"] = np.array(said, np.float32)
        frame["AU12_t"] = threshold
        parts.append(frame)
    return pd.concat(parts, ignore_index=True)


FOUND = [0.1, 0.9, 0.7, 0.1, 0.1, 0.6, 0.1, 0.1]
ONE = {(1, "a"): ("01100000", FOUND)}


def test_runs_of_frames_are_segments_and_their_mean_is_the_score() -> None:
    table = _table(ONE)
    truth, found = run_segments(table, "AU12", np.zeros(8, np.int64))
    assert truth.times.tolist() == [[1.0, 3.0]]
    assert found.times.tolist() == [[1.0, 3.0], [5.0, 6.0]]
    assert found.score == pytest.approx([0.8, 0.6])
    scores = segment_table(table, [0.5, 0.7])
    assert (scores.aus, scores.metrics) == ((12,), ("AP@0.5", "AP@0.7"))
    assert scores.values.tolist() == [[1.0, 1.0]]
    surer_elsewhere = _table({(1, "a"): ("01100000", [0.1, 0.9, 0.7, 0.1, 0.1, 0.95, 0.1, 0.1])})
    assert segment_table(surer_elsewhere, [0.5]).values.tolist() == [[0.5]]


def test_unknown_frames_break_no_run_and_are_not_held_against_anyone() -> None:
    said = [0.1, 0.9, 0.2, 0.9, 0.1, 0.9, 0.9, 0.1]
    table = _table({(1, "a"): ("01?10???", said)})
    truth, found = run_segments(table, "AU12", np.zeros(8, np.int64))
    assert truth.times.tolist() == found.times.tolist() == [[1.0, 3.0]]
    assert segment_table(table, [0.7]).values.tolist() == [[1.0]]
    nowhere = _table({(1, "a"): ("????????", said)})
    assert np.isnan(segment_table(nowhere).values).all()


def test_sequences_and_folds_are_apart() -> None:
    table = _table({**ONE, (1, "b"): ("10000000", FOUND[::-1]), (2, "a"): ("00000000", FOUND)})
    scores = segment_table(table, [0.5])
    assert scores.per_fold.shape == (2, 1, 1)
    # fold 1: found .8 (right), .8 (wrong), .6 and .6 (wrong); of its two true segments one is found
    assert scores.per_fold[0].tolist() == [[0.25]]
    assert np.isnan(scores.per_fold[1]).all()
    assert scores.values[0, 0] == pytest.approx(0.5 / 3)  # the second fold's have as high scores
    ends = _table({(1, "a"): ("0011", [0.1, 0.1, 0.9, 0.9]), (1, "b"): ("1100", [0.9, 0.9, 0.1, 0.1])})
    assert segment_table(ends, [0.7]).values.tolist() == [[1.0]]  # no run goes from one to the other


def test_a_models_own_decisions_and_thresholds_are_followed() -> None:
    table = _table(ONE, threshold=0.65)
    _, found = run_segments(table, "AU12", np.zeros(8, np.int64))
    assert found.times.tolist() == [[1.0, 3.0]]
    table["AU12_d"] = np.array([0, 1, 1, 1, 0, 0, 0, 0], np.int8)
    _, found = run_segments(table, "AU12", np.zeros(8, np.int64))
    assert found.times.tolist() == [[1.0, 4.0]]


def test_a_finished_run_is_read(tmp_path: Path) -> None:
    _table(ONE).to_parquet(tmp_path / "predictions.parquet", index=False)
    assert segment_scores(tmp_path, [0.5]).values.tolist() == [[1.0]]
    with pytest.raises(UserError, match="holds no predictions"):
        segment_scores(tmp_path / "other")


def test_what_holds_no_segments_is_refused() -> None:
    with pytest.raises(UserError, match="no table of predictions"):
        segment_table(pd.DataFrame({"fold": [1]}))
    stills = _table({(1, str(k)): ("1", [0.9]) for k in range(3)})
    with pytest.raises(UserError, match="single pictures"):
        segment_table(stills)
