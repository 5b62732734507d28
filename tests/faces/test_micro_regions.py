"""A sequence has one box for each region, so that motion stays in it."""

import numpy as np
import pytest

from actionunits.faces.regions import micro_expression_regions, micro_expression_regions_of_clip
from actionunits.records import Landmarks
from actionunits.synthesis.painting import paint_portrait


def test_a_clip_has_the_boxes_of_its_mean_points() -> None:
    still = paint_portrait(1, 240).landmarks.points
    shifts = np.array([[-2.0, 0.0], [0.0, 1.0], [2.0, -1.0]], np.float32)
    of_clip = micro_expression_regions_of_clip(still + shifts[:, None])
    of_still = micro_expression_regions(Landmarks(still))
    np.testing.assert_allclose(of_clip.boxes, of_still.boxes, atol=1e-4)
    assert of_clip.aus == of_still.aus
    wider = micro_expression_regions_of_clip(still[None], margin_px=5.0)
    np.testing.assert_allclose(wider.boxes - of_still.boxes, [[-3, -3, 3, 3]] * 3, atol=1e-4)


def test_what_is_no_sequence_of_faces_is_refused() -> None:
    still = paint_portrait(1, 240).landmarks.points
    for wrong in (still, np.zeros((0, 68, 2), np.float32), np.zeros((3, 5, 2), np.float32)):
        with pytest.raises(ValueError, match=r"points \[T,68,2\]"):
            micro_expression_regions_of_clip(wrong)
    with pytest.raises(ValueError, match="no area"):
        micro_expression_regions_of_clip(-still[None])
