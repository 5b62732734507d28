"""Regions lie where the papers put them, mirror with the face, and scale with it."""

import cv2
import numpy as np
import pytest

from actionunits.analysis.published import published
from actionunits.faces.detect import HogDetector, find_faces
from actionunits.faces.landmarks import find_landmarks
from actionunits.faces.pictures import read_picture
from actionunits.faces.regions import (
    MICRO_AUS,
    MICRO_BOX_POINTS,
    au_group_mask,
    au_group_regions,
    micro_expression_regions,
)
from actionunits.facs.points import MIRROR_68
from actionunits.facs.sets import AU_SETS, au_set
from actionunits.records import Landmarks
from actionunits.synthesis.painting import paint_portrait

BP4D = au_set("bp4d-22")
SIZE = (400, 400)


def painted(seed: int) -> Landmarks:
    """The points of a painted face, twice as large, the face filling the picture."""
    points = paint_portrait(seed, 200).landmarks.points
    low, high = points.min(0), points.max(0)
    return Landmarks(((points - low) / (high - low).max() * 360 + [20, 30]).astype(np.float32))


def test_the_tables_0_based_points_are_the_papers_1_based_ones() -> None:
    printed = {"brow": (18, 20, 27, 29), "nose": (18, 29, 27, 34), "lip": (20, 34, 25, 9)}
    assert {name: tuple(n + 1 for n in points) for name, points in MICRO_BOX_POINTS.items()} == printed
    assert sorted(au for aus in MICRO_AUS.values() for au in aus) == sorted(AU_SETS["casme-13"])


@pytest.mark.parametrize("seed", range(3))
def test_brow_nose_and_lip_hold_what_they_are_named_for(seed: int) -> None:
    landmarks = painted(seed)
    regions = micro_expression_regions(landmarks)
    holds = {"brow": range(17, 27), "nose": range(28, 34), "lip": range(48, 68)}
    for box, (name, points) in zip(regions.boxes, holds.items(), strict=True):
        left, top, right, bottom = box
        x, y = landmarks.points[list(points)].T
        assert left <= x.min() + 1, name
        assert right >= x.max() - 1, name
        assert top <= y.min() + 12, name  # the paper takes the top from one brow
        assert bottom >= y.max() - 3, name
    # the paper's own weakness: the chin's point lies outside the nose crop, inside the lip crop
    chin = landmarks.points[8]
    assert chin[1] > regions.boxes[1, 3]
    assert chin[1] <= regions.boxes[2, 3]


def test_a_face_that_is_upside_down_is_refused() -> None:
    points = painted(0).points * np.float32([1, -1]) + np.float32([0, 400])
    with pytest.raises(ValueError, match="upright"):
        micro_expression_regions(Landmarks(points.astype(np.float32)))
    with pytest.raises(ValueError, match="has no box"):
        au_group_regions(Landmarks(np.full((68, 2), 100, np.float32)), SIZE, BP4D)


@pytest.mark.parametrize("seed", range(4))
def test_nine_boxes_in_the_papers_order(seed: int) -> None:
    landmarks = painted(seed)
    regions = au_group_regions(landmarks, SIZE, BP4D)
    assert len(regions.boxes) == 9
    assert regions.aus[0] == regions.aus[1] == (1, 2, 5, 7)
    assert regions.aus[3] == (6, 9)
    assert regions.boxes[0, 2] < regions.boxes[1, 0]
    middle = landmarks.points[27, 0]
    assert regions.boxes[0, 2] <= middle <= regions.boxes[1, 0]
    assert (regions.boxes[:, 2:] > regions.boxes[:, :2]).all()
    assert len(au_group_regions(landmarks, SIZE, au_set("disfa-12")).boxes) == 8
    assert len(au_group_regions(landmarks, SIZE, au_set("disfa-8")).boxes) == 7


@pytest.mark.parametrize("seed", range(4))
def test_the_mirrored_face_has_the_mirrored_boxes(seed: int) -> None:
    landmarks = painted(seed)
    points = landmarks.points[list(MIRROR_68)].copy()
    points[:, 0] = SIZE[1] - 1 - points[:, 0]
    mirrored = au_group_regions(Landmarks(points), SIZE, BP4D).boxes
    boxes = au_group_regions(landmarks, SIZE, BP4D).boxes[:, [2, 1, 0, 3]]
    boxes[:, [0, 2]] = SIZE[1] - boxes[:, [0, 2]]
    np.testing.assert_allclose(mirrored, boxes[[1, 0, *range(2, 9)]], atol=1.01)


def test_twice_the_face_has_twice_the_boxes() -> None:
    landmarks = painted(1)
    boxes = au_group_regions(landmarks, SIZE, BP4D).boxes
    twice = au_group_regions(Landmarks(2 * landmarks.points), (800, 800), BP4D).boxes
    np.testing.assert_allclose(twice, 2 * boxes, atol=3.0)


def test_a_mask_is_the_union_of_its_polygons() -> None:
    landmarks = painted(2)
    mask = au_group_mask(7, landmarks, SIZE)
    assert set(np.unique(mask)) == {0, 255}
    chin = landmarks.points[8]
    x, y = landmarks.points[57]
    assert mask[int(y + 0.5 * (chin[1] - y)), int(x)] == 255
    assert mask[: int(landmarks.points[33, 1])].max() == 0


@pytest.mark.shared
def test_the_papers_boxes_on_real_faces(shared_data) -> None:
    """Table 12: neutral photographs at about BP4D's size, cropped as the paper does, give its mean boxes."""
    found, detector = [], HogDetector(min_face_px=400)
    for path in sorted((shared_data / "faces" / "london").glob("*neutral*"))[::3]:
        frame = read_picture(path)
        grey = cv2.resize(frame.grey, None, fx=2, fy=2)
        faces = find_faces(grey, detector)
        points = find_landmarks(grey, faces[0]).points.astype(np.float64)
        height, width = grey.shape
        low = np.maximum(points.min(0) - [20, 50], 0)
        high = np.minimum([points[:, 0].max() + 20, points[:, 1].max()], [width, height])
        scale = 512 / (high - low)
        crop = Landmarks(((points - low) * scale).astype(np.float32))
        regions = au_group_regions(crop, (512, 512), BP4D, lift_px=20 * scale[1])
        assert len(regions.boxes) == 9, path.name
        found.append(regions.boxes)
    printed = published("mean_boxes")
    printed = printed[printed["data"] == "bp4d"].dropna()
    ours = np.mean(found, axis=0)
    rows = {1: [0, 1], 2: [2], 3: [3], 4: [4], 5: [5], 6: [6], 7: [7], 8: [8]}
    for group, boxes in printed.groupby("group"):
        wanted = boxes[["xmin", "ymin", "xmax", "ymax"]].to_numpy(float)
        assert np.abs(ours[rows[int(group)]] - wanted).max() < 12, group
