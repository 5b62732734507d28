"""Drawings of maps."""

import cv2
import numpy as np
import pytest

from actionunits.explain.draw import draw_map, draw_maps
from actionunits.facs.sets import AU_SETS

SIZE = 33
FACE = np.full((SIZE, SIZE), 128, np.uint8)
AUS = AU_SETS["bp4d-12"]


def _pixels(png: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)


def _reddish(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., 0] - pixels[..., 2] > 60


def test_the_drawing_of_one_map_is_red_where_hiding_matters() -> None:
    values = np.zeros((SIZE, SIZE), np.float32)
    values[20:, :] = 0.4
    picture = draw_map(FACE, values, 12, 0.7)
    assert picture.startswith(b"\x89PNG")
    rows = np.flatnonzero(_reddish(_pixels(picture))[:, 500:800].any(axis=1))
    assert rows.min() > 200  # the lower part of the right picture
    assert picture != draw_map(FACE, values[::-1], 12, 0.7)


@pytest.mark.parametrize("one_scale", [False, True])
def test_the_figure_has_a_panel_an_au(one_scale: bool) -> None:
    values = np.zeros((SIZE, SIZE, 12), np.float32)
    values[10:20, 10:20, 0] = 0.9
    positives = np.full(12, 1234)
    figure = _pixels(draw_maps(FACE, values, AUS, positives, one_scale=one_scale))
    assert figure.shape[1] > figure.shape[0] > 1000
    third, quarter = figure.shape[0] // 3, figure.shape[1] // 4
    face_part = _reddish(figure[:, : round(0.8 * quarter)])  # without the bar
    assert face_part[:third].any()
    assert not face_part[third:].any()


def test_the_same_maps_give_the_same_bytes() -> None:
    values, positives = np.full((SIZE, SIZE, 1), 0.1, np.float32), np.ones(1, int)
    assert draw_maps(FACE, values, (1,), positives) == draw_maps(FACE, values, (1,), positives)


def test_titles_say_au_name_and_frames_and_panels_without_frames_say_so() -> None:
    values = np.full((SIZE, SIZE, 3), np.nan, np.float32)
    values[..., 0], values[..., 1] = 0.2, 0.1
    text = draw_maps(
        FACE, values, (1, 12, 15), np.array([1, 2345, 0]), title="Fold 1", file_format="svg"
    ).decode()
    for words in (
        "AU1 Inner Brow Raiser",
        "1 positive frame ",
        "AU12 Lip Corner Puller",
        "2,345 positive frames",
        "AU15 Lip Corner Depressor",
        "0 positive frames",
        "no positive frame:",
        "Fold 1",
        "Colours: fall of the share of positive frames found when the patch hides the place",
    ):
        assert f"<!-- {words}" in text


def test_nothing_but_panels_without_a_map_can_be_drawn() -> None:
    values = np.full((SIZE, SIZE, 2), np.nan, np.float32)
    for one_scale in (False, True):
        assert draw_maps(FACE, values, (1, 2), np.zeros(2, int), one_scale=one_scale).startswith(b"\x89PNG")


def test_maps_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="maps of 2 AUs"):
        draw_maps(FACE, np.zeros((SIZE, SIZE, 3), np.float32), (1, 2), np.zeros(2, int))
    with pytest.raises(ValueError, match="png or svg"):
        draw_maps(FACE, np.zeros((SIZE, SIZE, 1), np.float32), (1,), np.zeros(1, int), file_format="gif")
