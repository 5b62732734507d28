"""The AU sets of the papers, the data sets and the peers, by name."""

from __future__ import annotations

from actionunits.errors import unknown_name

__all__ = ["AU_SETS", "DEFAULT_17", "au_set"]

#: The AUs of the embedded model.
DEFAULT_17 = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24, 25, 26)

AU_SETS: dict[str, tuple[int, ...]] = {
    "default-17": DEFAULT_17,
    "bp4d-12": (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24),
    "bp4d-22": (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 22, 23, 24, 27, 28),
    "disfa-12": (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26),
    "disfa-8": (1, 2, 4, 6, 9, 12, 25, 26),
    "casme-13": (1, 2, 4, 7, 9, 10, 12, 15, 17, 20, 24, 25, 26),
    "openface-17": (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45),
}


def au_set(name: str) -> tuple[int, ...]:
    """The AUs of a named set, in the order of its paper.

    Raises:
        UserError: no such set; the message lists the known ones.

    >>> au_set("disfa-8")
    (1, 2, 4, 6, 9, 12, 25, 26)
    """
    if name not in AU_SETS:
        raise unknown_name("AU set", name, AU_SETS)
    return AU_SETS[name]
