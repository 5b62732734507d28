"""Networks that encode pixels into codes and read the codes: what they are made of, said in one place.

Whoever must compute such a network in another order than :meth:`EncoderModel.forward` does (the occlusion
maps of :mod:`actionunits.explain`) asks the model for its encoders and gives their codes to its head.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from actionunits.models.interface import AUModel, ModelOutput, TensorBatch
from actionunits.models.parts.frames import per_clip, per_frame

__all__ = ["Encoder", "EncoderModel", "Trunk"]

#: In use the trunk looks at so few frames at a time that their maps stay in the processor's cache.
FRAMES_AT_ONCE = 8


class Trunk(Protocol):
    """Layers over pixels: its result is what they give one after the other, flattened."""

    layers: nn.Sequential

    def __call__(self, x: Tensor) -> Any:
        """f32[N,C,S,S] or f32[N,C,T,S,S] -> f32[N,V]."""


@dataclass(frozen=True)
class Encoder:
    """One way in which a network looks at a clip.

    Attributes:
        trunk: the layers over the pixels.
        code: the layers over the flattened result, a linear one first; they give U values.
        of: whether the trunk takes each ``frame`` by itself or the whole ``clip``.
    """

    trunk: Trunk
    code: nn.Sequential
    of: Literal["frame", "clip"] = "frame"

    def __call__(self, frames: Tensor) -> Tensor:
        """f32[B,T,C,S,S] -> the codes of the frames f32[B,T,U], or of the clips f32[B,U]."""
        code: Tensor
        if self.of == "clip":
            code = self.code(self.trunk(frames.transpose(1, 2)))
            return code
        pictures = per_frame(frames)
        if self.trunk.layers.training or torch.compiler.is_compiling():
            return per_clip(self.code(self.trunk(pictures)), frames)
        firsts = range(0, len(pictures), FRAMES_AT_ONCE)
        parts = [self.trunk(pictures[first : first + FRAMES_AT_ONCE]) for first in firsts]
        return per_clip(self.code(torch.cat(parts)), frames)


class EncoderModel(AUModel):
    """A network that is wholly said by its encoders and what it makes of their codes."""

    @abstractmethod
    def encoders(self) -> tuple[Encoder, ...]:
        """How it looks at a clip."""

    @abstractmethod
    def head(self, *codes: Tensor) -> Tensor:
        """Logits f32[B,T,A] of what the encoders gave, in their order."""

    def forward(self, batch: TensorBatch) -> ModelOutput:
        """Logits f32[B,T,A]."""
        return ModelOutput(self.head(*(encode(batch.frames) for encode in self.encoders())))
