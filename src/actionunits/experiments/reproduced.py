"""What the makers of tables and figures are given and give back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from actionunits.records import Stage

__all__ = ["SCALES", "Maker", "Product", "Request", "Scale"]

Scale = Literal["tiny", "small", "paper"]

SCALES: tuple[Scale, ...] = ("tiny", "small", "paper")


@dataclass(frozen=True)
class Product:
    """A made table or figure.

    Attributes:
        data: the page's first line: which data were used.
        tables: suffix of the file's name to table.
        pictures: suffix of the file's name to PNG bytes.
        notes: paragraphs above them.
        runs: folders of the trainings behind it, whose recipes, folds and seeds go into the record.
    """

    data: str
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    runs: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        scale: ``tiny`` takes seconds, ``small`` minutes, ``paper`` is the paper's own setting.
        folder: where runs and crops are kept, so that a stopped one goes on and others use them.
        data: name and folder of a licensed data set, or None for synthetic data.
        stage: shows progress.
        sets: name and folder of each licensed data set; several are joined, and ``data`` is None then.
    """

    scale: Scale
    folder: Path
    data: tuple[str, Path] | None = None
    stage: Stage | None = None
    sets: Mapping[str, Path] = field(default_factory=dict)

    @property
    def data_name(self) -> str:
        """The names of the licensed data sets, joined by +; empty for synthetic data."""
        return "+".join(sorted(self.sets))

    def data_changes(self) -> list[str]:
        """What makes a recipe use the licensed data sets instead of its synthetic ones."""
        if len(self.sets) < 2:
            return [
                f"data.{key}={value}"
                for name, root in self.sets.items()
                for key, value in (("name", name), ("root", root))
            ]
        return ["data.name=joined", *(f"data.sets.{name}={root}" for name, root in self.sets.items())]


#: Makes an item.
Maker = Callable[[Request], Product]
