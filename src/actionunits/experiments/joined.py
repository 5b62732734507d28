"""Several data sets of emotions as one: seed 002 learns from CK+, Bosphorus and RaFD together."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from actionunits.datasets.adapter import usable_index
from actionunits.datasets.cache import CropCache, CropGeometry
from actionunits.datasets.index import concatenate
from actionunits.datasets.prepare import prepare
from actionunits.datasets.registry import data_set
from actionunits.errors import UserError
from actionunits.experiments.recipe import DataSettings
from actionunits.facs.emotions import EMOTIONS
from actionunits.records import InputSpec, LabelIndex, OnProgress

__all__ = ["joined_crops", "joined_index", "joined_place"]


def joined_index(sets: Mapping[str, str]) -> tuple[LabelIndex, Path]:
    """The pictures with one of the eight emotions of several data sets, and the folder their paths start at.

    Of CK+ that is each sequence's first picture (neutral) and the peak of those with an emotion; of Bosphorus
    the posed emotions and the frontal neutral faces, without turned and covered ones, which show none; of
    RaFD everything, every camera and gaze.

    Args:
        sets: data set to folder.

    Raises:
        UserError: a folder is not there, or cannot be read, or has no emotions.
    """
    roots = {name: Path(root).resolve() for name, root in sets.items()}
    for name, root in roots.items():
        if not root.is_dir():
            raise UserError(f"there is no folder {root}: give data.sets.{name}=FOLDER")
    base = Path(os.path.commonpath(list(roots.values())))
    parts = []
    for name, root in roots.items():
        index = usable_index(data_set(name).read(root, None))
        if "emotion" not in index.table:
            raise UserError(f"{name} has no emotions: join data sets such as ckplus, bosphorus and rafd")
        named = index.table["emotion"].isin(EMOTIONS).to_numpy(bool, copy=True)
        if name == "bosphorus":
            named &= (index.table["view"] == "frontal").to_numpy(bool)
        if not named.any():
            raise UserError(f"{name} at {root} has no picture with one of the emotions {', '.join(EMOTIONS)}")
        table = index.take(named).table.copy()
        place = root.relative_to(base)
        table["path"] = [(place / path).as_posix() for path in table["path"].astype(str)]
        parts.append(LabelIndex.make(table))
    return concatenate(parts), base


def joined_place(folder: Path, data: DataSettings, spec: InputSpec) -> Path:
    """Where the crops of these sets for models of this input are kept."""
    made = [sorted(data.sets.items()), CropGeometry.of(spec).to_dict(), data.detector]
    key = hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:16]
    return folder / f"joined-{key}"


def joined_crops(
    folder: Path, data: DataSettings, spec: InputSpec, *, on_progress: OnProgress | None = None
) -> CropCache:
    """The crops of the joined sets; a stopped run goes on.

    Raises:
        UserError: see :func:`joined_index`, or the folder cannot be written to.
    """
    index, base = joined_index(data.sets)
    return prepare(
        index,
        base,
        spec,
        joined_place(folder, data, spec),
        detector=data.detector,
        jobs=min(os.cpu_count() or 1, len(np.unique(index.table["subject"].astype(str)))),
        on_progress=on_progress,
    ).cache
