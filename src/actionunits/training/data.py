"""Training samples out of a crop cache: stills and clips of some subjects, as a model's input spec says."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from actionunits.datasets.adapter import Event
from actionunits.datasets.cache import CropCache
from actionunits.datasets.flow_store import FlowStore
from actionunits.datasets.folds import Fold, subject_keys
from actionunits.errors import UserError
from actionunits.faces.batch import Stack, collate
from actionunits.faces.clips import MISSING, fill_rows, tile_rows
from actionunits.faces.regions import regions_of
from actionunits.records import (
    Batch,
    FloatArray,
    ImageArray,
    InputSpec,
    LabelIndex,
    Landmarks,
    Regions,
    Sample,
)
from actionunits.training.source import SampleSet

__all__ = ["Clips", "CropSamples", "JoinedSamples", "clip_rows", "fold_samples"]

_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True)
class Clips:
    """How clips are cut out of sequences; length and step are the input spec's.

    Attributes:
        kind: ``frames``: the clip around every frame, or up to it, as `au detect` gives it to a model that
            scores the middle or the last frame; ``tile``: clips that score every frame once, as it gives them
            to a model that scores all (:func:`~actionunits.faces.clips.tile_rows`); ``windows``: clips one
            after the other, without what is left over at the end of a run; ``apex``: one around each coded
            expression's apex (its middle where the apex is missing); ``spread``: one for each sequence, every
            frame_step-th frame of its middle, a smaller step where the sequence is too short (seed 003: 126
            frames, every second or third).
        stride: frames from one clip to the next, for ``frames`` and ``windows``; 0 = 1 frame and one clip's
            length.
        labelled_only: leave out clips without one known label.
        rate_hz: take frames so far apart that there are about so many a second, whatever the rate of a
            sequence (a step of at least one frame), instead of the input spec's step; 0 = that step.
    """

    kind: Literal["frames", "tile", "windows", "apex", "spread"] = "frames"
    stride: int = 0
    labelled_only: bool = True
    rate_hz: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in ("frames", "tile", "windows", "apex", "spread"):
            raise UserError(f"clips are frames, tile, windows, apex or spread, got {self.kind!r}")
        if self.stride < 0:
            raise UserError(f"the stride must be 0 or more frames, got {self.stride}")
        if not self.rate_hz >= 0:
            raise UserError(f"the rate of a clip's frames must be 0 or more a second, got {self.rate_hz}")

    @classmethod
    def of(cls, spec: InputSpec) -> Clips:
        """As ``au detect`` cuts them for a model."""
        return cls("tile" if spec.scored == "all" else "frames")


def clip_rows(
    clips: Clips,
    length: int,
    step: int,
    index: LabelIndex,
    found: NDArray[np.bool_],
    events: Sequence[Event] = (),
    place: int | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The rows of each clip.

    A clip stays within a run of frames whose numbers follow one another. Where it reaches over an end, or a
    frame has no face, the nearest frame toward ``place`` is shown again, and counts as not labelled there.

    Args:
        clips: how.
        length: frames of a clip.
        step: from one frame of a clip to the next.
        index: the frames.
        found: bool[N], whether a frame has a face.
        events: coded expressions, for ``apex``.
        place: where in its clip the frame stands that a clip is of; None = T // 2.

    Returns:
        i64[M,T] rows of the index, and bool[M,T], True where a row stands for another frame or (``tile``)
        another clip scores it.
    """
    place = length // 2 if place is None else place
    starts = np.flatnonzero(index.starts(frame_gaps=True))
    ends = np.append(starts[1:], len(index))
    if clips.kind == "spread":
        first = np.flatnonzero(index.starts())
        starts, ends = first, np.append(first[1:], len(index))
    rows: list[NDArray[np.int64]] = []
    scored: list[NDArray[np.bool_]] = []
    middles = _apex_rows(index, events) if clips.kind == "apex" else None
    steps = _steps(clips, step, index, starts, ends)
    for start, end, step in zip(starts.tolist(), ends.tolist(), steps, strict=True):
        if clips.kind == "tile":
            tiles, asked_here = tile_rows(end - start, length, step)
            rows.append(np.where(tiles == MISSING, MISSING, start + tiles))
            scored.append(asked_here)
            continue
        if middles is None:
            centres, pace = _centres(clips, length, place, step, start, end)
        else:
            centres, pace = middles[(middles >= start) & (middles < end)], step
        if len(centres):
            wanted = centres[:, None] + (np.arange(length) - place) * pace
            rows.append(np.where((wanted >= start) & (wanted < end), wanted, MISSING))
            scored.append(np.ones(wanted.shape, bool))
    if not rows:
        return np.zeros((0, length), np.int64), np.zeros((0, length), bool)
    asked, asked_for = np.concatenate(rows), np.concatenate(scored)
    known = (asked >= 0) & found[np.maximum(asked, 0)]
    kept = known[:, place] if clips.kind == "frames" else (known & asked_for).any(axis=1)
    return fill_rows(asked[kept], known[kept], place), ~(known & asked_for)[kept]


