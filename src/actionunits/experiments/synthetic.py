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
from actionunits.datasets.cache import CropCache, CropGeometry, read_record
from actionunits.datasets.prepare import prepare
from actionunits.errors import UserError
from actionunits.experiments.recipe import DataSettings
from actionunits.facs.patterns import parse_pattern, pattern_aus
from actionunits.facs.sets import AU_SETS
from actionunits.facs.units import au_column
from actionunits.models.config import to_plain
from actionunits.records import InputSpec, LabelIndex, OnProgress
from actionunits.synthesis.clip import OCCURRENCE_FROM
from actionunits.synthesis.coded_faces import PatternTable
from actionunits.synthesis.coded_set import CodedSet
from actionunits.synthesis.emotion_set import EMOTION_AUS, LABORATORY_EYES_PX, VIEWS_DEG, EmotionSet

__all__ = ["coded_set", "pattern_table", "synthetic_crops", "synthetic_index", "synthetic_place"]

#: Goes up when the same settings give other pictures.
VERSION = 2
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
        UserError: the source does not code one of them.
    """
    coding: str = settings.coding
    if coding == "auto":
        fitting = (name for name, coded in CODED_AUS.items() if set(aus) <= set(coded))
        coding = next(fitting, "prototypes")
    table = None if coding in ("prototypes", "emotions") else pattern_table(coding)
    if table is not None and (uncoded := sorted(set(aus) - set(table.aus))):
        raise UserError(
            f"{coding} does not code AU {', '.join(map(str, uncoded))}: take data.coding=prototypes"
        )
    kind = EmotionSet if coding == "emotions" else CodedSet
    coded = tuple(sorted({*aus, *EMOTION_AUS})) if coding == "emotions" else tuple(aus)
    return kind(
        aus=coded if table is None else table.aus,
        subjects=settings.subjects,
        sequences=settings.sequences,
        frames=settings.frames,
        rate_hz=settings.rate_hz,
        seed=settings.seed,
        table=table,
        difficulty=settings.difficulty,
    )


def synthetic_index(people: CodedSet) -> LabelIndex:
    """The labels of a synthetic set: an AU counts as shown from intensity B (2) on."""
    parts = []
    for subject, name in enumerate(people.names):
        for sequence in range(people.sequences):
            values = people.intensities(subject, sequence)
            columns: dict[str, object] = {
                "dataset": "synthetic",
                "subject": name,
                "sequence": f"{sequence:04d}",
                "frame": np.arange(people.frames) + 1,
                "time_s": people.times_s,
                "path": people.path(subject, sequence),
            }
            if isinstance(people, EmotionSet):
                columns |= {"emotion": people.emotion(sequence), "view": f"{people.yaw_deg(sequence):+.0f}"}
            for au, intensity in zip(people.aus, values.T, strict=True):
                columns[au_column(au)] = (intensity >= OCCURRENCE_FROM).astype(np.int8)
                columns[f"{au_column(au)}_r"] = intensity
            parts.append(pd.DataFrame(columns))
    return LabelIndex.make(pd.concat(parts, ignore_index=True))


def synthetic_place(folder: Path, settings: DataSettings, spec: InputSpec) -> Path:
    """Where the crops of these settings for models of this input are kept."""
    people = coded_set(settings, spec.aus)
    made = {
        "set": to_plain(people),
        "crop": CropGeometry.of(spec).to_dict(),
        "version": VERSION,
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
        UserError: the folder cannot be written to.
    """
    people, out = coded_set(settings, spec.aus), synthetic_place(folder, settings, spec)
    if (read_record(out) or {}).get("complete"):  # several runs may read it at once
        return CropCache(out)
    frames = people.subjects * people.sequences * people.frames
    return prepare(
        synthetic_index(people),
        folder,
        spec,
        out,
        detector=settings.detector,
        jobs=1 if frames < FEW else os.cpu_count() or 1,
        frames_of=people,
        on_progress=on_progress,
    ).cache
