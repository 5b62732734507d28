"""Imitations of the data sets' layouts, one module each, so that anyone can try what a licence is needed for.

The faces come from outside (``paint``), because this layer does not paint.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from actionunits.atomic import make_directory
from actionunits.datasets.fakes.writer import FakeWriter, Paint
from actionunits.datasets.registry import MODULES
from actionunits.errors import UserError, unknown_name
from actionunits.records import OnProgress

__all__ = ["FakeSize", "fake_variants", "write_fake"]


@dataclass(frozen=True)
class FakeSize:
    """How much a fake holds.

    Attributes:
        subjects: people.
        sequences: recordings of each, where the set has several.
        frames: pictures of a recording.
    """

    subjects: int = 6
    sequences: int = 2
    frames: int = 12


class _Layout(Protocol):
    VARIANTS: Sequence[str]

    def write(self, fake: FakeWriter) -> None: ...


def _layout(name: str) -> _Layout:
    if name not in MODULES:
        raise unknown_name("data set", name, MODULES)
    return cast(_Layout, importlib.import_module(f"actionunits.datasets.fakes.{MODULES[name]}"))


def fake_variants(name: str) -> tuple[str, ...]:
    """The forms in which a data set is met, the usual one first.

    Raises:
        UserError: no such data set.

    >>> fake_variants("bp4d")
    ('sequences', 'training')
    """
    return tuple(_layout(name).VARIANTS)


def write_fake(
    name: str,
    folder: Path,
    paint: Paint,
    size: FakeSize | None = None,
    *,
    variant: str | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
) -> None:
    """Write a fake of a data set's layout: true file names, headers, codes and known quirks; other people.

    Args:
        name: of the data set.
        folder: empty, or made.
        paint: gives the picture of a person with an expression.
        size: how much; two recordings of 12 frames of 6 people without it.
        variant: one of :func:`fake_variants`; the first without it.
        seed: of the labels.
        on_progress: called with the pictures written.

    Raises:
        UserError: no such data set or variant, the folder is not empty, or cannot be written to.
    """
    layout, size = _layout(name), size or FakeSize()
    chosen = variant or layout.VARIANTS[0]
    if chosen not in layout.VARIANTS:
        raise unknown_name(f"variant of {name}", chosen, layout.VARIANTS)
    if min(size.subjects, size.sequences) < 1 or size.frames < 4:
        raise UserError(f"a fake has a subject, a sequence and 4 frames at least, got {size}")
    make_directory(folder)
    if any(folder.iterdir()):
        raise UserError(f"{folder} is not empty: give a new folder")
    layout.write(
        FakeWriter(folder, paint, size.subjects, size.sequences, size.frames, chosen, seed, on_progress)
    )
