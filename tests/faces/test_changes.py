"""Where a picture has changed, on rooms in which things appear."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actionunits.faces.changes import PictureChanges

NOWHERE: list[np.ndarray] = []


def room(height: int = 240, width: int = 320) -> np.ndarray:
    return np.random.default_rng(3).integers(60, 200, (height, width), np.uint8)


def seen(grey: np.ndarray) -> PictureChanges:
    changes = PictureChanges()
    changes.searched(grey)
    return changes


def test_a_picture_that_was_never_searched_has_changed_as_a_whole() -> None:
    assert PictureChanges().region(room(), NOWHERE) == (0, 0, 320, 240)
    assert seen(room()).region(room(120, 160), NOWHERE) == (0, 0, 160, 120), "another size is another picture"


def test_noise_of_a_camera_is_no_change() -> None:
    noisy = np.clip(room() + np.random.default_rng(1).normal(0, 8, (240, 320)), 0, 255).astype(np.uint8)
    assert seen(room()).region(noisy, NOWHERE) is None


@given(left=st.integers(0, 260), top=st.integers(0, 180), side=st.integers(40, 60))
def test_the_region_holds_what_appears_with_room_around_it(left: int, top: int, side: int) -> None:
    grey = room()
    grey[top : top + side, left : left + side] = 255 - grey[top : top + side, left : left + side] // 2
    region = seen(room()).region(grey, NOWHERE)
    assert region is not None
    x0, y0, x1, y1 = region
    assert 0 <= x0 <= max(0, left - 40)
    assert 0 <= y0 <= max(0, top - 40)
    assert 320 >= x1 >= min(320, left + side + 40)
    assert 240 >= y1 >= min(240, top + side + 40)


def test_a_followed_face_does_not_count() -> None:
    grey = room()
    grey[80:150, 100:170] //= 2
    box = np.array([100, 80, 170, 150], np.float32)
    assert seen(room()).region(grey, [box]) is None
    assert seen(room()).region(grey, NOWHERE) is not None


def test_what_was_searched_is_known_and_the_rest_is_not() -> None:
    grey = room()
    grey[0:60, 0:60] //= 2
    changes = seen(room())
    region = changes.region(grey, NOWHERE)
    assert region == (0, 0, 128, 128)
    changes.searched(grey, region)
    assert changes.region(grey, NOWHERE) is None
    grey[180:240, 260:320] //= 2
    assert changes.region(grey, NOWHERE) == (pytest.approx(192, abs=8), pytest.approx(112, abs=8), 320, 240)


def test_a_slow_fade_adds_up() -> None:
    changes, regions = seen(room()), []
    for step in range(1, 9):
        grey = room().astype(np.float32)
        grey[60:140, 60:140] += 4 * step
        regions.append(changes.region(np.clip(grey, 0, 255).astype(np.uint8), NOWHERE))
    assert regions[0] is None
    assert regions[-1] is not None
