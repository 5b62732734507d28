"""The names of what may find the 68 points of a face: see :mod:`actionunits.faces.landmarks`."""

from __future__ import annotations

from typing import get_args

from actionunits.errors import unknown_name
from actionunits.records import Finder

__all__ = ["DEFAULT_LANDMARKS", "LANDMARKS", "known_finder"]

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
