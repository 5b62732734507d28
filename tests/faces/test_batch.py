"""Crops to batches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from actionunits.faces.align import align
from actionunits.faces.batch import collate, sample_of
from actionunits.records import InputSpec, Landmarks, Regions, Sample

RNG = np.random.default_rng(5)
GREY_SPEC = InputSpec((1, 2, 12), 32, 12.0, needs_landmarks=True, normalisation=((100.0,), (50.0,)))
RGB_SPEC = InputSpec(
    (4, 12), 24, 10.0, channels=3, clip_length=3, needs_flow=True, needs_regions=True,
    normalisation=((10.0, 20.0, 30.0), (1.0, 2.0, 4.0)),
)  # fmt: skip


def crops_of(spec, count):
    shape = (80, 90) if spec.channels == 1 else (80, 90, 3)
    points = RNG.uniform(20, 60, (68, 2)).astype(np.float32)
    points[[36, 39, 42, 45]] = [[30, 40], [34, 40], [46, 41], [50, 41]]
    landmarks = [Landmarks(points + k) for k in range(count)]
    image = RNG.integers(0, 255, shape, np.uint8)
    return [align(image, p, spec.size_px, spec.inter_ocular_px) for p in landmarks], landmarks


def test_grey_batch():
    crops, landmarks = crops_of(GREY_SPEC, 2)
    samples = [sample_of([c], [p], GREY_SPEC) for c, p in zip(crops, landmarks, strict=True)]
    batch = collate(samples, GREY_SPEC)
    assert batch.frames.shape == (2, 1, 1, 32, 32)
    expected = (np.stack([c.image for c in crops]).astype(np.float64) - 100) / 50
    np.testing.assert_allclose(batch.frames[:, 0, 0], expected, atol=1e-6)
    assert batch.landmarks.shape == (2, 1, 68, 2)
    eyes = batch.landmarks[0, 0, [36, 39, 42, 45]].reshape(2, 2, 2).mean(axis=1)
    assert np.hypot(*(eyes[1] - eyes[0])) == pytest.approx(12.0, rel=1e-3)
    assert batch.labels.shape == (2, 1, 3)
    assert (batch.labels == -1).all()
    assert batch.flow is None
    assert batch.regions is None
    assert batch.intensity is None


def test_colour_clip_with_flow_and_regions():
    crops, landmarks = crops_of(RGB_SPEC, 3)
    regions = [Regions(np.zeros((2, 4), np.float32), ((4,), (12,)))] * 3
    batch = collate([sample_of(crops, landmarks, RGB_SPEC, regions)] * 2, RGB_SPEC)
    assert batch.frames.shape == (2, 3, 3, 24, 24)
    value = crops[1].image[5, 7].astype(float)
    np.testing.assert_allclose(batch.frames[0, 1, :, 5, 7], (value - [10, 20, 30]) / [1, 2, 4], atol=1e-5)
    assert batch.flow.shape == (2, 3, 2, 24, 24)
    assert (batch.flow[:, 0] == 0).all()
    assert (batch.flow[:, 1:] != 0).any()
    assert len(batch.regions) == 2
    assert len(batch.regions[0]) == 3
    assert batch.landmarks is None


def test_every_grey_value_is_normalised_as_written_in_32_bits():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    frames = np.stack([levels, levels[::-1], levels.T], axis=-1)
    mean, deviation = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
    spec = InputSpec((1,), 16, 5.0, channels=3, clip_length=2, normalisation=(mean, deviation))
    clip = np.stack([frames, frames[:, ::-1]])
    batch = collate([Sample(clip, np.zeros((2, 1), np.int8))] * 2, spec)
    expected = (clip.astype(np.float32) - np.float32(mean)) / np.float32(deviation)
    assert batch.frames.flags.c_contiguous
    np.testing.assert_array_equal(batch.frames[1], np.moveaxis(expected, -1, 1))


def test_flow_points_from_the_frame_before():
    ramp = RNG.integers(0, 255, (60, 60), np.uint8).repeat(3, 0).repeat(3, 1)
    spec = InputSpec((1,), 64, 20.0, clip_length=2, needs_flow=True)
    crops, landmarks = crops_of(spec, 1)
    first, second = (replace(crops[0], image=ramp[60:124, 60 - s : 124 - s].copy()) for s in (0, 2))
    sample = sample_of([first, second], landmarks * 2, spec)
    inner = sample.flow[1, 12:-12, 12:-12].astype(np.float32)
    np.testing.assert_allclose(np.median(inner, axis=(0, 1)), [2, 0], atol=0.3)


def test_labels_and_intensities_stay_and_missing_ones_are_nan():
    frames = np.zeros((1, 32, 32, 1), np.uint8)
    labels = np.array([[1, 0, -1]], np.int8)
    spec = replace(GREY_SPEC, needs_landmarks=False)
    graded = Sample(frames, labels, intensity=np.array([[3.5, 0, 1]], np.float32))
    batch = collate([graded, Sample(frames, labels)], spec)
    np.testing.assert_array_equal(batch.labels, [[[1, 0, -1]]] * 2)
    np.testing.assert_array_equal(batch.intensity[0], [[3.5, 0, 1]])
    assert np.isnan(batch.intensity[1]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size_px": 40}, r"frames must be \[1, 40, 40, 1\], got \[1, 32, 32, 1\]"),
        ({"aus": (1, 2)}, "labels for 2 AUs expected, got 3"),
        ({"needs_flow": True}, "needs flow"),
        ({"needs_regions": True}, "needs regions"),
        ({"needs_landmarks": True}, "needs landmarks"),
    ],
)
def test_a_sample_that_does_not_fit(change, message):
    sample = Sample(np.zeros((1, 32, 32, 1), np.uint8), np.zeros((1, 3), np.int8))
    with pytest.raises(ValueError, match=message):
        collate([sample], replace(GREY_SPEC, **{"needs_landmarks": False, **change}))


def test_clips_of_differing_length_do_not_go_together():
    one, two = (Sample(np.zeros((n, 32, 32, 1), np.uint8), np.zeros((n, 3), np.int8)) for n in (1, 2))
    with pytest.raises(ValueError, match="sample 1"):
        collate([one, two], replace(GREY_SPEC, needs_landmarks=False))
    with pytest.raises(ValueError, match="at least one"):
        collate([], GREY_SPEC)
    with pytest.raises(ValueError, match="needs its points"):
        sample_of([], [], GREY_SPEC)
