"""Random changes of aligned crops, the points and boxes moved with the pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.facs.points import MIRROR_68
from actionunits.records import FloatArray, ImageArray, Regions, Sample

__all__ = ["AugmentSettings", "augment", "mirror", "move"]


@dataclass(frozen=True)
class AugmentSettings:
    """How far each change may go; 0 switches it off.

    Attributes:
        flip: chance of a mirrored clip.
        rotate_deg: deviation of the turn about the crop's centre.
        scale: deviation of the logarithm of the size.
        shift_share: deviation of the shift, as a share of the crop's side.
        brightness: deviation of what is added, in grey values.
        contrast: deviation of the logarithm of the factor about the mean.
        gamma: deviation of the logarithm of the exponent.
        noise: greatest deviation of Gaussian noise, in grey values.
        blur: greatest deviation of a Gaussian blur, as a share of the crop's side.
        jpeg: chance of JPEG artefacts (quality 20 to 90).
        cutout: chance of a grey patch over up to a third of the side.
        box_jitter: deviation of each edge of an AU box, as a share of the box's side; the same in all frames.
    """

    flip: float = 0.5
    rotate_deg: float = 2.0
    scale: float = 0.03
    shift_share: float = 0.01
    brightness: float = 10.0
    contrast: float = 0.15
    gamma: float = 0.1
    noise: float = 6.0
    blur: float = 0.004
    jpeg: float = 0.2
    cutout: float = 0.2
    box_jitter: float = 0.0


def augment(sample: Sample, settings: AugmentSettings, rng: np.random.Generator) -> Sample:
    """A changed copy: one place change and one light for the whole clip, so that its motion stays true.

    FACS codes of the package say that a face shows an AU, not on which side; they stay as they are.
    """
    if rng.random() < settings.flip:
        sample = mirror(sample)
    sample = _moved(sample, settings, rng)
    if settings.box_jitter > 0 and sample.regions is not None:
        sample = replace(sample, regions=_jittered(sample.regions, settings.box_jitter, sample, rng))
    return replace(sample, frames=_repainted(sample.frames, settings, rng))


def mirror(sample: Sample) -> Sample:
    """The mirrored clip: points in iBUG's order again, boxes of one AU group in the order of their sides."""
    width = sample.frames.shape[2]
    landmarks, flow, regions = sample.landmarks, sample.flow, sample.regions
    if landmarks is not None:
        landmarks = landmarks[:, list(MIRROR_68)].copy()
        landmarks[..., 0] = (width - 1) - landmarks[..., 0]
    if flow is not None:
        flow = np.ascontiguousarray(flow[:, :, ::-1])
        flow[..., 0] *= -1
    if regions is not None:
        regions = tuple(_mirrored_boxes(part, width) for part in regions)
    frames = np.ascontiguousarray(sample.frames[:, :, ::-1])
    return replace(sample, frames=frames, landmarks=landmarks, flow=flow, regions=regions)


def _mirrored_boxes(regions: Regions, width: int) -> Regions:
    """Boxes with the same AUs beside each other are the two sides of one group: they change places."""
    boxes = regions.boxes[:, [2, 1, 0, 3]].copy()
    boxes[:, [0, 2]] = width - boxes[:, [0, 2]]
    ordered = boxes.copy()
    for one, other in combinations(range(len(boxes)), 2):
        beside = boxes[one, 2] <= boxes[other, 0] or boxes[other, 2] <= boxes[one, 0]
        if beside and regions.aus[one] == regions.aus[other]:
            ordered[[one, other]] = boxes[[other, one]]
    return Regions(ordered, regions.aus)


def _jittered(
    regions: tuple[Regions, ...], jitter: float, sample: Sample, rng: np.random.Generator
) -> tuple[Regions, ...]:
    """Each box with edges a little elsewhere, within the crop and at least a pixel wide."""
    height, width = sample.frames.shape[1:3]
    shares = np.float32(jitter * rng.normal(0, 1, regions[0].boxes.shape))
    moved = []
    for part in regions:
        sides = part.boxes[:, [2, 3]] - part.boxes[:, [0, 1]]
        boxes = part.boxes + shares * np.tile(sides, 2)
        low = np.clip(boxes[:, :2], 0, [width - 1, height - 1])
        high = np.clip(boxes[:, 2:], low + 1, [width, height])
        moved.append(Regions(np.concatenate([low, high], axis=1).astype(np.float32), part.aus))
    return tuple(moved)


