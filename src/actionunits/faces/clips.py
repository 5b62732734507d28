"""Which frames make a clip: the same rules in training and in use (``docs/conventions.md``)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["MISSING", "fill_rows", "tile_rows"]

#: A place of a clip that has no frame.
MISSING = -1


def tile_rows(count: int, length: int, step: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Clips that tile ``count`` frames: each frame is scored in exactly one place of one clip.

    Windows of ``length * step`` frames follow one another from the first frame. Each gives ``step`` clips of
    ``length`` frames: the first takes the frames 0, step, 2 step ... of the window, the next 1, step + 1 ...
    What is left at the end gets a last window, which is moved back to end with the last frame, and in which
    only frames that no earlier window scored are scored. Fewer frames than a window have one window with
    missing places at its end.

    Args:
        count: frames.
        length: frames of a clip.
        step: from one frame of a clip to the next.

    Returns:
        i64[M,length] frames, :data:`MISSING` behind the last one, and bool[M,length], where one is scored.

    >>> rows, scored = tile_rows(5, length=2, step=1)
    >>> rows.tolist(), scored.tolist()
    ([[0, 1], [2, 3], [3, 4]], [[True, True], [True, True], [False, True]])
    """
    span = length * step
    begins = np.arange(0, count - span + 1, span, dtype=np.int64)
    fresh = begins.copy()
    if (covered := len(begins) * span) < count:
        begins = np.append(begins, max(0, count - span))
        fresh = np.append(fresh, covered)
    places = np.arange(step)[:, None] + step * np.arange(length)[None]
    rows = (begins[:, None, None] + places).reshape(-1, length)
    scored = (rows >= np.repeat(fresh, step)[:, None]) & (rows < count)
    rows = np.where(rows < count, rows, MISSING)
    kept = scored.any(axis=1)
    return rows[kept], scored[kept]


def fill_rows(rows: NDArray[np.int64], known: NDArray[np.bool_], place: int) -> NDArray[np.int64]:
    """Clips whose unknown places repeat the nearest known one toward a place, else away from it.

    Args:
        rows: i64[M,T], frames; those of unknown places are not read.
        known: bool[M,T]; a clip without any known place keeps :data:`MISSING`.
        place: where the frame stands that the clip is of (:attr:`actionunits.records.InputSpec.place`).

    >>> fill_rows(np.array([[4, 5, 6, 7]]), np.array([[True, False, True, False]]), place=2).tolist()
    [[4, 6, 6, 6]]
    """
    length = rows.shape[1]
    filled = np.where(known, rows, MISSING)
    outward = [(at, at - 1) for at in range(place + 1, length)]
    outward += [(at, at + 1) for at in range(place - 1, -1, -1)]
    inward = [(at, at + 1) for at in range(length - 2, -1, -1)] + [(at, at - 1) for at in range(1, length)]
    for at, beside in outward + inward:
        filled[:, at] = np.where(filled[:, at] < 0, filled[:, beside], filled[:, at])
    return filled
