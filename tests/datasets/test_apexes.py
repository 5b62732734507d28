"""Apexes that the coding table leaves out are found when crops are made, once, and clips are cut by them."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from actionunits.datasets import apexes
from actionunits.datasets.adapter import Event, usable_index
from actionunits.datasets.cache import read_events
from actionunits.datasets.casme import DATA_SET
from actionunits.datasets.fakes import FakeSize
from actionunits.datasets.prepare import Prepared, prepare
from actionunits.experiments.fakes import make_fake
from actionunits.records import InputSpec
from actionunits.training.data import Clips, CropSamples

SPEC = InputSpec(aus=(1, 4, 12), size_px=100, inter_ocular_px=40.0, channels=3, clip_length=7,
                 normalisation=((0.0,) * 3, (1.0,) * 3))  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("apexes") / "casme"
    make_fake("casme", place, FakeSize(subjects=3, sequences=2, frames=11))
    return place


def _prepared(root: Path, out: Path) -> Prepared:
    reading = DATA_SET.read(root, None)
    return prepare(usable_index(reading), root, SPEC, out, events=reading.events)


def test_missing_apexes_are_found_once_and_cut_clips(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = _prepared(root, tmp_path / "crops").cache
    missing = [event for event in cache.events if not event.apexes]
    assert len(missing) == 1  # the fifth
    (event,) = missing
    assert event.motion_apex is not None
    assert abs(event.motion_apex - (event.onset + 5)) <= 2  # the fake's is its sixth frame
    assert event.centre == event.motion_apex
    assert all(other.motion_apex is None for other in cache.events if other.apexes)
    samples = CropSamples(cache, SPEC, clips=Clips("apex"))
    middles = cache.index.table["frame"].to_numpy()[samples.rows[:, 3]]
    assert sorted(middles) == sorted(each.centre for each in cache.events)

    def not_again(*_: object) -> int:
        raise AssertionError("looked for again")

    monkeypatch.setattr(apexes, "apex_frame", not_again)
    assert _prepared(root, tmp_path / "crops").cache.events == cache.events


def test_events_of_an_older_cache_are_read(tmp_path: Path) -> None:
    event = Event("casme", "sub01", "EP01_1", 10, (), 20, (4,))
    old = {name: value for name, value in asdict(event).items() if name != "motion_apex"}
    (tmp_path / "events.json").write_text(json.dumps([old]))
    assert read_events(tmp_path / "events.json") == (event,)
    assert event.centre == 15
    assert replace(event, motion_apex=12).centre == 12
    assert replace(event, motion_apex=12, apexes=(14,)).centre == 14
