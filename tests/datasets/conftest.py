"""Fakes of the data sets: plain pictures for what reads labels, painted faces for what reads faces."""

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from actionunits.datasets.fakes import FakeSize, write_fake


def plain_paint(who, expression):
    """A picture of one colour, another for each person."""
    return np.full((16, 16, 3), zlib.crc32(who.encode()) % 256, np.uint8)


@pytest.fixture
def fake(tmp_path) -> Callable[..., Path]:
    """Writes a data set without faces: ``fake("bp4d", subjects=3)``."""

    def write(name, variant=None, *, subjects=3, sequences=2, frames=8) -> Path:
        folder = tmp_path / f"{name}-{variant}"
        write_fake(name, folder, plain_paint, FakeSize(subjects, sequences, frames), variant=variant)
        return folder

    return write


@pytest.fixture(scope="session")
def painted_bp4d(tmp_path_factory) -> Path:
    """BP4D's layout with painted faces; not to be changed."""
    from actionunits.experiments.fakes import make_fake

    folder = tmp_path_factory.mktemp("painted") / "bp4d"
    make_fake("bp4d", folder, FakeSize(3, 2, 6), size_px=220)
    return folder
