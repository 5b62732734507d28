"""The 68 places out of the webmorph template."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from actionunits.errors import UserError
from actionunits.experiments.landmarks.hand_points import CONTOURS, SAME_PLACE, from_hand, read_hand_points
from actionunits.facs.points import MIRROR_68

#: The template's points of the subject's right side and, in the same order, of the left.
RIGHT = (*CONTOURS["jaw"][:7], *CONTOURS["right brow"], 18, 19, 20, 21, 22, 30, 29, 28)
LEFT = (*CONTOURS["jaw"][:-8:-1], *CONTOURS["left brow"][::-1], 27, 26, 25, 24, 23, 31, 32, 33)
RIGHT_MOUTH = (50, 51, 52, 53, 54, 64, 87, 88, 89, 94, 95, 99, 100, 104, 105)
LEFT_MOUTH = (56, 57, 58, 59, 60, 69, 93, 92, 91, 98, 97, 103, 102, 108, 107)
MIDDLE = (55, 90, 96, 101, 106, 129)


def mirrored(points: np.ndarray) -> np.ndarray:
    other = points * [-1, 1]
    for right, left in zip((*RIGHT, *RIGHT_MOUTH), (*LEFT, *LEFT_MOUTH), strict=True):
        other[[right, left]] = other[[left, right]]
    return other.astype(np.float32)


def template() -> np.ndarray:
    """Points that are no face, but whose eyes are level and above the jaw's end."""
    points = np.random.default_rng(0).uniform(-50, 50, (189, 2))
    points[list(CONTOURS["jaw"])] = [(60 * np.cos(a), 90 * np.sin(a) - 20) for a in np.linspace(np.pi, 0, 15)]
    points[[18, 22, 23, 27]] = [(-40, 0), (-15, 0), (15, 0), (40, 0)]
    return points.astype(np.float32)


def test_the_map_is_symmetric():
    points = template()
    turned = from_hand(mirrored(points))
    np.testing.assert_allclose(turned, (from_hand(points) * [-1, 1])[list(MIRROR_68)], atol=1e-4)


def test_it_moves_with_the_face():
    points = template()
    np.testing.assert_allclose(from_hand(points * 2 + 7), from_hand(points) * 2 + 7, atol=1e-4)


def test_corners_are_where_they_were_placed():
    points = template()
    found = from_hand(points)
    for at, placed in ((8, 129), (36, 18), (39, 22), (42, 23), (45, 27), (48, 87), (54, 93), (33, 55)):
        np.testing.assert_array_equal(found[at], points[placed])
    assert set(SAME_PLACE) == {MIRROR_68[i] for i in SAME_PLACE}


def test_the_jaw_begins_at_the_height_of_the_eyes():
    jaw = from_hand(template())[:17]
    assert np.abs(jaw[[0, 16], 1]).max() < 2
    steps = np.linalg.norm(np.diff(jaw, axis=0), axis=1)
    assert steps.max() < 1.2 * steps.min()


def test_other_numbers_of_points_are_refused():
    with pytest.raises(ValueError, match="189"):
        from_hand(np.zeros((68, 2), np.float32))


def test_files_that_hold_no_points_are_told(tmp_path):
    with pytest.raises(UserError, match="no hand-placed points"):
        read_hand_points(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "other.npz", files=np.array(["a"]), points=np.zeros((1, 68, 2)))
    np.savez(tmp_path / "lacks.npz", files=np.array(["a"]))
    for name in ("text", "other", "lacks"):
        with pytest.raises(UserError, match="expected an .npz"):
            read_hand_points(tmp_path / f"{name}.npz")


@pytest.mark.shared
def test_it_agrees_with_what_a_predictor_finds(shared_data: Path):
    """Not the same scheme, but the same face: no point is a tenth of the eyes' distance away on average."""
    from actionunits.faces.detect import HogDetector
    from actionunits.faces.landmarks import find_landmarks

    hand = read_hand_points(shared_data / "faces" / "points189.npz")
    off = []
    for name in list(hand)[::12]:
        grey = cv2.imread(str(shared_data / "faces" / name), cv2.IMREAD_GRAYSCALE)
        true = from_hand(hand[name])
        found = find_landmarks(grey, HogDetector().find(grey)[0], "dlib").points
        off.append((found - true) / np.linalg.norm(true[39] - true[42]) / 1.9)
    assert np.linalg.norm(np.mean(off, axis=0), axis=1).max() < 0.1
