"""FACS3D-Net and its baselines (Yang et al.)."""
