"""Aligned crops to what a model is fed: the same code in training and in use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from actionunits.faces.align import to_crop
from actionunits.faces.flow import crop_flow
from actionunits.faces.regions import regions_of
from actionunits.records import Batch, Crop, FloatArray, ImageArray, InputSpec, Landmarks, Regions, Sample

__all__ = ["Stack", "clip_flow", "collate", "sample_of"]

_T = TypeVar("_T", bound=np.generic)


def sample_of(
    crops: Sequence[Crop],
    landmarks: Sequence[Landmarks],
    spec: InputSpec,
    regions: Sequence[Regions] | None = None,
    flow: NDArray[np.float16] | None = None,
) -> Sample:
    """A clip without labels (all -1), for use.

    Args:
        crops: T crops as ``align_for`` makes them.
        landmarks: for each its points in pixels of the frame; they are moved into the crop.
        spec: what the model takes.
        regions: the boxes of each crop in crop pixels; by default those of the model's AU groups, where it
            takes boxes.
        flow: f16[T,S,S,2], from each crop's predecessor to it; by default it is computed, where the model
            takes flow.

    Raises:
        ValueError: there is no crop, or not as many points as crops.
    """
    if not crops or len(crops) != len(landmarks):
        raise ValueError(f"each crop needs its points, got {len(crops)} crops and {len(landmarks)} points")
    frames = np.stack([c.image if c.image.ndim == 3 else c.image[:, :, None] for c in crops])
    points = np.stack([to_crop(p.points, c) for p, c in zip(landmarks, crops, strict=True)])
    if regions is None and spec.needs_regions:
        regions = [regions_of(spec, Landmarks(each)) for each in points]
    return Sample(
        frames=frames,
        labels=np.full((len(crops), len(spec.aus)), -1, dtype=np.int8),
        landmarks=points,
        regions=tuple(regions) if regions is not None else None,
        flow=clip_flow(frames, spec.flow) if spec.needs_flow and flow is None else flow,
    )


def clip_flow(frames: ImageArray, method: str = "dis") -> NDArray[np.float16]:
    """Flow of a clip u8[T,S,S,C]: f16[T,S,S,2], from each frame's predecessor to it; 0 for the first."""
    flow = np.zeros((*frames.shape[:3], 2), dtype=np.float16)
    for index in range(1, len(frames)):
        flow[index] = crop_flow(frames[index - 1], frames[index], method)
    return flow


@dataclass(frozen=True)
class Stack:
    """Clips of one length, stacked but not normalised: half-way from samples to a batch.

    Attributes:
        frames: u8[B,T,S,S,C].
        labels: i8[B,T,A].
        landmarks: f32[B,T,68,2] in crop pixels, or None.
        regions: for each clip the boxes of each frame, or None.
        flow: f16[B,T,S,S,2], or None.
        intensity: f32[B,T,A], NaN unknown, or None.
        emotion: i8[B,T], number of the emotion, -1 unknown, or None.
    """

    frames: ImageArray
    labels: NDArray[np.int8]
    landmarks: FloatArray | None = None
    regions: tuple[tuple[Regions, ...], ...] | None = None
    flow: NDArray[np.float16] | None = None
    intensity: FloatArray | None = None
    emotion: NDArray[np.int8] | None = None

    def batch(self, spec: InputSpec) -> Batch:
        """Normalised as the spec says.

        Raises:
            ValueError: a shape or type does not fit.
        """
        return Batch(
            frames=_normalised(self.frames, spec),
            landmarks=self.landmarks,
            regions=self.regions,
            flow=None if self.flow is None else _channels_first(self.flow),
            labels=self.labels,
            intensity=self.intensity,
            emotion=self.emotion,
        )

    @classmethod
    def joined(cls, stacks: Sequence[Stack], places: Sequence[NDArray[np.int64]]) -> Stack:
        """Several as one; clip ``i`` of stack ``k`` goes to place ``places[k][i]``."""
        count = sum(len(each) for each in places)

        def merged(parts: Sequence[NDArray[_T]]) -> NDArray[_T]:
            out = np.empty((count, *parts[0].shape[1:]), parts[0].dtype)
            for where, part in zip(places, parts, strict=True):
                out[where] = part
            return out

        boxes = [each for stack in stacks for each in stack.regions or ()]
        order = np.argsort(np.concatenate(places)).tolist()
        named = any(stack.emotion is not None for stack in stacks)
        graded = any(stack.intensity is not None for stack in stacks)
        return cls(
            frames=merged([stack.frames for stack in stacks]),
            labels=merged([stack.labels for stack in stacks]),
            landmarks=_where_all(merged, [stack.landmarks for stack in stacks]),
            regions=tuple(boxes[at] for at in order) if boxes else None,
            flow=_where_all(merged, [stack.flow for stack in stacks]),
            intensity=merged([_graded(stack.labels, stack.intensity) for stack in stacks])
            if graded
            else None,
            emotion=merged([_named(stack.labels, stack.emotion) for stack in stacks]) if named else None,
        )


