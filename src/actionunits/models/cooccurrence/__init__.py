"""Region networks tied by AU co-occurrence (Jia et al.)."""
