"""Regions over a face."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from actionunits.cli.main import app
from actionunits.errors import UserError
from actionunits.explain.draw_regions import draw_regions, regions_of_picture
from actionunits.faces.region_drawing import REGION_COLOURS
from actionunits.records import Regions
from actionunits.synthesis.painting import paint_portrait

BOXES = Regions(np.array([[4, 5, 20, 12], [2, 15, 28, 30]], np.float32), ((1, 2), (12,)))


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("regions") / "portrait.png"
    cv2.imwrite(str(path), paint_portrait(3, 300).image[:, :, ::-1])
    return path


def test_boxes_stand_where_they_were_made() -> None:
    grey = np.full((32, 32), 128, np.uint8)
    drawn = draw_regions(grey, BOXES, zoom=2)
    assert drawn.shape == (64, 64, 3)
    changed = np.argwhere((drawn != 128).any(axis=2))
    assert changed.min() >= 2 * 2 - 1  # a line's soft rim
    assert np.abs(drawn[11, 20].astype(int) - REGION_COLOURS[0]).max() < 100  # the first box's upper edge
    assert (drawn[16, 20] == 128).all()  # inside it
    named = draw_regions(grey, BOXES, ("brow", "lip"), zoom=2)
    assert named.shape[0] > drawn.shape[0]
    assert (named[:64] == drawn).all()
    with pytest.raises(ValueError, match="2 boxes got 1 names"):
        draw_regions(grey, BOXES, ("brow",))


def test_the_regions_of_a_paper_are_drawn_over_a_picture(portrait: Path, tmp_path: Path) -> None:
    for paper in ("cooccurrence", "au_rcnn"):
        assert regions_of_picture(portrait, paper).shape[1] == 600
    with pytest.raises(UserError, match="unknown regions 'au_rcn': did you mean 'au_rcnn'"):
        regions_of_picture(portrait, "au_rcn")
    out = tmp_path / "regions.png"
    said = CliRunner().invoke(app, ["explain", str(portrait), "--regions", "cooccurrence", "--out", str(out)])
    assert said.exit_code == 0, said.output
    assert cv2.imread(str(out)).shape[1] == 600
    neither = CliRunner().invoke(app, ["explain", str(portrait), "--out", str(out)])
    assert "--au NUMBER for a map, or --regions PAPER" in str(neither.exception)
