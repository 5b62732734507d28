"""The crop cache on disk: aligned faces and points of each sequence, mapped into memory.

A cache is a folder::

    cache.json       what the crops are (size, eyes, channels), whether it is complete, counts, digest
    index.parquet    the labelled frames
    events.json      the coded expressions; apexes that are not coded were found from motion
    frames.parquet   for each labelled frame its part, its row there, and whether a face was found
    parts/NAME/      crops.npy u8[N,S,S,C]  points.npy f32[N,68,2] (crop px)  found.npy bool[N]  part.json

A part is a sequence; pictures that stand alone (RaFD, Bosphorus) share one part a subject. Where no face was
found, crop and points are 0.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.datasets.adapter import Event
from actionunits.datasets.index import read_index
from actionunits.errors import UserError
from actionunits.records import FloatArray, ImageArray, InputSpec, LabelIndex

__all__ = ["FORMAT", "KEYS", "CropCache", "CropGeometry", "frame_keys", "read_events", "read_record"]

#: Changes when what a cache holds changes its meaning.
FORMAT = 1
#: What names a frame.
KEYS = ("dataset", "subject", "sequence", "view", "frame")


@dataclass(frozen=True)
class CropGeometry:
    """What of an :class:`~actionunits.records.InputSpec` decides how a crop looks.

    Attributes:
        size_px: side.
        inter_ocular_px: distance of the eye centres.
        eye_line: height of the eyes as a share of the side.
        channels: 1 (grey) or 3 (RGB).
        crop: laid by the ``eyes``, by the ``points`` or by the detector's ``box``; of the last two, distance
            and height of the eyes are 0.
        landmarks: what finds the points that lay it.
    """

    size_px: int
    inter_ocular_px: float
    eye_line: float
    channels: int
    crop: str = "eyes"
    landmarks: str = "dlib"

    @classmethod
    def of(cls, spec: InputSpec) -> CropGeometry:
        """A model's crop."""
        if spec.crop != "eyes":
            return cls(spec.size_px, 0.0, 0.0, spec.channels, spec.crop, spec.landmarks)
        eyes = (float(spec.inter_ocular_px), float(spec.eye_line))
        return cls(spec.size_px, *eyes, spec.channels, landmarks=spec.landmarks)

    def to_plain(self) -> dict[str, Any]:
        """Plain values for JSON; what is as in the first caches (by the eyes, dlib's points) is left out."""
        values = asdict(self)
        for name, first in (("crop", "eyes"), ("landmarks", "dlib")):
            if values[name] == first:
                del values[name]
        return values

    def __str__(self) -> str:
        colour = "grey" if self.channels == 1 else "RGB"
        if self.crop == "box":
            laid = "the detector's box"
        elif self.crop == "points":
            laid = "filled by the face's points"
        else:
            laid = f"eyes {self.inter_ocular_px:g} px apart at {self.eye_line:g} of the height"
        points = "" if self.landmarks == "dlib" else f", by the points of {self.landmarks!r}"
        return f"{colour} crops of {self.size_px} px, {laid}{points}"


@dataclass(frozen=True)
class _Part:
    crops: ImageArray
    points: FloatArray


