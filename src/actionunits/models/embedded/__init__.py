"""The embedded detector: a small network over the aligned picture and its 68 points."""
