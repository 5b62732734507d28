"""How the embedded model is made: animated portraits, training, measurement, card."""
