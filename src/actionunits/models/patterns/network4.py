"""Network 4 of seed 004: Network 3's convolutions, frozen, below a new layer of 400 and 12 outputs.

Paper: "Impact of action unit occurrence patterns on detection", section IV A: "we froze the CNN layers from
Network 3 and then split the network after these layers and added a 400 neuron fully connected layer followed
by a 12 neuron output layer", trained as Network 1.

The convolutions are frozen from the start, so they must come from a training on patterns: a recipe's
``[pretrain]`` stage. Batch normalisation within them keeps the statistics of that training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actionunits.models.parts.still_cnn import StillCnn
from actionunits.models.patterns import network1
from actionunits.models.patterns.network1 import Network1Config

__all__ = ["Network4Config", "build"]


@dataclass(frozen=True)
class Network4Config(Network1Config):
    """Network 1's sizes.

    Attributes:
        takes_over: parameters that must come from a training on patterns.
    """

    takes_over: ClassVar[tuple[str, ...]] = ("trunk.*",)


def build(config: Network4Config) -> StillCnn:
    """The network of a configuration, with random weights and its convolutions frozen."""
    model = network1.build(config)
    model.trunk.requires_grad_(False)
    return model
