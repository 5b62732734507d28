"""What a user can get wrong: one clear line, exit code 1 or 2, nothing half-written left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from actionunits.detect.layouts import layout_of


def _au(*words: object, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    """`au detect` in a process of its own; ``limit`` is the largest file in bytes that it can write."""
    code = "from actionunits.cli.main import run; run()"
    if limit is not None:
        code = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); {code}"
    command = [sys.executable, "-c", code, "detect", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def _write_video(path: Path, images: Sequence[np.ndarray], options: dict[str, str] | None = None) -> Path:
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "10"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for i, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph of one face."""
    from skimage.data import astronaut

    path = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.fromarray(astronaut()[40:240, 130:330]).save(path)
    return path


@pytest.fixture(scope="module")
def noise() -> list[np.ndarray]:
    """150 frames that do not compress: 6 s."""
    random = np.random.default_rng(0)
    return [random.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(150)]


def _one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("au: ")
    assert len(lines[0]) < 400
    for word in words:
        assert word in lines[0]


def _left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _make_missing(path: Path) -> str:
    return "does not exist"


def _make_empty(path: Path) -> str:
    path.touch()
    return "empty"


def _make_text(path: Path) -> str:
    path.write_text("This is no video.\n" * 200)
    return path.name


def _make_noise(path: Path) -> str:
    path.write_bytes(np.random.default_rng(1).bytes(20_000))
    return path.name


def _make_sound(path: Path) -> str:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate, frame.pts = 16000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return "no video"


def _make_folder(path: Path) -> str:
    path.mkdir()
    (path / "notes.txt").write_text("no pictures here")
    return "no pictures"


@pytest.mark.parametrize(
    "make", [_make_missing, _make_empty, _make_text, _make_noise, _make_sound, _make_folder]
)
def test_what_is_no_source(tmp_path: Path, make: object) -> None:
    assert callable(make)
    source, out = tmp_path / "clip.mp4", tmp_path / "out"
    word = make(source)
    done = _au(source, "--out", out)
    assert done.returncode == 2
    assert done.stdout == ""
    _one_line(done, "clip.mp4", word)
    assert _left(out) == []


def test_a_picture_of_one_pixel_has_no_face(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((1, 1, 3), np.uint8)).save(tmp_path / "dot.png")
    done = _au(tmp_path / "dot.png", "--out", tmp_path / "out", "--video", "--report")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "out/dot.csv")
    assert table["success"].tolist() == [0]
    assert _left(tmp_path / "out") == ["dot.csv", "dot.html", "dot_au.png"]


@pytest.mark.parametrize(("name", "options"), [("cut.mkv", {}), ("cut.mp4", {"movflags": "faststart"})])
def test_a_video_that_breaks_off_keeps_its_good_rows(
    tmp_path: Path, noise: list[np.ndarray], name: str, options: dict[str, str]
) -> None:
    path = _write_video(tmp_path / name, noise, options)
    path.write_bytes(path.read_bytes()[: int(0.4 * path.stat().st_size)])
    done = _au(path, "--out", tmp_path / "out")
    assert done.returncode == 1, done.stderr
    breaks_off, no_face = done.stderr.strip().splitlines()
    assert name in breaks_off
    assert "breaks off after" in breaks_off
    assert "no face was found" in no_face, "it is noise"
    table = pd.read_csv(tmp_path / "out/cut.csv")
    assert 20 <= len(table) <= 100
    assert f"after {len(table)} frames" in done.stderr
    assert table["frame"].tolist() == list(range(1, len(table) + 1))
    assert _left(tmp_path / "out") == ["cut.csv"]


def test_a_video_cut_before_its_index_cannot_be_read(tmp_path: Path, noise: list[np.ndarray]) -> None:
    path = _write_video(tmp_path / "cut.mp4", noise[:20])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    done = _au(path, "--out", tmp_path / "out")
    assert done.returncode == 2
    _one_line(done, "cut.mp4", "whole")
    assert _left(tmp_path / "out") == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_folder(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0)
    try:
        done = _au(folder, "--out", tmp_path / "out")
    finally:
        folder.chmod(0o700)
    assert done.returncode == 2
    _one_line(done, "closed", "ermission denied")


def test_an_unreadable_folder_also_where_the_tests_run_as_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from actionunits.cli.main import app

    def deny(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    (tmp_path / "closed").mkdir()
    monkeypatch.setattr(Path, "iterdir", deny)
    done = CliRunner().invoke(app, ["detect", str(tmp_path / "closed"), "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert done.stderr.strip().splitlines() == [f"au: cannot read {tmp_path / 'closed'}: Permission denied"]


@pytest.mark.parametrize("place", ["a file stands there", "a file stands above", "no such place"])
def test_an_out_that_cannot_be_made(tmp_path: Path, photo: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    outs = {
        "a file stands there": tmp_path / "file",
        "a file stands above": tmp_path / "file" / "out",
        "no such place": Path("/proc/actionunits-out"),
    }
    if place == "no such place" and not Path("/proc").is_dir():
        pytest.skip("there is no /proc here")
    done = _au(photo, "--out", outs[place])
    assert done.returncode == 2
    _one_line(done, str(outs[place]), "--out")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_where_the_table_belongs(tmp_path: Path, photo: Path) -> None:
    (tmp_path / "out/photo.csv").mkdir(parents=True)
    done = _au(photo, "--out", tmp_path / "out")
    assert done.returncode == 2
    _one_line(done, "photo.csv")
    assert _left(tmp_path / "out") == ["photo.csv"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
@pytest.mark.parametrize("options", [[], ["--table", "parquet"], ["--video"], ["--report"]])
def test_a_full_disk_leaves_nothing_half_written(
    tmp_path: Path, noise: list[np.ndarray], options: list[str]
) -> None:
    """A limit on the size of files fails a write as a full disk does."""
    source = _write_video(tmp_path / "clip.mp4", noise[:60])
    out = tmp_path / "out"
    out.mkdir()
    columns = layout_of("long", (), np.empty(0, np.float32)).columns
    older = ",".join(column.name for column in columns)
    (out / "clip.csv").write_text(older)
    done = _au(source, "--out", out, *options, limit=3000)
    assert done.returncode == 2, done.stdout
    _one_line(done, "cannot write", "out/clip")
    assert _left(out) == ["clip.csv"]
    assert (out / "clip.csv").read_text() == older


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(
    ("option", "kept"), [("--video", ["photo.csv", "photo_au.png"]), ("", ["photo.csv"])]
)
def test_a_stop_keeps_what_is_complete_and_nothing_else(
    tmp_path: Path, photo: Path, option: str, kept: list[str], number: signal.Signals, code: int
) -> None:
    still = np.full((240, 320, 3), 100, np.uint8)
    long = _write_video(tmp_path / "long.mp4", [still] * 1500)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "actionunits", "detect", photo, long, "--out", out, option]
    process = subprocess.Popen(
        [str(word) for word in command if word], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 60
        while not any(name.startswith(".long") for name in _left(out)):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.3)
        process.send_signal(number)
        _, told = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == code, told
    assert b"Traceback" not in told
    assert _left(out) == kept
