"""What every AU R-CNN is: one pass of a trunk over the face, pooling of its boxes, one head for all of them.

Seed 001, section 3.3. A network of the family says how its trunk sees a face (:meth:`RegionNet.maps`), how a
box is read from it (:meth:`RegionNet.box_maps`) and what code that gives (:meth:`RegionNet.code`); labels,
loss and the OR over the boxes are the same for all.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from actionunits.facs.groups import boxes_carry, group_of
from actionunits.facs.sets import AU_SETS
from actionunits.models.au_rcnn.roi_level import Sampling, Unknown, image_logits, roi_loss
from actionunits.models.interface import AUModel, ModelOutput, TensorBatch
from actionunits.models.parts.frames import per_clip, per_frame
from actionunits.models.parts.pretrained import IMAGENET_STATISTICS
from actionunits.records import InputSpec

__all__ = [
    "STRIDE",
    "CropKind",
    "RegionConfig",
    "RegionNet",
    "au_rcnn_spec",
    "small_output",
]

#: Pixels of the face to one cell of the trunk's map.
STRIDE = 16
CropKind = Literal["points", "eyes"]


@dataclass(frozen=True)
class RegionConfig:
    """What the networks share; the paper's values.

    Attributes:
        aus: the output columns; the paper learns 22 on BP4D (``bp4d-22``) and 12 on DISFA (``disfa-12``).
        size_px: side of the RGB face crop.
        crop: laid by the ``points``, as in the paper, or by the ``eyes``.
        sampling: which labels of the boxes the loss is of (:data:`~.roi_level.Sampling`).
        unknown: what an unknown label is (:data:`~.roi_level.Unknown`).
    """

    aus: tuple[int, ...] = AU_SETS["bp4d-12"]
    size_px: int = 512
    crop: CropKind = "points"
    sampling: Sampling = "all"
    unknown: Unknown = "mask"

    def __post_init__(self) -> None:
        if self.size_px < 2 * STRIDE:
            raise ValueError(f"size_px must be at least {2 * STRIDE}, got {self.size_px}")
        boxless = [str(au) for au in self.aus if group_of(au) is None]
        if boxless or not self.aus:
            raise ValueError(f"AU {', '.join(boxless) or '(none given)'} belongs to no AU group of seed 001")

    def fixed_boxes(self) -> NDArray[np.float64] | None:
        """f64[R,4] as shares of the crop's side, the same for every face; None: from each face's points."""
        return None


def au_rcnn_spec(aus: tuple[int, ...], size_px: int, crop: CropKind, *, needs_regions: bool) -> InputSpec:
    """What a network of this paper takes: an RGB face, by the points or about as large by the eyes."""
    return InputSpec(
        aus=aus,
        size_px=size_px,
        inter_ocular_px=0.39 * size_px,
        eye_line=0.36,
        crop=crop,
        channels=3,
        needs_regions=needs_regions,
        normalisation=IMAGENET_STATISTICS,
    )


def small_output(inputs: int, aus: int) -> nn.Linear:
    """The last layer, drawn from N(0, 0.01)."""
    output = nn.Linear(inputs, aus)
    nn.init.normal_(output.weight, std=0.01)
    nn.init.zeros_(output.bias)
    return output


class RegionNet(AUModel):
    """Looks at each frame by itself, at all its boxes in one pass."""

    carry: Tensor

    def __init__(self, config: RegionConfig, code_length: int = 1000) -> None:
        super().__init__()
        self.config = config
        fixed = config.fixed_boxes()
        self.spec = au_rcnn_spec(config.aus, config.size_px, config.crop, needs_regions=fixed is None)
        self.register_buffer("carry", torch.from_numpy(boxes_carry(config.aus)), persistent=False)
        boxes = None if fixed is None else torch.from_numpy(config.size_px * fixed).float()
        self.register_buffer("boxes", boxes, persistent=False)
        self.box_output = small_output(code_length, len(config.aus))

    @abstractmethod
    def load_imagenet(self, state: Mapping[str, Tensor]) -> tuple[int, tuple[str, ...]]:
        """Take torchvision's weights; give how many tensors fitted and the names left out."""

    @abstractmethod
    def maps(self, faces: Tensor) -> Any:
        """f32[N,3,S,S] -> what the boxes are read from."""

    @abstractmethod
    def box_maps(self, maps: Any, boxes: Tensor) -> Tensor:
        """The map of each box f32[N*R,C,H,W], read at boxes f32[N,R,4] in pixels of the face."""

    @abstractmethod
    def code(self, box_maps: Tensor) -> Tensor:
        """f32[K,C,H,W] -> what the output layer reads, f32[K,code_length]."""

    def boxes_of(self, batch: TensorBatch) -> Tensor:
        """f32[N,R,4]: the boxes of each frame, or the fixed ones."""
        if isinstance(self.boxes, Tensor):
            frames = batch.frames.shape[0] * batch.frames.shape[1]
            return self.boxes[None].expand(frames, -1, -1)
        if batch.regions is None:
            raise ValueError("the pipeline gives boxes where the spec asks for them")
        return per_frame(batch.regions)

    def roi_logits(self, batch: TensorBatch) -> Tensor:
        """f32[B,T,R,A]: what each box says of each AU."""
        boxes = self.boxes_of(batch)
        code = self.code(self.box_maps(self.maps(per_frame(batch.frames)), boxes))
        logits: Tensor = self.box_output(code)
        return per_clip(logits.reshape(*boxes.shape[:2], -1), batch.frames)

    def forward(self, batch: TensorBatch) -> ModelOutput:
        """Logits f32[B,T,A], the largest of the boxes that carry the AU; the boxes' own are the part."""
        logits = self.roi_logits(batch)
        return ModelOutput(image_logits(logits, self.carry), parts=(logits,))

    def loss(self, batch: TensorBatch, output: ModelOutput, weights: Tensor | None = None) -> Tensor:
        """Eq. 1, of the boxes' labels; see :func:`~.roi_level.roi_loss`."""
        if batch.labels is None:
            raise ValueError("a loss needs labels")
        return roi_loss(
            output.parts[0],
            batch.labels,
            self.carry,
            sampling=self.config.sampling,
            unknown=self.config.unknown,
            weights=weights,
        )
