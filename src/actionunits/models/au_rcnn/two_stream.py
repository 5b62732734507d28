"""AR_2stream of seed 001: AU R-CNN on a face and on the optical flow around it.

Paper: Ma, Chen and Yong, "AU R-CNN", section 4.5.2, after Simonyan and Zisserman's two streams. One ResNet
sees the RGB frame, another ten fields of flow, five before the frame and five after it (x and y: 20
channels); both pool the boxes of the RGB frame. The two maps of a box (7x7x2048) are joined by a 1x1
convolution to 2048, averaged, and go through two fully connected layers. Labels are those of the RGB frame.
The flow's first convolution is the RGB one's mean over its colours, repeated 20 times.

Departures: those of AR_res (:mod:`~actionunits.models.au_rcnn.ar_res`), whose two last layers are the two of
this network. Flow is that of the crops: what the head does is largely taken off, and the jitter of the points
that lay the crops comes in. It is found by DIS, or by TV-L1 as in the paper (``flow``; at 512 px a field
takes seconds), clipped to 20 px, kept in 16-bit floats (the authors' code: 8-bit pictures) and divided by
those 20 px. Before a video begins and after it ends, and where a frame is repeated because the next one has
no face, nothing moves. ``backbone``, ``roi_cells`` and ``clip_length`` (a field fewer) may be smaller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from actionunits.faces.flow import MOST_FLOW_PX
from actionunits.models.au_rcnn.ar_res import ArRes, ArResConfig, ar_res_config
from actionunits.models.au_rcnn.roi_level import image_logits, roi_loss
from actionunits.models.interface import AUModel, ModelOutput, TensorBatch
from actionunits.models.parts.pretrained import copy_matching
from actionunits.models.parts.resnet import RESNET_WIDTH
from actionunits.records import FlowMethod

__all__ = ["ArTwoStream", "ArTwoStreamConfig", "build", "flow_convolution"]


@dataclass(frozen=True)
class ArTwoStreamConfig(ArResConfig):
    """The paper's sizes.

    Attributes:
        clip_length: frames of a clip; between them lie the fields of flow, one fewer.
        flow: ``dis`` or ``tvl1``, as in the paper.
    """

    clip_length: int = 11
    flow: FlowMethod = "dis"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.clip_length < 2:
            raise ValueError(f"clip_length must be 2 or more, got {self.clip_length}: a still does not move")


def flow_convolution(rgb: Tensor, channels: int) -> Tensor:
    """The first kernels f32[O,C,k,k] of a network of flow: the mean of an RGB one's over its colours.

    >>> flow_convolution(torch.tensor([1.0, 2.0, 6.0]).reshape(1, 3, 1, 1), 2).flatten().tolist()
    [3.0, 3.0]
    """
    return rgb.mean(dim=1, keepdim=True).repeat(1, channels, 1, 1)


class ArTwoStream(AUModel):
    """Looks at a clip's middle frame and at the flow of all; its score is that of the middle frame.

    Attributes:
        still: sees the frame; its last two layers give the logits.
        moving: sees the flow; a box's map is read from it and nothing else.
        join: the 1x1 convolution over both maps of a box.
    """

    carry: Tensor

    def __init__(self, config: ArTwoStreamConfig) -> None:
        super().__init__()
        self.config = config
        self.still, self.moving = ArRes(ar_res_config(config)), ArRes(ar_res_config(config))
        self._see_flow()
        width = RESNET_WIDTH[config.backbone]
        self.join = nn.Conv2d(2 * width, width, 1)
        self.spec = replace(
            self.still.spec,
            clip_length=config.clip_length,
            scored="middle",
            needs_flow=True,
            flow=config.flow,
        )
        self.register_buffer("carry", self.still.carry, persistent=False)

    def _see_flow(self) -> None:
        """Give the network of flow its first convolution, and take away the layers that it does not need."""
        first, channels = self.still.backbone.conv1, 2 * (self.config.clip_length - 1)
        conv = nn.Conv2d(channels, first.out_channels, 7, stride=2, padding=3, bias=False)
        with torch.no_grad():
            conv.weight.copy_(flow_convolution(first.weight, channels))
        self.moving.backbone.conv1 = conv
        for unused in ("backbone.fc", "box_output"):
            self.moving.set_submodule(unused, nn.Identity())

    def load_imagenet(self, state: Mapping[str, Tensor]) -> tuple[int, tuple[str, ...]]:
        """Take torchvision's weights for both networks; give how many fitted and the names left out."""
        fitted, left = self.still.load_imagenet(state)
        given = dict(state)
        if "conv1.weight" in given:
            channels = self.moving.backbone.conv1.in_channels
            given["conv1.weight"] = flow_convolution(given["conv1.weight"], channels)
        more, also = copy_matching(self.moving.backbone, given, least=0.9)
        return fitted + more, (*(f"still.{name}" for name in left), *(f"moving.{name}" for name in also))

    def roi_logits(self, batch: TensorBatch) -> Tensor:
        """f32[B,R,A]: what each box says of the middle frame."""
        if batch.regions is None or batch.flow is None:
            raise ValueError("the pipeline gives boxes and flow where the spec asks for them")
        middle = self.spec.place
        boxes, moves = batch.regions[:, middle], batch.flow[:, 1:].flatten(1, 2) / MOST_FLOW_PX
        seen = self.still.box_maps(self.still.maps(batch.frames[:, middle]), boxes)
        moved = self.moving.box_maps(self.moving.maps(moves), boxes)
        code = self.still.code(self.join(torch.cat((seen, moved), dim=1)))
        logits: Tensor = self.still.box_output(code)
        return logits.reshape(*boxes.shape[:2], -1)

    def forward(self, batch: TensorBatch) -> ModelOutput:
        """Logits f32[B,T,A], those of the middle frame at all places; the boxes' own are the part."""
        logits = self.roi_logits(batch)[:, None].expand(-1, batch.frames.shape[1], -1, -1)
        return ModelOutput(image_logits(logits, self.carry), parts=(logits,))

    def loss(self, batch: TensorBatch, output: ModelOutput, weights: Tensor | None = None) -> Tensor:
        """Eq. 1 of the boxes' labels in the middle frame; see :func:`~.roi_level.roi_loss`."""
        if batch.labels is None:
            raise ValueError("a loss needs labels")
        return roi_loss(
            self.asked(output.parts[0]),
            self.asked(batch.labels),
            self.carry,
            sampling=self.config.sampling,
            unknown=self.config.unknown,
            weights=weights,
        )


def build(config: ArTwoStreamConfig) -> ArTwoStream:
    """The network of a configuration, with random weights."""
    return ArTwoStream(config)
