"""Frames to faces to crops, once, for a whole data set, in parallel over its sequences.

Finished sequences stay when the work is stopped or killed; run again, it goes on with the others and ends
with the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from actionunits.atomic import make_directory, replace_when_done
from actionunits.datasets.adapter import Event
from actionunits.datasets.apexes import with_motion_apexes
from actionunits.datasets.cache import (
    CropCache,
    CropGeometry,
    frame_keys,
    read_events,
    read_record,
    record_of,
)
from actionunits.datasets.crop_part import FramesOf, PartTask, finished_part, make_part
from actionunits.datasets.index import write_index
from actionunits.datasets.workers import LOCK, Counter, locked, worker_pool
from actionunits.errors import UserError
from actionunits.faces.detect import DETECTORS
from actionunits.faces.pictures import PICTURE_SUFFIXES
from actionunits.records import FloatArray, ImageArray, InputSpec, LabelIndex, OnProgress

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True)
class Prepared:
    """What was done.

    Attributes:
        cache: opened.
        made: parts that this run made; the others were there.
        frames: labelled frames.
        faceless: frames in which no face was found.
        unreadable: frames that could not be read, each with its reason.
    """

    cache: CropCache
    made: int
    frames: int
    faceless: int
    unreadable: tuple[str, ...]


def prepare(
    index: LabelIndex,
    root: Path,
    spec: InputSpec,
    out: Path,
    *,
    events: Sequence[Event] = (),
    detector: str = "hog",
    jobs: int = 1,
    frames_of: FramesOf | None = None,
    on_progress: OnProgress | None = None,
) -> Prepared:
    """Fill a crop cache, or go on with one.

    Args:
        index: the labelled frames; their paths are from ``root``.
        root: folder of the data set.
        spec: what the model takes; only size, distance and height of the eyes, and channels matter.
        out: folder of the cache.
        events: coded expressions, kept beside; a missing apex is found from motion and kept with them.
        detector: of the faces, as in use.
        jobs: processes.
        frames_of: where the frames come from, if not from files; other processes must be able to unpickle it.
        on_progress: called with (frames done, frames).

    Raises:
        UserError: the cache holds other crops or another data set, there is no frame with a path, or the
            folder cannot be written to.
    """
    _check(index, detector, jobs)
    geometry = CropGeometry.of(spec)
    record = record_of(geometry, detector, "+".join(sorted(map(str, index.table["dataset"].unique()))))
    make_directory(out)
    _agree(out, record)
    with locked(out):
        parts = _begin(out, record)
        numbers, tasks = _tasks(index, root, geometry, detector)
        results = {t.name: r for t in tasks if (r := finished_part(parts, t)) is not None}
        missing = [task for task in tasks if task.name not in results]
        if missing:
            _set_record(out, {**record, "complete": False})
        counter = Counter(sum(len(t.frames) for t in tasks), on_progress)
        counter.add(sum(len(t.frames) for t in tasks if t.name in results))
        for name, result in _make(parts, missing, jobs, counter, frames_of):
            results[name] = result
        return _finish(out, record, index, events, tasks, numbers, results, len(missing))


def _check(index: LabelIndex, detector: str, jobs: int) -> None:
    if detector not in DETECTORS or jobs < 1:
        known = ", ".join(DETECTORS)
        raise UserError(f"expected a detector ({known}) and at least one job, got {detector} and {jobs}")
    if not len(index):
        raise UserError("there is no labelled frame to prepare")
    if (index.table["path"].to_numpy(str) == "").any():
        raise UserError("the index has frames without a path: add a column path with pictures or videos")


def _agree(out: Path, record: dict[str, Any]) -> None:
    """Check that the folder is new or holds the same crops of the same data set."""
    found = read_record(out)
    if found is None:
        if any(path.name != LOCK for path in out.iterdir()):
            raise UserError(f"{out} is not empty and no crop cache: choose a new folder")
        return
    there, now = CropGeometry(**found["geometry"]), CropGeometry(**record["geometry"])
    if there != now:
        raise UserError(f"{out} holds {there}; this model takes {now}: choose another --out")
    for name in ("dataset", "detector"):
        if found[name] != record[name]:
            kept = f"{name} {found[name]}, not {record[name]}"
            raise UserError(f"{out} holds crops of {kept}: choose another --out")


def _begin(out: Path, record: dict[str, Any]) -> Path:
    """The folder of the parts, without what killed processes left half-written."""
    if read_record(out) is None:
        _set_record(out, {**record, "complete": False})
    parts = make_directory(out / "parts")
    for left in parts.glob(".*.part-*"):
        shutil.rmtree(left, ignore_errors=True)
    return parts


def _set_record(out: Path, record: dict[str, Any]) -> None:
    with replace_when_done(out / "cache.json") as beside:
        beside.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _tasks(
    index: LabelIndex, root: Path, geometry: CropGeometry, detector: str
) -> tuple[pd.DataFrame, list[PartTask]]:
    """For each frame its part and row, and what each part is made of."""
    keys = frame_keys(index)
    sequence = index.sequence_numbers()
    alone = np.bincount(sequence)[sequence] == 1
    paths = index.table["path"].to_numpy(str)
    video = np.array([Path(p).suffix.lower() not in PICTURE_SUFFIXES for p in paths])
    labels = keys["dataset"] + "_" + keys["subject"]
    whole = labels + "_" + keys["sequence"] + "_" + keys["view"]
    group = pd.Series(np.where(alone & ~video, labels + "_", whole))
    part, names = pd.factorize(group)
    rows = pd.Series(part).groupby(part).cumcount().to_numpy()
    frames, times = index.table["frame"].to_numpy(np.int64), index.table["time_s"].to_numpy(np.float64)
    order = np.argsort(part, kind="stable")
    from_zero = set(paths[video & (frames == 0)].tolist())
    tasks = []
    for number, chosen in enumerate(np.split(order, np.flatnonzero(np.diff(part[order])) + 1)):
        if video[chosen].any() and len(set(paths[chosen])) > 1:
            raise UserError(f"the sequence {names[number]} has several videos: give each its own sequence")
        tasks.append(
            PartTask(
                _folder_name(str(names[number])),
                root,
                tuple(paths[chosen].tolist()),
                frames[chosen],
                times[chosen],
                bool(not alone[chosen].any()),
                geometry,
                detector,
                int(paths[chosen[0]] not in from_zero),
            )
        )
    return keys.assign(part=part.astype(np.int32), row=rows.astype(np.int32)), tasks


def _folder_name(name: str) -> str:
    """A name that every file system takes, different for different names."""
    plain = re.sub(r"[^A-Za-z0-9+-]+", "_", name).strip("_")[:80]
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _make(
    parts: Path, tasks: Sequence[PartTask], jobs: int, counter: Counter, frames_of: FramesOf | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    if jobs == 1 or len(tasks) < 2:
        for task in tasks:
            yield task.name, make_part(parts, task, counter.add, frames_of)
        return
    longest_first = sorted(tasks, key=lambda task: -len(task.frames))
    with worker_pool(min(jobs, len(tasks))) as pool:
        work = partial(make_part, parts, frames_of=frames_of)
        waiting = {pool.submit(work, task): task for task in longest_first}
        for future in as_completed(waiting):
            task = waiting[future]
            yield task.name, future.result()
            counter.add(len(task.frames))


def _finish(
    out: Path,
    record: dict[str, Any],
    index: LabelIndex,
    events: Sequence[Event],
    tasks: Sequence[PartTask],
    numbers: pd.DataFrame,
    results: dict[str, dict[str, Any]],
    made: int,
) -> Prepared:
    found = [np.load(out / "parts" / task.name / "found.npy") for task in tasks]
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in found])])
    at = offsets[numbers["part"].to_numpy()] + numbers["row"].to_numpy()
    table = numbers.assign(found=np.concatenate(found)[at])
    with replace_when_done(out / "frames.parquet") as beside:
        table.to_parquet(beside, index=False)
    write_index(out / "index.parquet", index)
    events = with_motion_apexes(events, table, _reader(out, tasks), {} if made else _found_before(out))
    for name, content in (
        ("events.json", [asdict(event) for event in events]),
        ("parts.json", [task.name for task in tasks]),
    ):
        with replace_when_done(out / name) as beside:
            beside.write_text(json.dumps(content), encoding="utf-8")
    unreadable = tuple(reason for task in tasks for reason in results[task.name]["unreadable"])
    summary = {
        "frames": len(index),
        "faceless": sum(results[task.name]["faceless"] for task in tasks),
        "unreadable": len(unreadable),
        "digest": _digest(record, results),
    }
    _set_record(out, {**record, "complete": True, "summary": summary})
    return Prepared(CropCache(out), made, len(index), summary["faceless"], unreadable)


def _reader(out: Path, tasks: Sequence[PartTask]) -> Callable[[int], tuple[ImageArray, FloatArray]]:
    """Gives a part's crops and points, mapped."""

    def read(part: int) -> tuple[ImageArray, FloatArray]:
        folder = out / "parts" / tasks[part].name
        crops, points = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("crops", "points"))
        return crops, points

    return read


def _found_before(out: Path) -> dict[Event, int]:
    """The apexes that an earlier run found in the same crops, by the events as they are coded."""
    file = out / "events.json"
    before = read_events(file) if file.is_file() else ()
    return {replace(e, motion_apex=None): e.motion_apex for e in before if e.motion_apex is not None}


def _digest(record: dict[str, Any], results: dict[str, dict[str, Any]]) -> str:
    """Of what the crops are and of every part's crops and sources."""
    parts = {name: (part["content"], part["source"]) for name, part in results.items()}
    return hashlib.sha256(json.dumps([record, parts], sort_keys=True).encode()).hexdigest()
