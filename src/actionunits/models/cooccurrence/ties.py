"""Which AUs are tied and how: the settings of seed 000's fusion layer and constrained loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Ties"]


@dataclass(frozen=True)
class Ties:
    """How AUs are tied.

    Attributes:
        fusion: put the fusion layer (Eq. 5) on the outputs.
        strength: size of d_ij in the loss (Eq. 6); 0 leaves the term out. The paper does not say it.
        signs: which pairs: those of the ``table`` (Table 3), or of the training ``labels``: those whose
            correlation (phi) is .1 and more, or -.1 and less.
        contradictory: the sign of (12, 17), which the table has twice: ``neutral`` (not tied), ``positive``,
            ``negative``, or as the training ``labels`` say.
    """

    fusion: bool = True
    strength: float = 0.1
    signs: Literal["table", "labels"] = "table"
    contradictory: Literal["neutral", "positive", "negative", "labels"] = "neutral"

    def __post_init__(self) -> None:
        if not self.strength >= 0:
            raise ValueError(f"strength must be 0 or more, got {self.strength}")
        if not self.fusion and self.strength == 0:
            raise ValueError("without fusion and with a strength of 0 nothing is tied: leave the ties out")
