"""The names of what may find the 68 points of a face: see :mod:`actionunits.faces.landmarks`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import get_args

from actionunits.errors import UserError, unknown_name
from actionunits.records import Finder

__all__ = ["DEFAULT_LANDMARKS", "LANDMARKS", "known_finder", "predictor_file", "usable_finder"]

_PREDICTOR = "shape_predictor_68_face_landmarks.dat"

#: ``own``: a network of ours, trained on openly licensed faces; ``dlib``: dlib's shape predictor.
LANDMARKS: tuple[Finder, ...] = get_args(Finder)

#: What finds them where nothing else is said.
DEFAULT_LANDMARKS: Finder = "own"


def known_finder(name: str) -> Finder:
    """The name again.

    Raises:
        UserError: it is none of :data:`LANDMARKS`.
    """
    for known in LANDMARKS:
        if name == known:
            return known
    raise unknown_name("finder of landmarks", name, LANDMARKS)


def usable_finder(name: str) -> Finder:
    """The name again.

    Raises:
        UserError: it is none of :data:`LANDMARKS`, or its file is not installed.
    """
    finder = known_finder(name)
    if finder == "dlib":
        predictor_file()
    return finder


def predictor_file() -> Path:
    """The file of dlib's predictor.

    Raises:
        UserError: the package that carries it is not installed.
    """
    spec = importlib.util.find_spec("face_recognition_models")
    for folder in spec.submodule_search_locations or () if spec else ():
        file = Path(folder) / "models" / _PREDICTOR
        if file.is_file():
            return file
    raise UserError(
        f"dlib's points need {_PREDICTOR}, which is not installed: pip install 'actionunits[dlib]'"
    )
