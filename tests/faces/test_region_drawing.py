"""Drawings show what they are of, and leave the face that they are given as it is."""

import numpy as np

from actionunits.faces.align import crop_by_points, to_crop
from actionunits.faces.region_drawing import REGION_COLOURS, draw_boxes, draw_mask, draw_rois
from actionunits.faces.regions import au_group_mask, lift_in_crop, regions_of
from actionunits.facs.groups import ROIS, roi_polygon
from actionunits.facs.sets import au_set
from actionunits.records import InputSpec, Landmarks
from actionunits.synthesis.painting import paint_portrait

SPEC = InputSpec(au_set("bp4d-22"), 256, 100.0, crop="points", needs_regions=True)
PORTRAIT = paint_portrait(1, 200)
CROP = crop_by_points(PORTRAIT.image, PORTRAIT.landmarks, 256)
POINTS = Landmarks(to_crop(PORTRAIT.landmarks.points, CROP))
LIFT = lift_in_crop(SPEC, POINTS)


def test_a_mask_tints_its_pixels_and_no_others() -> None:
    before = CROP.image.copy()
    for group in (1, 5):
        drawn = draw_mask(CROP.image, group, POINTS, LIFT)
        inside = au_group_mask(group, POINTS, (256, 256), LIFT) > 0
        assert (drawn[~inside] == before[~inside]).all()
        assert (drawn[inside] != before[inside]).any(axis=1).all()
    assert (before == CROP.image).all()


def test_each_of_the_nine_boxes_has_a_colour_of_its_own() -> None:
    boxes = regions_of(SPEC, POINTS).boxes
    assert len(boxes) == len(REGION_COLOURS) == len(set(REGION_COLOURS))
    drawn = draw_boxes(np.zeros((256, 256, 3), np.uint8), boxes)
    for box, colour in zip(boxes[-1:], REGION_COLOURS[8:], strict=True):  # the last is drawn over the others
        left, top, right, bottom = box.astype(int)
        ys, xs = np.nonzero((drawn == colour).all(axis=2))
        assert np.abs([xs.min() - left, ys.min() - top, xs.max() - right, ys.max() - bottom]).max() <= 2


def test_the_rois_are_outlined() -> None:
    drawn = draw_rois(CROP.image, POINTS, LIFT)
    changed = (drawn != CROP.image).any(axis=2)
    for roi in ROIS:
        for x, y in roi_polygon(roi, POINTS.points, LIFT):
            row, column = np.clip(np.rint([y, x]).astype(int), 1, 254)
            assert changed[row - 1 : row + 2, column - 1 : column + 2].any(), roi
