"""The store of training pictures: plain arrays in a folder, filled part by part and mapped from disk."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from actionunits.atomic import make_directory, replace_when_done
from actionunits.errors import UserError
from actionunits.faces.finders import DEFAULT_LANDMARKS
from actionunits.records import FloatArray, ImageArray

__all__ = ["FILES", "MARGIN_PX", "PER_PORTRAIT", "Layout", "PictureStore", "open_store"]

#: Pixels around the model's crop that the store keeps, for jitter in training.
MARGIN_PX = 8

#: Pictures made of one portrait in a row: the fit of a portrait is paid once for them.
PER_PORTRAIT = 48

#: The arrays of a store, as :class:`PictureStore` names them.
FILES = ("crops", "points", "labels", "intensity", "sides", "subject", "second")


@dataclass(frozen=True)
class Layout:
    """What a store holds, written beside it so that a resumed run cannot mix two of them.

    Attributes:
        aus: label columns.
        size_px: side of the model's crop.
        inter_ocular_px: distance between the eyes in it.
        eye_line: height of the eyes in it.
        count: pictures.
        seed: of all choices.
        flat_share: share of pictures animated by the 2-D way although a 3-D model is given.
        real_share: share of unanimated photographs, as many smiling as neutral ones.
        smiling_share: share of the animated portraits that smile in the photograph, broadly; they show
            :data:`~actionunits.experiments.embedded.labels.ON_A_SMILE`.
        mixed_share: share of the neutral portraits that are animated with a second person mixed in.
        doubtful_share: share of the animated portraits that are no broad smile but may be a smile, with the
            lips together; they show the AUs but
            :data:`~actionunits.experiments.embedded.labels.DOUBTFUL_AUS`.
        lip_tones_share: share of the pictures whose lips are made darker or lighter, each by itself.
        groups: that of each subject, the apparent one that its source names or none, where each is drawn as
            often as another; else empty.
        in_turn: people are animated one after the other instead of drawn.
        files: which arrays there are, for stores of older versions have fewer.
        subjects: the subjects, as :attr:`PictureStore.subject` numbers them.
        face_model: name of the 3-D model's file, or empty.
        animation: version of how AUs are drawn, and drawn by chance.
        landmarks: what found the points.
        landmarks_version: of the network that did, if it has one.
    """

    aus: tuple[int, ...]
    size_px: int
    inter_ocular_px: float
    eye_line: float
    count: int
    seed: int
    flat_share: float
    real_share: float
    smiling_share: float
    mixed_share: float
    subjects: tuple[str, ...]
    face_model: str
    animation: str
    landmarks: str = DEFAULT_LANDMARKS
    doubtful_share: float = 0.0
    landmarks_version: str = ""
    lip_tones_share: float = 0.0
    groups: tuple[str, ...] = ()
    in_turn: bool = False
    files: tuple[str, ...] = FILES

    @property
    def even_groups(self) -> bool:
        """Whether each group is drawn as often as another."""
        return bool(self.groups)

    @property
    def stored_px(self) -> int:
        """Side of a stored crop."""
        return self.size_px + 2 * MARGIN_PX

    @property
    def parts(self) -> int:
        """Parts of :data:`PER_PORTRAIT` pictures."""
        return -(-self.count // PER_PORTRAIT)


class PictureStore:
    """The arrays of a store, mapped from disk.

    Attributes:
        crops: u8[N,S,S] grey, S = the model's side and twice :data:`MARGIN_PX`.
        points: f32[N,68,2] in pixels of the stored crop, as they were found.
        labels: i8[N,A], -1 unknown.
        intensity: f32[N,A], of the stronger side, NaN unknown.
        sides: f32[N,A,2], of the subject's left and right, NaN unknown or an AU without sides.
        subject: i32[N], index into ``layout.subjects``.
        second: i32[N], the same of who is mixed in; -1 for nobody.
    """

    def __init__(self, folder: Path, mode: Literal["r", "r+"] = "r") -> None:
        self.folder = folder
        values = json.loads((folder / "layout.json").read_text())
        lists = {name: tuple(values[name]) for name in ("aus", "subjects", "groups", "files")}
        self.layout = Layout(**values | lists)
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode=mode) for name in FILES}
        self.crops: ImageArray = arrays["crops"]
        self.points: FloatArray = arrays["points"]
        self.labels: NDArray[np.int8] = arrays["labels"]
        self.intensity: FloatArray = arrays["intensity"]
        self.sides: FloatArray = arrays["sides"]
        self.subject: NDArray[np.int32] = arrays["subject"]
        self.second: NDArray[np.int32] = arrays["second"]

    def __len__(self) -> int:
        return len(self.crops)

    def done(self, part: int) -> Path:
        """The mark of a finished part."""
        return self.folder / "parts" / str(part)


def _new_store(folder: Path, layout: Layout) -> PictureStore:
    count, side, aus = layout.parts * PER_PORTRAIT, layout.stored_px, len(layout.aus)
    shapes: dict[str, tuple[tuple[int, ...], type]] = {
        "crops": ((count, side, side), np.uint8),
        "points": ((count, 68, 2), np.float32),
        "labels": ((count, aus), np.int8),
        "intensity": ((count, aus), np.float32),
        "sides": ((count, aus, 2), np.float32),
        "subject": ((count,), np.int32),
        "second": ((count,), np.int32),
    }
    bytes_needed = sum(math.prod(shape) * np.dtype(dtype).itemsize for shape, dtype in shapes.values())
    if bytes_needed > shutil.disk_usage(folder).free:
        raise UserError(
            f"{folder} needs {bytes_needed / 1e9:.1f} GB, more than is free there: free space, take fewer "
            "pictures or choose another --out"
        )
    for name, (shape, dtype) in shapes.items():
        np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=dtype, shape=shape).flush()
    make_directory(folder / "parts")
    with replace_when_done(folder / "layout.json") as beside:
        beside.write_text(json.dumps(layout.__dict__, indent=1))
    return PictureStore(folder, "r+")


def open_store(folder: Path, layout: Layout) -> PictureStore:
    """A new store in a folder, or the one that is there, to be filled.

    Raises:
        UserError: it is of another layout, or too large for the disk.
    """
    make_directory(folder)
    if not (folder / "layout.json").exists():
        return _new_store(folder, layout)
    found = json.loads((folder / "layout.json").read_text())
    if found != json.loads(json.dumps(layout.__dict__)):
        raise UserError(
            f"{folder} holds pictures made with other settings; remove it or choose another --out"
        )
    return PictureStore(folder, "r+")
