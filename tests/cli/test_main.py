from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from actionunits.cli.main import app

VERBS = [info.name for info in (*app.registered_commands, *app.registered_groups)]


def _au(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "actionunits", *words], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb):
    done = CliRunner().invoke(app, [verb, "--help"])
    assert done.exit_code == 0
    assert len(done.output) > 200


def test_the_heavy_libraries_wait_until_a_verb_runs():
    heavy = ("torch", "cv2", "pandas", "dlib", "av", "onnxruntime", "matplotlib", "skimage", "scipy")
    code = f"import sys, actionunits.cli.main; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_licence_of_the_predictor_is_where_a_user_sees_it():
    assert "not for commercial" in " ".join(_au("--help").stdout.split())


def test_a_mistake_is_one_line_and_exit_code_2(tmp_path):
    done = _au("demo", "--out", str(tmp_path), "--model", str(tmp_path / "none.onnx"))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("au: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["detect"], "missing argument 'SOURCE...'"),
        (["detect", "a.mp4", "--jobs", "two"], "'--jobs'"),
        (["detect", "a.mp4", "--jobs"], "requires an argument"),
        (["detect", "a.mp4", "--format", "opnface"], "is not one of"),
        (["detect", "a.mp4", "--modle", "x"], "--model"),
        (["detect", ""], "a source is empty"),
        (["detect", "a.mp4", "--out", ""], "--out is empty"),
        (["detect", "a.mp4", "--model", ""], "--model is empty"),
        (["detekt"], "'detect'"),
    ],
)
def test_a_mistake_in_the_command_is_one_line_too(words, said):
    done = _au(*words)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("au: ")
    assert said in done.stderr
    assert done.stdout == ""


def test_nothing_after_the_command_shows_the_help():
    done = _au()
    assert done.returncode == 2
    assert "Usage" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_demo_leaves_nothing_half_written(tmp_path, number):
    running = subprocess.Popen(
        [sys.executable, "-m", "actionunits", "demo", "--out", str(tmp_path), "--seconds", "60"],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not any(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.1)
    running.send_signal(number)
    assert running.wait(timeout=30) in (130, 143)
    assert running.stderr is not None
    assert running.stderr.read() == "au: stopped; what was complete is kept\n"
    assert [path.name for path in tmp_path.iterdir()] == []
