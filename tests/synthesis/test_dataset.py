"""A folder of clips: the index, resuming, determinism, and portraits that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import overload

import numpy as np
import pandas as pd
import pytest

from actionunits.errors import UserError
from actionunits.faces.video import open_source
from actionunits.records import Expression, Portrait
from actionunits.synthesis.animate import AnimatedFace
from actionunits.synthesis.clip import labels_path
from actionunits.synthesis.dataset import Plan, synthesize
from actionunits.synthesis.painting import PaintedPeople

PLAN = Plan(rate_hz=10.0, seconds=1.2, aus=(1, 12, 25), seed=4)
PEOPLE = PaintedPeople(2, size_px=200)


class Still:
    """An animator that shows the portrait as it is."""

    made = 0

    def __init__(self, portrait: Portrait) -> None:
        Still.made += 1
        self.portrait = portrait

    def show(
        self, expression: Expression, *, blink: float = 0.0, gaze: tuple[float, float] = (0.0, 0.0)
    ) -> AnimatedFace:
        return AnimatedFace(self.portrait.image, self.portrait.landmarks.points)


def test_the_index_has_a_row_for_each_frame_of_each_clip(tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    done = synthesize(tmp_path, PEOPLE, 3, PLAN, on_progress=lambda *at: seen.append(at))
    assert (done.clips, done.frames, done.subjects, done.made, done.skipped) == (3, 36, 2, 3, ())
    assert seen == [(1, 3), (2, 3), (3, 3)]
    index = pd.read_csv(done.index, dtype={"sequence": str})
    assert list(index.columns) == [
        *("subject", "sequence", "frame", "time_s", "path"),
        *("AU01_c", "AU12_c", "AU25_c", "AU01_r", "AU12_r", "AU25_r"),
    ]
    assert index.groupby("sequence")["subject"].first().tolist() == ["painted-0", "painted-1", "painted-0"]
    for name, rows in index.groupby("path"):
        frames = list(open_source(tmp_path / str(name)))
        assert len(frames) == len(rows) == 12
        np.testing.assert_allclose(rows["time_s"], [frame.time_s for frame in frames], atol=1e-3)
    for au in ("AU01", "AU12", "AU25"):
        np.testing.assert_array_equal(index[f"{au}_c"], index[f"{au}_r"] >= 2)
    assert index["AU12_r"].between(0, 5).all()


def test_complete_clips_are_kept_and_more_can_be_asked_for(tmp_path: Path) -> None:
    synthesize(tmp_path, PEOPLE, 2, PLAN, animate=Still)
    clips = sorted((tmp_path / "clips").glob("*.mp4"))
    before = {clip: clip.stat().st_mtime_ns for clip in clips}
    labels_path(clips[1]).unlink()  # as if the run had been stopped in between
    Still.made = 0
    done = synthesize(tmp_path, PEOPLE, 3, PLAN, animate=Still)
    assert (done.made, Still.made, done.clips) == (2, 2, 3)
    assert clips[0].stat().st_mtime_ns == before[clips[0]]


def test_a_plan_and_its_clips_are_reproducible(tmp_path: Path) -> None:
    whole = synthesize(tmp_path / "whole", PEOPLE, 2, PLAN, animate=Still)
    synthesize(tmp_path / "parts", PEOPLE, 1, PLAN, animate=Still)
    parts = synthesize(tmp_path / "parts", PEOPLE, 2, PLAN, animate=Still)
    assert whole.index.read_bytes() == parts.index.read_bytes()
    for name in ("0001.mp4", "0002.mp4"):
        first, second = (list(open_source(tmp_path / run / "clips" / name)) for run in ("whole", "parts"))
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(one.image, other.image)


def test_a_folder_keeps_one_plan(tmp_path: Path) -> None:
    synthesize(tmp_path, PEOPLE, 1, PLAN, animate=Still)
    with pytest.raises(UserError, match=r"seed 4 there, 5 now.*choose another folder"):
        synthesize(tmp_path, PEOPLE, 1, Plan(**{**PLAN.__dict__, "seed": 5}), animate=Still)
    (tmp_path / "synthesis.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        synthesize(tmp_path, PEOPLE, 1, PLAN, animate=Still)


def test_a_parquet_index_says_the_same(tmp_path: Path) -> None:
    csv = synthesize(tmp_path, PEOPLE, 1, PLAN, animate=Still)
    parquet = synthesize(tmp_path, PEOPLE, 1, PLAN, animate=Still, table="parquet")
    one, other = pd.read_csv(csv.index, dtype={"sequence": str}), pd.read_parquet(parquet.index)
    pd.testing.assert_frame_equal(one, other, check_dtype=False)


class SomeBad(Sequence[Portrait]):
    """Two portraits, the first without a face."""

    def __len__(self) -> int:
        return 2

    @overload
    def __getitem__(self, index: int) -> Portrait: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Portrait]: ...

    def __getitem__(self, index: int | slice) -> Portrait | Sequence[Portrait]:
        if index == 0:
            raise UserError("no face found in wall.png")
        return PEOPLE[index]


def test_a_portrait_that_cannot_be_used_is_skipped_and_reported(tmp_path: Path) -> None:
    done = synthesize(tmp_path, SomeBad(), 4, PLAN, animate=Still)
    assert (done.clips, done.subjects) == (2, 1)
    assert done.skipped == ("no face found in wall.png",)
    with pytest.raises(UserError, match="no portrait could be used: no face found in wall"):
        synthesize(tmp_path / "none", SomeBad(), 1, PLAN, animate=Still)
    other = Plan(**{**PLAN.__dict__, "seed": 5})  # a folder without a clip is bound to no plan
    assert synthesize(tmp_path / "none", PEOPLE, 1, other, animate=Still).clips == 1


def test_wrong_requests_are_user_errors(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="at least one clip"):
        synthesize(tmp_path, PEOPLE, 0, PLAN)
    with pytest.raises(UserError, match="csv or parquet, got 'xlsx'"):
        synthesize(tmp_path, PEOPLE, 1, PLAN, table="xlsx")
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(UserError, match="cannot make the folder"):
        synthesize(file, PEOPLE, 1, PLAN)
