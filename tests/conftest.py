"""What every test may ask for."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import settings

# started in the background of a script, Ctrl-C is ignored here and in every process that a test begins
signal.signal(signal.SIGINT, signal.default_int_handler)

# a busy machine is slow, not wrong
settings.register_profile("actionunits", deadline=None)
settings.load_profile("actionunits")

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The development material beside the checkout; the test skips without it."""
    if not SHARED.is_dir():
        pytest.skip("the development material is not beside the checkout")
    return SHARED
