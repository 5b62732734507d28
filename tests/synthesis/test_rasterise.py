"""The rasteriser against a plain loop over triangles with matplotlib's point-in-polygon test."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as Polygon
from numpy.typing import NDArray

from actionunits.synthesis.rasterise import rasterise

HEIGHT, WIDTH = 17, 23


def _loop(
    xy: NDArray[np.float32], depth: NDArray[np.float32], triangles: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Nearest triangle of each pixel (-1 none), and which pixels are far enough from every edge to judge."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    pixels = np.stack([columns.ravel(), rows.ravel()], 1).astype(np.float64)
    nearest, best = np.full(len(pixels), -np.inf), np.full(len(pixels), -1)
    sure = np.ones(len(pixels), bool)
    for index, corners in enumerate(triangles):
        points = xy[corners].astype(np.float64)
        edges = np.roll(points, -1, 0) - points
        cross = edges[0, 0] * edges[1, 1] - edges[0, 1] * edges[1, 0]
        for start, edge in zip(points, edges, strict=True):
            share = np.clip((pixels - start) @ edge / max(edge @ edge, 1e-12), 0, 1)
            sure &= np.hypot(*(pixels - start - share[:, None] * edge).T) > 0.08
        if cross >= -1e-6:
            sure &= abs(cross) > 1e-3
            continue
        inside = Polygon(points).contains_points(pixels)
        plane = np.linalg.solve(np.column_stack([points, np.ones(3)]), depth[corners].astype(np.float64))
        here = pixels @ plane[:2] + plane[2]
        wins = inside & (here > nearest)
        sure &= ~(inside & (np.abs(here - nearest) < 1e-2))
        best[wins], nearest[wins] = index, here[wins]
    return best, sure


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.7, 3.0, 12.0, 60.0]))
def test_each_pixel_has_the_nearest_triangle(seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    centres = rng.uniform(-5, [WIDTH + 5, HEIGHT + 5], (12, 1, 2))
    xy = (centres + rng.normal(0, size, (12, 3, 2))).reshape(-1, 2).astype(np.float32)
    depth = rng.uniform(0, 10, len(xy)).astype(np.float32)
    triangles = np.arange(36, dtype=np.int32).reshape(12, 3)
    expected, sure = _loop(xy, depth, triangles)
    fragments = rasterise(xy, depth, triangles, HEIGHT, WIDTH)
    drawn = np.full(HEIGHT * WIDTH, -1, np.int64)
    drawn[fragments.pixel] = fragments.triangle
    np.testing.assert_array_equal(drawn[sure], expected[sure])
    assert len(np.unique(fragments.pixel)) == len(fragments.pixel)


def test_weights_interpolate_positions_to_the_pixels_centre() -> None:
    rng = np.random.default_rng(3)
    xy = rng.uniform(-3, 20, (30, 2)).astype(np.float32)
    triangles = rng.permutation(30).reshape(10, 3).astype(np.int32)
    fragments = rasterise(xy, np.ones(30, np.float32), triangles, HEIGHT, WIDTH)
    rows, columns = np.divmod(fragments.pixel, WIDTH)
    np.testing.assert_allclose(fragments.interpolate(xy), np.stack([columns, rows], 1), atol=2e-3)


def test_a_grid_of_tiny_triangles_leaves_no_crack() -> None:
    steps = np.linspace(-1, 24, 76, dtype=np.float32)
    x, y = np.meshgrid(steps, steps)
    turn = np.array([[0.96, -0.28], [0.28, 0.96]], np.float32)
    xy = (np.stack([x.ravel(), y.ravel()], 1) - 11) @ turn.T * 1.6 + 11
    number = np.arange(76 * 76, dtype=np.int32).reshape(76, 76)
    a, b, c, d = (n.ravel() for n in (number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]))
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    fragments = rasterise(xy.astype(np.float32), np.zeros(len(xy), np.float32), triangles, HEIGHT, WIDTH)
    assert len(fragments.pixel) == HEIGHT * WIDTH


def test_what_is_turned_away_or_outside_is_not_drawn() -> None:
    away = np.array([[2, 2], [12, 2], [2, 12]], np.float32)
    outside = away[::-1] + 100
    xy = np.concatenate([away, outside])
    triangles = np.arange(6, dtype=np.int32).reshape(2, 3)
    assert len(rasterise(xy, np.zeros(6, np.float32), triangles, HEIGHT, WIDTH).pixel) == 0
    seen = rasterise(xy, np.zeros(6, np.float32), triangles[:, ::-1].copy(), HEIGHT, WIDTH)
    assert len(seen.pixel) > 40
