"""A model that looks at each frame by itself first is asked for each frame's code once, and says the same."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from actionunits.detect.backends import TorchBackend
from actionunits.detect.frame_codes import frame_codes
from actionunits.models.interface import CodedModel, ModelOutput, TensorBatch
from actionunits.records import Batch, InputSpec


class Running(CodedModel):
    """A code of four numbers a frame, and a running mean of them."""

    code_length = 4

    def __init__(self, length: int = 4, step: int = 2) -> None:
        super().__init__()
        self.spec = InputSpec(
            aus=(1, 12), size_px=40, inter_ocular_px=16.0, clip_length=length, frame_step=step, scored="last"
        )
        self.look, self.say = nn.Linear(1600, 4), nn.Linear(4, 2)
        self.encoded = 0

    def encode(self, batch: TensorBatch) -> Tensor:
        self.encoded += batch.frames.shape[0] * batch.frames.shape[1]
        return self.look(batch.frames.flatten(2))

    def from_codes(self, codes: Tensor) -> ModelOutput:
        count = torch.arange(1, codes.shape[1] + 1)[None, :, None]
        return ModelOutput(self.say(codes.cumsum(dim=1) / count))


def test_codes_of_the_latest_frames_are_held_and_no_more() -> None:
    torch.manual_seed(0)
    model = Running()
    codes = frame_codes(TorchBackend(model))
    assert codes is not None
    pictures = torch.randn(60, 1, 1, 40, 40).numpy()

    def stills(names: list[int]) -> Batch:
        return Batch(frames=pictures[names], labels=np.full((len(names), 1, 2), -1, np.int8))

    for last in range(60):
        clip = [max(0, last - 2 * back) for back in (3, 2, 1, 0)]
        said = codes.predict([clip], stills)
        batch = Batch(frames=pictures[clip, 0][None], labels=np.full((1, 4, 2), -1, np.int8))
        np.testing.assert_allclose(
            said.probability, TorchBackend(model).predict(batch).probability, atol=1e-6
        )
        assert len(codes._held) <= 4 + 8
    assert model.encoded == 60 + 60 * 4
