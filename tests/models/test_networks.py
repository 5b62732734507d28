"""The networks have the papers' shapes, learn, and are told apart by name."""

import dataclasses

import pytest
import torch

from actionunits.errors import UserError
from actionunits.models.caud.heads import CaudConfig
from actionunits.models.interface import TensorBatch
from actionunits.models.registry import REGISTRY, build_model, config_class, make_config


def test_every_registered_name_has_a_small_form_here(small) -> None:
    assert set(small) == set(REGISTRY)


@pytest.mark.parametrize("name", REGISTRY)
def test_small_forms_give_logits_for_each_frame_and_learn(name: str, small, batch_for) -> None:
    torch.manual_seed(1)
    model = build_model(name, small[name])
    batch = batch_for(model)
    assert model.config == make_config(name, small[name])
    model.eval()
    with torch.no_grad():
        logits = model(batch).logits
        assert logits.shape == (3, batch.frames.shape[1], len(model.spec.aus))
        for clip in range(3):
            at = slice(clip, clip + 1)
            boxes = None if batch.regions is None else batch.regions[at]
            flow = None if batch.flow is None else batch.flow[at]
            one = TensorBatch(batch.frames[at], batch.landmarks[at], boxes, flow)
            assert torch.allclose(model(one).logits[0], logits[clip], atol=1e-4)
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=2e-3)
    # one row of labels for all frames of a clip: noise can be told apart by clip, not frame by frame
    batch = dataclasses.replace(batch, labels=batch.labels[:, :1].expand_as(batch.labels).contiguous())
    losses = []
    for _ in range(25):
        optimiser.zero_grad()
        loss = model.loss(batch, model(batch))
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert min(losses[-5:]) < 0.96 * losses[0]


def test_the_2d_cnn_has_the_papers_sizes() -> None:
    with torch.device("meta"):
        model = build_model("facs3d/cnn2d")
    assert model.trunk.sides == (98, 49, 45, 22, 18, 9)
    assert model.trunk.outputs == 10368 == model.code[0].in_features
    assert model.code[0].out_features == 400
    assert model.output.weight.shape == (12, 400)
    convolutions = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    assert [(c.out_channels, c.kernel_size, c.stride, c.padding) for c in convolutions] == [
        (64, (5, 5), (2, 2), (0, 0)),
        (128, (5, 5), (1, 1), (0, 0)),
        (128, (5, 5), (1, 1), (0, 0)),
    ]
    out = model(TensorBatch(torch.zeros(2, 1, 1, 200, 200, device="meta"))).logits
    assert out.shape == (2, 1, 12)


def test_facs3d_net_has_the_papers_sizes() -> None:
    with torch.device("meta"):
        model = build_model("facs3d/net")
    assert model.clip_trunk.sizes == ((62, 99), (30, 49), (28, 47), (13, 23), (11, 21), (5, 10))
    assert model.clip_trunk.outputs == 64_000 == model.clip_code[0].in_features
    assert model.frame_trunk.outputs == 10_368
    for layer, shape in (
        (model.clip_code[0], (400, 64_000)),
        (model.frame_code[0], (400, 10_368)),
        (model.joint[0], (400, 800)),
        (model.output, (12, 400)),
    ):
        assert layer.weight.shape == shape
    convolutions = [m for m in model.modules() if isinstance(m, torch.nn.Conv3d)]
    assert [(c.out_channels, c.kernel_size, c.stride, c.padding) for c in convolutions] == [
        (64, (3, 3, 3), (2, 2, 2), (0, 0, 0)),
        (128, (3, 3, 3), (1, 1, 1), (0, 0, 0)),
        (128, (3, 3, 3), (1, 1, 1), (0, 0, 0)),
    ]
    assert (model.spec.clip_length, model.spec.scored) == (126, "all")
    assert model(TensorBatch(torch.zeros(2, 126, 1, 200, 200, device="meta"))).logits.shape == (2, 126, 12)


