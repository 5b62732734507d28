"""The values that cross borders: frozen dataclasses whose arrays are checked when they are made.

Every image is RGB u8 (or grey u8), every point is (x, y) in pixels with y down, the centre of the top left
pixel at (0, 0). Left and right are the subject's own, as in FACS. See ``docs/conventions.md``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.facs.expression import Expression, FloatArray
from actionunits.facs.units import au_column

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Batch",
    "Crop",
    "Expression",
    "Face",
    "FloatArray",
    "Frame",
    "INDEX_COLUMNS",
    "ImageArray",
    "InputSpec",
    "LabelIndex",
    "Landmarks",
    "OnProgress",
    "Portrait",
    "Prediction",
    "Regions",
    "Sample",
    "ScoreTable",
    "Stage",
    "stacked_boxes",
]

ImageArray = NDArray[np.uint8]

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
        boxes: f32[R,4], left, top, right, bottom in pixels of the crop or frame they were made on; right and
            bottom are one past the last pixel.
        aus: for each box, the AUs that it may show.
    """

    boxes: FloatArray
    aus: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        _check("Regions.boxes", self.boxes, (len(self.aus), 4), np.float32)


def stacked_boxes(regions: Sequence[Sequence[Regions]]) -> FloatArray:
    """f32[B,T,R,4]: the boxes of each frame of each clip, of which there are as many for every face.

    Raises:
        ValueError: there are not.
    """
    return np.stack([np.stack([each.boxes for each in clip]) for clip in regions])


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


#: Which frames of a clip a model is asked about (:attr:`InputSpec.scored`).
Scored = Literal["middle", "last", "all"]
#: How optical flow is found (:data:`actionunits.faces.flow.FLOW_METHODS`).
FlowMethod = Literal["dis", "tvl1"]
#: What finds the 68 points of a face (:mod:`actionunits.faces.landmarks`).
Finder = Literal["own", "dlib"]


