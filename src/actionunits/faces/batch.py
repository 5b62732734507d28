"""Aligned crops to what a model is fed: the same code in training and in use."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.faces.align import to_crop
from actionunits.faces.flow import optical_flow
from actionunits.records import Batch, Crop, FloatArray, ImageArray, InputSpec, Landmarks, Regions, Sample

__all__ = ["clip_flow", "collate", "sample_of"]


def sample_of(
    crops: Sequence[Crop],
    landmarks: Sequence[Landmarks],
    spec: InputSpec,
    regions: Sequence[Regions] | None = None,
) -> Sample:
    """A clip without labels (all -1), for use.

    Args:
        crops: T crops as ``align_for`` makes them.
        landmarks: for each its points in pixels of the frame; they are moved into the crop.
        spec: what the model takes; flow is computed if it asks for it.
        regions: the boxes of each crop in crop pixels, where the model takes them.

    Raises:
        ValueError: there is no crop, or not as many points as crops.
    """
    if not crops or len(crops) != len(landmarks):
        raise ValueError(f"each crop needs its points, got {len(crops)} crops and {len(landmarks)} points")
    frames = np.stack([c.image if c.image.ndim == 3 else c.image[:, :, None] for c in crops])
    points = np.stack([to_crop(p.points, c) for p, c in zip(landmarks, crops, strict=True)])
    return Sample(
        frames=frames,
        labels=np.full((len(crops), len(spec.aus)), -1, dtype=np.int8),
        landmarks=points,
        regions=tuple(regions) if regions is not None else None,
        flow=clip_flow(frames) if spec.needs_flow else None,
    )


def clip_flow(frames: ImageArray, method: str = "dis") -> NDArray[np.float16]:
    """Flow of a clip u8[T,S,S,C]: f16[T,S,S,2], from each frame's predecessor to it; 0 for the first."""
    greys = [f[:, :, 0] if f.shape[2] == 1 else cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in frames]
    flow = np.zeros((*frames.shape[:3], 2), dtype=np.float16)
    for index in range(1, len(greys)):
        flow[index] = optical_flow(
            np.ascontiguousarray(greys[index - 1]), np.ascontiguousarray(greys[index]), method
        )
    return flow


def collate(samples: Sequence[Sample], spec: InputSpec) -> Batch:
    """Clips of one length to one batch, normalised as the spec says: (x - mean) / deviation.

    Points, regions and flow go in where the spec asks for them; labels always, intensities where a sample has
    them (NaN elsewhere).

    Raises:
        ValueError: no sample, or a sample that does not fit the spec or the others.
    """
    if not samples:
        raise ValueError("a batch needs at least one sample")
    for index, sample in enumerate(samples):
        _check_fit(index, sample, samples[0], spec)
    return Batch(
        frames=_normalised(np.stack([s.frames for s in samples]), spec),
        landmarks=_stacked([s.landmarks for s in samples]) if spec.needs_landmarks else None,
        regions=tuple(s.regions for s in samples if s.regions is not None) if spec.needs_regions else None,
        flow=_flow(samples) if spec.needs_flow else None,
        labels=np.stack([s.labels for s in samples]),
        intensity=_intensity(samples),
    )


def _check_fit(index: int, sample: Sample, first: Sample, spec: InputSpec) -> None:
    length = sample.frames.shape[0]
    wanted = (first.frames.shape[0], spec.size_px, spec.size_px, spec.channels)
    if sample.frames.shape != wanted:
        raise ValueError(f"sample {index}: frames must be {list(wanted)}, got {list(sample.frames.shape)}")
    if sample.labels.shape[1] != len(spec.aus):
        got = sample.labels.shape[1]
        raise ValueError(f"sample {index}: labels for {len(spec.aus)} AUs expected, got {got}")
    parts = {
        "landmarks": (spec.needs_landmarks, sample.landmarks),
        "regions": (spec.needs_regions, sample.regions),
        "flow": (spec.needs_flow, sample.flow),
    }
    for name, (needed, part) in parts.items():
        if needed and part is None:
            raise ValueError(f"sample {index}: the model needs {name}, the sample has none")
        if needed and part is not None and len(part) != length:
            raise ValueError(f"sample {index}: {name} for {length} frames expected, got {len(part)}")


def _normalised(frames: ImageArray, spec: InputSpec) -> FloatArray:
    mean, deviation = (np.array(part, dtype=np.float32) for part in spec.normalisation)
    scaled = (frames.astype(np.float32) - mean) / deviation
    return np.ascontiguousarray(np.moveaxis(scaled, -1, 2), dtype=np.float32)


def _stacked(parts: Sequence[FloatArray | None]) -> FloatArray:
    return np.stack([p for p in parts if p is not None])


def _flow(samples: Sequence[Sample]) -> FloatArray:
    flow = np.stack([s.flow for s in samples if s.flow is not None])
    return np.ascontiguousarray(np.moveaxis(flow, -1, 2), dtype=np.float32)


def _intensity(samples: Sequence[Sample]) -> FloatArray | None:
    if all(s.intensity is None for s in samples):
        return None
    return np.stack(
        [np.full(s.labels.shape, np.nan, np.float32) if s.intensity is None else s.intensity for s in samples]
    )
