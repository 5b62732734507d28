"""Network 7 of seed 004: Network 6's convolutions, frozen, below new fully connected layers.

Paper: "Impact of action unit occurrence patterns on detection", section IV A: Network 6 split after its
convolutions, as Network 4 splits Network 3. It does not say which layers are added: here Network 5's own, two
of 1024, and an output for each AU. Dropout within the frozen blocks is off, in training too.

The convolutions are frozen from the start, so they must come from a training on patterns: a recipe's
``[pretrain]`` stage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actionunits.models.patterns import network5
from actionunits.models.patterns.network5 import Network5, Network5Config

__all__ = ["Network7Config", "build"]


@dataclass(frozen=True)
class Network7Config(Network5Config):
    """Network 5's sizes.

    Attributes:
        takes_over: parameters that must come from a training on patterns.
    """

    takes_over: ClassVar[tuple[str, ...]] = ("convolutions.*",)


def build(config: Network7Config) -> Network5:
    """The network of a configuration, with random weights and its convolutions frozen."""
    model = network5.build(config)
    model.convolutions.requires_grad_(False)
    return model
