"""Networks trained on AU occurrence patterns."""
