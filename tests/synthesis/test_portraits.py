"""Portraits out of photographs: the public-domain astronaut, folders, and what goes wrong."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from actionunits.errors import UserError
from actionunits.records import Portrait
from actionunits.synthesis.painting import paint_portrait
from actionunits.synthesis.portraits import (
    PortraitFiles,
    astronaut,
    portrait_files,
    portrait_from_image,
    read_portrait,
)


def _save(portrait: Portrait, path: Path) -> None:
    assert cv2.imwrite(str(path), portrait.image[..., ::-1])


def test_the_astronaut_has_a_face_with_plausible_points() -> None:
    face = astronaut()
    points = face.landmarks.points
    assert face.subject == "astronaut"
    assert face.image.shape == (512, 512, 3)
    right, left = points[[36, 39]].mean(axis=0), points[[42, 45]].mean(axis=0)
    assert np.hypot(*(left - right)) == pytest.approx(43, abs=3)
    np.testing.assert_allclose((right + left) / 2, [224, 104], atol=8)
    assert points[8, 1] > points[57, 1] > points[33, 1] > points[27, 1]


def test_the_largest_of_two_faces_is_taken() -> None:
    large, small = paint_portrait(1, 400).image, paint_portrait(2, 220).image
    picture = np.full((400, 640, 3), 128, np.uint8)
    picture[:220, :220], picture[:, 240:] = small, large
    points = portrait_from_image(picture, "two").landmarks.points
    assert points[:, 0].min() > 240


def test_no_face_says_so() -> None:
    with pytest.raises(UserError, match=r"no face found in a wall \(80x60 px\)"):
        portrait_from_image(np.full((60, 80, 3), 90, np.uint8), "a wall")


def test_a_folder_of_neutral_and_other_pictures(tmp_path: Path) -> None:
    for seed, name in ((3, "001_neutral.png"), (4, "002_neutral.png"), (4, "002_smiling.png")):
        _save(paint_portrait(seed, 240), tmp_path / name)
    (tmp_path / "people.csv").write_text("id\n")
    assert [path.name for path in portrait_files(tmp_path)] == ["001_neutral.png", "002_neutral.png"]
    assert [face.subject for face in PortraitFiles(tmp_path)] == ["001", "002"]
    named = PortraitFiles([tmp_path / "002_smiling.png", tmp_path])
    assert len(named) == 3
    assert [face.subject for face in named[:2]] == ["002", "001"]
    assert read_portrait(tmp_path / "001_neutral.png", "somebody").subject == "somebody"


def test_without_the_mark_all_pictures_count(tmp_path: Path) -> None:
    for name in ("B2.png", "A1.jpg"):
        _save(paint_portrait(5, 200), tmp_path / name)
    assert [path.name for path in portrait_files(str(tmp_path))] == ["A1.jpg", "B2.png"]


def test_the_points_of_a_file_are_those_of_its_picture(tmp_path: Path) -> None:
    painted = paint_portrait(11, 300)
    _save(painted, tmp_path / "p.png")
    found = read_portrait(tmp_path / "p.png")
    np.testing.assert_array_equal(found.image, painted.image)
    unit = np.hypot(*(painted.landmarks.points[45] - painted.landmarks.points[36]))
    error = np.linalg.norm(found.landmarks.points - painted.landmarks.points, axis=1)
    assert error.mean() < 0.1 * unit


def test_wrong_places_are_user_errors(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder or file"):
        portrait_files(tmp_path / "nowhere")
    with pytest.raises(UserError, match="no portrait in"):
        portrait_files(tmp_path)
    assert cv2.imwrite(str(tmp_path / "wall.png"), np.full((100, 100, 3), 60, np.uint8))
    with pytest.raises(UserError, match=r"no face found in .*wall\.png .*choose another portrait"):
        read_portrait(tmp_path / "wall.png")


@pytest.mark.shared
def test_photographs_of_the_development_material(shared_data: Path) -> None:
    people = PortraitFiles(shared_data / "faces" / "london")
    assert len(people) == 62
    assert people[0].subject == "001"
    assert people[0].landmarks.points.shape == (68, 2)