def move(sample: Sample, affine: NDArray[np.float64]) -> Sample:
    """The clip under a map of crop pixels f64[2,3] (old place -> new place); points and boxes move with it.

    What comes in from beyond the crop repeats its border. Flow is turned and scaled, not only moved.

    Raises:
        ValueError: the clip has flow and the map is not a similarity.
    """
    size = (sample.frames.shape[2], sample.frames.shape[1])

    def warp(image: NDArray[Any]) -> NDArray[Any]:
        out = cv2.warpAffine(image, affine, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(out).reshape(image.shape)

    frames = np.stack([np.asarray(warp(frame), np.uint8) for frame in sample.frames])
    landmarks, regions, flow = sample.landmarks, sample.regions, sample.flow
    if landmarks is not None:
        landmarks = _mapped(landmarks, affine)
    if regions is not None:
        regions = tuple(Regions(_mapped_boxes(part.boxes, affine), part.aus) for part in regions)
    if flow is not None:
        moved = np.stack([np.asarray(warp(part.astype(np.float32)), np.float32) for part in flow])
        flow = (moved @ affine[:, :2].T).astype(np.float16)
    return replace(sample, frames=frames, landmarks=landmarks, regions=regions, flow=flow)


def _mapped(points: FloatArray, affine: NDArray[np.float64]) -> FloatArray:
    return np.asarray(points @ affine[:, :2].T + affine[:, 2], np.float32)


def _mapped_boxes(boxes: FloatArray, affine: NDArray[np.float64]) -> FloatArray:
    """The upright boxes around the moved boxes; an edge lies half a pixel before its pixel's centre."""
    corners = _mapped(boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]] - np.float32(0.5), affine) + 0.5
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)


def _moved(sample: Sample, settings: AugmentSettings, rng: np.random.Generator) -> Sample:
    angle = np.deg2rad(rng.normal(0, 1) * settings.rotate_deg)
    scale = float(np.exp(rng.normal(0, 1) * settings.scale))
    shift = rng.normal(0, 1, 2) * settings.shift_share * sample.frames.shape[1]
    if settings.rotate_deg == settings.scale == settings.shift_share == 0:
        return sample
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = (np.array(sample.frames.shape[2:0:-1]) - 1) / 2
    return move(sample, np.column_stack([turn, centre - turn @ centre + shift]))


def _repainted(frames: ImageArray, settings: AugmentSettings, rng: np.random.Generator) -> ImageArray:
    """Light, sensor, compression and a hidden part, in that order."""
    image = frames.astype(np.float32)
    mean = image.mean()
    image = (image - mean) * np.float32(np.exp(rng.normal(0, 1) * settings.contrast)) + mean
    image += np.float32(rng.normal(0, 1) * settings.brightness)
    exponent = np.float32(np.exp(rng.normal(0, 1) * settings.gamma))
    image = 255 * (np.clip(image, 0, 255) / 255) ** exponent
    deviation = float(rng.uniform(0, 1)) * settings.blur * frames.shape[1]
    if deviation > 0.2:
        image = _each(image, lambda part: cv2.GaussianBlur(part, (0, 0), deviation))
    if settings.noise > 0:
        level = np.float32(rng.uniform(0, settings.noise))
        image += level * rng.standard_normal(image.shape, dtype=np.float32)
    out = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    if rng.random() < settings.jpeg:
        quality = int(rng.integers(20, 91))
        out = _each(out, lambda part: _jpeg(part, quality))
    if rng.random() < settings.cutout:
        _cut_out(out, rng)
    return np.asarray(out, np.uint8)


def _each(frames: NDArray[Any], change: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[Any]:
    return np.stack([np.asarray(change(part), frames.dtype).reshape(part.shape) for part in frames])


def _jpeg(image: ImageArray, quality: int) -> ImageArray:
    grey = image.shape[2] == 1
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR), np.uint8)


def _cut_out(frames: ImageArray, rng: np.random.Generator) -> None:
    side = frames.shape[1]
    height, width = rng.integers(max(1, side // 12), max(2, side // 3), 2)
    top, left = rng.integers(0, side - height + 1), rng.integers(0, side - width + 1)
    frames[:, top : top + height, left : left + width] = rng.integers(0, 256)
