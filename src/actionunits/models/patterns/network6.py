"""Network 6 of seed 004: Network 5 with a class for each AU pattern instead of an output for each AU.

Paper: "Impact of action unit occurrence patterns on detection", section IV A. Classes, loss and the way back
to AUs as in ``network3.py``, the rest as in ``network5.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

from actionunits.facs.frequent_patterns import BP4D_66
from actionunits.models.parts.codebook import Codebook
from actionunits.models.parts.pattern_head import PatternModel
from actionunits.models.patterns import network5
from actionunits.models.patterns.network5 import Network5Config

__all__ = ["Network6Config", "build"]


@dataclass(frozen=True)
class Network6Config(Network5Config):
    """Network 5's sizes, and the classes.

    Attributes:
        patterns: the digits of each, first AU first; over ``aus``.
    """

    patterns: tuple[str, ...] = BP4D_66

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.patterns != BP4D_66:  # the default is replaced by the training's own where AUs differ
            Codebook.from_digits(self.aus, self.patterns)


def build(config: Network6Config) -> PatternModel:
    """The network of a configuration, with random weights.

    Raises:
        UserError: the patterns are not of the configuration's AUs.
    """
    return PatternModel(network5.build(config), Codebook.from_digits(config.aus, config.patterns), config)
