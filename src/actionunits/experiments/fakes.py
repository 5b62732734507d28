"""Fakes of licensed data sets with painted people."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from actionunits.datasets.fakes import FakeSize, write_fake
from actionunits.facs.motion import MOVING_AUS
from actionunits.records import Expression, ImageArray, OnProgress
from actionunits.synthesis.animate import PortraitAnimator
from actionunits.synthesis.painting import paint_portrait

__all__ = ["make_fake", "painted_faces"]


def painted_faces(size_px: int = 260, seed: int = 0) -> Callable[[str, Expression], ImageArray]:
    """What paints a person, the same for the same name, with an expression.

    Args:
        size_px: side of a picture, at least 200.
        seed: of the people.
    """

    @lru_cache(maxsize=8)
    def animator(who: str) -> PortraitAnimator:
        return PortraitAnimator(paint_portrait(zlib.crc32(f"{seed} {who}".encode()), size_px))

    def paint(who: str, expression: Expression) -> ImageArray:
        left, right = (
            {au: value for au, value in side.items() if au in MOVING_AUS}
            for side in (expression.left, expression.right)
        )
        return animator(who).show(Expression(left, right)).image

    return paint


def make_fake(
    name: str,
    folder: Path,
    size: FakeSize | None = None,
    *,
    variant: str | None = None,
    size_px: int = 260,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> None:
    """Write a data set's layout with painted people; see :func:`actionunits.datasets.fakes.write_fake`.

    Raises:
        UserError: no such data set or variant, the folder is not empty, or cannot be written to.
    """
    paint = painted_faces(size_px, seed)
    write_fake(name, folder, paint, size, variant=variant, seed=seed, on_progress=on_progress)
