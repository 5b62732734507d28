"""Optical flow of pictures whose motion is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from actionunits.errors import UserError
from actionunits.faces.flow import FLOW_METHODS, crop_flow, optical_flow

GREY = cv2.resize(
    cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY), (128, 128), interpolation=cv2.INTER_AREA
)


@pytest.mark.parametrize("method", FLOW_METHODS)
@pytest.mark.parametrize(("dx", "dy"), [(3.0, 0.0), (-1.5, 2.0), (0.0, 0.0)])
def test_a_shift_is_measured(method, dx, dy):
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
    moved = cv2.warpAffine(GREY, matrix, (128, 128), borderMode=cv2.BORDER_REPLICATE)
    flow = optical_flow(GREY, moved, method)
    assert (flow.dtype, flow.shape) == (np.float16, (128, 128, 2))
    inner = flow[20:-20, 20:-20].astype(np.float32)
    np.testing.assert_allclose(np.median(inner, axis=(0, 1)), [dx, dy], atol=0.15)


def test_large_motion_is_clipped():
    far = np.roll(GREY, 60, axis=1)
    flow = optical_flow(GREY, far, "dis")
    assert np.abs(flow).max() <= 20
    assert np.isfinite(flow).all()


def test_wrong_use():
    with pytest.raises(UserError, match="optical flow 'disk': did you mean 'dis'"):
        optical_flow(GREY, GREY, "disk")
    with pytest.raises(ValueError, match="one size"):
        optical_flow(GREY, GREY[:64])


@pytest.mark.parametrize("method", FLOW_METHODS)
def test_flow_does_not_depend_on_what_was_seen_before(method):
    moved = cv2.warpAffine(GREY, np.array([[1, 0.02, 1.3], [0, 1, 0.7]]), (128, 128))
    before = optical_flow(GREY, moved, method)
    optical_flow(GREY[:20, :20].copy(), moved[:20, :20].copy(), method)
    np.testing.assert_array_equal(optical_flow(GREY, moved, method), before)


def test_flow_between_crops():
    moved = np.roll(GREY, 2, axis=1)
    grey = crop_flow(GREY[..., None], moved[..., None])
    np.testing.assert_array_equal(grey, optical_flow(GREY, moved))
    np.testing.assert_array_equal(crop_flow(*(np.repeat(g[..., None], 3, 2) for g in (GREY, moved))), grey)
    assert not crop_flow(GREY[..., None], GREY[..., None].copy()).any()
