"""Seed 000's networks, fusion layer and constrained loss, against plain ways to compute them."""

import dataclasses
import logging

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from torch import nn

from actionunits.errors import UserError
from actionunits.faces.regions import micro_expression_regions
from actionunits.facs.cooccurrence import pair_signs
from actionunits.facs.sets import AU_SETS
from actionunits.models.cooccurrence.fusion import Fusion, constraint
from actionunits.models.cooccurrence.patches import cut, face_shifts, region_boxes
from actionunits.models.cooccurrence.tied import TiedConfig, TiedModel
from actionunits.models.cooccurrence.ties import Ties
from actionunits.models.interface import ModelOutput, TensorBatch
from actionunits.models.registry import build_model
from actionunits.models.weights import load_model, save_model
from actionunits.records import Landmarks

AUS = AU_SETS["casme-13"]
SIGNS = pair_signs(AUS)
REGIONAL = ("cooccurrence/cnn2d", "cooccurrence/cnn3d")


@pytest.mark.parametrize("name", REGIONAL)
def test_thirteen_networks_at_once_equal_thirteen_single_ones(name: str, small, batch_for) -> None:
    torch.manual_seed(0)
    model = build_model(name, small[name]).eval()
    batch = batch_for(model, 2, 1)
    with torch.no_grad():
        together = model(batch).logits
        for index, number in enumerate(model.spec.aus):
            single = build_model(name, {**small[name], "aus": [number]}).eval()
            single.load_state_dict(
                {
                    key: value if value.ndim == 0 else value.chunk(len(AUS))[index]
                    for key, value in model.state_dict().items()
                }
            )
            assert torch.allclose(single(batch).logits[..., 0], together[..., index], atol=1e-5)


