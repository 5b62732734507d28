"""What the makers of tables and figures are given and give back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

__all__ = ["SCALES", "Maker", "Product", "Scale"]

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
    """

    data: str
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


#: Makes an item at a scale.
Maker = Callable[[Scale], Product]
