"""Inner lips by colour, on drawn mouths."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from actionunits.experiments.landmarks.lips import lips_by_colour

SKIN, LIPS, TEETH, DARK = (205, 160, 140), (185, 90, 95), (225, 215, 200), (70, 45, 42)


def drawn_mouth(gap_px: float, *, between=TEETH, turn_deg=0.0, scale=1.0, found_px=6.0):
    """A mouth of 160 px by 60 with a gap; its picture, and points that have its lips ``found_px`` apart."""
    image = np.full((240, 320, 3), SKIN, np.uint8)
    middle = (160, 120)
    cv2.ellipse(image, middle, (80, 30), 0, 0, 360, LIPS, -1)
    if gap_px:
        cv2.ellipse(image, middle, (66, round(gap_px / 2)), 0, 0, 360, between, -1)
    points = np.zeros((68, 2))
    angle = np.deg2rad([180, 225, 250, 270, 290, 315, 0, 45, 70, 90, 110, 135])
    points[48:60] = np.column_stack([160 + 80 * np.cos(angle), 120 + 30 * np.sin(angle)])
    points[60:68] = [(x, 120) for x in (94, 136, 160, 184, 226, 184, 160, 136)]
    points[61:64, 1] -= found_px / 2
    points[65:68, 1] += found_px / 2
    points[36:42], points[42:48] = (100, 0), (220, 0)
    matrix = cv2.getRotationMatrix2D((160.0, 120.0), turn_deg, scale)
    turned = cv2.warpAffine(image, matrix, (320, 240), borderMode=cv2.BORDER_REPLICATE)
    noisy = np.clip(turned + np.random.default_rng(0).normal(0, 4, turned.shape), 0, 255).astype(np.uint8)
    return noisy, (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


@pytest.mark.parametrize("between", [TEETH, DARK])
@pytest.mark.parametrize(("turn_deg", "scale"), [(0.0, 1.0), (20.0, 1.0), (-10.0, 0.5)])
def test_the_gap_is_as_wide_as_it_is_drawn(between, turn_deg: float, scale: float) -> None:
    image, points = drawn_mouth(24, between=between, turn_deg=turn_deg, scale=scale)
    placed = lips_by_colour(image, points)
    assert placed is not None
    gap = np.linalg.norm(placed[62] - placed[66])
    assert gap == pytest.approx(24 * scale, abs=2.5 * scale)
    np.testing.assert_array_almost_equal(placed[:60], points[:60], decimal=3)
    (x, y), (down_x, down_y) = points[54] - points[48], placed[66] - placed[62]
    assert x * down_y - y * down_x > 0, "the upper lip stays above"


def test_shut_lips_have_no_gap() -> None:
    assert lips_by_colour(*drawn_mouth(0)) is None
    assert lips_by_colour(*drawn_mouth(12, found_px=0.0)) is None, "it may be a gloss"


def test_grey_pictures_do_not_tell() -> None:
    image, points = drawn_mouth(24)
    grey = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    assert lips_by_colour(grey, points) is None


def test_a_mouth_beyond_the_picture_or_of_a_pixel_is_left_alone() -> None:
    image, points = drawn_mouth(24)
    assert lips_by_colour(image, points + 4000) is None
    assert lips_by_colour(image, np.zeros_like(points)) is None
