"""The synthetic data set: painted people, animated, seen by cameras, prepared as any other data set."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from actionunits.analysis.published import published
from actionunits.datasets.adapter import Event
from actionunits.datasets.cache import CropCache, CropGeometry, read_record
from actionunits.datasets.prepare import prepare
from actionunits.errors import UserError
from actionunits.experiments.coded_durations import au_seconds
from actionunits.experiments.recipe import DataSettings
from actionunits.facs.patterns import parse_pattern, pattern_aus
from actionunits.facs.sets import AU_SETS
from actionunits.facs.units import au_column
from actionunits.models.config import to_plain
from actionunits.records import InputSpec, LabelIndex, OnProgress
from actionunits.synthesis.animate import ANIMATION_VERSION
from actionunits.synthesis.coded_faces import PatternTable
from actionunits.synthesis.coded_set import CodedSet
from actionunits.synthesis.emotion_set import EMOTION_AUS, LABORATORY_EYES_PX, VIEWS_DEG, EmotionSet
from actionunits.synthesis.lasting import LastingSet
from actionunits.synthesis.micro import MICRO_PATTERNS
from actionunits.synthesis.micro_set import MicroSet

__all__ = [
    "coded_set",
    "pattern_table",
    "synthetic_crops",
    "synthetic_events",
    "synthetic_index",
    "synthetic_place",
]

#: Goes up when the same settings give other pictures.
VERSION = 2
#: The same of micro-expressions.
MICRO_VERSION = "micro-1"
#: The same of AUs that last as long as is published.
LASTING_VERSION = "lasting-1"
#: The AUs of the coded data sets whose patterns ship with the package.
CODED_AUS = {"bp4d": AU_SETS["bp4d-12"], "disfa": AU_SETS["disfa-12"]}
#: Fewer frames than this are drawn by one process: starting others would take longer.
FEW = 1500


@cache
def pattern_table(data: str) -> PatternTable:
    """How often BP4D's (``bp4d``) or DISFA's (``disfa``) patterns are shown.

    >>> table = pattern_table("bp4d")
    >>> len(table.patterns), round(float(table.base_rates()[table.aus.index(12)]), 2)
    (459, 0.56)
    """
    rows = published("pattern_shares")
    rows = rows[rows["data"] == data]
    aus = CODED_AUS[data]
    patterns = tuple(pattern_aus(parse_pattern(text), aus) for text in rows["pattern"])
    return PatternTable(aus, patterns, tuple(rows["per_100k"].astype(float)))


def coded_set(settings: DataSettings, aus: tuple[int, ...]) -> CodedSet:
    """The people and expressions that settings ask for.

    Args:
        settings: with ``coding`` auto, the AUs are shown as often as in BP4D, or DISFA, if it codes all of
            ``aus``, and else as FACS thinks plausible.
        aus: that a model wants to learn. A set that shows coded patterns codes all AUs of its source.

    Raises:
        UserError: the source does not code one of them, a sequence is too short for what it should show, or
            how long the AUs last is not published.
    """
    coding: str = settings.coding
    if coding == "auto":
        fitting = (name for name, coded in CODED_AUS.items() if set(aus) <= set(coded))
        coding = next(fitting, "prototypes")
    table = _table(coding)
    if table is not None and (uncoded := sorted(set(aus) - set(table.aus))):
        raise UserError(
            f"{coding} does not code AU {', '.join(map(str, uncoded))}: take data.coding=prototypes"
        )
    if settings.around and coding != "micro":
        raise UserError("data.around is for data.coding=micro: other sequences have no apex")
    if settings.durations == "published" and coding not in CODED_AUS:
        known = " or ".join(f"data.coding={name}" for name in CODED_AUS)
        raise UserError(f"how long AUs last is published of coded sets only: take {known} for these AUs")
    coded = tuple(sorted({*aus, *EMOTION_AUS})) if coding == "emotions" else tuple(aus)
    try:
        made = CodedSet(
            aus=coded if table is None else table.aus,
            subjects=settings.subjects,
            sequences=settings.sequences,
            frames=settings.frames,
            rate_hz=settings.rate_hz,
            seed=settings.seed,
            table=table,
            difficulty=settings.difficulty,
        )
        if coding == "emotions":
            return EmotionSet(**vars(made))
        if settings.durations == "published":
            return LastingSet(**vars(made), seconds=au_seconds(coding, made.aus))
        return made if coding != "micro" else MicroSet(**vars(made), around=settings.around)
    except ValueError as problem:
        raise UserError(f"data.coding={coding}: {problem}; set data.frames and data.rate_hz") from problem


def _table(coding: str) -> PatternTable | None:
    if coding == "micro":
        return MICRO_PATTERNS
    return None if coding in ("prototypes", "emotions") else pattern_table(coding)


def synthetic_events(people: CodedSet) -> tuple[Event, ...]:
    """The expressions that are marked in time; frames numbered from 1."""
    return tuple(
        Event(
            "synthetic",
            name,
            f"{sequence:04d}",
            course.onset + 1,
            (course.apex + 1,),
            course.offset + 1,
            course.aus,
            kind="micro",
        )
        for subject, name in enumerate(people.names)
        for sequence in range(people.sequences)
        for course in people.courses(subject, sequence)
    )


def synthetic_index(people: CodedSet) -> LabelIndex:
    """The labels of a synthetic set, each frame's."""
    parts = []
    for subject, name in enumerate(people.names):
        for sequence in range(people.sequences):
            values, labels = people.intensities(subject, sequence), people.labels(subject, sequence)
            drawn = np.array(people.drawn(subject, sequence))
            columns: dict[str, object] = {
                "dataset": "synthetic",
                "subject": name,
                "sequence": f"{sequence:04d}",
                "frame": drawn + 1,
                "time_s": people.times_s[drawn],
                "path": people.path(subject, sequence),
            }
            if isinstance(people, EmotionSet):
                columns |= {"emotion": people.emotion(sequence), "view": f"{people.yaw_deg(sequence):+.0f}"}
            for au, intensity, occurrence in zip(people.aus, values.T, labels.T, strict=True):
                columns[au_column(au)] = occurrence
                columns[f"{au_column(au)}_r"] = intensity
            parts.append(pd.DataFrame(columns))
    return LabelIndex.make(pd.concat(parts, ignore_index=True))


