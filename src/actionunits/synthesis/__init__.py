"""Faces that show given AUs: labelled pictures and clips without a licence."""
