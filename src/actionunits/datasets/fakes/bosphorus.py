"""A fake of Bosphorus: AUs, sides, low intensity, emotions, poses and covers in the pictures' names."""

from __future__ import annotations

from actionunits.datasets.fakes.writer import FakeWriter, write_text
from actionunits.facs.expression import Expression

__all__ = ["VARIANTS", "write"]

VARIANTS = ("names",)

_SMILE = Expression.both({6: 3.0, 12: 4.0})
_REST = Expression.both({})
_PICTURES: tuple[tuple[str, Expression], ...] = (
    ("N_N_0", _REST),
    ("N_N_1", _REST),
    ("E_HAPPY_0", _SMILE),
    ("E_SURPRISE_0", Expression.both({1: 4.0, 2: 4.0, 5: 3.0, 26: 4.0})),
    ("E_ANGER_0", Expression.both({4: 4.0, 7: 3.0, 23: 3.0})),
    ("LFAU_12_0", Expression.both({12: 4.0})),
    ("LFAU_12LW_0", Expression.both({12: 1.5})),
    ("LFAU_12L_0", Expression({12: 4.0}, {})),
    ("LFAU_12R_0", Expression({}, {12: 4.0})),
    ("LFAU_9_0", Expression.both({9: 4.0})),
    ("UFAU_4_0", Expression.both({4: 4.0})),
    ("UFAU_2_0", Expression.both({2: 4.0})),
    ("CAU_A22A25_0", Expression.both({22: 3.0, 25: 4.0})),
    ("YR_R10_0", _REST),
    ("PR_D_0", _REST),
    ("O_EYE_0", _REST),
)


def write(fake: FakeWriter) -> None:
    """Write it; poses and covers show the frontal, uncovered face."""
    for number in range(fake.subjects):
        who = f"bs{number:03d}"
        for name, expression in _PICTURES:
            fake.picture(f"{who}/{who}_{name}.png", who, expression)
            write_text(fake.folder / who / f"{who}_{name}.lm2", ["points"])
