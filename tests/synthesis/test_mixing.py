"""One person's face with a share of another's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from actionunits.faces.align import inter_ocular_distance
from actionunits.records import Landmarks, Portrait
from actionunits.synthesis.mixing import mixed_portrait
from actionunits.synthesis.painting import paint_portrait


@pytest.fixture(scope="module")
def two() -> tuple[Portrait, Portrait]:
    return paint_portrait(3, 240), paint_portrait(8, 240)


def _laid_on_eyes(portrait: Portrait, like: Portrait) -> np.ndarray:
    """Its points where its eyes lie on the other's: by OpenCV's own fit of two points."""
    eyes = [
        np.float32([each.landmarks.points[[36, 39]].mean(0), each.landmarks.points[[42, 45]].mean(0)])
        for each in (portrait, like)
    ]
    affine, _ = cv2.estimateAffinePartial2D(*eyes)
    return portrait.landmarks.points @ affine[:, :2].T + affine[:, 2]


def test_nothing_mixed_in_is_the_same_face(two):
    same = mixed_portrait(*two, shape=0.0, texture=0.0)
    np.testing.assert_allclose(same.landmarks.points, two[0].landmarks.points, atol=1e-4)
    assert np.abs(same.image.astype(int) - two[0].image).max() <= 1
    assert same.subject == two[0].subject


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_the_points_lie_between_the_two_people(two, share):
    first, second = two
    own, theirs = first.landmarks.points, _laid_on_eyes(second, first)
    mixed = mixed_portrait(first, second, shape=share, texture=0.5)
    np.testing.assert_allclose(mixed.landmarks.points, own + share * (theirs - own), atol=0.01)
    assert inter_ocular_distance(mixed.landmarks) == pytest.approx(
        inter_ocular_distance(first.landmarks), abs=0.01
    )


def test_the_skin_is_the_others_within_the_face_and_the_surroundings_stay(two):
    first, second = two
    swapped = mixed_portrait(first, second, shape=0.0, texture=1.0)
    points = first.landmarks.points
    middle = tuple(np.rint(points[30]).astype(int))  # the nose
    changed = np.abs(swapped.image.astype(int) - first.image).max(axis=2)
    assert changed[:20].max() == 0, "hair and background"
    assert changed[:, :10].max() == 0
    face = changed[middle[1] - 40 : middle[1] + 30, middle[0] - 30 : middle[0] + 30]
    assert (face > 3).mean() > 0.2
    mean = [p.image[middle[1] - 40 : middle[1] + 30, middle[0] - 30 : middle[0] + 30].mean((0, 1)) for p in
            (first, swapped, second)]  # fmt: skip
    assert np.abs(mean[1] - mean[0]).max() < 15, "toned to the first's skin, or a seam would be seen"


def test_it_follows_a_turned_and_scaled_second_person(two):
    first, second = two
    turn = cv2.getRotationMatrix2D((120, 120), 20, 0.8)
    image = cv2.warpAffine(second.image, turn, (240, 240), borderMode=cv2.BORDER_REPLICATE)
    points = second.landmarks.points @ turn[:, :2].T + turn[:, 2]
    turned = Portrait(image, Landmarks(points.astype(np.float32)), "turned")
    straight, found = (mixed_portrait(first, each, shape=0.6, texture=0.6) for each in (second, turned))
    np.testing.assert_allclose(found.landmarks.points, straight.landmarks.points, atol=0.01)
    assert np.abs(found.image.astype(int) - straight.image).mean() < 1.5
