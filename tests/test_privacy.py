"""Nothing leaves the machine, and nothing is left behind on it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from actionunits.synthesis.painting import paint_portrait


@pytest.mark.parametrize("way", ["command", "python"])
def test_detection_leaves_nothing_in_the_home_folder(tmp_path: Path, way: str) -> None:
    """ONNX Runtime's telemetry writes a device id and a queue of events there before it sends them."""
    home, picture = tmp_path / "home", tmp_path / "face.png"
    home.mkdir()
    cv2.imwrite(str(picture), np.ascontiguousarray(paint_portrait(3, 320).image[:, :, ::-1]))
    words = {
        "command": ["-m", "actionunits", "detect", str(picture), "--out", str(tmp_path / "out")],
        "python": ["-c", f"import actionunits as au; au.detect({str(picture)!r})"],
    }
    kept = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment = {name: value for name, value in kept.items() if not name.startswith("XDG_")}
    ran = subprocess.run(
        [sys.executable, *words[way]],
        env={**environment, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_a_runtime_that_was_loaded_before_is_told_too() -> None:
    code = (
        "import sys, types\n"
        "told = []\n"
        "runtime = types.SimpleNamespace(disable_telemetry_events=lambda: told.append(1))\n"
        "sys.modules['onnxruntime'] = runtime\n"
        "import actionunits\n"
        "assert told == [1]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
