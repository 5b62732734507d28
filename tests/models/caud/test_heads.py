"""Seed 002's heads: Table 4's sizes, trained alone and joined to the bit, an encoder of emotions."""

import dataclasses

import pytest
import torch

from actionunits.datasets.ckplus import EMOTION_NUMBERS
from actionunits.errors import UserError
from actionunits.models.caud.emotion_net import EMOTIONS, EmotionNet, EmotionNetConfig
from actionunits.models.caud.heads import (
    Caud,
    CaudConfig,
    CodedHead,
    joined,
    with_encoder,
    with_new_head,
)
from actionunits.models.interface import TensorBatch
from actionunits.models.registry import build_model

SMALL = {"units": 16, "aus": [1, 12], "size_px": 64}


@pytest.mark.parametrize(("units", "values"), [(4096, 54_538_241), (2048, 23_074_817), (1024, 10_488_833)])
def test_the_heads_of_table_4(units: int, values: int) -> None:
    with torch.device("meta"):
        model = build_model("caud/heads", {"units": units, "aus": [12]})
        code = model.encode(torch.zeros(1, 1, 3, 224, 224, device="meta"))
    assert code.shape == (1, 9216)
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == values
    # two hidden layers and one output, each with its biases
    assert values == 9216 * units + units + units * units + units + units + 1


@pytest.mark.parametrize(("units", "values"), [(4096, 119_549_953), (2048, 55_580_673), (1024, 26_741_761)])
def test_the_heads_of_table_4_on_vgg(units: int, values: int) -> None:
    with torch.device("meta"):
        model = build_model("caud/heads", {"backbone": "vgg16", "units": units, "aus": [12]})
        code = model.encode(torch.zeros(1, 1, 3, 224, 224, device="meta"))
    assert code.shape == (1, 25088)
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == values


def test_emotions_are_named_as_in_an_index() -> None:
    assert set(EMOTIONS) == set(EMOTION_NUMBERS)
    with torch.device("meta"):
        vgg = build_model("caud/emotion_net", {"backbone": "vgg16"})
        output = vgg(TensorBatch(torch.zeros(2, 1, 3, 224, 224, device="meta")))
    assert output.logits.shape == (2, 1, 0)
    assert output.emotion is not None
    assert output.emotion.shape == (2, 1, 8)
    assert vgg.spec.emotions == EMOTIONS
    assert vgg.spec.aus == ()


def test_the_emotions_loss_is_cross_entropy_over_the_known_ones() -> None:
    torch.manual_seed(0)
    model = build_model("caud/emotion_net", {"units": 8, "size_px": 64}).eval()
    truth = torch.tensor([[2], [-1], [7]], dtype=torch.int8)
    batch = TensorBatch(torch.randn(3, 1, 3, 64, 64), emotion=truth)
    output = model(batch)
    assert output.emotion is not None
    shares = output.emotion[:, 0].log_softmax(dim=1)
    assert torch.allclose(model.loss(batch, output), -(shares[0, 2] + shares[2, 7]) / 2, atol=1e-6)
    nobody = dataclasses.replace(batch, emotion=torch.full((3, 1), -1, dtype=torch.int8))
    assert model.loss(nobody, output).item() == 0


def test_the_encoder_and_fitting_hidden_layers_come_from_an_emotion_network() -> None:
    emotions = EmotionNet(EmotionNetConfig(units=16, size_px=64))
    model = build_model("caud/heads", SMALL)
    with_encoder(model, emotions)
    assert torch.equal(model.encoder[0][0].weight, emotions.encoder[0][0].weight)
    assert torch.equal(model.heads["au12"][1].weight, emotions.classifier[1].weight)
    assert torch.equal(model.heads["au1"][4].weight, emotions.classifier[4].weight)
    narrow = build_model("caud/heads", {**SMALL, "units": 8})
    before = narrow.heads["au12"][1].weight.clone()
    with_encoder(narrow, emotions)
    assert torch.equal(narrow.heads["au12"][1].weight, before)
    with pytest.raises(UserError, match="alexnet"):
        with_encoder(model, build_model("caud/emotion_net", {"backbone": "vgg16", "units": 8}))


def test_a_network_that_keeps_the_emotion_gives_what_the_emotion_network_gives() -> None:
    torch.manual_seed(0)
    emotions = build_model("caud/emotion_net", {"units": 8, "size_px": 64}).eval()
    model = build_model("caud/heads", {**SMALL, "emotion_units": 8}).eval()
    with_encoder(model, emotions)
    batch = TensorBatch(torch.randn(2, 3, 3, 64, 64))
    with torch.no_grad():
        both, alone = model(batch), emotions(batch)
    assert torch.equal(both.emotion, alone.emotion)
    assert both.logits.shape == (2, 3, 2)
    assert model.spec.emotions == EMOTIONS
    assert not any(p.requires_grad for p in model.emotions.parameters())
    with pytest.raises(UserError, match="no hidden layers of 4"):
        with_encoder(build_model("caud/heads", {**SMALL, "emotion_units": 4}), emotions)