def _where_all(
    merged: Callable[[Sequence[NDArray[_T]]], NDArray[_T]], parts: Sequence[NDArray[_T] | None]
) -> NDArray[_T] | None:
    there = [part for part in parts if part is not None]
    return merged(there) if len(there) == len(parts) else None


def _graded(labels: NDArray[np.int8], intensity: FloatArray | None) -> FloatArray:
    """Intensities, all NaN where there are none."""
    return np.full(labels.shape, np.nan, np.float32) if intensity is None else intensity


def _named(labels: NDArray[np.int8], emotion: NDArray[np.int8] | None) -> NDArray[np.int8]:
    """Emotions, all unknown where there are none."""
    return np.full(labels.shape[:-1], -1, np.int8) if emotion is None else emotion


def collate(samples: Sequence[Sample], spec: InputSpec) -> Batch:
    """Clips of one length to one batch, normalised as the spec says: (x - mean) / deviation.

    Points, regions and flow go in where the spec asks for them; labels always, intensities and emotions where
    a sample has them (elsewhere NaN and -1).

    Raises:
        ValueError: no sample, or a sample that does not fit the spec or the others.
    """
    if not samples:
        raise ValueError("a batch needs at least one sample")
    for index, sample in enumerate(samples):
        _check_fit(index, sample, samples[0], spec)
    stack = Stack(
        frames=np.stack([s.frames for s in samples]),
        labels=np.stack([s.labels for s in samples]),
        landmarks=_stacked([s.landmarks for s in samples]) if spec.needs_landmarks else None,
        regions=tuple(s.regions for s in samples if s.regions is not None) if spec.needs_regions else None,
        flow=np.stack([s.flow for s in samples if s.flow is not None]) if spec.needs_flow else None,
        intensity=_intensity(samples),
        emotion=_emotion(samples),
    )
    return stack.batch(spec)


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
    """u8[B,T,S,S,C] to f32[B,T,C,S,S]; a clip at a time, so that it is worked on while it is in the cache."""
    out = np.empty((*frames.shape[:2], frames.shape[4], *frames.shape[2:4]), np.float32)
    means, deviations = (np.array(part, np.float32)[:, None, None] for part in spec.normalisation)
    for clip, pixels in zip(out, frames, strict=True):
        clip[...] = np.moveaxis(pixels, -1, 1)
        clip -= means
        clip /= deviations
    return out


def _stacked(parts: Sequence[FloatArray | None]) -> FloatArray:
    return np.stack([p for p in parts if p is not None])


def _channels_first(flow: NDArray[np.float16]) -> FloatArray:
    return np.ascontiguousarray(np.moveaxis(flow, -1, 2), dtype=np.float32)


def _intensity(samples: Sequence[Sample]) -> FloatArray | None:
    if all(s.intensity is None for s in samples):
        return None
    return np.stack([_graded(s.labels, s.intensity) for s in samples])


def _emotion(samples: Sequence[Sample]) -> NDArray[np.int8] | None:
    if all(s.emotion is None for s in samples):
        return None
    return np.stack([_named(s.labels, s.emotion) for s in samples])
