"""Neutral faces to animate, out of photographs: found once, with their 68 points and their subject."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import overload

import cv2
import numpy as np

from actionunits.errors import UserError
from actionunits.faces.detect import HogDetector
from actionunits.faces.finders import DEFAULT_LANDMARKS
from actionunits.faces.landmarks import find_landmarks
from actionunits.faces.pictures import PICTURE_SUFFIXES, read_picture
from actionunits.records import Face, ImageArray, Portrait

__all__ = [
    "PortraitFiles",
    "astronaut",
    "pictures_in",
    "portrait_from_image",
    "portrait_files",
    "read_portrait",
    "subject_of",
]

#: The part of a file's name that marks a neutral face.
NEUTRAL_MARK = "_neutral"


def portrait_from_image(image: ImageArray, subject: str, *, landmarks: str = DEFAULT_LANDMARKS) -> Portrait:
    """Find the largest face of a picture and its 68 points.

    Args:
        image: u8[H,W,3] RGB.
        subject: who it is.
        landmarks: what finds the points.

    Raises:
        UserError: there is no face.
    """
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    faces = _detector().find(grey)
    if not faces:
        height, width = grey.shape
        raise UserError(f"no face found in {subject} ({width}x{height} px): expected one frontal face")
    return Portrait(image, find_landmarks(grey, max(faces, key=_area), landmarks), subject)


def read_portrait(
    path: str | os.PathLike[str], subject: str | None = None, *, landmarks: str = DEFAULT_LANDMARKS
) -> Portrait:
    """Read a photograph of one neutral face.

    Args:
        path: a picture file; see :func:`~actionunits.faces.pictures.read_picture`.
        subject: who it is; by default from the file's name (:func:`subject_of`).
        landmarks: what finds the points.

    Raises:
        UserError: the picture cannot be read, or has no face; the message names the file.
    """
    frame = read_picture(Path(path))
    try:
        portrait = portrait_from_image(frame.image, str(path), landmarks=landmarks)
    except UserError as problem:
        raise UserError(f"{problem}; choose another portrait") from problem
    return Portrait(portrait.image, portrait.landmarks, subject_of(path) if subject is None else subject)


class PortraitFiles(Sequence[Portrait]):
    """The portraits of folders, each read when it is asked for, in the order of :func:`portrait_files`.

    Two people must not share the first part of their files' names, even in different folders.

    Raises:
        UserError: see :func:`portrait_files`; on access, see :func:`read_portrait`.
    """

    def __init__(self, folders: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> None:
        self.files = portrait_files(folders)

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, index: int) -> Portrait: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Portrait]: ...

    def __getitem__(self, index: int | slice) -> Portrait | Sequence[Portrait]:
        if isinstance(index, slice):
            return [read_portrait(path) for path in self.files[index]]
        return read_portrait(self.files[index])


def portrait_files(folders: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[Path]:
    """The pictures of neutral faces in folders (or single files), sorted by name in each.

    Where a folder holds names with ``_neutral`` (``001_neutral.jpg``), only those count: the others show
    other expressions of the same people. A file that is named itself always counts, a hidden one in a folder
    never.

    Raises:
        UserError: a folder does not exist, cannot be read, or holds no picture.
    """
    given = [folders] if isinstance(folders, str | os.PathLike) else list(folders)
    files: list[Path] = []
    for place in map(Path, given):
        files += [place] if place.is_file() else _pictures(place)
    return files


def subject_of(path: str | os.PathLike[str]) -> str:
    """Who a portrait shows, by its file's name: all before the first ``_``.

    >>> subject_of("faces/001_neutral.jpg"), subject_of("A000014.jpg")
    ('001', 'A000014')
    """
    stem = Path(path).stem
    return stem.split("_", 1)[0] or stem


def astronaut() -> Portrait:
    """Eileen Collins, a public-domain photograph of NASA that comes with scikit-image (512x512 px).

    She smiles in it: what is animated comes on top of the smile.
    """
    from skimage import data

    return portrait_from_image(np.ascontiguousarray(data.astronaut()), "astronaut")  # type: ignore[no-untyped-call]


@cache
def _detector() -> HogDetector:
    return HogDetector()


def _pictures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UserError(f"no such folder or file: {folder}; expected a folder of portraits")
    pictures = pictures_in(folder)
    if not pictures:
        raise UserError(f"no portrait in {folder}: expected pictures such as .jpg, .png or .tif")
    return [path for path in pictures if NEUTRAL_MARK in path.stem] or pictures


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder, sorted by name, without hidden ones.

    Raises:
        UserError: the folder cannot be read.
    """
    try:
        found = sorted(folder.iterdir())
    except OSError as problem:
        raise UserError(f"cannot read the folder {folder}: {problem.strerror}") from problem
    return [p for p in found if p.suffix.lower() in PICTURE_SUFFIXES and not p.name.startswith(".")]


def _area(face: Face) -> float:
    left, top, right, bottom = face.box
    return float((right - left) * (bottom - top))
