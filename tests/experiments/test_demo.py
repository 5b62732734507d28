from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from actionunits.experiments.demo import DEMO_GROUPS, demo_timeline, run_demo


def test_the_timeline_shows_each_group_in_its_turn_and_neutral_between():
    line = demo_timeline(12.0)
    times = np.linspace(0, 12, 1201)
    shown = [line.at(float(t)).aus for t in times]
    groups = [now for before, now in zip([(), *shown], shown, strict=False) if now != before and now]
    assert groups == [tuple(sorted(group)) for group in DEMO_GROUPS]
    assert shown[0] == shown[-1] == ()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return run_demo(tmp_path_factory.mktemp("demo") / "out", duration_s=8.0)


def test_everything_that_is_promised_is_written(demo):
    files = {demo.clip, demo.labels, demo.timeline, *demo.summary.files}
    assert {file.name for file in files} == {
        "astronaut.mp4",
        "astronaut_labels.csv",
        "timeline.png",
        "astronaut.csv",
        "astronaut_au.mp4",
        "astronaut.html",
    }
    assert all(file.stat().st_size > 1000 for file in files)
    assert {file.name for file in demo.clip.parent.iterdir()} == {file.name for file in files}


def test_detected_rows_stand_beside_the_labels(demo):
    labels, table = pd.read_csv(demo.labels), pd.read_csv(demo.summary.files[0])
    assert len(labels) == len(table) == 200
    assert np.abs(labels["timestamp"] - table["timestamp"]).max() <= 0.001
    assert (table["success"] == 1).mean() > 0.95


def test_the_embedded_model_reads_the_clip_better_than_chance(demo):
    assert np.nanmean([score.auc for score in demo.scores]) > 0.9
    frames = len(pd.read_csv(demo.labels))
    for score in demo.scores:
        if score.au in (1, 2):
            assert score.called > 0.5 * score.shown > 10
            assert score.auc > 0.95
        assert score.false_alarms < 0.25 * frames
