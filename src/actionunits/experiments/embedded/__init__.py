"""How the embedded model is made: animated portraits, training, measurement, card."""

from actionunits.experiments.embedded.recipe import EmbeddedRecipe, load_embedded_recipe
from actionunits.experiments.embedded.train import train_embedded

__all__ = ["EmbeddedRecipe", "load_embedded_recipe", "train_embedded"]
