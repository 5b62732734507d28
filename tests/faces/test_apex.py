"""The apex is found from motion where the head moves, the sensor is noisy and the expression is weak."""

import numpy as np
import pytest

from actionunits.faces.align import align, to_crop
from actionunits.faces.apex import apex_frame
from actionunits.records import Expression, Landmarks
from actionunits.synthesis.animate import PortraitAnimator
from actionunits.synthesis.clip import render_clip
from actionunits.synthesis.painting import paint_portrait
from actionunits.synthesis.timeline import AUEvent, Timeline

RATE_HZ, FRAMES = 60.0, 24
SIZE = 160


@pytest.fixture(scope="module")
def animator() -> PortraitAnimator:
    return PortraitAnimator(paint_portrait(5, 320))


def _clip(animator: PortraitAnimator, aus: dict[int, float], apex: int, seed: int = 0, hold: int = 0):
    """Crops and points of an expression over the whole clip, the points as unsteady as found ones."""
    last = (FRAMES - 1) / RATE_HZ
    events = [
        AUEvent(au, 0.0, apex / RATE_HZ, (apex + hold) / RATE_HZ, last, value) for au, value in aus.items()
    ]
    line = Timeline(tuple(events), FRAMES / RATE_HZ)
    rng = np.random.default_rng(seed)
    crops, points = [], []
    for frame in render_clip(animator, line, RATE_HZ, seed=seed, grain=2.0):
        marks = Landmarks((frame.points + rng.normal(0, 0.4, (68, 2))).astype(np.float32))
        crop = align(frame.image.mean(axis=2).astype(np.uint8), marks, SIZE, SIZE * 0.4)
        crops.append(crop.image)
        points.append(to_crop(marks.points, crop))
    return np.stack(crops), np.stack(points)


@pytest.mark.parametrize(
    ("aus", "apex"),
    [({12: 1.6}, 5), ({12: 1.6}, 17), ({4: 1.3}, 6), ({1: 1.5, 2: 1.5}, 16), ({4: 1.4, 15: 1.2}, 8)],
)
def test_a_weak_expression_has_its_apex_found(
    animator: PortraitAnimator, aus: dict[int, float], apex: int
) -> None:
    """Each lies 4 frames and more from the middle."""
    found = apex_frame(*_clip(animator, aus, apex, seed=apex))
    assert found is not None
    assert abs(found - apex) <= 2


def test_of_an_apex_that_is_held_the_middle_is_found(animator: PortraitAnimator) -> None:
    found = apex_frame(*_clip(animator, {12: 1.6}, 4, hold=6))
    assert found is not None
    assert abs(found - 7) <= 2


def test_where_nothing_can_be_found_there_is_none(animator: PortraitAnimator) -> None:
    crops, points = _clip(animator, {12: 1.5}, 8)
    assert apex_frame(crops[:2], points[:2]) is None
    assert apex_frame(np.repeat(crops[:1], 6, axis=0), points[:6]) is None  # nothing moves
    assert apex_frame(crops, SIZE - points) is None  # no upright face
    with pytest.raises(ValueError, match=r"expected u8\[T,H,W\]"):
        apex_frame(crops, points[:3])


def test_a_long_expression_is_looked_through(animator: PortraitAnimator) -> None:
    """More frames than places that are tried."""
    plain = [
        animator.show(Expression.both({12: 4 * x}))
        for x in np.r_[np.linspace(0, 1, 50), np.linspace(1, 0, 30)]
    ]
    marks = Landmarks(np.ascontiguousarray(plain[0].points, np.float32))
    crops = [align(face.image.mean(axis=2).astype(np.uint8), marks, 80, 32.0) for face in plain]
    points = np.stack([to_crop(face.points.astype(np.float32), crops[0]) for face in plain])
    found = apex_frame(np.stack([crop.image for crop in crops]), points)
    assert found is not None
    assert abs(found - 49) <= 3