@dataclass(frozen=True)
class InputSpec:
    """What a model takes: it is saved with the weights, and the pipeline obeys it.

    Attributes:
        aus: the AUs of the output columns, in order.
        size_px: side of the square crop.
        inter_ocular_px: distance between the eyes' centres in the crop; of a crop by ``points``, about that.
        eye_line: height of the eyes in the crop, as a share of its side from the top; likewise.
        crop: what a crop is laid by: the ``eyes``, at fixed places (a similarity); the ``points``, which
            fill it, width and height each by itself (seed 001); or the detector's upright ``box`` as it is
            (seed 002), and then distance and height of the eyes say nothing. See
            :mod:`actionunits.faces.align`.
        channels: 1 (grey) or 3 (RGB).
        clip_length: frames of a clip; 1 for a model of stills.
        frame_step: a clip takes every ``frame_step``-th frame.
        scored: which frames of a clip the model is asked about: the ``middle`` one, T // 2, or the ``last``,
            so that every frame has a clip of its own; or ``all``, so that clips tile the video
            (``docs/conventions.md``).
        needs_regions: the model takes the boxes of the groups of its AUs
            (:func:`actionunits.faces.regions.regions_of`).
        needs_flow: the model takes optical flow.
        flow: how it is found: ``dis`` or ``tvl1`` (:mod:`actionunits.faces.flow`).
        needs_landmarks: the model takes the 68 points, in crop pixels.
        landmarks: what finds the points that lay its crops and that it takes: ``own`` or ``dlib``, as in its
            training; ``dlib`` where models were saved before there was a choice.
        normalisation: (mean, deviation) of each channel, on 0 to 255 pixels: x -> (x - mean) / deviation.
        emotions: names of the emotions that the model gives beside its AUs, in order; often none.
    """

    aus: tuple[int, ...]
    size_px: int
    inter_ocular_px: float
    eye_line: float = 0.32
    crop: Literal["eyes", "points", "box"] = "eyes"
    channels: int = 1
    clip_length: int = 1
    frame_step: int = 1
    scored: Scored = "middle"
    needs_regions: bool = False
    needs_flow: bool = False
    flow: FlowMethod = "dis"
    needs_landmarks: bool = False
    landmarks: Finder = "dlib"
    normalisation: tuple[tuple[float, ...], tuple[float, ...]] = ((127.5,), (64.0,))
    emotions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise ValueError(f"InputSpec.channels must be 1 or 3, got {self.channels}")
        if min(self.size_px, self.clip_length, self.frame_step) < 1 or not self.inter_ocular_px > 0:
            raise ValueError("InputSpec sizes must be positive")
        if self.crop not in ("eyes", "points", "box"):
            raise ValueError(f"InputSpec.crop must be eyes, points or box, got {self.crop!r}")
        if self.scored not in ("middle", "last", "all"):
            raise ValueError(f"InputSpec.scored must be middle, last or all, got {self.scored!r}")
        if self.flow not in ("dis", "tvl1"):
            raise ValueError(f"InputSpec.flow must be dis or tvl1, got {self.flow!r}")
        if self.landmarks not in ("own", "dlib"):
            raise ValueError(f"InputSpec.landmarks must be own or dlib, got {self.landmarks!r}")
        if any(len(part) != self.channels for part in self.normalisation):
            raise ValueError(
                f"InputSpec.normalisation needs a mean and a deviation for each of {self.channels} channels"
            )

    @property
    def place(self) -> int:
        """Where in its clip the frame stands that the clip is of: T - 1 for ``last``, else T // 2."""
        return self.clip_length - 1 if self.scored == "last" else self.clip_length // 2

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
            plain["emotions"] = tuple(str(name) for name in plain.get("emotions", ()))
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
        emotion: i8[T], number of each frame's emotion, -1 unknown; None where none was asked for.
    """

    frames: ImageArray
    labels: NDArray[np.int8]
    intensity: FloatArray | None = None
    landmarks: FloatArray | None = None
    regions: tuple[Regions, ...] | None = None
    flow: NDArray[np.float16] | None = None
    subject: str = ""
    emotion: NDArray[np.int8] | None = None

    def __post_init__(self) -> None:
        _check("Sample.frames", self.frames, (None, None, None, None), np.uint8)
        length = self.frames.shape[0]
        _check("Sample.labels", self.labels, (length, None), np.int8)
        if self.intensity is not None:
            _check("Sample.intensity", self.intensity, (length, self.labels.shape[1]), np.float32)
        if self.landmarks is not None:
            _check("Sample.landmarks", self.landmarks, (length, 68, 2), np.float32)
        if self.emotion is not None:
            _check("Sample.emotion", self.emotion, (length,), np.int8)


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
        emotion: i8[B,T], number of the emotion, -1 unknown, or None.
        sides: f32[B,T,A,2], intensity of the left and of the right side, NaN unknown or not paired, or None.
    """

    frames: FloatArray
    landmarks: FloatArray | None = None
    regions: tuple[tuple[Regions, ...], ...] | None = None
    flow: FloatArray | None = None
    labels: NDArray[np.int8] | None = None
    intensity: FloatArray | None = None
    emotion: NDArray[np.int8] | None = None
    sides: FloatArray | None = None

    def __post_init__(self) -> None:
        _check("Batch.frames", self.frames, (None, None, None, None, None), np.float32)
        batch, length = self.frames.shape[:2]
        if self.landmarks is not None:
            _check("Batch.landmarks", self.landmarks, (batch, length, 68, 2), np.float32)
        if self.labels is not None:
            _check("Batch.labels", self.labels, (batch, length, None), np.int8)
        if self.emotion is not None:
            _check("Batch.emotion", self.emotion, (batch, length), np.int8)


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


#: The leading columns of a :class:`LabelIndex`, in order.
INDEX_COLUMNS = ("dataset", "subject", "sequence", "task", "frame", "time_s", "path")

_INDEX_OPTIONAL = ("emotion", "view")
_AU_COLUMN = re.compile(r"AU(\d{2})(_r|_side)?")


