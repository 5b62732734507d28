from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from actionunits.synthesis.degrade import degrade


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_a_degraded_picture_keeps_its_size_and_its_face(seed):
    picture = np.ascontiguousarray(data.astronaut()[:256, 100:356])
    out = degrade(picture, np.random.default_rng(seed), 50.0)
    assert out.shape == picture.shape
    assert out.dtype == np.uint8
    alike = np.corrcoef(cv2.resize(out, (32, 32)).ravel(), cv2.resize(picture, (32, 32)).ravel())[0, 1]
    assert alike > 0.6
    assert (out == degrade(picture, np.random.default_rng(seed), 50.0)).all()
