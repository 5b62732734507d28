"""Clips to single pictures and back, for networks that look at one frame at a time."""

from __future__ import annotations

from torch import Tensor

__all__ = ["per_clip", "per_frame"]


def per_frame(frames: Tensor) -> Tensor:
    """f32[B,T,...] -> f32[B*T,...]."""
    return frames.flatten(0, 1)


def per_clip(values: Tensor, frames: Tensor) -> Tensor:
    """f32[B*T,...] -> f32[B,T,...], B and T as ``frames`` has them."""
    return values.reshape(frames.shape[0], frames.shape[1], *values.shape[1:])