def test_imagenet_weights_reach_encoder_and_hidden_layers() -> None:
    state = {
        "features.0.weight": torch.full((64, 3, 11, 11), 0.5),
        "classifier.1.weight": torch.full((16, 9216), 0.25),
        "classifier.4.bias": torch.full((16,), 0.125),
        "classifier.6.weight": torch.zeros(1000, 16),
    }
    model = build_model("caud/emotion_net", {"units": 16, "size_px": 64})
    fitted, left = model.load_imagenet(state)
    assert fitted == 3
    assert "classifier.6.weight" in left
    assert (model.encoder[0][0].weight == 0.5).all()
    heads = build_model("caud/heads", SMALL)
    heads.load_imagenet(state)
    for head in heads.heads.values():
        assert (head[1].weight == 0.25).all()
        assert (head[4].bias == 0.125).all()
    vgg = {"features.0.weight": torch.ones(64, 3, 3, 3), "classifier.0.weight": torch.ones(16, 25088)}
    deep = build_model("caud/emotion_net", {"backbone": "vgg16", "units": 16, "size_px": 64})
    assert deep.load_imagenet(vgg)[0] == 2
    assert (deep.classifier[1].weight == 1).all()
    with pytest.raises(UserError, match="none of the given weights"):
        model.load_imagenet({"layer.weight": torch.ones(2)})


def _separate(model: Caud) -> list[Caud]:
    """One network an AU, with the same encoder and that AU's head."""
    parts = []
    for number in model.config.aus:
        part = Caud(dataclasses.replace(model.config, aus=(number,)))
        part.encoder.load_state_dict(model.encoder.state_dict())
        part.heads[f"au{number}"].load_state_dict(model.heads[f"au{number}"].state_dict())
        parts.append(part.eval())
    return parts


def test_the_joined_network_gives_what_the_separate_ones_give() -> None:
    torch.manual_seed(0)
    model = build_model("caud/heads", {**SMALL, "aus": [1, 4, 12, 20]}).eval()
    parts = _separate(model)
    whole = joined(parts).eval()
    batch = TensorBatch(torch.randn(3, 2, 3, 64, 64))
    with torch.no_grad():
        apart = torch.cat([part(batch).logits for part in parts], dim=-1)
        together = whole(batch).logits
    assert whole.spec.aus == (1, 4, 12, 20)
    assert (together - apart).abs().max() <= 1e-6
    assert torch.equal(together, model(batch).logits)
    with pytest.raises(UserError, match="AU1 has a head in more than one"):
        joined([parts[0], parts[0]])
    with pytest.raises(UserError, match="encoders, crops or widths differ"):
        joined([parts[0], build_model("caud/heads", {**SMALL, "aus": [5]})])


def test_a_head_by_itself_is_the_networks() -> None:
    torch.manual_seed(0)
    model = build_model("caud/heads", SMALL).eval()
    head = CodedHead(model.heads["au12"], 12, model.spec).eval()
    frames = torch.randn(4, 1, 3, 64, 64)
    with torch.no_grad():
        codes = model.encode(frames)[:, None]
        alone = head(TensorBatch(frames[:, :, :, :0, :0], codes=codes)).logits
        assert torch.equal(alone[..., 0], model(TensorBatch(frames)).logits[..., 1])
    assert head.spec.aus == (12,)
    with pytest.raises(ValueError, match="needs codes"):
        head(TensorBatch(frames))


def test_a_new_head_leaves_the_others_to_the_bit(batch_for) -> None:
    torch.manual_seed(0)
    model = build_model("caud/heads", SMALL)
    batch = batch_for(model)
    before = model.eval()(batch).logits.detach()
    larger = with_new_head(model, 20)
    assert larger.spec.aus == (1, 12, 20)
    labels = torch.ones(3, 2, 3, dtype=torch.int8)
    trainable = [p for p in larger.parameters() if p.requires_grad]
    assert sum(p.numel() for p in trainable) == sum(p.numel() for p in larger.heads["au20"].parameters())
    optimiser = torch.optim.SGD(trainable, lr=0.1, weight_decay=0.1)
    full = dataclasses.replace(batch, labels=labels)
    larger.loss(full, larger(full)).backward()
    optimiser.step()
    after = larger.eval()(batch).logits.detach()
    assert torch.equal(after[..., :2], before)
    with pytest.raises(UserError, match="already"):
        with_new_head(larger, 12)


def test_the_papers_sizes_are_the_defaults() -> None:
    assert (CaudConfig().units, CaudConfig().dropout, CaudConfig().size_px) == (4096, 0.5, 224)
    assert (EmotionNetConfig().units, EmotionNetConfig().crop) == (4096, "box")
