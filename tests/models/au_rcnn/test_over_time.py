"""AR_ConvLSTM and AR_2stream: the paper's sizes, the equations, and what each may look at."""

import dataclasses

import numpy as np
import pytest
import torch
import torchvision
from torch.nn.functional import conv2d

from actionunits.errors import UserError
from actionunits.facs.sets import AU_SETS
from actionunits.models.au_rcnn.conv_lstm import BoxConvLstm
from actionunits.models.au_rcnn.roi_level import roi_loss
from actionunits.models.interface import TensorBatch
from actionunits.models.registry import build_model

BP4D = list(AU_SETS["bp4d-22"])
LSTM, STREAMS = "au_rcnn/ar_conv_lstm", "au_rcnn/ar_two_stream"


def _values(*modules) -> int:
    return sum(p.numel() for module in modules for p in module.parameters())


def test_ar_conv_lstm_has_the_papers_sizes() -> None:
    with torch.device("meta"):
        model = build_model(LSTM, {"aus": BP4D}).to("meta")
    spec = model.spec
    assert (spec.clip_length, spec.frame_step, spec.scored, spec.place) == (10, 5, "last", 9)
    assert (spec.size_px, spec.crop, spec.needs_regions, spec.needs_flow) == (512, "points", True, False)
    gates = 4 * 256
    a_box = 3 * 3 * 2048 * gates + gates + 3 * 3 * 256 * gates
    assert _values(model.memory) == 9 * a_box == 191_112_192
    assert _values(model.code, model.box_output) == 256 * 7 * 7 * 2048 + 2048 + 2048 * 22 + 22 == 25_737_238
    assert _values(model) == 191_112_192 + 25_737_238 + _values(model.still) == 261_420_612
    codes = torch.zeros(2, 10, model.code_length, device="meta")
    assert model.code_length == 9 * gates * 7 * 7
    output = model.from_codes(codes)
    assert output.logits.shape == (2, 10, 22)
    assert output.parts[0].shape == (2, 10, 9, 22)


def test_a_boxs_memory_is_a_plain_conv_lstm_of_its_own() -> None:
    torch.manual_seed(2)
    cell = BoxConvLstm(boxes=3, inputs=5, hidden=4).double()
    maps = torch.randn(2, 6, 3, 5, 7, 7, dtype=torch.float64)
    gates = cell.of_input(maps.flatten(0, 1).flatten(1, 2)).unflatten(0, (2, 6))
    states = cell(gates)
    assert states.shape == (2, 6, 3, 4, 7, 7)
    for box in range(3):
        own = slice(16 * box, 16 * (box + 1))
        w, b, u = cell.of_input.weight[own], cell.of_input.bias[own], cell.of_state.weight[own]
        h = c = torch.zeros(2, 4, 7, 7, dtype=torch.float64)
        for step in range(6):
            x = maps[:, step, box]
            i, f, o, g = (conv2d(x, w, b, padding=1) + conv2d(h, u, padding=1)).chunk(4, dim=1)
            c = c * f.sigmoid() + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            torch.testing.assert_close(states[:, step, box], h)


def test_boxes_share_no_memory_and_steps_see_no_future(small, batch_for) -> None:
    torch.manual_seed(0)
    model = build_model(LSTM, small[LSTM] | {"clip_length": 4}).eval()
    codes = torch.randn(2, 4, model.code_length)
    changed = codes.clone().unflatten(2, (model.boxes, -1))
    changed[:, 2, 5] += 1.0
    with torch.no_grad():
        one, two = (model.from_codes(each).parts[0] for each in (codes, changed.flatten(2)))
    differs = (one != two).any(dim=-1)
    wanted = torch.zeros(2, 4, model.boxes, dtype=torch.bool)
    wanted[:, 2:, 5] = True  # its own box from that step on, and nothing else
    assert torch.equal(differs, wanted)


def test_frames_are_encoded_one_by_one(small, batch_for) -> None:
    torch.manual_seed(0)
    model = build_model(LSTM, small[LSTM] | {"clip_length": 4}).eval()
    batch = batch_for(model, 2)
    with torch.no_grad():
        codes = model.encode(batch)
        assert codes.shape == (2, 4, model.code_length)
        whole = model(batch)
        torch.testing.assert_close(model.from_codes(codes).logits, whole.logits)
        single = [
            model.encode(TensorBatch(batch.frames[:, at : at + 1], regions=batch.regions[:, at : at + 1]))
            for at in range(4)
        ]
        torch.testing.assert_close(torch.cat(single, dim=1), codes, atol=1e-5, rtol=1e-4)
        given = dataclasses.replace(batch, frames=torch.zeros(2, 4, 0, 0, 0), codes=codes)
        torch.testing.assert_close(model(given).parts[0], whole.parts[0])


def test_the_conv_lstm_learns_from_all_its_steps_end_to_end(small, batch_for) -> None:
    torch.manual_seed(0)
    model = build_model(LSTM, small[LSTM] | {"clip_length": 4})
    batch = batch_for(model, 2)
    output = model(batch)
    loss = model.loss(batch, output)
    assert torch.equal(loss, roi_loss(output.parts[0], batch.labels, model.carry))
    loss.backward()
    asked = [name for name, p in model.named_parameters() if p.requires_grad]
    assert all(model.get_parameter(name).grad is not None for name in asked)
    assert model.still.backbone.conv1.weight.grad.abs().sum() > 0
    assert {name.rsplit(".", 1)[0] for name, p in model.named_parameters() if not p.requires_grad} == {
        "still.backbone.fc",
        "still.box_output",
    }
    masked = dataclasses.replace(batch, labels=torch.full_like(batch.labels, -1))
    masked.labels[:, 0] = batch.labels[:, 0]
    assert model.loss(masked, output) != loss  # the first step counts by itself
    assert model.loss(masked, output) > 0


