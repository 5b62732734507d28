"""Recipes, cross-validation and the papers' tables."""
