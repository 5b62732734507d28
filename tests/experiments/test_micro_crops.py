"""A recipe's micro-expressions: crops with events, around whose apexes clips are cut."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from actionunits.datasets.cache import CropCache
from actionunits.errors import UserError
from actionunits.experiments.recipe import DataSettings
from actionunits.experiments.synthetic import coded_set, synthetic_crops
from actionunits.facs.sets import AU_SETS
from actionunits.records import InputSpec
from actionunits.training.data import Clips, CropSamples

SETTINGS = DataSettings(coding="micro", subjects=1, sequences=2, frames=14, rate_hz=60.0)
SPEC = InputSpec(
    aus=AU_SETS["casme-13"], size_px=100, inter_ocular_px=40.0, eye_line=0.32, channels=1, clip_length=7
)


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> CropCache:
    return synthetic_crops(Path(tmp_path_factory.mktemp("micro")), SETTINGS, SPEC)


def test_the_cache_knows_each_expression(crops: CropCache) -> None:
    assert [(event.sequence, event.kind, len(event.apexes)) for event in crops.events] == [
        ("0000", "micro", 1),
        ("0001", "micro", 1),
    ]
    table = crops.index.table
    for event in crops.events:
        rows = np.flatnonzero((table["sequence"] == event.sequence).to_numpy())
        frames = table["frame"].to_numpy()[rows]
        shown = crops.index.labels(AU_SETS["casme-13"])[rows].any(axis=1)
        assert (frames[shown].min(), frames[shown].max()) == (event.onset, event.offset)


def test_stills_cannot_show_a_micro_expression() -> None:
    with pytest.raises(UserError, match=r"data\.coding=micro: .*set data\.frames and data\.rate_hz"):
        coded_set(DataSettings(coding="micro"), SPEC.aus)


def test_clips_that_reach_beyond_the_drawn_frames_are_refused(tmp_path: Path) -> None:
    near = replace(SETTINGS, frames=60, rate_hz=200.0, around=3, clip_rate_hz=60.0)
    with pytest.raises(UserError, match=r"3 apart, reach 9 frames .* set data\.around=9"):
        synthetic_crops(tmp_path, near, SPEC)
    with pytest.raises(UserError, match=r"data\.around is for data\.coding=micro"):
        coded_set(DataSettings(frames=20, around=3), SPEC.aus)


def test_a_clip_of_seven_frames_is_cut_around_each_apex(crops: CropCache) -> None:
    samples = CropSamples(crops, SPEC, clips=Clips("apex"))
    frames = crops.index.table["frame"].to_numpy()
    assert [frames[rows].tolist() for rows in samples.rows] == [
        list(range(event.apexes[0] - 3, event.apexes[0] + 4)) for event in crops.events
    ]
    assert not samples.repeated.any()
    for labels, event in zip(samples.frame_labels, crops.events, strict=True):
        assert tuple(np.array(SPEC.aus)[labels[3] == 1]) == event.aus
