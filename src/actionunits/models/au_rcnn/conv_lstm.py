"""AR_ConvLSTM of seed 001: AU R-CNN with a convolutional LSTM over time for each box.

Paper: Ma, Chen and Yong, "AU R-CNN", section 3.4 and Fig. 6. Ten frames with four left out between two; of
each frame AR_res gives res5's map of each box (7x7x2048); each box has a ConvLSTM of its own (256 channels,
kernels of 3, no peepholes), whose output 256x7x7 goes through two fully connected layers, 2048 with ReLU and
one output an AU, which the boxes share. The loss is of all ten steps, the decision that of the last frame;
everything is trained together.

Departures: those of AR_res (:mod:`~actionunits.models.au_rcnn.ar_res`). The paper does not say where the ten
frames stand in a video: here every frame is the last of a clip of its own, so that all are scored; before the
tenth step of a video its first frame is repeated, without labels. ``backbone``, ``roi_cells``, ``hidden`` and
``code`` may be smaller. AR_res's own two last layers lie in the network and are not used: they come with its
weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from actionunits.models.au_rcnn.ar_res import ArRes, ArResConfig, ar_res_config
from actionunits.models.au_rcnn.region_net import small_output
from actionunits.models.au_rcnn.roi_level import image_logits, roi_loss
from actionunits.models.interface import CodedModel, ModelOutput, TensorBatch
from actionunits.models.parts.frames import per_clip, per_frame
from actionunits.models.parts.resnet import RESNET_WIDTH

__all__ = ["ArConvLstm", "ArConvLstmConfig", "BoxConvLstm", "build"]


@dataclass(frozen=True)
class ArConvLstmConfig(ArResConfig):
    """The paper's sizes.

    Attributes:
        hidden: channels of a box's state.
        code: of the first fully connected layer.
        clip_length: frames of a clip.
        frame_step: a clip takes every ``frame_step``-th frame.
    """

    hidden: int = 256
    code: int = 2048
    clip_length: int = 10
    frame_step: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.hidden, self.code, self.clip_length, self.frame_step) < 1:
            raise ValueError("hidden, code, clip_length and frame_step must be 1 or more")


class BoxConvLstm(nn.Module):
    """A ConvLSTM for each of several boxes, none shared: Shi et al. (2015) without peepholes.

    i, f, o = sigmoid and g = tanh of ``W x + U h + b``, convolutions; c' = f c + i g; h' = o tanh(c').

    Args:
        boxes: how many.
        inputs: channels of a box's map.
        hidden: channels of a box's state.
        kernel: side of all kernels, odd.

    Attributes:
        of_input: W and b of all boxes and gates, i, f, o, g of the first box before those of the second.
        of_state: U, likewise.
    """

    def __init__(self, boxes: int, inputs: int, hidden: int, kernel: int = 3) -> None:
        super().__init__()
        self.boxes, self.hidden = boxes, hidden
        gates = 4 * boxes * hidden
        self.of_input = nn.Conv2d(boxes * inputs, gates, kernel, padding=kernel // 2, groups=boxes)
        self.of_state = nn.Conv2d(
            boxes * hidden, gates, kernel, padding=kernel // 2, groups=boxes, bias=False
        )

    def forward(self, gates: Tensor) -> Tensor:
        """The states of all steps, from zeros on.

        Args:
            gates: f32[B,T,R*4*hidden,h,w], what :attr:`of_input` gives for each step.

        Returns:
            f32[B,T,R,hidden,h,w].
        """
        clips, steps, _, height, width = gates.shape
        kind = torch.promote_types(gates.dtype, torch.float32)  # what is summed over time is not rounded
        cell = gates.new_zeros(clips, self.boxes, self.hidden, height, width, dtype=kind)
        state, states = torch.zeros_like(cell), []
        for step in range(steps):
            both = gates[:, step]
            if step:
                both = both + self.of_state(state.flatten(1, 2))
            take, keep, give, new = both.reshape(clips, self.boxes, 4, self.hidden, height, width).unbind(2)
            cell = torch.sigmoid(keep) * cell + torch.sigmoid(take) * torch.tanh(new)
            state = torch.sigmoid(give) * torch.tanh(cell)
            states.append(state)
        return torch.stack(states, dim=1)


class ArConvLstm(CodedModel):
    """Looks at each frame as AR_res does, up to the gates' inputs, and then runs the boxes' ConvLSTMs.

    A frame's code is what its boxes put into the gates: it does not depend on the frames before.
    """

    carry: Tensor

    def __init__(self, config: ArConvLstmConfig) -> None:
        super().__init__()
        self.config = config
        self.still: ArRes = ArRes(ar_res_config(config))
        for unused in (self.still.backbone.fc, self.still.box_output):
            unused.requires_grad_(False)
        self.spec = replace(
            self.still.spec, clip_length=config.clip_length, frame_step=config.frame_step, scored="last"
        )
        self.register_buffer("carry", self.still.carry, persistent=False)
        self.boxes, self.cells = len(self.still.carry), (config.roi_cells + 1) // 2
        self.memory = BoxConvLstm(self.boxes, RESNET_WIDTH[config.backbone], config.hidden)
        self.code_length = 4 * self.boxes * config.hidden * self.cells**2
        self.code = nn.Linear(config.hidden * self.cells**2, config.code)
        self.box_output = small_output(config.code, len(config.aus))

    def load_imagenet(self, state: Mapping[str, Tensor]) -> tuple[int, tuple[str, ...]]:
        """Take torchvision's weights for the backbone; give how many fitted and the names left out."""
        return self.still.load_imagenet(state)

    def encode(self, batch: TensorBatch) -> Tensor:
        """f32[B,T,V]: what each box of each frame puts into the gates."""
        boxes = self.still.boxes_of(batch)
        maps = self.still.box_maps(self.still.maps(per_frame(batch.frames)), boxes)
        maps = maps.reshape(boxes.shape[0], -1, self.cells, self.cells)
        return per_clip(self.memory.of_input(maps).flatten(1), batch.frames)

    def from_codes(self, codes: Tensor) -> ModelOutput:
        """Logits f32[B,T,A], the largest of the boxes that carry the AU; the boxes' own are the part."""
        gates = codes.reshape(*codes.shape[:2], -1, self.cells, self.cells)
        states = self.memory(gates).flatten(3)
        logits: Tensor = self.box_output(nn.functional.relu(self.code(states)))
        return ModelOutput(image_logits(logits, self.carry), parts=(logits,))

    def loss(self, batch: TensorBatch, output: ModelOutput, weights: Tensor | None = None) -> Tensor:
        """Eq. 1 of the boxes' labels at all steps; see :func:`~.roi_level.roi_loss`."""
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


def build(config: ArConvLstmConfig) -> ArConvLstm:
    """The network of a configuration, with random weights."""
    return ArConvLstm(config)
