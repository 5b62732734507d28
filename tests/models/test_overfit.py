"""A network that cannot learn one batch by heart is wired wrongly."""

import pytest
import torch

from actionunits.metrics.classification import f1_score
from actionunits.metrics.thresholds import decide
from actionunits.models.interface import TensorBatch
from actionunits.models.registry import build_model


@pytest.mark.parametrize("name", ["facs3d/cnn2d", "facs3d/cnn_lstm", "facs3d/net"])
def test_one_batch_is_learnt_by_heart(name: str, small) -> None:
    torch.manual_seed(0)
    model = build_model(name, {**small[name], "aus": [4, 12], "code": 32})
    length = model.spec.clip_length if model.spec.clip_length > 1 else 6
    clips = 1 if length > 10 else 4
    frames = torch.rand(clips, length, 1, model.spec.size_px, model.spec.size_px)
    labels = torch.zeros(clips, length, 2, dtype=torch.int8)
    for clip in range(clips):  # in stretches, as AUs are shown: AU4 first, AU12 later, sometimes both
        labels[clip, clip : length // 2 + clip, 0] = 1
        labels[clip, length // 3 :, 1] = 1
    batch = TensorBatch(frames, labels=labels)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _step in range(400):
        optimiser.zero_grad()
        output = model(batch)
        loss = model.loss(batch, output)
        loss.backward()
        optimiser.step()
        said = torch.sigmoid(output.logits.detach()).reshape(-1, 2).numpy()
        f1 = f1_score(labels.reshape(-1, 2).numpy(), decide(said))
        if (f1 > 0.99).all():
            return
    pytest.fail(f"F1 is {f1} after {_step + 1} steps, the loss {loss.item():.3f}")
