"""The values that cross borders: frozen dataclasses whose arrays are checked when they are made.

Every image is RGB u8 (or grey u8), every point is (x, y) in pixels with y down, the centre of the top left
pixel at (0, 0). Left and right are the subject's own, as in FACS. See ``docs/conventions.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Batch",
    "Crop",
    "Expression",
    "Face",
    "FloatArray",
    "Frame",
    "ImageArray",
    "InputSpec",
    "Landmarks",
    "OnProgress",
    "Portrait",
    "Prediction",
    "Regions",
    "Sample",
    "ScoreTable",
    "Stage",
]

ImageArray = NDArray[np.uint8]
FloatArray = NDArray[np.float32]

#: Called as ``on_progress(done, total)``; ``total`` is None while it is not known.
OnProgress = Callable[[int, int | None], None]

#: Called as ``stage(title, unit)`` when a part of a long work begins; gives what shows that part's progress.
Stage = Callable[[str, str], OnProgress]


def _check(name: str, array: NDArray[Any], shape: tuple[int | None, ...], dtype: type) -> None:
    fits = array.ndim == len(shape) and all(
        want is None or want == got for want, got in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype != np.dtype(dtype):
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise ValueError(
            f"{name} must be {np.dtype(dtype).name} [{wanted}], got {array.dtype.name} {list(array.shape)}"
        )


@dataclass(frozen=True)
class Frame:
    """One picture of a video, or a still.

    Most of the work on a frame needs only its grey values, which a video holds as they are; the colours are
    converted when :attr:`image` is first asked for.

    Attributes:
        grey: u8[H,W], 0 black to 255 white (full range).
        index: number of the frame in its source, from 0.
        time_s: presentation time in seconds; 0 for a still.
        colours: u8[H,W,3] RGB, or a function that makes it.
    """

    grey: ImageArray
    index: int
    time_s: float
    colours: ImageArray | Callable[[], ImageArray] = field(repr=False)

    def __post_init__(self) -> None:
        _check("Frame.grey", self.grey, (None, None), np.uint8)

    @cached_property
    def image(self) -> ImageArray:
        """u8[H,W,3] RGB."""
        image = self.colours() if callable(self.colours) else self.colours
        _check("Frame.image", image, (*self.grey.shape, 3), np.uint8)
        return image


@dataclass(frozen=True)
class Face:
    """A face found in a frame.

    Attributes:
        box: f32[4], left, top, right, bottom in pixels; may reach over the frame's border.
        score: the detector's score (dlib's HOG: distance from the margin, about -0.5 to 3).
        track: number of the person's track in the source, from 0; -1 before tracking.
    """

    box: FloatArray
    score: float
    track: int = -1

    def __post_init__(self) -> None:
        _check("Face.box", self.box, (4,), np.float32)


@dataclass(frozen=True)
class Landmarks:
    """The 68 points of a face (iBUG order, 0-based, as dlib gives them).

    Attributes:
        points: f32[68,2], (x, y) in pixels of the frame.
    """

    points: FloatArray

    def __post_init__(self) -> None:
        _check("Landmarks.points", self.points, (68, 2), np.float32)


@dataclass(frozen=True)
class Crop:
    """An aligned face.

    Attributes:
        image: u8[S,S] grey or u8[S,S,3] RGB.
        to_frame: f32[2,3], the affine map from crop pixels to frame pixels.
    """

    image: ImageArray
    to_frame: FloatArray

    def __post_init__(self) -> None:
        shape = (None, None) if self.image.ndim == 2 else (None, None, 3)
        _check("Crop.image", self.image, shape, np.uint8)
        _check("Crop.to_frame", self.to_frame, (2, 3), np.float32)


@dataclass(frozen=True)
class Regions:
    """The boxes that a region-based model looks at.

    Attributes:
        boxes: f32[R,4], left, top, right, bottom in pixels of the crop or frame they were made on.
        aus: for each box, the AUs that it may show.
    """

    boxes: FloatArray
    aus: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        _check("Regions.boxes", self.boxes, (len(self.aus), 4), np.float32)


@dataclass(frozen=True)
class Expression:
    """What a face shows: an intensity for each AU, left and right apart.

    Attributes:
        left: AU number to intensity on the subject's left side, 0 (neutral) to 5 (E).
        right: the same on the subject's right side. AUs that are not paired use the larger of the two.

    >>> smile = Expression.both({12: 3.0, 6: 2.0})
    >>> smile.intensity(12), smile.intensity(4)
    (3.0, 0.0)
    """

    left: Mapping[int, float]
    right: Mapping[int, float]

    def __post_init__(self) -> None:
        for side in (self.left, self.right):
            for number, value in side.items():
                if not 0.0 <= value <= 5.0:
                    raise ValueError(f"the intensity of AU{number} must be within 0 to 5, got {value}")

    @classmethod
    def both(cls, intensities: Mapping[int, float]) -> Expression:
        """The same on both sides."""
        return cls(dict(intensities), dict(intensities))

    def intensity(self, number: int) -> float:
        """The stronger side's intensity: FACS codes the whole face by it."""
        return max(self.left.get(number, 0.0), self.right.get(number, 0.0))

    def sides(self, number: int) -> tuple[float, float]:
        """(left, right)."""
        return self.left.get(number, 0.0), self.right.get(number, 0.0)

    @property
    def aus(self) -> tuple[int, ...]:
        """The AUs above 0 on either side, sorted."""
        return tuple(sorted(n for n in {*self.left, *self.right} if self.intensity(n) > 0))


