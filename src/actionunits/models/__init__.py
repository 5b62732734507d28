"""Networks over aligned faces, one folder a paper."""
