"""A tiny training: it learns, goes on where it was stopped, and its file says what the network says."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from actionunits.errors import UserError
from actionunits.experiments.landmarks.batches import PointBatches, seen_crop
from actionunits.experiments.landmarks.export import export_points
from actionunits.experiments.landmarks.fit import fit_points
from actionunits.experiments.landmarks.net import PointNet, PointNetConfig
from actionunits.experiments.landmarks.pictures import Pictures
from actionunits.faces.landmarks import face_box_from
from actionunits.faces.point_network import PointNetwork
from actionunits.facs.points import MIRROR_68
from actionunits.records import Face, Landmarks
from actionunits.training.settings import TrainSettings

SMALL = PointNetConfig(size_px=32, channels=(4, 8, 8, 8), blocks=(0, 0, 0))
SETTINGS = TrainSettings(epochs=4, optimiser="adamw", lr=1e-2, ema=0.5)


def a_face() -> np.ndarray:
    """f32[68,2]: dots that are about a face."""
    ring = np.linspace(np.pi, 0, 17)
    points = np.zeros((68, 2))
    points[:17] = np.column_stack([40 * np.cos(ring), 45 * np.sin(ring)])
    rows = ((17, -20, -35, -10), (22, -20, 10, 35), (27, 5, -8, 8), (36, -10, -30, -12), (42, -10, 12, 30))
    for (first, y, x0, x1), last in zip((*rows, (48, 25, -18, 18)), (22, 27, 36, 42, 48, 68), strict=True):
        points[first:last] = np.column_stack([np.linspace(x0, x1, last - first), np.full(last - first, y)])
    return points.astype(np.float32)


def pictures(count: int) -> Pictures:
    rng, images, points = np.random.default_rng(3), [], []
    for _ in range(count):
        placed = a_face() * rng.uniform(0.8, 1.1) + 88 + rng.normal(0, 5, 2)
        image = np.full((176, 176), 120, np.uint8)
        for x, y in placed:
            cv2.circle(image, (round(float(x)), round(float(y))), 3, int(rng.integers(0, 60)), -1)
        images.append(image)
        points.append(placed.astype(np.float32))
    return Pictures(np.stack(images), np.stack(points))


@pytest.fixture(scope="module")
def parts():
    shown = pictures(64)
    source = PointBatches(shown, SMALL.size_px, 16)
    return source, list(PointBatches(pictures(16), SMALL.size_px, 16).epoch(0, 0))


def test_it_learns_and_a_stopped_run_goes_on(parts, tmp_path):
    source, validation = parts
    whole, notes = fit_points(SMALL, source, validation, SETTINGS, tmp_path / "whole")
    assert notes[-1].loss < notes[0].loss
    with pytest.raises(KeyboardInterrupt):
        fit_points(SMALL, source, validation, SETTINGS, tmp_path / "cut", on_epoch=_stop_after(2))
    again, more = fit_points(SMALL, source, validation, SETTINGS, tmp_path / "cut")
    assert [note.epoch for note in more] == [1, 2, 3, 4]
    for one, other in zip(whole.state_dict().values(), again.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other)


def _stop_after(epoch):
    def stop(note):
        if note.epoch == epoch:
            raise KeyboardInterrupt

    return stop


def test_a_checkpoint_of_another_network_is_refused(parts, tmp_path):
    source, validation = parts
    fit_points(SMALL, source, validation, replace(SETTINGS, epochs=1), tmp_path)
    with pytest.raises(UserError, match="another network"):
        fit_points(replace(SMALL, channels=(4, 8, 8, 16)), source, validation, SETTINGS, tmp_path)


def test_the_file_says_what_the_network_says(tmp_path):
    torch.manual_seed(1)
    model = PointNet(SMALL).eval()
    file = tmp_path / "points.onnx"
    export_points(model, file, {"version": "7"})
    network = PointNetwork(file)
    assert network.note == {"version": "7"}
    crops = np.random.default_rng(0).integers(0, 255, (3, 1, 32, 32)).astype(np.float32)
    with torch.inference_mode():
        expected = model(torch.from_numpy(crops)).numpy()
    for crop, points in zip(crops, expected, strict=True):
        # a box whose square is the crop itself
        side = 32 / 1.45
        middle = np.array([16.0, 16.0 - 0.06 * side])
        box = np.concatenate([middle - side / 2, middle + side / 2]).astype(np.float32)
        found = network.find(crop[0].astype(np.uint8), Face(box, 0.0)).points
        np.testing.assert_allclose(found, points, atol=1e-2)


def test_a_crop_has_the_points_where_the_picture_has_them():
    """The dots are dark: at the points' places the crop is darker than its middle grey."""
    shown, rng = pictures(1), np.random.default_rng(5)
    darker = []
    for _ in range(40):
        crop, points, side = seen_crop(shown.images[0], shown.points[0], 96, rng)
        implied = face_box_from(Landmarks(points))
        assert side == pytest.approx(implied[2] - implied[0], rel=0.1)
        inside = points[(points > 1).all(1) & (points < 94).all(1)]
        at = crop[inside[:, 1].round().astype(int), inside[:, 0].round().astype(int)]
        darker.append(at.mean() < np.median(crop))
    assert np.mean(darker) > 0.9


def test_the_same_epoch_is_the_same_and_half_is_mirrored(parts):
    source, _ = parts
    one, other = (next(iter(source.epoch(3, 1))) for _ in range(2))
    for first, second in zip(one, other, strict=True):
        np.testing.assert_array_equal(first, second)
    # a mirrored face keeps its order: the jaw still begins at the left of the picture
    assert (one[1][:, 0, 0] < one[1][:, 16, 0]).all()
    assert MIRROR_68[0] == 16


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="multiple of 32"):
        PointNetConfig(size_px=90)