def _steps(
    clips: Clips, step: int, index: LabelIndex, starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> list[int]:
    """From one frame of a clip to the next, for each run.

    Raises:
        UserError: a rate is asked for, and a run has no times.
    """
    if not clips.rate_hz:
        return [step] * len(starts)
    times = index.table["time_s"].to_numpy(np.float64)
    steps = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        apart = np.diff(times[start:end])
        if np.isnan(apart).any() or (apart <= 0).any():
            name = " ".join(index.table.iloc[start][["dataset", "subject", "sequence"]].astype(str))
            raise UserError(f"clips of so many frames a second need times, and {name} has none")
        steps.append(max(1, round(1 / (float(np.median(apart)) * clips.rate_hz))) if len(apart) else 1)
    return steps


def _centres(
    clips: Clips, length: int, place: int, step: int, start: int, end: int
) -> tuple[NDArray[np.int64], int]:
    """Rows at a place of the clips of a run, and the step."""
    count = end - start
    if clips.kind == "frames":
        return np.arange(start, end, clips.stride or 1), step
    if clips.kind == "windows":
        reach = (length - 1) * step + 1
        first = start + place * step
        last = max(end - reach + place * step, first)
        if count <= place * step:
            return np.array([end - 1 if place == length - 1 else start + count // 2]), step
        return np.arange(first, last + 1, clips.stride or reach), step
    pace = max(1, min(step, (count - 1) // max(length - 1, 1)))
    reach = (length - 1) * pace + 1
    return np.array([start + max(0, (count - reach) // 2) + place * pace]).clip(start, end - 1), pace


def _apex_rows(index: LabelIndex, events: Sequence[Event]) -> NDArray[np.int64]:
    """The row of each event's apex, or of the nearest frame of its sequence within the event."""
    table = index.table
    names = ("dataset", "subject", "sequence")
    places: dict[tuple[str, ...], list[int]] = {}
    for row, key in enumerate(zip(*(table[name].astype("str") for name in names), strict=True)):
        places.setdefault(key, []).append(row)
    frames = table["frame"].to_numpy(np.int64)
    found = []
    for event in events:
        rows = np.array(places.get((event.dataset, event.subject, event.sequence), []), np.int64)
        if len(rows):
            best = int(rows[np.argmin(np.abs(frames[rows] - event.centre))])
            last = max((event.onset, event.centre, event.offset or 0))
            if event.onset <= frames[best] <= last:
                found.append(best)
    return np.unique(np.array(found, np.int64))


class CropSamples(Dataset[Sample]):
    """Samples of a crop cache: a :class:`~actionunits.training.source.SampleSet` and a PyTorch data set.

    Frames without a face are left out (stills) or replaced by a neighbour (clips); their labels and those of
    repeated frames are unknown. Optical flow, where the model takes it, is read where it is kept beside the
    crops (:mod:`actionunits.datasets.flow_store`) and computed where it is not.

    Args:
        cache: of the model's crops.
        spec: what the model takes.
        index: labelled frames of the cache; None = all of it.
        subjects: the people, as :func:`~actionunits.datasets.folds.subject_keys` names them; None = everyone.
        clips: how clips are cut; not read for a model of stills.
        regions: gives the boxes of a crop's points, where the model takes boxes; by default those of its AU
            groups (:func:`~actionunits.faces.regions.regions_of`).
        emotions: give these emotions too, numbered from 0 in this order, by their names in the index
            (:data:`~actionunits.datasets.au_codes.EMOTIONS`); others and unnamed ones are unknown. A sample
            counts as labelled where its emotion or an AU is known.
        uncoded: what becomes of the model's AUs that the index does not code: an ``error``, or ``unknown``.

    Attributes:
        rows: i64[M,T], rows of ``index``.
        repeated: bool[M,T], where a row stands for another frame, or is scored in another clip; its label is
            unknown there.
        faceless: frames of these people without a face.

    Raises:
        UserError: the cache has other crops, or the index does not code an AU or has none of the emotions.
    """

    def __init__(
        self,
        cache: CropCache,
        spec: InputSpec,
        *,
        index: LabelIndex | None = None,
        subjects: Sequence[str] | None = None,
        clips: Clips | None = None,
        regions: Callable[[Landmarks], Regions] | None = None,
        emotions: Sequence[str] | None = None,
        uncoded: Literal["error", "unknown"] = "error",
    ) -> None:
        cache.check_spec(spec)
        self.cache, self.spec = cache, spec
        self.flow = FlowStore(cache, spec.flow)
        self.regions = partial(regions_of, spec) if regions is None else regions
        whole = cache.index if index is None else index
        if subjects is not None:
            whole = whole.take(np.isin(_keys(whole, subjects), list(subjects)))
        self.index = whole
        self._part, self._row, self.found = cache.locate(whole)
        self.faceless = int((~self.found).sum())
        self._labels = _labels(whole, spec.aus, uncoded)
        self._emotion = None if emotions is None else _emotion_numbers(whole, emotions, cache.index)
        self._intensity = self._graded(whole)
        chosen = clips or Clips.of(spec)
        self.rows, self.repeated = self._choose(chosen)
        known = (self._at(self._labels, self.rows, self.repeated) >= 0).any(axis=(1, 2))
        if self._emotion is not None:
            known |= (self._at(self._emotion, self.rows, self.repeated) >= 0).any(axis=1)
        if chosen.labelled_only:
            self.rows, self.repeated = self.rows[known], self.repeated[known]
        self.subject: NDArray[np.str_] = whole.table["subject"].to_numpy(str)[self.rows[:, 0]]

    def _choose(self, clips: Clips) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        if self.spec.clip_length == 1 and clips.kind in ("frames", "tile", "windows") and not clips.stride:
            rows = np.flatnonzero(self.found)[:, None]
            return rows, np.zeros(rows.shape, bool)
        return clip_rows(
            clips,
            self.spec.clip_length,
            self.spec.frame_step,
            self.index,
            self.found,
            self.cache.events,
            self.spec.place,
        )

    def _graded(self, index: LabelIndex) -> FloatArray | None:
        """f32[N,A], NaN for an AU without intensities; None where none has them."""
        graded = set(index.intensity_aus) & set(self.spec.aus)
        if not graded:
            return None
        unknown = np.full(len(index), np.nan, np.float32)
        columns = [index.intensities([au])[:, 0] if au in graded else unknown for au in self.spec.aus]
        return np.column_stack(columns)

    @staticmethod
    def _at(
        labels: NDArray[np.int8], rows: NDArray[np.int64], repeated: NDArray[np.bool_]
    ) -> NDArray[np.int8]:
        chosen = labels[rows]
        if repeated.any():
            chosen[repeated] = -1
        return chosen

    @property
    def labels(self) -> NDArray[np.int8]:
        """i8[M,A], -1 unknown: for a clip, whether any of its frames shows the AU."""
        if not len(self.rows):
            return np.zeros((0, len(self.spec.aus)), np.int8)
        result = np.full((len(self.rows), len(self.spec.aus)), -1, np.int8)
        for at in range(self.rows.shape[1]):
            np.maximum(result, self._at(self._labels, self.rows[:, at], self.repeated[:, at]), out=result)
        return result

    def take(self, chosen: NDArray[np.bool_]) -> CropSamples:
        """Some of the samples.

        Args:
            chosen: bool[M].
        """
        some = copy(self)
        some.rows, some.repeated = self.rows[chosen], self.repeated[chosen]
        some.subject = self.subject[chosen]
        return some

    @property
    def frame_labels(self) -> NDArray[np.int8]:
        """i8[M,T,A], -1 unknown or scored elsewhere."""
        return self._at(self._labels, self.rows, self.repeated)

    @property
    def frame_intensity(self) -> FloatArray | None:
        """f32[M,T,A], NaN unknown; None where the set has none."""
        return None if self._intensity is None else self._intensity[self.rows]

    @property
    def emotion(self) -> NDArray[np.int8] | None:
        """i8[M], -1 unknown: of a clip that of its middle frame, T // 2; None where none was asked for."""
        if self._emotion is None:
            return None
        middle = self.rows.shape[1] // 2
        return self._at(self._emotion, self.rows[:, middle], self.repeated[:, middle])

    @property
    def frame_emotion(self) -> NDArray[np.int8] | None:
        """i8[M,T], -1 unknown or scored elsewhere; None where none was asked for."""
        return None if self._emotion is None else self._at(self._emotion, self.rows, self.repeated)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int, /) -> Sample:
        rows, repeated = self.rows[number], self.repeated[number]
        part, lines = int(self._part[rows[0]]), self._row[rows]  # a clip lies within one part
        where: slice | NDArray[np.int64] = lines
        if lines[-1] - lines[0] == len(lines) - 1 and (np.diff(lines) == 1).all():
            where = slice(int(lines[0]), int(lines[-1]) + 1)  # a view: copied once, into the batch
        frames, points = self.cache.crops(part)[where], self.cache.points(part)[where]
        intensity = None if self._intensity is None else self._intensity[rows]
        if intensity is not None and repeated.any():
            intensity[repeated] = np.nan
        return Sample(
            frames=frames,
            labels=self._at(self._labels, rows, repeated),
            intensity=intensity,
            landmarks=points,
            regions=self._boxes(points),
            flow=self.flow.of_clip(part, lines, frames) if self.spec.needs_flow else None,
            subject=str(self.subject[number]),
            emotion=None if self._emotion is None else self._at(self._emotion, rows, repeated),
        )

    def batch(self, numbers: Sequence[int], spec: InputSpec) -> Batch:
        """The same as ``collate([self[n] for n in numbers], spec)``, read straight into one array.

        Raises:
            ValueError: no sample, or the spec is not the one that this set was made for.
        """
        _check_spec(spec, self.spec)
        return self.stack(numbers).batch(spec)

    def stills(self, rows: Sequence[int]) -> Batch:
        """Frames as clips of one frame each, without labels.

        Args:
            rows: N rows of ``index``, all with a face.
        """
        some, spec = copy(self), replace(self.spec, clip_length=1)
        some.spec = spec
        some.rows = np.asarray(rows, np.int64)[:, None]
        some.repeated = np.ones(some.rows.shape, bool)
        return some.batch(range(len(rows)), spec)

    def stack(self, numbers: Sequence[int]) -> Stack:
        """Samples as one array of each kind, not normalised.

        Raises:
            ValueError: no sample.
        """
        if not len(numbers):
            raise ValueError("a batch needs at least one sample")
        chosen, spec = np.asarray(numbers, np.int64), self.spec
        rows, repeated = self.rows[chosen], self.repeated[chosen]
        points = (
            self._gathered(self.cache.points, rows) if spec.needs_landmarks or spec.needs_regions else None
        )
        frames = self._gathered(self.cache.crops, rows)
        intensity = None if self._intensity is None else self._intensity[rows]
        if intensity is not None and repeated.any():
            intensity[repeated] = np.nan
        boxes = [] if points is None else [self._boxes(each) for each in points]
        return Stack(
            frames=frames,
            labels=self._at(self._labels, rows, repeated),
            landmarks=points if spec.needs_landmarks else None,
            regions=tuple(each for each in boxes if each is not None) if spec.needs_regions else None,
            flow=self._flow(rows, frames) if spec.needs_flow else None,
            intensity=intensity,
            emotion=None if self._emotion is None else self._at(self._emotion, rows, repeated),
        )

    def _gathered(self, source: Callable[[int], NDArray[_T]], rows: NDArray[np.int64]) -> NDArray[_T]:
        """[B,T,...] of a mapped array of the cache's parts, each row copied once."""
        parts, lines = self._part[rows[:, 0]].tolist(), self._row[rows]
        opened = {part: source(part) for part in set(parts)}
        some = opened[parts[0]]
        out = np.empty((*rows.shape, *some.shape[1:]), some.dtype)
        following = (np.diff(lines, axis=1) == 1).all(axis=1).tolist()
        firsts, length = lines[:, 0].tolist(), rows.shape[1]
        for at, (part, first) in enumerate(zip(parts, firsts, strict=True)):
            if following[at]:
                out[at] = opened[part][first : first + length]
            else:
                out[at] = opened[part][lines[at]]
        return out

    def _flow(self, rows: NDArray[np.int64], frames: ImageArray) -> NDArray[np.float16]:
        """f16[B,T,S,S,2] of clips."""
        parts, lines = self._part[rows[:, 0]].tolist(), self._row[rows]
        return np.stack([self.flow.of_clip(*clip) for clip in zip(parts, lines, frames, strict=True)])

    def _boxes(self, points: FloatArray) -> tuple[Regions, ...] | None:
        if not self.spec.needs_regions:
            return None
        return tuple(self.regions(Landmarks(each)) for each in points)


def _labels(index: LabelIndex, aus: Sequence[int], uncoded: str) -> NDArray[np.int8]:
    """i8[N,A], with AUs that are not coded all unknown where asked for."""
    if uncoded == "error":
        return index.labels(aus)
    if uncoded != "unknown":
        raise UserError(f"AUs that are not coded are an error or unknown, got {uncoded!r}")
    labels = np.full((len(index), len(aus)), -1, np.int8)
    there = [at for at, au in enumerate(aus) if au in index.aus]
    if there:
        labels[:, there] = index.labels([aus[at] for at in there])
    return labels


def _emotion_numbers(index: LabelIndex, emotions: Sequence[str], whole: LabelIndex) -> NDArray[np.int8]:
    """i8[N], the place of each row's emotion in a list, -1 where it is not in it; ``whole``: of everyone."""
    if "emotion" not in index.table:
        raise UserError("emotions were asked for, but this index has none: leave them out")
    if len(set(emotions)) != len(emotions) or not 0 < len(emotions) < 128:
        raise UserError(f"expected 1 to 127 different emotions, got {', '.join(emotions) or 'none'}")
    names = index.table["emotion"].to_numpy(str)
    numbers = np.full(len(names), -1, np.int8)
    for number, emotion in enumerate(emotions):
        numbers[names == emotion] = number
    have = set(names.tolist())
    if "emotion" in whole.table:  # these people may show none of them
        have |= set(whole.table["emotion"].to_numpy(str).tolist())
    if not have & set(emotions):
        known = ", ".join(sorted(have - {""})) or "none"
        raise UserError(f"none of the emotions {', '.join(emotions)} is in this index: it has {known}")
    return numbers


class JoinedSamples(Dataset[Sample]):
    """Several sample sets, one after the other, such as those of several data sets.

    Raises:
        UserError: there is none, or they have different AUs.
    """

    def __init__(self, parts: Sequence[SampleSet]) -> None:
        widths = {part.labels.shape[1] for part in parts}
        if len(widths) != 1:
            raise UserError(f"sample sets of one list of AUs can be joined, got {sorted(widths)} AUs")
        self.parts = tuple(parts)
        self._ends = np.cumsum([len(part) for part in parts]).tolist()

    @property
    def labels(self) -> NDArray[np.int8]:
        """i8[M,A], -1 unknown."""
        return np.concatenate([part.labels for part in self.parts])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, number: int, /) -> Sample:
        if not 0 <= number < len(self):
            raise IndexError(number)
        part = bisect.bisect_right(self._ends, number)
        return self.parts[part][number - (self._ends[part - 1] if part else 0)]

    def batch(self, numbers: Sequence[int], spec: InputSpec) -> Batch:
        """The same as ``collate([self[n] for n in numbers], spec)``.

        Raises:
            IndexError: there is no sample of a number.
            ValueError: no sample, or the spec does not fit.
        """
        chosen = np.asarray(numbers, np.int64)
        if len(chosen) and not (chosen.min() >= 0 and chosen.max() < len(self)):
            raise IndexError(f"samples are numbered 0 to {len(self) - 1}")
        part_of = np.searchsorted(self._ends, chosen, side="right")
        stacks, places = [], []
        for number in np.unique(part_of).tolist():
            part = self.parts[number]
            if not isinstance(part, CropSamples):
                return collate([self[each] for each in chosen.tolist()], spec)
            _check_spec(spec, part.spec)
            places.append(np.flatnonzero(part_of == number))
            first = self._ends[number - 1] if number else 0
            stacks.append(part.stack((chosen[places[-1]] - first).tolist()))
        if not stacks:
            raise ValueError("a batch needs at least one sample")
        return (stacks[0] if len(stacks) == 1 else Stack.joined(stacks, places)).batch(spec)


def _check_spec(asked: InputSpec, made_for: InputSpec) -> None:
    if asked != made_for:
        raise ValueError("a batch is of the input that its samples were made for")


def fold_samples(
    cache: CropCache, spec: InputSpec, fold: Fold, *, index: LabelIndex | None = None, **options: Any
) -> tuple[CropSamples, CropSamples, CropSamples]:
    """(train, validation, test) of a fold.

    Args:
        cache: of the model's crops.
        spec: what the model takes.
        fold: who is on which side.
        index: labelled frames of the cache; None = all of it.
        options: as for :class:`CropSamples`.

    Raises:
        UserError: a subject of the data is in no part of the fold, or as :class:`CropSamples` says.
    """
    whole = cache.index if index is None else index
    sides = fold.rows(_keys(whole, (*fold.train, *fold.validation, *fold.test)))
    train, validation, test = (CropSamples(cache, spec, index=whole.take(mask), **options) for mask in sides)
    return train, validation, test


def _keys(index: LabelIndex, names: Sequence[str]) -> NDArray[np.str_]:
    """The subject of each row as these names give it: with the data set in folds over several sets."""
    if not any("/" in name for name in names):
        return subject_keys(index)
    table = index.table
    return np.char.add(np.char.add(table["dataset"].to_numpy(str), "/"), table["subject"].to_numpy(str))