@dataclass(frozen=True)
class Portrait:
    """A neutral face to animate.

    Attributes:
        image: u8[H,W,3] RGB.
        landmarks: its 68 points in pixels of ``image``.
        subject: who it is; two pictures of one person share it.
    """

    image: ImageArray
    landmarks: Landmarks
    subject: str

    def __post_init__(self) -> None:
        _check("Portrait.image", self.image, (None, None, 3), np.uint8)


@dataclass(frozen=True)
class InputSpec:
    """What a model takes: it is saved with the weights, and the pipeline obeys it.

    Attributes:
        aus: the AUs of the output columns, in order.
        size_px: side of the square crop.
        inter_ocular_px: distance between the eyes' centres in the crop.
        eye_line: height of the eyes in the crop, as a share of its side from the top.
        channels: 1 (grey) or 3 (RGB).
        clip_length: frames of a clip; 1 for a model of stills.
        frame_step: a clip takes every ``frame_step``-th frame.
        needs_regions: the model takes AU boxes.
        needs_flow: the model takes optical flow.
        needs_landmarks: the model takes the 68 points, in crop pixels.
        normalisation: (mean, deviation) of each channel, on 0 to 255 pixels: x -> (x - mean) / deviation.
    """

    aus: tuple[int, ...]
    size_px: int
    inter_ocular_px: float
    eye_line: float = 0.32
    channels: int = 1
    clip_length: int = 1
    frame_step: int = 1
    needs_regions: bool = False
    needs_flow: bool = False
    needs_landmarks: bool = False
    normalisation: tuple[tuple[float, ...], tuple[float, ...]] = ((127.5,), (64.0,))

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise ValueError(f"InputSpec.channels must be 1 or 3, got {self.channels}")
        if min(self.size_px, self.clip_length, self.frame_step) < 1 or not self.inter_ocular_px > 0:
            raise ValueError("InputSpec sizes must be positive")
        if any(len(part) != self.channels for part in self.normalisation):
            raise ValueError(
                f"InputSpec.normalisation needs a mean and a deviation for each of {self.channels} channels"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> InputSpec:
        """The inverse of :meth:`to_dict`, after JSON has turned tuples to lists.

        Raises:
            ValueError: a key is missing or not known.
        """
        unknown = sorted(set(values) - set(cls.__dataclass_fields__))
        if unknown:
            raise ValueError(f"InputSpec does not know {', '.join(unknown)}")
        plain = dict(values)
        try:
            plain["aus"] = tuple(int(n) for n in plain["aus"])
            if "normalisation" in plain:
                mean, deviation = plain["normalisation"]
                plain["normalisation"] = (tuple(map(float, mean)), tuple(map(float, deviation)))
            return cls(**plain)
        except (KeyError, TypeError) as problem:
            raise ValueError(f"InputSpec is not complete: {problem}") from problem


@dataclass(frozen=True)
class Sample:
    """One item of training: a clip of T aligned crops with the labels of its frames.

    Attributes:
        frames: u8[T,S,S,C].
        labels: i8[T,A], 1 shown, 0 not shown, -1 unknown.
        intensity: f32[T,A], 0 to 5, NaN unknown; None where the set has none.
        landmarks: f32[T,68,2] in crop pixels, or None.
        regions: the boxes of each frame, or None.
        flow: f16[T,S,S,2] in pixels, or None.
        subject: who it is.
    """

    frames: ImageArray
    labels: NDArray[np.int8]
    intensity: FloatArray | None = None
    landmarks: FloatArray | None = None
    regions: tuple[Regions, ...] | None = None
    flow: NDArray[np.float16] | None = None
    subject: str = ""

    def __post_init__(self) -> None:
        _check("Sample.frames", self.frames, (None, None, None, None), np.uint8)
        length = self.frames.shape[0]
        _check("Sample.labels", self.labels, (length, None), np.int8)
        if self.intensity is not None:
            _check("Sample.intensity", self.intensity, (length, self.labels.shape[1]), np.float32)
        if self.landmarks is not None:
            _check("Sample.landmarks", self.landmarks, (length, 68, 2), np.float32)


@dataclass(frozen=True)
class Batch:
    """What a model is fed.

    Attributes:
        frames: f32[B,T,C,S,S], normalised as the model's :class:`InputSpec` says.
        landmarks: f32[B,T,68,2] in crop pixels, or None.
        regions: for each clip the boxes of each frame, or None.
        flow: f32[B,T,2,S,S] in pixels, or None.
        labels: i8[B,T,A], -1 unknown, or None.
        intensity: f32[B,T,A], NaN unknown, or None.
    """

    frames: FloatArray
    landmarks: FloatArray | None = None
    regions: tuple[tuple[Regions, ...], ...] | None = None
    flow: FloatArray | None = None
    labels: NDArray[np.int8] | None = None
    intensity: FloatArray | None = None

    def __post_init__(self) -> None:
        _check("Batch.frames", self.frames, (None, None, None, None, None), np.float32)
        batch, length = self.frames.shape[:2]
        if self.landmarks is not None:
            _check("Batch.landmarks", self.landmarks, (batch, length, 68, 2), np.float32)
        if self.labels is not None:
            _check("Batch.labels", self.labels, (batch, length, None), np.int8)


@dataclass(frozen=True)
class Prediction:
    """What a model says of N faces.

    Attributes:
        aus: the columns.
        probability: f32[N,A], 0 to 1; NaN where there was no face.
        frame: i64[N], frame number from 0.
        time_s: f64[N], presentation time.
        track: i64[N], the person's track; -1 where there was no face.
        intensity: f32[N,A], 0 to 5, or None where the model gives none.
    """

    aus: tuple[int, ...]
    probability: FloatArray
    frame: NDArray[np.int64]
    time_s: NDArray[np.float64]
    track: NDArray[np.int64]
    intensity: FloatArray | None = None

    def __post_init__(self) -> None:
        _check("Prediction.probability", self.probability, (None, len(self.aus)), np.float32)
        rows = self.probability.shape[0]
        _check("Prediction.frame", self.frame, (rows,), np.int64)
        _check("Prediction.time_s", self.time_s, (rows,), np.float64)
        _check("Prediction.track", self.track, (rows,), np.int64)
        if self.intensity is not None:
            _check("Prediction.intensity", self.intensity, (rows, len(self.aus)), np.float32)


@dataclass(frozen=True)
class ScoreTable:
    """Scores of each AU under several metrics.

    Attributes:
        aus: the rows.
        metrics: the names of the columns.
        values: f64[A,M]; NaN where a score is not defined.
        per_fold: f64[K,A,M], the same for each fold, or None.
    """

    aus: tuple[int, ...]
    metrics: tuple[str, ...]
    values: NDArray[np.float64]
    per_fold: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        _check("ScoreTable.values", self.values, (len(self.aus), len(self.metrics)), np.float64)
        if self.per_fold is not None:
            _check("ScoreTable.per_fold", self.per_fold, (None, len(self.aus), len(self.metrics)), np.float64)
