"""What every trainable model of this package is: a network that says which input it takes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from actionunits.records import Batch, InputSpec, stacked_boxes

__all__ = ["AUModel", "CodedModel", "ModelOutput", "TensorBatch", "to_tensors"]


@dataclass(frozen=True)
class TensorBatch:
    """A :class:`~actionunits.records.Batch` on a device.

    Attributes:
        frames: f32[B,T,C,S,S], normalised.
        landmarks: f32[B,T,68,2] in crop pixels, or None.
        regions: f32[B,T,R,4], the boxes of each frame (left, top, right, bottom in crop pixels), or None.
        flow: f32[B,T,2,S,S], or None.
        labels: i8[B,T,A], -1 unknown, or None.
        intensity: f32[B,T,A], NaN unknown, or None.
        emotion: i8[B,T], number of the emotion, -1 unknown, or None.
        codes: f32[B,T,V], what a frozen encoder has given for the frames, for a part that is trained by
            itself on them; the frames may then be empty. Or None.
        sides: f32[B,T,A,2], intensity of the left and right side, NaN unknown or not paired, or None.
    """

    frames: Tensor
    landmarks: Tensor | None = None
    regions: Tensor | None = None
    flow: Tensor | None = None
    labels: Tensor | None = None
    intensity: Tensor | None = None
    emotion: Tensor | None = None
    codes: Tensor | None = None
    sides: Tensor | None = None


@dataclass(frozen=True)
class ModelOutput:
    """What a model returns.

    Attributes:
        logits: f32[B,T,A]; the probability of AU a is sigmoid(logits[..., a]).
        intensity: f32[B,T,A], about 0 to 5, or None where the model gives none.
        parts: what the family's own loss reads beside the logits; stays inside the family.
        decided: i8[B,T,A], 1 shown, 0 not, of a model that decides otherwise than by a threshold, or None.
        emotion: f32[B,T,E], logits whose softmax is the probability of each of ``spec.emotions``, or None
            where the model gives none.
        sides: f32[B,T,A,2], intensity 0 to 5 of the subject's own left and right side, NaN for AUs that FACS
            does not code by side, or None where the model gives none.
    """

    logits: Tensor
    intensity: Tensor | None = None
    parts: tuple[Tensor, ...] = ()
    decided: Tensor | None = None
    emotion: Tensor | None = None
    sides: Tensor | None = None


class AUModel(nn.Module, ABC):
    """A network over aligned faces.

    A subclass sets :attr:`spec` in its constructor, returns a :class:`ModelOutput` from :meth:`forward`, and
    may replace :meth:`loss` by its family's own.
    """

    #: What the model takes and which AUs it gives.
    spec: InputSpec
    #: Whether it tells left from right.
    gives_sides: bool = False
    #: Why it cannot be written as ONNX; empty where it can.
    not_as_onnx: str = ""

    @abstractmethod
    def forward(self, batch: TensorBatch) -> ModelOutput:
        """Logits [B,T,A] for a batch."""

    def asked(self, values: Tensor) -> Tensor:
        """Of values [B,T,...] those of the frames that the model is asked about: all, or one."""
        if self.spec.scored == "all" or self.spec.clip_length == 1:
            return values
        return values[:, self.spec.place : self.spec.place + 1]

    def loss(self, batch: TensorBatch, output: ModelOutput, weights: Tensor | None = None) -> Tensor:
        """Mean sigmoid cross-entropy over the known labels of the frames asked about (scalar).

        Args:
            batch: must hold labels; -1 is masked out.
            output: what :meth:`forward` returned for it.
            weights: f32[A], one for each AU; None = all 1.

        A batch without one known label gives 0 with a gradient of 0.
        """
        if batch.labels is None:
            raise ValueError("a loss needs labels")
        labels, logits = self.asked(batch.labels), self.asked(output.logits)
        known = (labels >= 0).to(logits.dtype)
        target = labels.clamp(min=0).to(logits.dtype)
        each = nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        if weights is not None:
            known = known * weights
        return (each * known).sum() / known.sum().clamp(min=1e-8)


class CodedModel(AUModel):
    """Looks at each frame by itself first, and then over time at what that gave, the frames' codes.

    In use each frame is encoded once, however many clips it is in; where the encoder is frozen, the rest is
    trained on codes that lie on disk (``TensorBatch.codes``; the frames are then empty).
    """

    #: V, how long a frame's code is.
    code_length: int
    #: Whether the encoder is that of :attr:`still` and is not trained with the rest.
    encoder_is_frozen = False
    #: The network of stills within, which may be trained before.
    still: AUModel

    @abstractmethod
    def encode(self, batch: TensorBatch) -> Tensor:
        """f32[B,T,V]: the code of each frame, by itself."""

    @abstractmethod
    def from_codes(self, codes: Tensor) -> ModelOutput:
        """Logits [B,T,A] out of codes f32[B,T,V]."""

    def forward(self, batch: TensorBatch) -> ModelOutput:
        """Logits [B,T,A], from the batch's codes where it holds them, else from its frames."""
        return self.from_codes(self.encode(batch) if batch.codes is None else batch.codes)


def to_tensors(batch: Batch, device: torch.device | str = "cpu") -> TensorBatch:
    """Move a batch's arrays to a device.

    Raises:
        ValueError: faces have different numbers of boxes.
    """

    def move(array: object) -> Tensor | None:
        return None if array is None else torch.as_tensor(array).to(device)

    frames = move(batch.frames)
    assert frames is not None
    return TensorBatch(
        frames=frames,
        landmarks=move(batch.landmarks),
        regions=None if batch.regions is None else move(stacked_boxes(batch.regions)),
        flow=move(batch.flow),
        labels=move(batch.labels),
        intensity=move(batch.intensity),
        emotion=move(batch.emotion),
        sides=move(batch.sides),
    )
