"""From a recipe's data to crops: the synthetic set, or a licensed one out of its folder or its cache."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from actionunits.datasets.cache import CropCache, read_record
from actionunits.datasets.emotion_pictures import emotion_pictures
from actionunits.datasets.expressions import without_other_kinds
from actionunits.datasets.flow_store import has_flow, keep_flow
from actionunits.datasets.folds import (
    Folds,
    k_fold,
    leave_one_subject_out,
    named_folds,
    subject_keys,
    thirds,
    with_validation,
)
from actionunits.errors import UserError
from actionunits.experiments.prepare import prepare_data_set, prepare_joined
from actionunits.experiments.recipe import DataSettings, FoldSettings
from actionunits.experiments.synthetic import synthetic_crops, synthetic_place
from actionunits.facs.sets import au_set
from actionunits.models.parts.codebook import Codebook
from actionunits.records import InputSpec, LabelIndex, Stage
from actionunits.training.data import Clips, clip_rows
from actionunits.training.processes import is_first_process

__all__ = [
    "data_line",
    "folds_of",
    "kept_patterns",
    "known_of",
    "left_out_index",
    "open_crops",
    "scored_clips",
    "training_clips",
    "used_index",
]

#: A process that waits for another's files looks again after so long.
_LOOK_S = 0.5


def open_crops(data: DataSettings, spec: InputSpec, folder: Path, stage: Stage | None = None) -> CropCache:
    """The crops of a recipe's data for a model; what is missing is made, what is there is gone on with.

    The optical flow between them is made too, where the model takes it.

    Args:
        data: which data.
        spec: what the model takes.
        folder: where caches are kept that the recipe gives no place.
        stage: shows progress.

    Raises:
        UserError: the data cannot be used, or a cache holds other crops.
    """
    cache = _crops(data, spec, folder, stage)
    if spec.needs_flow and is_first_process():
        show = stage("optical flow", "frames") if stage and not has_flow(cache, spec.flow) else None
        keep_flow(cache, spec.flow, jobs=os.cpu_count() or 1, on_progress=show)
    while spec.needs_flow and not has_flow(cache, spec.flow):  # the first process of a training makes it
        time.sleep(_LOOK_S)
    return cache


def _crops(data: DataSettings, spec: InputSpec, folder: Path, stage: Stage | None) -> CropCache:
    if data.name == "synthetic":
        folder = Path(data.cache) if data.cache else folder
        if not is_first_process():
            return _wait_for_crops(synthetic_place(folder, data, spec))
        show = stage("painting and animating people", "frames") if stage else None
        return synthetic_crops(folder, data, spec, on_progress=show)
    if data.cache and not (data.root or data.sets):
        return _own_cache(data, spec)
    name = "+".join(sorted(data.sets)) or data.name
    emotions = bool(data.sets and spec.emotions and not spec.aus)
    cached = _cache_name(name, spec) + ("-emotions" if emotions else "")
    out = Path(data.cache) if data.cache else folder / cached
    if not is_first_process():
        return _wait_for_crops(out)
    show = stage(f"preparing {name}", "frames") if stage else None
    how: dict[str, Any] = {
        "positive": data.positive,
        "detector": data.detector,
        "jobs": os.cpu_count() or 1,
        "on_progress": show,
    }
    if data.sets:
        roots = {name: Path(root) for name, root in data.sets.items()}
        return prepare_joined(roots, spec, out, chosen=emotion_pictures if emotions else None, **how).cache
    return prepare_data_set(data.name, Path(data.root), spec, out, **how).cache


def _cache_name(data: str, spec: InputSpec) -> str:
    crop = "" if spec.crop == "eyes" else f"-{spec.crop}"
    points = "" if spec.landmarks == "dlib" else f"-{spec.landmarks}"
    return f"{data}-{spec.size_px}px{crop}{points}"


def _own_cache(data: DataSettings, spec: InputSpec) -> CropCache:
    """A cache that the user made, if it is what the recipe says."""
    cache = CropCache(Path(data.cache))
    cache.check_spec(spec)
    held = set(cache.index.table["dataset"].astype(str))
    if data.name not in ("table", "joined") and held != {data.name}:
        raise UserError(f"{data.cache} holds crops of {', '.join(sorted(held))}, not of {data.name}")
    if data.positive is not None:
        raise UserError(
            "data.positive is applied when a cache is made: give data.root too, or au prepare --positive"
        )
    return cache


def _wait_for_crops(place: Path) -> CropCache:
    """The crops that the first process of a training makes, once they are complete."""
    while not (read_record(place) or {}).get("complete"):
        time.sleep(_LOOK_S)
    return CropCache(place)


def used_index(data: DataSettings, cache: CropCache) -> LabelIndex:
    """The labelled frames of a cache that the recipe uses: all, or ``thin_frames`` of each sequence.

    With ``expressions`` those of the other kind are left out.
    Seed 003 takes 126 frames of each video, every second or third, for all its networks. With
    ``keep_patterns``, of these the frames of the most frequent patterns; those with an unknown label have no
    pattern.
    """
    index = _thinned(data, cache)
    if not data.keep_patterns:
        return index
    book = kept_patterns(data, index)
    return index.take(book.classes(index.labels(book.aus)) >= 0)


def left_out_index(data: DataSettings, cache: CropCache) -> LabelIndex:
    """The frames that ``keep_patterns`` leaves out: their patterns are known and never learnt from."""
    index = _thinned(data, cache)
    book = kept_patterns(data, index)
    return index.take(book.unseen(index.labels(book.aus)))


def kept_patterns(data: DataSettings, index: LabelIndex) -> Codebook:
    """The ``keep_patterns`` most frequent patterns of the labels; ties by the patterns' digits.

    Raises:
        UserError: no frame has a pattern, or the index does not code the AUs.
    """
    aus = au_set(data.pattern_set)
    return Codebook.from_labels(aus, index.labels(aus), at_least=1).most_frequent(data.keep_patterns)


def _thinned(data: DataSettings, cache: CropCache) -> LabelIndex:
    index = cache.index
    if data.expressions != "all":
        index = index.take(without_other_kinds(index, cache.events, data.expressions))
    if not data.thin_frames:
        return index
    found = np.ones(len(index), bool)
    rows, repeated = clip_rows(Clips("spread"), data.thin_frames, data.thin_step, index, found)
    return index.take(np.unique(rows[~repeated]))


def known_of(spec: InputSpec, index: LabelIndex) -> dict[str, Any]:
    """What :class:`~actionunits.training.data.CropSamples` is asked to know of a model's outputs.

    Emotions are asked for where the model gives nothing else, or where the index has some of them.
    """
    if not spec.emotions:
        return {}
    have = set(index.table["emotion"].astype(str)) if "emotion" in index.table else set()
    if spec.aus and not have & set(spec.emotions):
        return {}
    return {"emotions": spec.emotions, "uncoded": "error" if spec.aus else "unknown"}


def folds_of(settings: FoldSettings, index: LabelIndex) -> Folds:
    """A recipe's folds over the subjects of an index, with their validation parts.

    Raises:
        UserError: too few subjects, unknown folds, or a subject that named folds do not know.
    """
    subjects = subject_keys(index).tolist()
    if settings.name == "k-fold":
        folds = k_fold(subjects, settings.count, settings.seed)
    elif settings.name == "leave-one-subject-out":
        folds = leave_one_subject_out(subjects)
    elif settings.name == "thirds":
        return thirds(subjects, settings.seed)
    else:
        folds = named_folds(settings.name).restricted_to(subjects)
    if settings.validation == 0:
        return folds
    return with_validation(folds, settings.validation, settings.seed)


def training_clips(data: DataSettings, spec: InputSpec) -> Clips:
    """How the recipe cuts clips to learn from."""
    clips = _automatic(data, spec) if data.clips == "auto" else Clips(data.clips, data.stride)
    return replace(clips, rate_hz=data.clip_rate_hz)


def scored_clips(data: DataSettings, spec: InputSpec) -> Clips:
    """How the recipe cuts clips to validate and test on; by default as ``au detect`` does."""
    clips = _automatic(data, spec) if data.scored_clips == "auto" else Clips(data.scored_clips)
    return replace(clips, rate_hz=data.clip_rate_hz)


def _automatic(data: DataSettings, spec: InputSpec) -> Clips:
    """As ``au detect`` cuts clips; over the gaps of thinned sequences there is one clip for each."""
    return Clips("spread") if data.thin_frames and spec.clip_length > 1 else Clips.of(spec)


def data_line(data: DataSettings, index: LabelIndex) -> str:
    """What was used, in a sentence, for the first line of a page.

    Raises:
        UserError: the index is empty.
    """
    if not len(index):
        raise UserError("there is no frame in the data")
    people, sequences = len(set(subject_keys(index).tolist())), int(index.starts().sum())
    counts = f"{people} people, {sequences:,} sequences, {len(index):,} frames"
    if data.name != "synthetic":
        names = sorted(set(index.table["dataset"].astype(str))) if data.name == "joined" else [data.name]
        kinds = "" if data.expressions == "all" else f"{data.expressions}-expressions, "
        return f"Data: {' + '.join(names)}, {kinds}{counts}."
    return (
        f"Data: synthetic, {counts} of painted faces; no number here can be compared with the paper's, which "
        "are of its own data set."
    )
