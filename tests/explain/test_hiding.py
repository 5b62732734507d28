"""Hiding the plain way, with whatever else a model takes."""

from types import SimpleNamespace

import numpy as np

from actionunits.explain.grid import PatchGrid
from actionunits.explain.hiding import choose_hider, clips_of
from actionunits.explain.occlusion import occlusion_maps
from actionunits.records import Batch, InputSpec, Regions

SPEC = InputSpec(aus=(1,), size_px=12, inter_ocular_px=5.0, normalisation=((0.0,), (255.0,)))


class PointAndPixels:
    """AU1 is as probable as the clip's own point says, less the pixels that are grey."""

    spec = SPEC

    def predict(self, batch: Batch) -> SimpleNamespace:
        assert len(batch.regions) == len(batch.frames)
        own = batch.landmarks[:, :, 0, 0] + batch.flow[:, :, 0, 0, 0]
        own = own + np.array([[r.boxes[0, 0] for r in clip] for clip in batch.regions], np.float32)
        hidden = (batch.frames == 0.5).sum(axis=(2, 3, 4))
        return SimpleNamespace(probability=(own - hidden / 144)[..., None].astype(np.float32))


def test_points_boxes_and_flow_stay_with_their_clip() -> None:
    own = np.arange(6, dtype=np.float32).reshape(3, 2)
    landmarks = np.zeros((3, 2, 68, 2), np.float32)
    landmarks[:, :, 0, 0] = own
    flow = np.zeros((3, 2, 2, 12, 12), np.float32)
    flow[:, :, 0, 0, 0] = 10 * own
    regions = tuple(
        tuple(Regions(np.full((1, 4), 100 * v, np.float32), ((1,),)) for v in clip) for clip in own
    )
    batch = Batch(np.ones((3, 2, 1, 12, 12), np.float32), landmarks, regions, flow)
    maps = occlusion_maps(PointAndPixels(), batch, patch_px=4, stride_px=4, batch_size=5)
    np.testing.assert_allclose(maps.plain[:, 0], 111 * own.ravel())
    np.testing.assert_allclose(maps.fall(), 16 / 144, rtol=1e-4)
    assert maps.hidden.shape == (6, 3, 3, 1)


def test_every_place_comes_once_and_so_many_frames_at_a_time() -> None:
    batch = Batch(np.ones((2, 3, 1, 12, 12), np.float32))

    class Still(PointAndPixels):
        def predict(self, batch: Batch) -> SimpleNamespace:
            assert batch.frames.shape[0] * batch.frames.shape[1] <= 13
            return SimpleNamespace(probability=np.ones((*batch.frames.shape[:2], 1), np.float32))

    hider = choose_hider(Still(), PatchGrid(12, 4, 2), value=0.5, batch_size=13, fast=True)
    places = [(r, c) for part in hider.hidden(batch) for r, c in zip(part.rows, part.columns, strict=True)]
    assert places == [(r, c) for r in range(5) for c in range(5)]


def test_a_batch_is_taken_apart_by_frames() -> None:
    batch = Batch(
        np.arange(7, dtype=np.float32)[:, None, None, None, None] * np.ones((1, 3, 1, 2, 2), np.float32),
        labels=np.arange(21, dtype=np.int8).reshape(7, 3, 1),
    )
    parts = list(clips_of(batch, frames=6))
    assert [at for at, _ in parts] == [slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 8)]
    assert np.concatenate([p.frames for _, p in parts]).tolist() == batch.frames.tolist()
    assert np.concatenate([p.labels for _, p in parts]).tolist() == batch.labels.tolist()
    assert len(list(clips_of(batch, frames=2))) == 7  # a clip is never cut