@dataclass(frozen=True)
class LabelIndex:
    """The one index of labelled frames: a row a frame, whatever data set it comes from.

    Rows of a sequence stand together in order of their frames; a sequence is named by dataset, subject,
    sequence and, where there is one, view. Make one with :meth:`make`, which sorts and casts.

    Attributes:
        table: its columns are :data:`INDEX_COLUMNS` (``frame`` i64, ``time_s`` f64 with NaN = not known,
            ``path`` of the picture or video, else text), then ``emotion`` and ``view`` where the set has
            them, then ``AU12`` (i8: 1 shown, 0 not, -1 unknown), ``AU12_r`` (f32: intensity 0 to 5, NaN
            unknown) and ``AU12_side`` (``L``, ``R`` or empty for both) for its AUs.
    """

    table: pd.DataFrame

    def __post_init__(self) -> None:
        names = list(self.table.columns)
        if tuple(names[: len(INDEX_COLUMNS)]) != INDEX_COLUMNS:
            got = ", ".join(map(str, names))
            raise ValueError(f"a LabelIndex starts with {', '.join(INDEX_COLUMNS)}, got {got}")
        for name in names[len(INDEX_COLUMNS) :]:
            if name not in _INDEX_OPTIONAL and not _AU_COLUMN.fullmatch(name):
                raise ValueError(f"a LabelIndex has no column {name!r}")
        types = {"frame": "int64", "time_s": "float64"}
        for name in names:
            match = _AU_COLUMN.fullmatch(name)
            wanted = types.get(name) or (match and {None: "int8", "_r": "float32"}.get(match[2]))
            if wanted and str(self.table[name].dtype) != wanted:
                raise ValueError(f"LabelIndex column {name} must be {wanted}, got {self.table[name].dtype}")
        self._check_values()
        self._check_rows()

    def _check_values(self) -> None:
        for au in self.aus:
            codes = self.table[au_column(au)].to_numpy()
            if codes.size and not (codes.min() >= -1 and codes.max() <= 1):
                raise ValueError(f"LabelIndex column {au_column(au)} must hold -1, 0 and 1 only")
        for au in self.intensity_aus:
            values = self.table[f"{au_column(au)}_r"].to_numpy()
            if np.any((values < 0) | (values > 5)):
                raise ValueError(f"LabelIndex column {au_column(au)}_r must be within 0 to 5")

    def _check_rows(self) -> None:
        sequence, frame = self.sequence_numbers(), self.table["frame"].to_numpy()
        if len(frame) and np.any(np.diff(sequence) < 0):
            raise ValueError("LabelIndex rows of one sequence must stand together")
        same = np.diff(sequence) == 0
        if np.any(np.diff(frame)[same] <= 0):
            at = int(np.flatnonzero(same & (np.diff(frame) <= 0))[0]) + 1
            row = self.table.iloc[at]
            where = f"{row['dataset']} {row['subject']} {row['sequence']} frame {row['frame']}"
            raise UserError(f"frame numbers must rise within a sequence and occur once: {where} does not")

    @classmethod
    def make(cls, table: pd.DataFrame) -> LabelIndex:
        """Bring a table into order: fill missing leading columns, cast, sort by sequence and frame.

        Needs ``subject``, ``sequence`` and ``frame``; sequences keep the order of their first rows.

        Raises:
            UserError: a frame occurs twice in a sequence.
            ValueError: a column that the index does not know, or a value out of range.
        """
        import pandas as pd

        rows = table.copy(deep=False)
        missing: dict[str, str | float] = {"dataset": "", "task": "", "time_s": np.nan, "path": ""}
        for name, value in missing.items():
            if name not in rows:
                rows[name] = value
        known = [name for name in _INDEX_OPTIONAL if name in rows]
        labels = [name for name in rows.columns if _AU_COLUMN.fullmatch(str(name))]
        if stray := sorted(set(map(str, rows.columns)) - {*INDEX_COLUMNS, *known, *labels}):
            raise ValueError(f"a LabelIndex has no column {', '.join(stray)}")
        rows = rows[[*INDEX_COLUMNS, *known, *sorted(labels)]]
        kinds: dict[str, Any] = {"frame": "int64", "time_s": "float64", "path": "str"}
        kinds |= dict.fromkeys(("dataset", "subject", "sequence", "task", *known), "str")
        for name in labels:
            kinds[name] = "float32" if name.endswith("_r") else "str" if name.endswith("_side") else "int8"
            if kinds[name] == "int8" and not rows[name].isin((-1, 0, 1)).all():
                raise ValueError(f"LabelIndex column {name} must hold -1, 0 and 1 only")
        rows = rows.astype(kinds)
        for name in (
            "dataset",
            "subject",
            "sequence",
            "task",
            *known,
            *(n for n in labels if n.endswith("_side")),
        ):
            rows[name] = pd.Categorical(rows[name])
        order = np.lexsort((rows["frame"].to_numpy(), _sequence_numbers(rows)))
        return cls(rows.iloc[order].reset_index(drop=True))

    def __len__(self) -> int:
        return len(self.table)

    @property
    def aus(self) -> tuple[int, ...]:
        """The AUs with occurrence labels, sorted."""
        found = (_AU_COLUMN.fullmatch(name) for name in self.table.columns)
        return tuple(sorted(int(m[1]) for m in found if m and m[2] is None))

    @property
    def intensity_aus(self) -> tuple[int, ...]:
        """The AUs with intensities, sorted."""
        found = (_AU_COLUMN.fullmatch(name) for name in self.table.columns)
        return tuple(sorted(int(m[1]) for m in found if m and m[2] == "_r"))

    def labels(self, aus: Sequence[int]) -> NDArray[np.int8]:
        """Occurrence, i8[N,A], -1 unknown.

        Raises:
            UserError: an AU that this index does not code.
        """
        self._need(aus, self.aus, "labels")
        return np.column_stack([self.table[au_column(au)].to_numpy() for au in aus]).astype(
            np.int8, copy=False
        )

    def intensities(self, aus: Sequence[int]) -> FloatArray:
        """Intensity, f32[N,A], 0 to 5, NaN unknown.

        Raises:
            UserError: an AU that has none in this index.
        """
        self._need(aus, self.intensity_aus, "intensities")
        columns = [self.table[f"{au_column(au)}_r"].to_numpy() for au in aus]
        return np.column_stack(columns).astype(np.float32, copy=False)

    def _need(self, aus: Sequence[int], known: Sequence[int], kind: str) -> None:
        absent = [str(au) for au in aus if au not in known]
        if absent or not aus:
            have = " ".join(map(str, known)) or "none"
            raise UserError(
                f"no {kind} for AU {' '.join(absent) or '(none asked for)'}: this index has {have}"
            )

    def sequence_numbers(self) -> NDArray[np.int64]:
        """i64[N]: the number of each row's sequence, from 0 in order."""
        return _sequence_numbers(self.table)

    def starts(self, *, frame_gaps: bool = False) -> NDArray[np.bool_]:
        """bool[N]: True where a sequence begins and, with ``frame_gaps``, where frame numbers skip."""
        first = np.diff(self.sequence_numbers(), prepend=-1) != 0
        if frame_gaps:
            first = first | (np.diff(self.table["frame"].to_numpy(np.int64), prepend=-2) != 1)
        return np.asarray(first)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.integer]) -> LabelIndex:
        """The index of some rows (a mask, or ascending numbers)."""
        chosen = np.flatnonzero(rows) if rows.dtype == bool else rows
        return LabelIndex(self.table.iloc[chosen].reset_index(drop=True))


def _sequence_numbers(rows: pd.DataFrame) -> NDArray[np.int64]:
    """Number the sequences in order of their first rows."""
    import pandas as pd

    number = np.zeros(len(rows), np.int64)
    for name in ("dataset", "subject", "sequence", "view"):
        if name in rows:
            codes, known = pd.factorize(rows[name])
            number = pd.factorize(number * (len(known) + 1) + codes)[0]
    return number.astype(np.int64)
