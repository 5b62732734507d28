import cv2
import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import ConvexHull

from actionunits.facs.face_template import TEMPLATE_POINTS
from actionunits.facs.groups import (
    AU_GROUPS,
    LIFT_OF_INTER_OCULAR,
    ROIS,
    box_aus,
    group_of,
    groups_of_set,
    roi_polygon,
)
from actionunits.facs.sets import AU_SETS

POINTS = TEMPLATE_POINTS[:68].astype(float) * 200 + (400, 400)  # a face of BP4D's size
LIFT_PX = LIFT_OF_INTER_OCULAR * 200


def masks(group):
    picture = np.zeros((900, 800), np.uint8)
    for roi in AU_GROUPS[group].rois:
        cv2.fillConvexPoly(picture, np.round(roi_polygon(roi, POINTS, LIFT_PX)).astype(np.int32), 1)
    return ndimage.label(picture, np.ones((3, 3)))


def test_the_lift_is_the_papers_on_a_face_of_its_size():
    assert pytest.approx(20) == LIFT_PX
    moved = roi_polygon(1, POINTS, LIFT_PX)
    assert any(np.allclose(corner, POINTS[17] - (0, 20)) for corner in moved)


def test_all_43_regions_are_there_and_use_the_68_points():
    assert list(ROIS) == list(range(1, 44))
    for vertices in ROIS.values():
        assert 3 <= len(vertices) <= 6
        assert all(0 <= point < 68 for vertex in vertices for point in vertex.points)


def test_corners_run_round_once_and_the_polygon_keeps_its_area():
    for roi in ROIS:
        x, y = roi_polygon(roi, POINTS, LIFT_PX).T
        area = 0.5 * (x @ np.roll(y, -1) - y @ np.roll(x, -1))
        hull = ConvexHull(np.stack([x, y], 1)).volume
        assert 0 < area <= hull + 1e-6  # one direction for all: positive with y down is clockwise to the eye
        assert area > 0.85 * hull, roi


def test_nine_boxes_group_one_in_two_mirrored_parts():
    boxes = []
    for group in AU_GROUPS:
        _, parts = masks(group)
        boxes.append(parts)
    assert boxes == [2, 1, 1, 1, 1, 1, 1, 1]
    labelled, _ = masks(1)
    first, second = ndimage.find_objects(labelled)
    assert first[0] == second[0]
    assert first[1].stop + second[1].start == pytest.approx(801, abs=2)


def test_every_region_is_the_mirror_of_a_region():
    middles = {roi: roi_polygon(roi, POINTS, LIFT_PX).mean(axis=0) for roi in ROIS}
    for roi, middle in middles.items():
        if roi in (7, 14):  # not twins in the paper's table either; no group uses them
            assert not any(roi in group.rois for group in AU_GROUPS.values())
            continue
        twin = (800 - middle[0], middle[1])
        assert min(np.hypot(*(np.array(twin) - other)) for other in middles.values()) < 3


@pytest.mark.parametrize(("name", "boxes"), [("bp4d-22", 9), ("bp4d-12", 8), ("disfa-12", 8), ("disfa-8", 7)])
def test_numbers_of_boxes(name, boxes):
    assert len(groups_of_set(AU_SETS[name])) + 1 == boxes


def test_label_fetch_is_one_step():
    aus = AU_SETS["bp4d-22"]
    assert box_aus(1, aus) == (1, 2, 5, 7)
    assert box_aus(2, aus) == (1, 2, 4, 5, 7)
    assert 17 in box_aus(6, aus)
    assert 17 not in box_aus(5, aus)  # 5 takes 6's and 8's, not what 6 takes from 7
    assert box_aus(8, aus) == (18, 22, 23, 24, 28)


def test_each_au_has_one_group():
    for au in AU_SETS["bp4d-22"]:
        assert sum(au in group.aus for group in AU_GROUPS.values()) == 1
        assert group_of(au) is not None


def test_points_are_checked():
    with pytest.raises(ValueError, match="68"):
        roi_polygon(1, POINTS[:60], 20)