def test_all_frames_of_a_clip_share_one_3d_pass(small, batch_for) -> None:
    torch.manual_seed(0)
    model = build_model("facs3d/net", small["facs3d/net"]).eval()
    batch = batch_for(model, clips=2)
    calls = []
    model.clip_trunk.register_forward_hook(lambda _, inputs, result: calls.append(inputs[0].shape))
    with torch.no_grad():
        logits = model(batch).logits
        assert calls == [batch.frames.transpose(1, 2).shape]
        of_clip, of_frame = model.encoders()
        for frame in (0, 17, 55):  # the plain way: the clip and one frame of it
            alone = model.head(of_clip(batch.frames), of_frame(batch.frames[:, frame : frame + 1]))[:, 0]
            assert torch.allclose(alone, logits[:, frame], atol=1e-6)


def test_the_cnn_lstm_remembers_what_came_before_and_nothing_after(small, batch_for) -> None:
    torch.manual_seed(0)
    model = build_model("facs3d/cnn_lstm", small["facs3d/cnn_lstm"]).eval()
    batch = batch_for(model, clips=1)
    changed = batch.frames.clone()
    changed[:, 3] = 0
    with torch.no_grad():
        before, after = model(batch).logits, model(TensorBatch(changed)).logits
    same = (before == after).all(dim=2)[0]
    assert same.tolist() == [True, True, True, False, False, False]
    with torch.device("meta"):
        full = build_model("facs3d/cnn_lstm")
    assert full.memory.weight_hh_l0.shape == (4 * 256, 256)
    assert full.output.weight.shape == (12, 256)


@pytest.mark.parametrize("name", ["facs3d/cnn2d", "facs3d/cnn_lstm", "facs3d/net"])
def test_the_loss_of_seed_003_is_a_weighted_sum_over_the_aus(name: str, small, batch_for) -> None:
    torch.manual_seed(0)
    model = build_model(name, small[name])
    batch = dataclasses.replace(batch_for(model), labels=torch.ones_like(batch_for(model).labels))
    output = model(batch)
    weights = torch.linspace(0.5, 1.5, len(model.spec.aus))
    weights *= len(weights) / weights.sum()
    minus_log = -torch.nn.functional.logsigmoid(output.logits)
    expected = (minus_log * weights).sum(dim=2).mean()
    assert torch.allclose(model.loss(batch, output, weights), expected, rtol=1e-5)


def test_clips_too_small_for_the_3d_trunk_are_refused() -> None:
    with pytest.raises(UserError, match="raise clip_length and size_px to 55"):
        build_model("facs3d/net", {"clip_length": 54, "size_px": 80})


def test_network_1_is_that_network_or_its_3x3_reading() -> None:
    with torch.device("meta"):
        one, cited = build_model("patterns/network1"), build_model("facs3d/cnn2d")
        three = build_model("patterns/network1", {"kernel": 3})
    shapes = [tuple(p.shape) for p in one.parameters()]
    assert shapes == [tuple(p.shape) for p in cited.parameters()]
    assert three.trunk.sides == (99, 49, 47, 23, 21, 10)


def test_network_5_has_the_papers_sizes() -> None:
    with torch.device("meta"):
        model = build_model("patterns/network5")
    convolutions = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    assert [c.out_channels for c in convolutions] == [64, 64, 128, 128, 256, 256, 256, 256, 256, 256]
    assert all(c.kernel_size == (3, 3) and c.padding == (1, 1) for c in convolutions)
    assert [m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)] == [0.25] * 4 + [0.5] * 2
    features = model.convolutions(torch.zeros(1, 1, 64, 64, device="meta"))
    assert features.shape == (1, 256, 4, 4)
    linear = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
    assert [(m.in_features, m.out_features) for m in linear] == [(4096, 1024), (1024, 1024), (1024, 12)]


def test_the_baseline_resnet_has_a_thousand_and_small_last_weights(small) -> None:
    with torch.device("meta"):
        model = build_model("au_rcnn/cnn_res")
    assert model.config.backbone == "resnet101"
    assert model.backbone.fc.weight.shape == (1000, 2048)
    assert len(model.backbone.layer3) == 23
    small = build_model("au_rcnn/cnn_res", small["au_rcnn/cnn_res"])
    assert small.output.weight.shape == (12, 1000)
    assert small.output.weight.std().item() == pytest.approx(0.01, rel=0.05)
    given = dict(small.backbone.state_dict()) | {"fc.bias": torch.ones(1000), "other": torch.ones(3)}
    del given["fc.weight"]
    fitted, left = small.load_imagenet(given)
    assert fitted == len(given) - 1
    assert left == ("fc.weight",)
    assert torch.equal(small.backbone.fc.bias, torch.ones(1000))
    with pytest.raises(UserError, match="0% of the network's values are in"):
        small.load_imagenet({"fc.bias": torch.ones(1000)})
    with pytest.raises(UserError, match="none of the given weights fits"):
        small.load_imagenet({"other": torch.ones(3)})


