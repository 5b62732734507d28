from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from actionunits.detect.jobs import detect_side_by_side
from actionunits.detect.outputs import OutputPlan, SourceSummary, detect_to_files
from actionunits.detect.pipeline import Detector
from actionunits.errors import UserError

MakeModel = Callable[..., Path]


@pytest.fixture
def sources(talk: Path, portrait: np.ndarray, tmp_path: Path) -> list[tuple[Path, str]]:
    """Two videos, a picture, one that is missing."""
    copy = tmp_path / "again.mkv"
    copy.write_bytes(talk.read_bytes())
    Image.fromarray(portrait).save(tmp_path / "photo.png")
    paths = [talk, copy, tmp_path / "gone.mp4", tmp_path / "photo.png"]
    return [(path, path.stem) for path in paths]


def test_side_by_side_gives_the_files_of_one_by_one(
    make_model: MakeModel, sources: list[tuple[Path, str]], tmp_path: Path
) -> None:
    options = {"model": make_model(), "baseline": "auto"}
    plan = OutputPlan(tmp_path / "two", elan=True)
    found = dict(detect_side_by_side(sources, options, plan, 2))
    assert set(found) == {path for path, _ in sources}
    gone = found.pop(tmp_path / "gone.mp4")
    assert isinstance(gone, UserError)
    assert "gone.mp4 does not exist" in str(gone)
    assert all(isinstance(each, SourceSummary) for each in found.values())
    detector = Detector(**options)
    for path, name in sources:
        if path in found:
            detect_to_files(detector, path, name, OutputPlan(tmp_path / "one"))
    tables = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert tables == ["again.csv", "photo.csv", "talk.csv"]
    for name in tables:
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "two").glob("*.eaf")) == ["again.eaf", "talk.eaf"]


looks_at_proc = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")


@looks_at_proc
def test_a_process_that_dies_takes_only_its_source(
    make_model: MakeModel, sources: list[tuple[Path, str]], tmp_path: Path
) -> None:
    """A first source that never ends (a pipe without a writer): its process is killed; the other is done."""
    pipe = tmp_path / "endless.mp4"
    os.mkfifo(pipe)
    outcomes = detect_side_by_side(
        [(pipe, "endless"), sources[0]], {"model": make_model()}, OutputPlan(tmp_path / "o"), 2
    )
    path, outcome = next(outcomes)
    assert path == sources[0][0]
    assert isinstance(outcome, SourceSummary)
    for child in _children(os.getpid()):
        if "spawn_main" in _command(child):
            os.kill(child, signal.SIGKILL)
    left = dict(outcomes)
    assert isinstance(left[pipe], UserError)
    assert "endless.mp4: its process ended by signal 9" in str(left[pipe])


@looks_at_proc
def test_leaving_early_ends_the_processes_and_leaves_no_half_files(
    make_model: MakeModel, sources: list[tuple[Path, str]], tmp_path: Path
) -> None:
    outcomes = detect_side_by_side(sources[:2], {"model": make_model()}, OutputPlan(tmp_path / "o"), 2)
    next(outcomes)
    outcomes.close()
    assert not [child for child in _children(os.getpid()) if "spawn_main" in _command(child)]
    assert not list((tmp_path / "o").glob(".*"))


@looks_at_proc
def test_ctrl_c_and_sigterm_end_the_command_and_its_processes(
    make_model: MakeModel, sources: list[tuple[Path, str]], tmp_path: Path
) -> None:
    pipes = [tmp_path / f"endless{i}.mp4" for i in range(2)]
    for pipe in pipes:
        os.mkfifo(pipe)
    words = ["detect", *map(str, pipes), "--jobs", "2", "--out", str(tmp_path / "o")]
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        command = [sys.executable, "-m", "actionunits", *words, "--model", str(make_model())]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        children: list[int] = []
        deadline = time.monotonic() + 60
        while len(children) < 2 and time.monotonic() < deadline:
            time.sleep(0.2)
            children = [child for child in _children(process.pid) if "spawn_main" in _command(child)]
        assert len(children) == 2
        time.sleep(1.0)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        assert process.returncode == code
        assert said.strip().splitlines()[-1] == "au: stopped; what was complete is kept"
        assert "Traceback" not in said
        assert not [child for child in children if Path(f"/proc/{child}").exists()]


def _children(process: int) -> list[int]:
    return [int(n) for n in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