def synthetic_place(folder: Path, settings: DataSettings, spec: InputSpec) -> Path:
    """Where the crops of these settings for models of this input are kept."""
    people = coded_set(settings, spec.aus)
    made = {
        "set": to_plain(people),
        "crop": CropGeometry.of(spec).to_plain(),
        "version": MICRO_VERSION if isinstance(people, MicroSet) else VERSION,
        "animation": ANIMATION_VERSION,
        **({"lasting": LASTING_VERSION} if isinstance(people, LastingSet) else {}),
        **({"emotions": [VIEWS_DEG, LABORATORY_EYES_PX]} if isinstance(people, EmotionSet) else {}),
    }
    key = hashlib.sha256(json.dumps([made, settings.detector], sort_keys=True).encode()).hexdigest()[:16]
    return folder / f"synthetic-{key}"


def synthetic_crops(
    folder: Path, settings: DataSettings, spec: InputSpec, *, on_progress: OnProgress | None = None
) -> CropCache:
    """The crops of these settings for models of this input; drawn once, then read from ``folder``.

    Each frame is drawn, seen through its sequence's camera, and its face is found, followed and aligned as in
    use; a stopped run goes on sequence by sequence.

    Args:
        folder: of the caches; each kind of crops gets a folder of its own in it.
        settings: people, sequences, frames, seed.
        spec: AUs and crop.
        on_progress: called with (frames done, frames).

    Raises:
        UserError: the folder cannot be written to, or clips reach beyond the frames that are drawn.
    """
    _check_around(settings, spec)
    people, out = coded_set(settings, spec.aus), synthetic_place(folder, settings, spec)
    if (read_record(out) or {}).get("complete"):  # several runs may read it at once
        return CropCache(out)
    frames = people.subjects * people.sequences * people.frames
    return prepare(
        synthetic_index(people),
        folder,
        spec,
        out,
        events=synthetic_events(people),
        detector=settings.detector,
        jobs=1 if frames < FEW else os.cpu_count() or 1,
        frames_of=people,
        on_progress=on_progress,
    ).cache


def _check_around(settings: DataSettings, spec: InputSpec) -> None:
    """Whether the frames drawn around an apex hold a clip around it."""
    if not settings.around:
        return
    rate_hz = settings.clip_rate_hz
    step = max(1, round(settings.rate_hz / rate_hz)) if rate_hz else spec.frame_step
    reach = max(spec.place, spec.clip_length - 1 - spec.place) * step
    if reach > settings.around:
        raise UserError(
            f"clips of {spec.clip_length} frames, {step} apart, reach {reach} frames from the apex, and only "
            f"{settings.around} are drawn: set data.around={reach}, or 0 for whole sequences"
        )
