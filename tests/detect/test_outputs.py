from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage import data, io

import actionunits.detect
from actionunits.detect.outputs import (
    OutputPlan,
    SourceSummary,
    _Count,
    detect_to_files,
    distinct_sources,
    output_names,
)
from actionunits.detect.pipeline import Detector
from actionunits.detect.results import FaceResult, FrameResult
from actionunits.errors import UserError
from actionunits.faces.video import TruncatedSource, open_source
from actionunits.records import Frame

MakeModel = Callable[..., Path]
Film = Callable[..., Path]


def _note(summary: SourceSummary) -> str | None:
    """All notes in one line."""
    return "; ".join(summary.notes) or None


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        (["a/x.mp4", "b/y.mp4"], ["x", "y"]),
        (["a/x.mp4", "b/x.mp4"], ["a_x", "b_x"]),
        (["b/x.mp4", "a/x.mp4"], ["b_x", "a_x"]),
        (["a/x.mp4", "a/X.MOV"], ["x_mp4", "X_MOV"]),
        (["a/x.mp4", "b/x.mp4", "b/x.mov"], ["a_x_mp4", "b_x_mp4", "b_x_mov"]),
        (["1/a/x.mp4", "2/a/x.mp4"], ["x_1", "x_2"]),
        (["a/x.mp4", "b/x.mp4", "a_x.avi"], ["a_x_mp4", "b_x_mp4", "a_x"]),
    ],
)
def test_sources_of_one_name_are_told_apart(sources: list[str], names: list[str]) -> None:
    assert output_names([Path(source) for source in sources]) == names


PARTS = st.sampled_from(["a", "b", "A", "a_b", "x_1", "x"])


@given(st.lists(st.tuples(PARTS, PARTS, st.sampled_from([".mp4", ".mov", ""])), unique=True, max_size=9))
def test_no_two_names_are_alike(parts: list[tuple[str, str, str]]) -> None:
    names = output_names([Path(folder, stem + suffix) for folder, stem, suffix in parts])
    assert len({name.casefold() for name in names}) == len(parts)