def plain_network(model, index: int, training: bool) -> nn.Sequential:
    """One AU's network out of PyTorch's own layers, with the weights that it has in the model."""
    towers, count = model.networks, len(model.spec.aus)
    three = towers.frames > 1
    layers: list[nn.Module] = []
    length = towers.frames
    for block in towers.blocks:
        weight, bias = (p.chunk(count)[index] for p in (block.convolution.weight, block.convolution.bias))
        outputs, inputs = weight.shape[0], weight.shape[1] // block.reach
        weight = weight.unflatten(1, (block.reach, inputs)).transpose(1, 2)
        convolution = nn.Conv3d(inputs, outputs, (block.reach, 3, 3), padding=(block.reach // 2, 1, 1))
        convolution.load_state_dict({"weight": weight, "bias": bias})
        norm = nn.BatchNorm3d(outputs)
        norm.load_state_dict(
            {k: v if v.ndim == 0 else v.chunk(count)[index] for k, v in block.norm.state_dict().items()}
        )
        pool = nn.MaxPool3d((2 if three and length > 1 else 1, 2, 2), ceil_mode=True)
        layers += [convolution, norm, nn.ReLU(), pool]
        length = (length + 1) // 2
    layers.append(nn.Flatten())
    for layer, last in ((towers.code, False), (towers.output, True)):
        linear = nn.Linear(layer.weight.shape[2], layer.weight.shape[1])
        linear.load_state_dict({"weight": layer.weight[index], "bias": layer.bias[index]})
        layers += [linear] if last else [linear, nn.ReLU()]
    return nn.Sequential(*layers).train(training)


@pytest.mark.parametrize("name", REGIONAL)
@pytest.mark.parametrize("training", [True, False])
def test_a_network_is_the_papers_layers(name: str, training: bool, small) -> None:
    torch.manual_seed(0)
    model = build_model(name, {**small[name], "aus": [1, 9, 12]})
    for block in model.networks.blocks:  # statistics and scales as after a training
        nn.init.uniform_(block.norm.running_mean, -0.1, 0.1)
        nn.init.uniform_(block.norm.weight, -1, 1)
    plain = [plain_network(model, index, training) for index in range(3)]
    model.train(training)
    frames = model.networks.frames
    side = model.config.patch_px
    crops = torch.randn(9, frames, 3, side, side)
    with torch.no_grad():
        ours = model.networks(crops)
        theirs = torch.cat([net(crops[:, None, :, i]) for i, net in enumerate(plain)], dim=1)
    assert torch.allclose(ours, theirs, rtol=0, atol=1e-5)


def test_the_papers_sizes() -> None:
    with torch.device("meta"):
        still, clip = (build_model(name) for name in REGIONAL)
    for model, reach in ((still, 1), (clip, 3)):
        convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
        assert [c.out_channels // 13 for c in convolutions] == [32, 64, 64, 128]
        assert [c.weight.shape[1:] for c in convolutions] == [
            (reach * i, 3, 3) for i in (1, 32, 64, 64)
        ]  # fmt: skip
        assert model.networks.code.weight.shape == (13, 128, 128 * 4 * 4)
        assert model.networks.output.weight.shape == (13, 1, 128)
        assert model.config.patch_px == 64
    assert (clip.spec.clip_length, clip.spec.frame_step, clip.spec.scored) == (7, 1, "middle")
    assert clip.networks.lengths == (4, 2, 1, 1)


@pytest.mark.parametrize("name", REGIONAL)
def test_each_au_looks_only_at_its_region(name: str, small, batch_for) -> None:
    still = {"steady": False} if name.endswith("3d") else {}  # the shift is that of the whole face
    model = build_model(name, small[name] | {"chin": "nose"} | still).eval()
    batch = batch_for(model, 1, 1)
    below = batch.frames.clone()
    below[..., int(0.6 * model.spec.size_px) :, :] += 1.0
    with torch.no_grad():
        change = (model(batch).logits - model(TensorBatch(below, batch.landmarks)).logits).abs()[0, 0]
    moved = {n for n, c in zip(model.spec.aus, change, strict=True) if c > 1e-6}
    assert moved == {10, 12, 15, 20, 24, 25, 26}
    with pytest.raises(UserError, match="AU6 lies in none"):
        build_model(name, {"aus": [6]})


def test_boxes_in_the_network_equal_those_of_faces_regions(face_points) -> None:
    points = face_points(200.0, 4)
    boxes = region_boxes(points, 2.0)
    for index in range(4):
        wanted = micro_expression_regions(Landmarks(points[index].numpy())).boxes
        np.testing.assert_allclose(boxes[index].numpy(), wanted, rtol=0, atol=1e-5)


def soft_picture(size: int, seed: int = 0) -> torch.Tensor:
    noise = torch.randn(1, 1, size // 8, size // 8, generator=torch.Generator().manual_seed(seed))
    return 40 * nn.functional.interpolate(noise, (size, size), mode="bicubic")[0, 0]


@settings(max_examples=20, deadline=None)
@given(st.tuples(*[st.floats(-2.5, 2.5)] * 4), st.sampled_from([120, 161, 200]))
def test_shifts_of_the_face_are_found(moved: tuple[float, ...], size: int) -> None:
    shifts = torch.tensor([*moved[:2], 0.0, 0.0, *moved[2:]]).reshape(3, 2)
    picture = soft_picture(size + 20)[None, None].expand(3, -1, -1, -1)
    boxes = torch.tensor([10.0, 10.0, 10.0 + size, 10.0 + size]) - 0.5 - shifts.repeat(1, 2)
    frames = torch.stack([cut(picture[i : i + 1], boxes[i : i + 1, None], size)[0, 0, 0] for i in range(3)])
    found = face_shifts((frames + 2 * torch.randn(3, size, size))[None, :, None])[0]
    assert (found[1] == 0).all()
    assert torch.allclose(found, shifts, atol=0.1)


def test_a_clip_has_one_box_that_follows_the_face(face_points) -> None:
    """A still picture that shakes gives the same crops in every frame; without ``steady`` it does not."""
    size = 200
    shifts = torch.tensor([[0.8, -0.5], [0.0, 0.0], [-1.2, 0.4], [0.3, 0.9], [0.0, -0.7], [1.0, 1.0], [0, 0]])
    picture = soft_picture(size + 20)[None, None]
    boxes = torch.tensor([10.0, 10.0, 10.0 + size, 10.0 + size]) - 0.5 - shifts.repeat(1, 2)
    frames = torch.stack([cut(picture, box[None, None], size)[0, 0, 0] for box in boxes])[None, :, None]
    points = face_points(float(size), 1)[None].expand(1, 7, -1, -1)
    batch = TensorBatch(frames, points + torch.randn(1, 7, 68, 2))  # the points jitter, too
    apart = {}
    for steady in (True, False):
        model = build_model("cooccurrence/cnn3d", {"steady": steady})
        crops = model.patches(batch)
        apart[steady] = (crops - crops[:, 3:4]).abs().mean().item()
    assert apart[True] < 0.1 * apart[False]


def test_a_clip_is_asked_about_its_middle_frame(small, batch_for) -> None:
    model = build_model("cooccurrence/cnn3d", small["cooccurrence/cnn3d"])
    batch = batch_for(model)
    labels = torch.ones_like(batch.labels)
    labels[:, 3] = 0
    output = model(batch)
    loss = model.loss(dataclasses.replace(batch, labels=labels), output)
    expected = nn.functional.softplus(output.logits[:, 3]).mean()
    assert torch.allclose(loss, expected)


probabilities = arrays(np.float32, (5, 13), elements=st.floats(0, 1, width=32))


@settings(max_examples=60, deadline=None)
@given(probabilities, st.integers(0, 2**31), st.floats(0.0, 4.0))
def test_fused_probabilities_stay_within_0_and_1(given_p, seed: int, spread: float) -> None:
    """Whatever the weights have become, and also where every pair hinders."""
    rng = np.random.default_rng(seed)
    signs = np.triu(rng.integers(-1, 2, (13, 13)), 1)
    layer = Fusion((signs + signs.T).astype(np.int8))
    with torch.no_grad():
        layer.strength.copy_(torch.from_numpy(rng.normal(0, spread, (13, 13))))
        fused = layer(torch.from_numpy(given_p))
    assert (fused >= 0).all()
    assert (fused <= 1).all()


def test_the_fusion_layer_is_eq_5() -> None:
    layer = Fusion(pair_signs((1, 2, 7)))
    rates = np.array([[1.0, 0.8, 0.1], [0.6, 1.0, np.nan], [0.3, 0.2, 1.0]])
    layer.begin(pair_signs((1, 2, 7)), rates)
    weights = layer.weights().detach().numpy()
    wanted = np.array([[1.0, 0.8, 0.0], [0.6, 1.0, -0.05], [0.0, -0.2, 1.0]])
    np.testing.assert_allclose(weights, wanted, rtol=1e-6)
    said = torch.tensor([[0.4, 0.3, 0.3]])
    np.testing.assert_allclose(layer(said).detach().numpy(), said.numpy() @ wanted.T, rtol=1e-5)


def test_a_hindered_au_keeps_its_order_and_its_gradient() -> None:
    layer = Fusion(np.array([[0, -1], [-1, 0]], np.int8))
    said = torch.tensor([[0.02, 0.9], [0.03, 0.9], [0.9, 0.9], [0.4, 0.39]], requires_grad=True)
    fused = layer(said)
    assert fused[0, 0] < fused[1, 0] < 0.01
    fused[0, 0].backward()
    assert said.grad[0, 0] > 0
    assert said.grad[0, 1] < 0


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**31))
def test_the_gradient_of_the_loss_against_finite_differences(seed: int) -> None:
    """Eqs. 5, 6, 7 and 10 together, in doubles, to the predictions of the thirteen and to the weights."""
    rng = np.random.default_rng(seed)
    layer = Fusion(pair_signs(AUS, contradictory=1)).double()
    labels = torch.from_numpy(rng.integers(0, 2, (4, 13))).double()

    def loss(logits: torch.Tensor, strength: torch.Tensor) -> torch.Tensor:
        layer.strength.data = strength  # functional below: the parameter itself takes no gradient here
        fused = torch.func.functional_call(layer, {"strength": strength}, (torch.sigmoid(logits),))
        entropy = nn.functional.binary_cross_entropy(fused.clamp(1e-6, 1 - 1e-6), labels)
        return entropy + constraint(fused, layer.signs, 0.1).mean()

    logits = torch.from_numpy(rng.normal(0, 2, (4, 13))).requires_grad_()
    strength = torch.from_numpy(rng.normal(-0.5, 0.5, (13, 13))).requires_grad_()
    assert torch.autograd.gradcheck(loss, (logits, strength), eps=1e-6, atol=1e-5)


def test_the_constraint_is_eq_6() -> None:
    rng = np.random.default_rng(3)
    y = rng.random((6, 13))
    expected = np.zeros(6)
    for n in range(6):
        for i in range(13):
            for j in range(13):
                if i != j:
                    expected[n] -= y[n, i] * y[n, j] * 0.3 * SIGNS[i, j] / 13
    ours = constraint(torch.from_numpy(y), torch.from_numpy(SIGNS), 0.3)
    np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-10)


def test_the_tied_loss_is_the_networks_and_the_term(small, batch_for) -> None:
    torch.manual_seed(0)
    values = {"network": "cooccurrence/cnn2d", "config": small["cooccurrence/cnn2d"]}
    for ties, fused in (({"strength": 0.5}, True), ({"strength": 0.5, "fusion": False}, False)):
        model = build_model("cooccurrence/tied", {**values, "ties": ties})
        batch = batch_for(model)
        output = model(batch)
        assert torch.equal(output.logits, model.network(batch).logits) != fused
        y = torch.sigmoid(output.logits)
        known = (batch.labels >= 0).any(dim=2)
        term = constraint(y, torch.from_numpy(SIGNS), 0.5)[known].mean()
        assert torch.allclose(model.loss(batch, output), model.network.loss(batch, output) + term, rtol=1e-5)


@pytest.mark.parametrize(
    "name", ["facs3d/cnn2d", "facs3d/net", "patterns/network5", "caud/heads", "au_rcnn/cnn_res"]
)
def test_ties_attach_to_any_network_and_are_saved_with_it(name: str, small, batch_for, tmp_path) -> None:
    torch.manual_seed(0)
    config = TiedConfig(name, {**small[name], "aus": [1, 2, 4, 12]})
    model = TiedModel(build_model(name, config.config), config)
    signs = np.zeros((4, 4))
    signs[0, 3] = signs[3, 0] = 0.5
    model.begin(np.full((4, 4), 0.3), signs)
    batch = batch_for(model)
    model.loss(batch, model(batch)).backward()
    assert model.fusion.strength.grad.abs().sum() > 0
    path = tmp_path / "tied.safetensors"
    save_model(path, model, name="cooccurrence/tied", card={})
    again = load_model(path)
    with torch.no_grad():
        assert torch.equal(again(batch).logits, model.eval()(batch).logits)
    assert again.spec == model.network.spec


def test_an_au_without_a_tie_keeps_its_logits_and_its_gradient(small, batch_for) -> None:
    config = TiedConfig("cooccurrence/cnn2d", small["cooccurrence/cnn2d"])
    model = TiedModel(build_model(config.network, config.config), config)
    batch = batch_for(model)
    untied = [AUS.index(au) for au in (10, 20, 25, 26)]
    assert (~model.fusion.tied()).nonzero().flatten().tolist() == untied
    plain, tied = model.network(batch).logits, model(batch).logits
    assert torch.equal(plain[..., untied], tied[..., untied])
    far = torch.full_like(plain, 15.0).requires_grad_()
    wrong = dataclasses.replace(batch, labels=torch.zeros_like(batch.labels))
    fused = torch.where(model.fusion.tied(), torch.logit(model.fusion(torch.sigmoid(far)), eps=1e-6), far)
    model.loss(wrong, ModelOutput(fused)).backward()
    assert (far.grad[..., untied] > 0).all()


def test_signs_come_from_the_table_or_the_labels(caplog) -> None:
    def begun(**ties: object) -> np.ndarray:
        config = TiedConfig("cooccurrence/cnn2d", {"patch_px": 16}, Ties(**ties))
        model = TiedModel(build_model(config.network, config.config), config)
        phi = np.zeros((13, 13))
        place = {au: i for i, au in enumerate(AUS)}
        for one, other, value in ((12, 17, -0.4), (1, 2, -0.3), (25, 26, 0.2), (4, 12, 0.05)):
            phi[place[one], place[other]] = phi[place[other], place[one]] = value
        phi[place[20]] = np.nan
        model.begin(np.full((13, 13), 0.5), phi)
        signs = model.fusion.signs.numpy()
        return {
            pair: int(signs[place[pair[0]], place[pair[1]]])
            for pair in ((1, 2), (12, 17), (25, 26), (4, 12), (2, 7), (20, 1))
        }

    with caplog.at_level(logging.INFO, "actionunits"):
        assert begun() == {(1, 2): 1, (12, 17): 0, (25, 26): 0, (4, 12): 0, (2, 7): -1, (20, 1): 0}
    assert "(2, 6), (6, 12), (23, 24)" in caplog.text
    assert begun(contradictory="positive")[12, 17] == 1
    assert begun(contradictory="labels")[12, 17] == -1
    of_labels = begun(signs="labels")
    assert of_labels == {(1, 2): -1, (12, 17): -1, (25, 26): 1, (4, 12): 0, (2, 7): 0, (20, 1): 0}


def test_what_cannot_be_tied_is_said(small, batch_for) -> None:
    with pytest.raises(UserError, match="tied already"):
        build_model("cooccurrence/tied", {"network": "cooccurrence/tied"})
    with pytest.raises(UserError, match="nothing is tied"):
        build_model("cooccurrence/tied", {"ties": {"fusion": False, "strength": 0.0}})
    name = "patterns/network3"
    model = build_model("cooccurrence/tied", {"network": name, "config": small[name]}).eval()
    with pytest.raises(UserError, match="whole AU patterns"):
        model(batch_for(model))


def test_ties_without_a_pair_are_an_error() -> None:
    model = TiedModel(build_model("facs3d/cnn2d", {"aus": [5, 26]}), TiedConfig("facs3d/cnn2d"))
    with pytest.raises(UserError, match="no two of AU 5, 26 are tied by 'table'"):
        model.begin(np.full((2, 2), 0.5), np.full((2, 2), 0.9))
