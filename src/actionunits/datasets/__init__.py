"""Labelled data: one index for every data set, and folds."""
