"""`au detect` as a user runs it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from actionunits.cli.main import app
from actionunits.faces.annotated import is_annotated
from actionunits.faces.video import open_source


def _run(*words: object) -> Result:
    return CliRunner().invoke(app, ["detect", *map(str, words)])


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    """u8[200,200,3]: scikit-image's photograph of a face."""
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut()[40:240, 130:330])


def _write_video(path: Path, images: Sequence[np.ndarray], rate: int = 25) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for i, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, portrait: np.ndarray) -> Path:
    """a/clip.mp4 (12 frames), b/clip.mp4 (8 frames without a face), photo.png, pictures/ (2)."""
    folder = tmp_path_factory.mktemp("clips")
    _write_video(folder / "a/clip.mp4", [np.roll(portrait, i, axis=1) for i in range(12)])
    _write_video(folder / "b/clip.mp4", [np.full((120, 160, 3), 90, np.uint8)] * 8)
    Image.fromarray(portrait).save(folder / "photo.png")
    (folder / "pictures").mkdir()
    Image.fromarray(portrait).save(folder / "pictures/1.jpg", quality=95)
    Image.fromarray(portrait[::-1]).save(folder / "pictures/2.png")
    return folder


def test_a_table_for_each_source(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    result = _run(
        clips / "a/clip.mp4", clips / "b/clip.mp4", clips / "photo.png", clips / "pictures", "--out", out
    )
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == [
        "a_clip.csv",
        "b_clip.csv",
        "photo.csv",
        "pictures.csv",
    ]
    tables = {path.stem: pd.read_csv(path) for path in out.iterdir()}
    assert {name: len(table) for name, table in tables.items()} == {
        "a_clip": 12,
        "b_clip": 8,
        "photo": 1,
        "pictures": 2,
    }
    clip = tables["a_clip"]
    assert clip["frame"].tolist() == list(range(1, 13))
    np.testing.assert_allclose(
        clip["timestamp"], [f.time_s for f in open_source(clips / "a/clip.mp4")], atol=1e-6
    )
    assert clip["success"].tolist() == [1] * 12
    assert clip["face_id"].nunique() == 1
    probabilities = clip.filter(regex=r"AU\d\d_p")
    assert len(probabilities.columns) >= 1
    assert probabilities.stack().between(0, 1).all()
    nobody = tables["b_clip"]
    assert nobody["success"].tolist() == [0] * 8
    assert nobody.filter(regex=r"AU\d\d_").isna().all(axis=None)
    assert tables["pictures"]["success"].tolist() == [1, 0]


def test_it_says_what_came_of_each_source(clips: Path, tmp_path: Path) -> None:
    result = _run(clips / "a/clip.mp4", clips / "photo.png", "--out", tmp_path)
    lines = result.stdout.splitlines()
    assert len(lines) == 2
    pattern = (
        r"clip\.mp4: 12 rows, 12 of 12 frames with a face, 1 face, [\d.]+ s, \d+ frames/s -> .*clip\.csv"
    )
    assert re.fullmatch(pattern, lines[0])
    one = r"photo\.png: 1 row, 1 of 1 picture with a face, 1 face, [\d.]+ s -> .*photo\.csv"
    assert re.fullmatch(one, lines[1])


def test_formats_and_parquet(clips: Path, tmp_path: Path) -> None:
    assert (
        _run(clips / "photo.png", "--out", tmp_path, "--format", "pyfeat", "--table", "parquet").exit_code
        == 0
    )
    table = pd.read_parquet(tmp_path / "photo.parquet")
    assert list(table.columns[:5]) == [
        "FaceRectX",
        "FaceRectY",
        "FaceRectWidth",
        "FaceRectHeight",
        "FaceScore",
    ]
    assert table["input"].tolist() == ["photo.png"]
    assert _run(clips / "photo.png", "--out", tmp_path, "--format", "long").exit_code == 0
    long = pd.read_csv(tmp_path / "photo.csv")
    assert long["au"].is_unique
    np.testing.assert_allclose(
        long["probability"], table[[f"AU{au:02d}" for au in long["au"]]].iloc[0].to_numpy(float), atol=1e-9
    )


def test_video_and_report(clips: Path, tmp_path: Path) -> None:
    result = _run(clips / "a/clip.mp4", clips / "photo.png", "--out", tmp_path, "--video", "--report")
    assert result.exit_code == 0, result.output
    names = {"clip.csv", "clip_au.mp4", "clip.html", "photo.csv", "photo_au.png", "photo.html"}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert sum(1 for _ in open_source(tmp_path / "clip_au.mp4")) == 12
    assert Image.open(tmp_path / "photo_au.png").height >= 540


def test_jobs_and_elan(clips: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.png"
    again.write_bytes((clips / "photo.png").read_bytes())
    sources = [clips / "a/clip.mp4", clips / "b/clip.mp4", tmp_path / "gone.mp4", clips / "photo.png", again]
    result = _run(*sources, "--out", tmp_path / "o", "--elan", "--jobs", "2", "--baseline", "auto")
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 4
    told = result.stderr.strip().splitlines()
    assert (
        f"au: {tmp_path / 'gone.mp4'} does not exist: expected a picture, a video or a folder of pictures"
    ) in told
    # two are called clip.mp4
    first, second = (clips / "a/clip.mp4", clips / "b/clip.mp4")
    assert (
        f"au: {first}: baseline auto: 1 of 1 face without one, for want of 15 frames to learn it from" in told
    )
    assert any(line.startswith(f"au: {second}: no face was found: ") for line in told)
    assert sum(line.startswith((f"{first}: ", f"{second}: ")) for line in result.stdout.splitlines()) == 2
    # of two pictures it is said once, and at the end of whom else it holds
    left_out = [line for line in told if "left out" in line]
    assert re.fullmatch(r"au: \w+\.png: left out, since only a video can have it: .*", left_out[0])
    assert re.fullmatch(r"au: the same of \w+\.png: left out, since only .*", left_out[1])
    assert len(told) == 5
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == [
        *("a_clip.csv", "a_clip.eaf", "again.csv", "b_clip.csv", "b_clip.eaf", "photo.csv"),
    ]


def test_a_coders_corrections_are_not_replaced(clips: Path, tmp_path: Path) -> None:
    from pympi.Elan import Eaf

    words = (clips / "a/clip.mp4", "--out", tmp_path, "--elan")
    assert _run(*words).exit_code == 0
    assert _run(*words).exit_code == 0, "its own file it may replace"
    file = tmp_path / "clip.eaf"
    document = Eaf(str(file), suppress_version_warning=True)
    document.add_annotation("AU12", 40, 120, "C")
    document.to_file(str(file))
    before, table = file.read_bytes(), (tmp_path / "clip.csv").stat().st_mtime_ns
    result = _run(*words)
    assert result.exit_code == 2
    assert re.fullmatch(r"au: .*clip\.eaf is not as au detect wrote it.*\n", result.stderr)
    assert file.read_bytes() == before
    assert (tmp_path / "clip.csv").stat().st_mtime_ns == table


def test_one_bad_picture_does_not_stop_a_folder(clips: Path, tmp_path: Path, portrait: np.ndarray) -> None:
    folder = tmp_path / "some"
    folder.mkdir()
    for name in "acd":
        Image.fromarray(portrait).save(folder / f"{name}.png")
    (folder / "b.png").touch()
    result = _run(folder, "--out", tmp_path / "o", "--report", "--video")
    assert result.exit_code == 1
    assert "b.png" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "3 of 3 pictures with a face" in result.stdout
    assert pd.read_csv(tmp_path / "o/some.csv")["file"].tolist() == ["a.png", "c.png", "d.png"]


def test_without_out_the_folder_is_au_out(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run(clips / "photo.png").exit_code == 0
    assert (tmp_path / "au-out" / "photo.csv").is_file()


def test_a_source_that_fails_does_not_stop_the_others(clips: Path, tmp_path: Path) -> None:
    result = _run(tmp_path / "gone.mp4", clips / "photo.png", "--out", tmp_path / "o")
    assert result.exit_code == 1
    assert "gone.mp4" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["photo.csv"]


def test_exit_code_2_where_nothing_came_out(tmp_path: Path) -> None:
    result = _run(tmp_path / "gone.mp4", tmp_path / "too.mp4", "--out", tmp_path / "o")
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 2
    assert not (tmp_path / "o").exists()


def test_the_same_source_twice_is_done_once(clips: Path, tmp_path: Path) -> None:
    result = _run(clips / "photo.png", clips / "pictures" / ".." / "photo.png", "--out", tmp_path)
    assert len(result.stdout.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["photo.csv"]
    assert result.stderr.startswith("au: given more than once, read once: ")
    assert "photo.png" in result.stderr
    three = _run(*[clips / "photo.png"] * 3, "--out", tmp_path)
    assert three.stderr == f"au: given more than once, read once: {clips / 'photo.png'}\n"
    gone = _run(*[clips / "gone.png"] * 2, "--out", tmp_path)
    assert gone.stderr.startswith(f"au: {clips / 'gone.png'} does not exist")
    assert len(gone.stderr.splitlines()) == 1


def test_the_embedded_model_can_be_named(clips: Path, tmp_path: Path) -> None:
    for folder, words in (("a", ()), ("b", ("--model", "default")), ("c", ("--model", "embedded"))):
        assert _run(clips / "photo.png", *words, "--out", tmp_path / folder).exit_code == 0
    tables = [(tmp_path / folder / "photo.csv").read_text() for folder in "abc"]
    assert tables[0] == tables[1] == tables[2]


def test_a_table_of_before_is_told_where_the_new_ones_have_longer_names(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "photo.png").write_bytes((clips / "photo.png").read_bytes())
    assert _run(clips / "photo.png", "--out", tmp_path / "o").stderr == ""
    both = _run(clips / "photo.png", tmp_path / "d" / "photo.png", "--out", tmp_path / "o")
    assert both.stderr == f"au: of another run, and left as they are: {tmp_path / 'o' / 'photo.csv'}\n"


def test_annotated_copies_in_a_folder_are_no_data(clips: Path, tmp_path: Path) -> None:
    for name in ("a", "b", "b_au_2"):
        (tmp_path / f"{name}.png").write_bytes((clips / "photo.png").read_bytes())
    assert _run(tmp_path / "a.png", "--out", tmp_path, "--video").exit_code == 0
    assert (tmp_path / "a_au.png").is_file()
    result = _run(tmp_path, "--out", tmp_path / "o")
    assert pd.read_csv(tmp_path / "o" / f"{tmp_path.name}.csv")["file"].tolist() == [
        "a.png",
        "b.png",
        "b_au_2.png",
    ]
    assert "left out as annotated copies: a_au.png" in result.stderr


def test_of_a_pattern_annotated_copies_are_left_out(clips: Path, tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "b_au.png"):
        (tmp_path / name).write_bytes((clips / "photo.png").read_bytes())
    assert _run(tmp_path / "a.png", "--out", tmp_path, "--video").exit_code == 0
    copy = tmp_path / "a_au.png"
    again = _run(*sorted(tmp_path.glob("*.png")), "--out", tmp_path / "o")
    assert again.stderr == f"au: left out as annotated copies of other sources: {copy}\n"
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == ["a.csv", "b.csv", "b_au.csv"]
    table = _run(tmp_path, "--out", tmp_path / "p")
    assert "left out as annotated copies: a_au.png\n" in table.stderr, "b_au.png is nobody's copy"
    assert _run(copy, "--out", tmp_path / "q").stderr == "", "it can be read by itself"
    assert _run(tmp_path / "a.png", copy, "--out", tmp_path, "--video").exit_code == 0
    assert is_annotated(copy)
    recording = (clips / "a/clip.mp4").read_bytes()
    (tmp_path / "a_au.mp4").write_bytes(recording)
    left = _run(tmp_path / "a.png", "--out", tmp_path).stderr
    assert left == f"au: of another run, and left as they are: {copy}\n", "a recording is of no run"


def test_a_recording_is_not_replaced_by_an_annotated_video(clips: Path, tmp_path: Path) -> None:
    words = (clips / "a/clip.mp4", "--video", "--out", tmp_path)
    assert _run(*words).exit_code == 0
    assert _run(*words).exit_code == 0, "its own is"
    recording = (clips / "a/clip.mp4").read_bytes()
    (tmp_path / "clip_au.mp4").write_bytes(recording)
    (tmp_path / "clip.csv").unlink()
    refused = _run(*words)
    assert refused.exit_code == 2
    assert "clip_au.mp4 is not as au detect wrote it (a recording?)" in refused.stderr
    assert (tmp_path / "clip_au.mp4").read_bytes() == recording
    assert not (tmp_path / "clip.csv").exists()


@pytest.mark.parametrize("layout", ["openface", "openface22", "pyfeat", "long"])
@pytest.mark.parametrize("table", ["csv", "parquet"])
def test_somebodys_own_table_is_not_replaced(clips: Path, tmp_path: Path, layout: str, table: str) -> None:
    words = (clips / "photo.png", "--out", tmp_path, "--table", table)
    path = tmp_path / f"photo.{table}"
    assert _run(*words, "--format", layout).exit_code == 0
    assert _run(*words, "--format", "long", "--report").exit_code == 0, "its own is"
    codes = pd.DataFrame({"frame": [1], "AU12": [3]})
    codes.to_csv(path, index=False) if table == "csv" else codes.to_parquet(path)
    (tmp_path / "photo.html").unlink()
    before = path.read_bytes()
    refused = _run(*words, "--format", layout, "--report")
    assert refused.exit_code == 2
    assert f"photo.{table} is not as au detect wrote it (a table of your own?)" in refused.stderr
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_somebodys_own_page_and_what_is_no_table_are_not_replaced(clips: Path, tmp_path: Path) -> None:
    for name in ("photo.html", "photo.csv", "photo.parquet", "photo_au.png"):
        (tmp_path / name).write_bytes(b"\xff notes")
        table = "parquet" if name == "photo.parquet" else "csv"
        refused = _run(clips / "photo.png", "--out", tmp_path, "--report", "--video", "--table", table)
        assert refused.exit_code == 2
        assert f"{name} is not as au detect wrote it" in refused.stderr
        assert (tmp_path / name).read_bytes() == b"\xff notes"
        (tmp_path / name).unlink()
    (tmp_path / "photo.csv").touch()
    assert _run(clips / "photo.png", "--out", tmp_path).exit_code == 0, "an empty file is nobody's work"


def test_nothing_is_left_of_a_run_without_a_result(clips: Path, tmp_path: Path) -> None:
    (clips / "no.png").write_bytes(b"no picture at all")
    for words in (("--jobs", "2"), ()):
        failed = _run(clips / "no.png", clips / "gone.mp4", "--out", tmp_path / "new" / "o", *words)
        assert failed.exit_code == 2
        assert not (tmp_path / "new").exists()


def test_an_address_is_told(clips: Path, tmp_path: Path) -> None:
    far = _run("https://example.org/clip.mp4", clips / "photo.png", "--out", tmp_path)
    assert far.exit_code == 1
    assert far.stderr == (
        "au: https://example.org/clip.mp4 is an address: nothing is fetched from elsewhere; save the file "
        "here first\n"
    )
    assert (tmp_path / "photo.csv").is_file()


def test_a_name_that_is_too_long_does_not_stop_the_others(clips: Path, tmp_path: Path) -> None:
    long = clips / f"{'n' * 300}.png"
    result = _run(long, clips / "photo.png", "--out", tmp_path / "o")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert (tmp_path / "o" / "photo.csv").is_file()


def test_what_an_earlier_run_left_under_the_same_name_is_told(clips: Path, tmp_path: Path) -> None:
    assert _run(clips / "photo.png", "--out", tmp_path, "--report", "--video").stderr == ""
    assert _run(clips / "photo.png", "--out", tmp_path, "--report", "--video").stderr == ""
    (tmp_path / "photograph.html").touch()
    again = _run(clips / "photo.png", "--out", tmp_path, "--table", "parquet", "--report")
    left = f"{tmp_path / 'photo.csv'}, {tmp_path / 'photo_au.png'}"
    assert again.stderr == f"au: of another run, and left as they are: {left}\n"
    assert "another run" not in (tmp_path / "photo.html").read_text()


@pytest.mark.parametrize(
    "words",
    [["--format", "xml"], ["--faces", "two"], ["--smooth", "9"], ["--detector", "cnn"], ["--jobs", "0"], []],
)
def test_a_mistake_in_the_command_is_exit_code_2(clips: Path, tmp_path: Path, words: list[str]) -> None:
    sources = [clips / "photo.png"] if words else []
    assert _run(*sources, *words, "--out", tmp_path / "o").exit_code == 2
    assert not (tmp_path / "o").exists()


@pytest.mark.shared
def test_the_oddities(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "oddities"
    sources = [
        folder / name for name in ("free-mountain-vector-01.jpg", "Image_with_alpha.png", "multi_face.jpg")
    ]
    assert _run(*sources, "--out", tmp_path, "--faces", "all").exit_code == 0
    tables = {path.stem: pd.read_csv(path) for path in tmp_path.iterdir()}
    drawing = tables["free-mountain-vector-01"]
    assert drawing["success"].tolist() == [0]
    assert drawing.filter(regex=r"AU\d\d_").isna().all(axis=None)
    assert len(tables["multi_face"]) >= 3
    assert tables["multi_face"]["face_id"].is_unique


def test_a_model_of_clips_says_that_a_video_has_another_rate(clips: Path, tmp_path: Path) -> None:
    from actionunits.models.registry import build_model
    from actionunits.models.weights import export_onnx, save_model

    small = {"size_px": 80, "inter_ocular_px": 32.0, "filters": [2, 4, 4], "code": 4, "clip_length": 4}
    model = build_model("facs3d/cnn_lstm", small).eval()
    for hz, told in ((50.0, True), (25.0, False)):
        card = {"frames_hz": hz}
        save_model(tmp_path / "m.safetensors", model, name="facs3d/cnn_lstm", card=card)
        export_onnx(model, tmp_path / "m.onnx", card)
        for kind in ("safetensors", "onnx"):
            out, network = tmp_path / f"{kind}-{hz:g}", tmp_path / f"m.{kind}"
            result = _run(clips / "a/clip.mp4", "--model", network, "--report", "--out", out)
            assert result.exit_code == 0
            note = "the model learnt from 50 frames/s and this has 25"
            assert (note in result.stderr) is told
            assert (note in (out / "clip.html").read_text()) is told


def test_boxes_are_drawn_of_a_model_that_takes_them(clips: Path, tmp_path: Path) -> None:
    from actionunits.models.registry import build_model
    from actionunits.models.weights import export_onnx, save_model

    config = {"backbone": "resnet18", "size_px": 64, "roi_cells": 4}
    model = build_model("au_rcnn/ar_res", config).eval()
    save_model(tmp_path / "m.safetensors", model, name="au_rcnn/ar_res", card={})
    export_onnx(model, tmp_path / "m.onnx", {})
    drawn = {}
    for name, more in (("plain", ()), ("boxes", ("--boxes",))):
        out = tmp_path / name
        result = _run(clips / "photo.png", "--model", tmp_path / "m.onnx", "--video", *more, "--out", out)
        assert result.exit_code == 0, result.output
        drawn[name] = np.asarray(Image.open(out / "photo_au.png")).astype(int)
    changed = np.argwhere(np.abs(drawn["plain"] - drawn["boxes"]).sum(axis=2) > 0)
    assert len(changed) > 200
    said = {}
    for kind in ("onnx", "safetensors"):
        result = _run(clips / "a/clip.mp4", "--model", tmp_path / f"m.{kind}", "--out", tmp_path / kind)
        assert result.exit_code == 0, result.output
        said[kind] = pd.read_csv(tmp_path / kind / "clip.csv").filter(regex=r"AU\d\d_p").to_numpy()
    np.testing.assert_allclose(said["onnx"], said["safetensors"], atol=1e-4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--boxes",), "boxes are drawn into the annotated video"),
        (("--boxes", "--video"), "takes no boxes of AU groups"),
    ],
)
def test_boxes_that_cannot_be_drawn(clips: Path, tmp_path: Path, words: Sequence[str], message: str) -> None:
    result = _run(clips / "photo.png", *words, "--out", tmp_path / "out")
    assert getattr(result.exception, "exit_code", result.exit_code) == 2
    said = " ".join(f"{result.output} {result.exception or ''}".split())
    assert message in said
    assert not list(tmp_path.glob("out/*"))
