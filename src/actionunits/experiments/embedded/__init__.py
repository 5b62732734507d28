"""How the embedded model is made: animated portraits, training, measurement, card."""

from actionunits.experiments.embedded.train import train_embedded

__all__ = ["train_embedded"]
