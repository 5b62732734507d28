"""The names of what may find the 68 points of a face: see :mod:`actionunits.faces.landmarks`."""

from __future__ import annotations

from actionunits.errors import unknown_name

__all__ = ["DEFAULT_LANDMARKS", "LANDMARKS", "known_finder"]

#: ``own``: a network of ours, trained on openly licensed faces; ``dlib``: dlib's shape predictor.
LANDMARKS = ("own", "dlib")

#: What finds them where nothing else is said.
DEFAULT_LANDMARKS = "dlib"


def known_finder(name: str) -> str:
    """The name again.

    Raises:
        UserError: it is none of :data:`LANDMARKS`.
    """
    if name not in LANDMARKS:
        raise unknown_name("finder of landmarks", name, LANDMARKS)
    return name
