"""Network 3 of seed 004: Network 1 with a class for each AU pattern instead of an output for each AU.

Paper: "Impact of action unit occurrence patterns on detection", section IV A: 66 classes, categorical
cross-entropy; its convolutions are what Network 4 takes over.

An AU's probability is the sum of the posterior over the patterns that hold it, the decision the AUs of the
most probable pattern (``models/parts/pattern_head.py``): the paper does not say how it came back to AUs.

The default classes are the paper's, the 66 patterns that at least 397 of BP4D's frames show (counted from
public label lists); a recipe takes those of its training labels. Departures otherwise as ``network1.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

from actionunits.facs.frequent_patterns import BP4D_66
from actionunits.models.parts.codebook import Codebook
from actionunits.models.parts.pattern_head import PatternModel
from actionunits.models.patterns import network1
from actionunits.models.patterns.network1 import Network1Config

__all__ = ["Network3Config", "build"]


@dataclass(frozen=True)
class Network3Config(Network1Config):
    """Network 1's sizes, and the classes.

    Attributes:
        patterns: the digits of each, first AU first; over ``aus``.
    """

    patterns: tuple[str, ...] = BP4D_66

    def __post_init__(self) -> None:
        if self.patterns != BP4D_66:  # the default is replaced by the training's own where AUs differ
            Codebook.from_digits(self.aus, self.patterns)


def build(config: Network3Config) -> PatternModel:
    """The network of a configuration, with random weights.

    Raises:
        UserError: the patterns are not of the configuration's AUs.
    """
    return PatternModel(network1.build(config), Codebook.from_digits(config.aus, config.patterns), config)
