"""Every example of the README and the docs is run, on small stand-ins for the files that it names."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from actionunits.experiments.landmarks.hand_points import _PLACES, CONTOURS
from actionunits.synthesis.animate import PortraitAnimator
from actionunits.synthesis.clip import render_clip, write_clip
from actionunits.synthesis.painting import paint_portrait
from actionunits.synthesis.portraits import portrait_from_image
from actionunits.synthesis.timeline import sequence_timeline

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])

#: Installing is what `make demo`, `make test` and CI do.
INSTALLING = ("make ", "pip ", "python3 -m venv", "git ")

#: What makes an example small enough for a test, by its first words.
SMALLER = {
    "au train default": "data.pictures=48 data.validation_pictures=48 data.test_pictures=48 "
    "data.batch=16 training.epochs=1 seeds=[1] kept=1 folds=0",
    "au train landmarks": "data.pictures=48 data.validation_pictures=48 data.batch=16 rounds=[1]",
}

#: Animates in three dimensions: left out where no face model lies beside the checkout.
SOLID = "au train landmarks"


def blocks(language: str) -> list[pytest.ParameterSet]:
    found = []
    for page in PAGES:
        parts = re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)
        for number, text in enumerate(parts):
            found.append(pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}"))
    return found


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    picture = cv2.resize(data.astronaut()[:320, 80:400], (256, 256), interpolation=cv2.INTER_AREA)
    animator = PortraitAnimator(portrait_from_image(picture, "astronaut"))
    write_clip(folder / "interview.mp4", render_clip(animator, sequence_timeline((1, 4), 1.0), 20.0), 20.0)
    for name in ("a.mp4", "b.mov", "clip.mp4", "meeting.mp4"):
        shutil.copy(folder / "interview.mp4", folder / name)
    cv2.imwrite(str(folder / "portrait.jpg"), picture[:, :, ::-1])
    (folder / "photos").mkdir()
    for number in (1, 2):
        shutil.copy(folder / "portrait.jpg", folder / "photos" / f"{number}.jpg")
    placed = {}
    for place, first in (("london", 0), ("canada", 3), ("congress", 6)):
        (folder / "faces" / place).mkdir(parents=True)
        for seed in range(first, first + 3):
            painted = paint_portrait(seed, 240)
            name = f"{seed}.png" if place == "congress" else f"{seed}_neutral.png"
            cv2.imwrite(str(folder / "faces" / place / name), painted.image[:, :, ::-1])
            placed[f"{place}/{name}"] = template_points(painted.landmarks.points)
    np.savez(folder / "points189.npz", files=list(placed), points=np.stack(list(placed.values())))
    with resources.as_file(resources.files("actionunits") / "weights" / "default.onnx") as model:
        shutil.copy(model, folder / "mine.onnx")
    return folder


def template_points(points: np.ndarray) -> np.ndarray:
    """The webmorph template's f32[189,2] that stands for f32[68,2]."""
    placed = np.repeat(points[30:31], 189, axis=0)
    for point, parts in _PLACES.items():
        placed[list(parts)] = points[point]
    on_contour = {
        "jaw": range(17),
        "right brow": range(17, 22),
        "left brow": range(22, 27),
        "right upper lid": (36, 37, 38, 39),
        "right lower lid": (39, 40, 41, 36),
        "left upper lid": (42, 43, 44, 45),
        "left lower lid": (45, 46, 47, 42),
    }
    for name, members in on_contour.items():
        line = points[list(members)]
        if name.endswith("lower lid"):
            line = line[::-1] if CONTOURS[name][0] == CONTOURS[name.replace("lower", "upper")][0] else line
        at = np.linspace(0, len(line) - 1, len(CONTOURS[name]))
        for axis in (0, 1):
            placed[list(CONTOURS[name]), axis] = np.interp(at, np.arange(len(line)), line[:, axis])
    return placed.astype(np.float32)


def _runnable(line: str, shared: Path) -> str:
    command = " ".join(shlex.split(line, comments=True, posix=False))
    model = shared / "face_model" / "ict_facekit_light.npz"
    replacement = f"--face-model {model}" if model.exists() else ""
    command = re.sub(r"--face-model \S+", replacement, command)
    for start, more in SMALLER.items():
        if command.startswith(start):
            command = f"{command} {more}"
    return command


@pytest.mark.timeout(900)  # a page trains, detects and explains one command after the other
@pytest.mark.parametrize("text", blocks("sh"))
def test_commands_run(text: str, workspace: Path):
    shared = ROOT.parent / "shared" / "data"
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(workspace)}
    for line in text.splitlines():
        if not line.strip() or line.startswith(INSTALLING):
            continue
        command = _runnable(line, shared)
        if command.startswith(SOLID) and "--face-model" not in command:
            continue
        assert command.startswith("au "), f"the test does not know how to run {line!r}"
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=workspace,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("text", blocks("python"))
def test_python_runs(text: str, workspace: Path):
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=workspace, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_pages_link_to_what_is_there():
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"