class CropCache:
    """A complete cache, opened to read.

    Args:
        folder: what ``au prepare`` wrote.

    Attributes:
        folder: where it lies.
        geometry: what the crops are.
        summary: counts: ``frames``, ``faceless``, ``unreadable``; ``digest`` of crops and sources.

    Raises:
        UserError: it is no cache, not complete, or of another version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        record = read_record(folder)
        if record is None:
            raise UserError(f"no crop cache at {folder}: make one with au prepare NAME ROOT --out {folder}")
        if not record.get("complete"):
            raise UserError(f"the crop cache {folder} is not complete: run the same au prepare again")
        self.geometry = CropGeometry(**record["geometry"])
        self.summary: dict[str, Any] = record["summary"]
        self._open: dict[int, _Part] = {}

    def __getstate__(self) -> dict[str, Any]:
        """For worker processes: they open the parts themselves."""
        return {**self.__dict__, "_open": {}}

    @property
    def digest(self) -> str:
        """Of all crops, points and sources; the same for the same data and crop, however it was made."""
        return str(self.summary["digest"])

    @cached_property
    def index(self) -> LabelIndex:
        """The labelled frames."""
        return read_index(self.folder / "index.parquet")

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """The coded expressions."""
        return read_events(self.folder / "events.json")

    @cached_property
    def frames(self) -> pd.DataFrame:
        """A row a labelled frame: its names, ``part``, ``row`` there, and whether a face was ``found``."""
        return pd.read_parquet(self.folder / "frames.parquet")

    @cached_property
    def part_names(self) -> tuple[str, ...]:
        """Folders of the parts, by their numbers."""
        return tuple(json.loads((self.folder / "parts.json").read_text(encoding="utf-8")))

    def check_spec(self, spec: InputSpec) -> None:
        """Make sure that a model takes these crops.

        Raises:
            UserError: it takes others.
        """
        wanted = CropGeometry.of(spec)
        if wanted != self.geometry:
            raise UserError(
                f"{self.folder} holds {self.geometry}; the model takes {wanted}: prepare another cache"
            )

    def locate(self, index: LabelIndex) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """(part, row in the part, found), each [N], of an index's frames.

        Raises:
            UserError: a frame is not in the cache.
        """
        own = self.frames.set_index(list(KEYS))
        at = own.index.get_indexer(pd.MultiIndex.from_frame(frame_keys(index)))
        if (at < 0).any():
            row = index.table.iloc[int(np.flatnonzero(at < 0)[0])]
            name = f"{row['dataset']} {row['subject']} {row['sequence']} frame {row['frame']}"
            raise UserError(f"{name} is not in the cache {self.folder}: prepare it with the same data set")
        part, line, found = (own[name].to_numpy()[at] for name in ("part", "row", "found"))
        return part.astype(np.int64), line.astype(np.int64), found.astype(bool)

    def crops(self, part: int) -> ImageArray:
        """u8[N,S,S,C] of a part, mapped."""
        return self._part(part).crops

    def points(self, part: int) -> FloatArray:
        """f32[N,68,2] of a part in crop px, mapped."""
        return self._part(part).points

    def _part(self, part: int) -> _Part:
        if part not in self._open:
            folder = self.folder / "parts" / self.part_names[part]
            crops, points = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("crops", "points"))
            self._open[part] = _Part(np.asarray(crops), np.asarray(points))  # plain views: quicker to index
        return self._open[part]


def frame_keys(index: LabelIndex) -> pd.DataFrame:
    """What names each frame of an index, as text and a number."""
    table = index.table
    keys = {name: table[name].astype("str") for name in KEYS[:3]}
    keys["view"] = table["view"].astype("str") if "view" in table else pd.Series("", table.index, dtype="str")
    return pd.DataFrame({**keys, "frame": table["frame"]})


def read_events(file: Path) -> tuple[Event, ...]:
    """The coded expressions out of ``events.json``."""
    rows = json.loads(file.read_text(encoding="utf-8"))
    return tuple(Event(**{**row, "apexes": tuple(row["apexes"]), "aus": tuple(row["aus"])}) for row in rows)


def read_record(folder: Path) -> dict[str, Any] | None:
    """``cache.json``, or None where there is none.

    Raises:
        UserError: it is damaged or of another version.
    """
    file = folder / "cache.json"
    if not file.is_file():
        return None
    try:
        record = dict(json.loads(file.read_text(encoding="utf-8")))
        version = record["format"]
        CropGeometry(**record["geometry"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise UserError(f"{file} is no crop cache of this package: choose another folder") from problem
    if version != FORMAT:
        raise UserError(f"{folder} is a crop cache of version {version}, this is {FORMAT}: prepare it anew")
    return record


def record_of(geometry: CropGeometry, detector: str, dataset: str) -> dict[str, Any]:
    """The begin of ``cache.json``: what must agree for a cache to be gone on with."""
    return {"format": FORMAT, "geometry": geometry.to_plain(), "detector": detector, "dataset": dataset}