def test_unknown_names_and_keys_give_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'facs3d/cnn2d'"):
        build_model("facs3d/cn2d")
    with pytest.raises(UserError, match=r"does not know 'size': .*size_px"):
        build_model("facs3d/cnn2d", {"size": 3})
    with pytest.raises(UserError, match="cannot be 'resnet19': did you mean 'resnet1"):
        build_model("au_rcnn/cnn_res", {"backbone": "resnet19"})
    with pytest.raises(UserError, match="size_px must be int"):
        build_model("facs3d/cnn2d", {"size_px": "big"})
    with pytest.raises(UserError, match="multiple of 16"):
        build_model("patterns/network5", {"size_px": 50})
    assert config_class("caud/heads") is CaudConfig


def _values(model, trainable: bool = False) -> int:
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable)


@pytest.mark.parametrize(
    ("name", "config", "values", "trained"),
    [
        ("patterns/network1", {}, 4_769_372, 4_769_372),
        ("patterns/network1", {"kernel": 3}, 5_347_932, 5_347_932),
        ("patterns/network2", {}, 58_545_016, 58_545_016),
        ("patterns/network3", {}, 4_791_026, 4_791_026),
        ("patterns/network4", {}, 4_769_372, 4_152_412),
        ("patterns/network5", {}, 8_761_804, 8_761_804),
        ("patterns/network6", {}, 8_817_154, 8_817_154),
        ("patterns/network7", {}, 8_761_804, 5_257_228),
    ],
)
def test_the_networks_of_seed_004_have_so_many_values(name, config, values, trained) -> None:
    with torch.device("meta"):
        model = build_model(name, config)
        output = model(TensorBatch(torch.zeros(2, 1, 1, *2 * [model.spec.size_px])))
    assert (_values(model), _values(model, trainable=True)) == (values, trained)
    assert output.logits.shape == (2, 1, 12)


def test_network_2_has_the_papers_sizes() -> None:
    with torch.device("meta"):
        model = build_model("patterns/network2")
    convolutions = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    assert [(c.out_channels, c.kernel_size) for c in convolutions] == [(n, (3, 3)) for n in (8, 16, 16, 20)]
    order = [type(m).__name__ for m in model.convolutions if not isinstance(m, torch.nn.ReLU)]
    assert order == [
        "Conv2d",
        "MaxPool2d",
        "Conv2d",
        "MaxPool2d",
        "Conv2d",
        "Conv2d",
        "MaxPool2d",
        "BatchNorm2d",
    ]
    assert model.convolutions(torch.zeros(1, 1, 200, 200, device="meta")).shape == (1, 20, 22, 22)
    linear = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
    assert [m.out_features for m in linear] == [4096, 4096, 512, 12]
    assert [m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)] == [0.4] * 3
    with pytest.raises(UserError, match="at least 22"):
        build_model("patterns/network2", {"size_px": 21})


def test_networks_3_and_6_have_66_classes_and_4_and_7_frozen_convolutions() -> None:
    with torch.device("meta"):
        three, four, six, seven = (build_model(f"patterns/network{n}") for n in (3, 4, 6, 7))
    assert three.model.output.weight.shape == (66, 400)
    assert six.model.output.weight.shape == (66, 1024)
    frozen = {name.split(".")[0] for name, p in four.named_parameters() if not p.requires_grad}
    assert frozen == {"trunk"}
    frozen = {name.split(".")[0] for name, p in seven.named_parameters() if not p.requires_grad}
    assert frozen == {"convolutions"}
    for pattern, plain in ((three, four), (six, seven)):
        shapes = {name: p.shape for name, p in pattern.model.named_parameters() if "output" not in name}
        assert shapes == {name: p.shape for name, p in plain.named_parameters() if "output" not in name}