@pytest.mark.parametrize("name", [LSTM, STREAMS])
def test_a_batch_is_learnt_by_heart(name: str, small, batch_for) -> None:
    torch.manual_seed(1)
    model = build_model(name, {**small[name], "aus": [4, 12]})
    batch = batch_for(model, 4)
    labels = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=torch.int8)[:, None]
    batch = dataclasses.replace(batch, labels=labels.expand(-1, batch.frames.shape[1], -1).contiguous())
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    for _step in range(60):
        optimiser.zero_grad()
        output = model(batch)
        loss = model.loss(batch, output)
        loss.backward()
        optimiser.step()
        if ((model.asked(output.logits) > 0) == (labels > 0)).all():
            return
    pytest.fail(f"not learnt after {_step + 1} steps, the loss is {loss.item():.3f}")


def test_ar_2stream_has_the_papers_sizes() -> None:
    with torch.device("meta"):
        model = build_model(STREAMS, {"aus": BP4D, "flow": "tvl1"}).to("meta")
    spec = model.spec
    assert (spec.clip_length, spec.frame_step, spec.scored, spec.place) == (11, 1, "middle", 5)
    assert (spec.needs_flow, spec.flow, spec.needs_regions, spec.size_px) == (True, "tvl1", True, 512)
    assert model.moving.backbone.conv1.weight.shape == (64, 20, 7, 7)
    assert model.join.weight.shape == (2048, 4096, 1, 1)
    assert model.still.backbone.fc.weight.shape == (1000, 2048)
    assert model.still.box_output.weight.shape == (22, 1000)
    moving = _values(model.still.backbone) - _values(model.still.backbone.fc) + 64 * 17 * 7 * 7
    assert _values(model.moving) == moving
    boxes = torch.zeros(1, 11, 9, 4, device="meta")
    flow = torch.zeros(1, 11, 2, 64, 64, device="meta")
    output = model(TensorBatch(torch.zeros(1, 11, 3, 64, 64, device="meta"), regions=boxes, flow=flow))
    assert output.logits.shape == (1, 11, 22)


def test_two_streams_see_the_middle_frame_its_boxes_and_all_fields(small, batch_for) -> None:
    torch.manual_seed(0)
    model = build_model(STREAMS, small[STREAMS] | {"clip_length": 5}).eval()
    batch = batch_for(model, 1)

    def moved(name: str, at: int) -> bool:
        values = getattr(batch, name).clone()
        values[:, at] = values[:, at] * 0.5 if name != "regions" else torch.tensor([2.0, 2, 30, 30])
        with torch.no_grad():
            other = model(dataclasses.replace(batch, **{name: values})).logits
        return not torch.equal(other, said)

    with torch.no_grad():
        said = model(batch).logits
    assert torch.equal(said, said[:, :1].expand_as(said))
    assert [moved("frames", at) for at in range(5)] == [False, False, True, False, False]
    assert [moved("regions", at) for at in range(5)] == [False, False, True, False, False]
    assert [moved("flow", at) for at in range(5)] == [False, True, True, True, True]
    with pytest.raises(ValueError, match="boxes and flow"):
        model(TensorBatch(batch.frames, regions=batch.regions))


def test_two_streams_learn_from_the_middle_frames_labels(small, batch_for) -> None:
    torch.manual_seed(0)
    model = build_model(STREAMS, small[STREAMS] | {"clip_length": 5})
    batch = batch_for(model, 2)
    output = model(batch)
    loss = model.loss(batch, output)
    others = torch.full_like(batch.labels, -1)
    others[:, 2] = batch.labels[:, 2]
    assert torch.equal(model.loss(dataclasses.replace(batch, labels=others), output), loss)
    loss.backward()
    for part in (model.still.backbone.conv1, model.moving.backbone.conv1, model.join, model.still.box_output):
        assert part.weight.grad.abs().sum() > 0
    assert all(p.grad is not None for p in model.parameters())


def test_imagenets_weights_go_to_both_streams(small) -> None:
    source = torchvision.models.resnet18(weights=None).state_dict()
    model = build_model(STREAMS, small[STREAMS] | {"clip_length": 5})
    first = model.moving.backbone.conv1.weight
    mean = model.still.backbone.conv1.weight.mean(dim=1, keepdim=True)
    assert torch.equal(first, mean.expand_as(first))  # before there are any
    fitted, left = model.load_imagenet(source)
    assert (fitted, left) == (2 * len(source) - 2, ())
    np.testing.assert_allclose(
        first.detach().numpy(), source["conv1.weight"].mean(1, True).repeat(1, 8, 1, 1)
    )
    assert torch.equal(model.moving.backbone.layer3[0].conv1.weight, source["layer3.0.conv1.weight"])
    assert torch.equal(model.still.backbone.fc.weight, source["fc.weight"])
    memory = build_model(LSTM, small[LSTM] | {"clip_length": 4})
    assert memory.load_imagenet(source) == (len(source), ())
    assert torch.equal(memory.still.backbone.layer4[1].conv2.weight, source["layer4.1.conv2.weight"])


def test_sizes_that_make_no_sense_are_told() -> None:
    with pytest.raises(UserError, match="hidden, code, clip_length and frame_step must be 1 or more"):
        build_model(LSTM, {"hidden": 0})
    with pytest.raises(UserError, match="a still does not move"):
        build_model(STREAMS, {"clip_length": 1})
    with pytest.raises(UserError, match="flow cannot be 'tvl2': did you mean 'tvl1'"):
        build_model(STREAMS, {"flow": "tvl2"})