def test_all_files_of_a_video(make_model: MakeModel, talk: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    plan = OutputPlan(out, table="parquet", video=True, report=True)
    summary = detect_to_files(Detector(make_model()), talk, "talk", plan)
    assert [file.name for file in summary.files] == ["talk.parquet", "talk_au.mp4", "talk.html"]
    assert sorted(path.name for path in out.iterdir()) == ["talk.html", "talk.parquet", "talk_au.mp4"]
    table = pd.read_parquet(summary.files[0])
    assert len(table) == summary.rows == summary.frames == 36
    assert int(table["success"].sum()) == summary.frames_with_face
    assert summary.tracks == 1
    assert summary.trouble is None
    times = [frame.time_s for frame in open_source(talk)]
    np.testing.assert_allclose(table["timestamp"], times, atol=1e-6)
    annotated = [frame.time_s for frame in open_source(summary.files[1])]
    np.testing.assert_allclose(annotated, times, atol=1e-3)
    page = summary.files[2].read_text()
    assert "data:image/png;base64," in page
    assert "talk.mkv" in page


def test_a_broken_source_gives_the_good_rows(
    make_model: MakeModel, talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = type(open_source(talk)).__iter__

    def breaks(source: object) -> Iterator[Frame]:
        for frame in whole(source):  # type: ignore[arg-type]
            if frame.index == 11:
                raise TruncatedSource("talk.mkv breaks off after 11 frames", 11)
            yield frame

    monkeypatch.setattr(type(open_source(talk)), "__iter__", breaks)
    summary = detect_to_files(Detector(make_model()), talk, "talk", OutputPlan(tmp_path / "o", report=True))
    assert summary.trouble == "talk.mkv breaks off after 11 frames"
    assert len(pd.read_csv(summary.files[0])) == 11
    assert "breaks off after 11 frames" in summary.files[1].read_text()


def test_a_page_that_fails_takes_the_table_with_it(
    make_model: MakeModel, talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise UserError("cannot write the page")

    monkeypatch.setattr("actionunits.detect.report.Report.write", fail)
    with pytest.raises(UserError, match="the page"):
        detect_to_files(
            Detector(make_model()), talk, "talk", OutputPlan(tmp_path / "o", video=True, report=True)
        )
    assert list((tmp_path / "o").iterdir()) == []


def test_an_output_never_replaces_a_source(make_model: MakeModel, talk: Path, tmp_path: Path) -> None:
    clip, other = tmp_path / "clip.mkv", tmp_path / "clip_au.mp4"
    clip.write_bytes(talk.read_bytes())
    other.write_bytes(b"another source")
    plan = OutputPlan(tmp_path, video=True, protected=frozenset({clip.resolve(), other.resolve()}))
    with pytest.raises(UserError, match=r"clip_au\.mp4 would replace a source"):
        detect_to_files(Detector(make_model()), clip, "clip", plan)
    assert sorted(path.name for path in tmp_path.glob("clip*")) == ["clip.mkv", "clip_au.mp4"]


def test_the_plan_is_checked(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown format 'ff'"):
        OutputPlan(tmp_path, layout="ff")
    with pytest.raises(UserError, match="unknown table type"):
        OutputPlan(tmp_path, table="xlsx")  # type: ignore[arg-type]


@pytest.fixture
def folder(portrait: np.ndarray, tmp_path: Path) -> Path:
    """Four pictures, the second without a face: shot2, shot10, shot 11 and shot 12."""
    pictures = tmp_path / "shots"
    pictures.mkdir()
    for name, image in {
        "shot10.png": np.full_like(portrait, 90),
        "shot2.jpg": portrait,
        "shot11.png": portrait,
        "shot12.png": portrait[:, ::-1],
    }.items():
        Image.fromarray(image).save(pictures / name)
    return pictures


@pytest.mark.parametrize(
    ("layout", "column"), [("openface", "file"), ("pyfeat", "input"), ("long", "source")]
)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_rows_of_a_folder_name_their_picture(
    make_model: MakeModel,
    folder: Path,
    tmp_path: Path,
    layout: str,
    column: str,
    kind: Literal["csv", "parquet"],
) -> None:
    plan = OutputPlan(tmp_path / "o", layout=layout, table=kind, report=True)
    file = detect_to_files(Detector(make_model()), folder, "shots", plan).files[0]
    table = pd.read_csv(file) if kind == "csv" else pd.read_parquet(file)
    assert table[column].unique().tolist() == ["shot2.jpg", "shot10.png", "shot11.png", "shot12.png"]
    nobody = table[table[column] == "shot10.png"].filter(regex=r"AU\d\d|probability")
    assert nobody.isna().all(axis=None)
    if layout == "openface":
        assert table.columns[-1] == "file"


def test_only_a_folder_has_the_column(make_model: MakeModel, talk: Path, folder: Path) -> None:
    detect = actionunits.detect
    assert "file" not in detect(folder / "shot2.jpg", model=make_model()).columns
    table = detect(folder, model=make_model())
    assert table["file"].tolist() == ["shot2.jpg", "shot10.png", "shot11.png", "shot12.png"]
    assert table["success"].tolist() == [1, 0, 1, 1]
    both = detect([talk, folder], model=make_model())
    assert both["file"].isna().tolist() == [True] * 36 + [False] * 4
    assert list(both.columns[:2]) == ["source", "frame"]


def test_what_a_folder_cannot_have_is_said(make_model: MakeModel, talk: Path, folder: Path) -> None:
    (folder / "more.mp4").write_bytes(talk.read_bytes())
    detector = Detector(make_model(), smooth_s=0.5, baseline="auto")
    summary = detect_to_files(detector, folder, "p", OutputPlan(folder / "out", elan=True, report=True))
    assert [file.name for file in summary.files] == ["p.csv", "p.html"]
    assert _note(summary) == (
        f"the videos in this folder were not read; give them by name: {folder / 'more.mp4'}; left "
        "out, since only a video can have it: an ELAN file, the baseline (auto), smoothing (0.5 s)"
    )
    page = summary.files[1].read_text()
    for note in summary.notes:
        page = page.replace(note, "")
    assert "smoothed" not in page
    assert detect_to_files(Detector(make_model()), talk, "t", OutputPlan(folder / "out")).notes == ()
    given = OutputPlan(folder / "out", protected=frozenset([(folder / "more.mp4").resolve()]))
    assert detect_to_files(Detector(make_model()), folder, "p", given).notes == ()


@pytest.mark.parametrize(
    ("baseline", "told"),
    [
        (
            "auto",
            "a face was in view for no more than 10 s, and what it shows throughout was taken for its "
            "neutral face",
        ),
        (
            "first:5s",
            "a face was in view for no more than 5 s, all of which was taken for its neutral face",
        ),
        ("none", None),
        ("first:1s", None),
        ("first:0.5s", None),
    ],
)
def test_a_baseline_of_a_face_that_was_seen_shortly_is_told(
    make_model: MakeModel, talk: Path, tmp_path: Path, baseline: str, told: str | None
) -> None:
    detector = Detector(make_model(), baseline=baseline)
    summary = detect_to_files(detector, talk, "t", OutputPlan(tmp_path / "out", report=True))
    if told is None:
        assert _note(summary) is None
        return
    assert _note(summary) == f"baseline {baseline}: {told}"
    assert _note(summary) in summary.files[1].read_text(), "the page says it, too"


def test_an_elan_file_without_events_is_told(make_model: MakeModel, talk: Path, tmp_path: Path) -> None:
    for thresholds, note in ((1.0, "the ELAN file has no events: no AU reached its threshold"), (0.0, None)):
        model = make_model(card={"thresholds": [thresholds] * 2})
        plan = OutputPlan(tmp_path / f"out{thresholds}", elan=True)
        summary = detect_to_files(Detector(model), talk, "t", plan)
        assert summary.files[1].is_file()
        assert _note(summary) == note


def test_many_faces_outside_what_was_tested_are_told(
    make_model: MakeModel, talk: Path, tmp_path: Path
) -> None:
    def note(**tested: float) -> str | None:
        limits = {"pitch_deg": 90.0, "yaw_deg": 90.0, "inter_ocular_px": 1.0} | tested
        detector = Detector(make_model(card={"tested": limits}))
        return _note(detect_to_files(detector, talk, "t", OutputPlan(tmp_path / "out")))

    assert note() is None
    turned, small = note(pitch_deg=0.0), note(inter_ocular_px=500.0)
    assert turned is not None
    assert re.fullmatch(
        r"(\d+) of \1 times the face is turned or tilted farther than the model was tested on "
        r"\(outside_pose\): trust its values less there",
        turned,
    )
    assert small == turned.replace("turned or tilted farther", "smaller").replace("_pose", "_size")


def test_a_source_without_a_face_is_told(make_model: MakeModel, tmp_path: Path) -> None:
    Image.new("L", (200, 150), 90).save(tmp_path / "blank.png")
    summary = detect_to_files(Detector(make_model()), tmp_path / "blank.png", "b", OutputPlan(tmp_path / "o"))
    assert _note(summary) is not None
    assert _note(summary).startswith("no face was found: faces narrower than about 60 px")


def test_a_second_face_of_a_picture_is_told(make_model: MakeModel, tmp_path: Path) -> None:
    face = data.astronaut()[:300, 100:380]
    folder = tmp_path / "photographs"
    folder.mkdir()
    io.imsave(folder / "both.png", np.concatenate([face, face], axis=1), check_contrast=False)
    alone = OutputPlan(tmp_path / "out")
    single = detect_to_files(Detector(make_model()), folder / "both.png", "one", alone)
    assert single.rows == 1
    assert _note(single) == (
        "the picture shows more than one face, of which the largest was read: --faces all reads every one"
    )
    io.imsave(folder / "alone.png", face, check_contrast=False)
    of_folder = detect_to_files(Detector(make_model()), folder, "two", alone)
    assert _note(of_folder)
    assert _note(of_folder).startswith("1 of 2 pictures show more than one face")
    every = detect_to_files(Detector(make_model(), faces="all"), folder, "all", alone)
    assert (every.rows, every.notes) == (3, ())


def test_a_second_face_of_a_video_is_told(make_model: MakeModel, film: Film, tmp_path: Path) -> None:
    face = data.astronaut()[:300, 100:380]
    video = film([np.concatenate([face, face[:, ::-1]], axis=1)] * 6)
    plan = OutputPlan(tmp_path / "out")
    summary = detect_to_files(Detector(make_model()), video, "pair", plan)
    assert (summary.rows, _note(summary)) == (
        6,
        "more than one face was in view, of which the largest was read: --faces all reads every one",
    )
    assert detect_to_files(Detector(make_model(), faces="all"), video, "both", plan).notes == ()


@pytest.mark.parametrize("baseline", ["none", "auto", "first:1s"])
def test_a_second_face_that_comes_later_is_told(
    make_model: MakeModel, film: Film, tmp_path: Path, baseline: str
) -> None:
    face = data.astronaut()[:300, 100:380]
    alone = np.concatenate([face, np.full_like(face, 90)], axis=1)
    both = np.concatenate([face, face[:, ::-1]], axis=1)
    video = film([alone] * 10 + [both] * 70, 10)
    summary = detect_to_files(
        Detector(make_model(), baseline=baseline), video, "later", OutputPlan(tmp_path / "out")
    )
    assert summary.tracks == 1
    assert any(note.startswith("more than one face was in view") for note in summary.notes)


def test_a_clock_that_goes_back_is_no_harm(face_result: Callable[..., FaceResult]) -> None:
    count = _Count()
    for time_s in (50.0, 50.04, 0.0, 0.04):
        count.add(FrameResult(0, time_s, (face_result(0, [0.5]),)))
    assert count.seen_s[0] == pytest.approx(0.08)
    assert count.least_step_s == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("frames", "rate", "options", "told"),
    [
        (
            1,
            25,
            {"baseline": "auto"},
            "baseline auto: 1 of 1 face without one, for want of 15 frames to learn it from",
        ),
        (3, 1, {"smooth_s": 0.2}, "--smooth 0.2 changes nothing: frames are 1 s apart"),
        (3, 1, {"smooth_s": 0.5}, None),
    ],
)
def test_what_time_does_not_allow_is_told(
    make_model: MakeModel,
    film: Film,
    tmp_path: Path,
    frames: int,
    rate: int,
    options: dict[str, object],
    told: str | None,
) -> None:
    video = film([data.astronaut()[:300, 100:380]] * frames, rate)
    detector = Detector(make_model(), **options)
    assert _note(detect_to_files(detector, video, "v", OutputPlan(tmp_path / "out"))) == told


def test_times_that_begin_late_are_told(make_model: MakeModel, film: Film, tmp_path: Path) -> None:
    video = film([data.astronaut()[:300, 100:380]] * 60, start_s=100)
    summary = detect_to_files(Detector(make_model()), video, "v", OutputPlan(tmp_path / "out"))
    assert _note(summary) == ("times are the file's own, which begins at 100.000 s: players may count from 0")


def test_a_video_that_breaks_off_keeps_its_table_and_its_page(
    make_model: MakeModel, film: Film, tmp_path: Path
) -> None:
    noisy = np.random.default_rng(0).integers(0, 60, (40, 300, 280, 3), np.uint8)
    face = data.astronaut()[:300, 100:380]
    whole = film([np.minimum(face, 190) + each for each in noisy])
    for share in (0.3, 0.5, 0.7):
        cut = tmp_path / f"cut{share}.mkv"
        cut.write_bytes(whole.read_bytes()[: int(share * whole.stat().st_size)])
        plan = OutputPlan(tmp_path / "out", report=True)
        summary = detect_to_files(Detector(make_model(card={"thresholds": [0.0, 0.0]})), cut, cut.stem, plan)
        assert summary.trouble
        assert "breaks off" in summary.trouble
        assert summary.rows > 3
        assert summary.files[1].read_text().count("data:image/jpeg") >= 2, "its peaks are in the page"


def test_links_are_sources_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "annex").mkdir()
    real = tmp_path / "annex" / "9f86d0.mp4"
    real.touch()
    links = [tmp_path / "sub-01.mp4", tmp_path / "sub-02.mp4"]
    for link in links:
        link.symlink_to(real)
    assert output_names(links) == ["sub-01", "sub-02"]
    assert distinct_sources([*links, links[0], tmp_path / "annex" / ".." / "sub-02.mp4"]) == [
        links[0],
        tmp_path / "annex" / ".." / "sub-02.mp4",
    ]
    (tmp_path / "far" / "off").mkdir(parents=True)
    (tmp_path / "far" / "sub-01.mp4").touch()
    (tmp_path / "door").symlink_to(tmp_path / "far" / "off")
    other = tmp_path / "door" / ".." / "sub-01.mp4"  # by name the first link, and another file
    assert distinct_sources([links[0], other]) == [links[0], other]
