"""A small head in the face model's layout, made by formulas, for tests that must do without the real one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

#: Front view of a face's 68 points, cm: half of it, mirrored below.
_JAW = [(7.3, 3.6), (7.2, 1.5), (6.9, -0.5), (6.5, -2.4), (5.7, -4.5), (4.3, -6.2), (3.0, -6.9), (1.5, -7.3)]
_BROW = [(5.8, 5.2), (4.9, 6.0), (3.8, 6.3), (2.4, 6.2), (1.2, 5.9)]
_EYE = [(4.5, 3.4), (3.8, 3.9), (2.8, 3.9), (1.8, 3.3), (2.7, 3.0), (3.8, 3.0)]


def _front_points() -> NDArray[np.float64]:
    def mirrored(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(-x, y) for x, y in points]

    jaw = [*mirrored(_JAW), (0.0, -7.6), *_JAW[::-1]]
    brows = [*mirrored(_BROW), *_BROW[::-1]]
    nose = [
        (0, 3.7),
        (0, 2.6),
        (0, 1.6),
        (0, 0.4),
        (-1.3, -1.1),
        (-0.6, -1.2),
        (0, -1.2),
        (0.6, -1.2),
        (1.3, -1.1),
    ]
    left_eye = [_EYE[i] for i in (3, 2, 1, 0, 5, 4)]
    eyes = [*mirrored(_EYE), *left_eye]
    outer = [(-2.5, -3.5), (-1.7, -2.8), (-0.7, -2.4), (0, -2.5), (0.7, -2.4), (1.7, -2.8), (2.5, -3.5)]
    outer += [(1.8, -4.1), (1.0, -4.3), (0, -4.4), (-1.0, -4.3), (-1.8, -4.1)]
    inner = [
        (-2.1, -3.5),
        (-1.0, -3.3),
        (0, -3.3),
        (1.0, -3.3),
        (2.1, -3.5),
        (1.0, -3.6),
        (0, -3.6),
        (-1.0, -3.6),
    ]
    return np.array([*jaw, *brows, *nose, *eyes, *outer, *inner])


def _height(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """A dome with a nose."""
    dome = 11 - 0.11 * x**2 - 0.025 * (y - 1) ** 2
    return dome + 2.2 * np.exp(-(x**2) / 1.2 - ((y - 0.5) ** 2) / 3)


def _bump(vertices: NDArray[np.float64], x: float, y: float, size: float) -> NDArray[np.float64]:
    return np.exp(-((vertices[:, 0] - x) ** 2 + (vertices[:, 1] - y) ** 2) / size**2)


def face_model_arrays() -> dict[str, NDArray[np.generic]]:
    """The arrays of a face model file: one sheet of skin, two eyeballs' fronts, three shapes, two modes."""
    columns, rows = np.linspace(-9, 9, 61), np.linspace(11, -10, 71)
    x, y = (part.ravel() for part in np.meshgrid(columns, rows))
    skin = np.stack([x, y, _height(x, y)], 1)
    points = _front_points()
    for point in points:  # a vertex exactly on each point
        nearest = np.hypot(*(skin[:, :2] - point).T).argmin()
        skin[nearest] = [*point, _height(*point[:, None])[0]]
    landmarks = [int(np.hypot(*(skin[:, :2] - point).T).argmin()) for point in points]
    number = np.arange(len(skin)).reshape(71, 61)
    corners = (number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:])
    polygons = np.stack([corner.ravel() for corner in corners], 1)
    shapes = np.zeros((3, len(skin), 3))
    shapes[0, :, :2] = _bump(skin, 2.5, -3.5, 1.5)[:, None] * [0.6, 0.8]
    shapes[1, :, :2] = _bump(skin, -2.5, -3.5, 1.5)[:, None] * [-0.6, 0.8]
    shapes[2, :, 1] = -2 * np.clip((-3.45 - skin[:, 1]) / 2, 0, 1)
    modes = np.zeros((2, len(skin), 3))
    modes[0, :, 0] = 0.06 * skin[:, 0]
    modes[1, :, 1] = 0.05 * skin[:, 1]
    return {
        "neutral": skin.astype(np.float32),
        "polygons": polygons.astype(np.int32),
        "expression_names": np.array(["mouthSmile_L", "mouthSmile_R", "jawOpen"]),
        "expression_delta": shapes.astype(np.float16),
        "identity_delta": modes.astype(np.float16),
        "landmarks68_jawline": np.array(landmarks, np.int32),
        "part_names": np.array(["face"]),
        "part_first_polygon": np.array([0, len(polygons)], np.int32),
        "part_first_vertex": np.array([0, len(skin)], np.int32),
    }


@pytest.fixture(scope="session")
def face_model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small face model file."""
    path = tmp_path_factory.mktemp("face_model") / "small.npz"
    np.savez(path, **face_model_arrays())
    return path
