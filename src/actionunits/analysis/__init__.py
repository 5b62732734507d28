"""Labels to facts."""
