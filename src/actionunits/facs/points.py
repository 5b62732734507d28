"""The 68 points that a face is measured by (iBUG's order, 0-based): their parts, and their mirror."""

from __future__ import annotations

__all__ = ["MIRROR_68", "POINT_PARTS"]

#: The points of each part; ``right`` and ``left`` are the subject's own.
POINT_PARTS: dict[str, tuple[int, ...]] = {
    "jaw": tuple(range(17)),
    "right brow": tuple(range(17, 22)),
    "left brow": tuple(range(22, 27)),
    "nose bridge": tuple(range(27, 31)),
    "nose base": tuple(range(31, 36)),
    "right eye": tuple(range(36, 42)),
    "left eye": tuple(range(42, 48)),
    "outer lips": tuple(range(48, 60)),
    "inner lips": tuple(range(60, 68)),
}

_PAIRS = (
    *((i, 16 - i) for i in range(8)),
    *((i, 43 - i) for i in range(17, 22)),
    *((31, 35), (32, 34), (36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)),
    *((48, 54), (49, 53), (50, 52), (59, 55), (58, 56), (60, 64), (61, 63), (67, 65)),
)

#: ``points[list(MIRROR_68)]`` of a mirrored picture are in iBUG's order again.
MIRROR_68: tuple[int, ...] = tuple({**dict(_PAIRS), **{b: a for a, b in _PAIRS}}.get(i, i) for i in range(68))
