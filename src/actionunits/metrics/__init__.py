"""Scores as pure functions on arrays."""
