"""AR_CRF has the paper's weights, learns the likelihood that it says, and uses time."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from actionunits.errors import UserError
from actionunits.facs.sets import AU_SETS
from actionunits.metrics.ranking import roc_auc
from actionunits.models.interface import TensorBatch
from actionunits.models.registry import build_model

SMALL = {"backbone": "resnet18", "size_px": 64, "roi_cells": 4}
BOTH = pytest.mark.parametrize("states", ["binary", "class"])


def crf(**options):
    torch.manual_seed(0)
    return build_model("au_rcnn/ar_crf", {**SMALL, **options})


def coded(codes, labels=None) -> TensorBatch:
    return TensorBatch(torch.empty(*codes.shape[:2], 0, 0, 0), labels=labels, codes=codes)


def learnt(model):
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def test_the_papers_count_of_weights() -> None:
    aus = list(AU_SETS["bp4d-22"])
    counts = {}
    for states, types in itertools.product(("class", "binary"), (1, 2)):
        with torch.device("meta"):
            model = build_model("au_rcnn/ar_crf", {"aus": aus, "states": states, "edge_types": types})
        assert not [name for name in learnt(model) if name.startswith("still.")]
        counts[states, types] = sum(p.numel() for p in learnt(model).values())
        assert (model.code_length, model.spec.clip_length, model.spec.scored) == (9 * 2048, 100, "all")
        assert (model.states.nodes, model.states.graphs) == ((9, 1) if states == "class" else (3, 22))
    assert counts["class", 1] == 45_540 == 2048 * 22 + 1 * 22**2
    assert counts["class", 2] == 2048 * 22 + 2 * 22**2
    assert (counts["binary", 1], counts["binary", 2]) == (2049 * 22, 2050 * 22)


@BOTH
def test_codes_are_the_average_pools_of_a_still_network_that_does_not_change(states, batch_for) -> None:
    model = crf(states=states, clip_length=2)
    batch = batch_for(model, 2)
    before = {name: value.clone() for name, value in model.still.state_dict().items()}
    model.train()
    codes = model.encode(batch)
    maps = model.still.box_maps(
        model.still.maps(batch.frames.flatten(0, 1)), batch.regions.flatten(0, 1)
    )  # [B*T*R,512,2,2]
    assert codes.shape == (2, 2, model.code_length) == (2, 2, 8 * 512)
    assert torch.allclose(codes.reshape(-1, 512), maps.mean(dim=(2, 3)), atol=1e-6)
    assert not codes.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in model.still.state_dict().items())
    whole, from_codes = model(batch), model(coded(codes))
    assert torch.equal(whole.logits, from_codes.logits)


@BOTH
def test_logits_are_log_odds_of_the_largest_marginal(states) -> None:
    model = crf(states=states, aus=[1, 4, 6, 12], clip_length=5)
    torch.nn.init.normal_(model.node.weight, std=2.0)
    torch.nn.init.normal_(model.pair)
    output = model(coded(torch.rand(2, 5, model.code_length)))
    boxes = torch.sigmoid(output.parts[0])
    assert boxes.shape == (2, 5, len(model.carry), 4)
    assert boxes[:, :, ~model.carry].max() < 1e-20
    assert torch.allclose(torch.sigmoid(output.logits), boxes.amax(dim=2), atol=1e-6)
    if states == "class":
        assert boxes.sum(dim=-1).max() <= 1 + 1e-5  # one AU at a time
        alone = model.carry.sum(dim=1) == 1
        assert alone.any()
    assert output.logits.std() > 0.3


@BOTH
def test_labels_leave_states_open(states) -> None:
    model = crf(states=states, aus=[10, 12], clip_length=1)  # both in the same two boxes
    labels = torch.tensor([[[1, 1]], [[1, 0]], [[0, 0]], [[1, -1]], [[0, -1]], [[-1, -1]]], dtype=torch.int8)
    rows = labels[:, :, None].expand(-1, -1, len(model.carry), -1)
    opened = model.states.possible(rows)[..., 0, 0].int()
    if states == "class":  # none, AU10, AU12
        assert opened[:, 0].tolist() == [[0, 1, 1], [0, 1, 0], [1, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]]
    else:  # AU10: none, shown; AU12: none, shown
        assert opened[:, 0].tolist() == [[0, 1], [0, 1], [1, 0], [0, 1], [1, 0], [1, 1]]
        assert opened[:, 1].tolist() == [[0, 1], [1, 0], [1, 0], [1, 1], [1, 1], [1, 1]]


@BOTH
def test_values_of_boxes_and_aus_come_back(states) -> None:
    model = crf(states=states)
    values = torch.randn(2, 3, *model.carry.shape)
    back = model.states.of_boxes(model.states.of_graphs(values), -7.0)
    assert torch.equal(back[:, :, model.carry], values[:, :, model.carry])
    assert (back[:, :, ~model.carry] == -7).all()


def exact_loss(model, batch) -> torch.Tensor:
    """Minus the log-likelihood a frame of a network with one box, by enumeration; written anew."""
    features, labels = batch.codes[0] / batch.codes.shape[-1] ** 0.5, batch.labels[0]
    frames, aus = labels.shape
    score = torch.cat([torch.zeros(frames, 1, dtype=features.dtype), features @ model.node.weight.T], dim=1)
    total = 0.0
    fields = [list(range(aus))] if model.config.states == "class" else [[au] for au in range(aus)]
    for number, mine in enumerate(fields):
        pair = torch.zeros(len(mine) + 1, len(mine) + 1, dtype=features.dtype)
        pair[1:, 1:] = model.pair[0, number]
        free, given = [], []
        for row in itertools.product(range(len(mine) + 1), repeat=frames):
            value = sum(score[t, 0 if s == 0 else 1 + mine[s - 1]] for t, s in enumerate(row))
            value = value + sum(pair[a, b] for a, b in itertools.pairwise(row))
            free.append(value)
            fits = True
            for t, s in enumerate(row):
                shown = [au for au in mine if labels[t, au] == 1]
                fits = fits and (not shown if s == 0 else labels[t, mine[s - 1]] != 0)
            if fits:
                given.append(value)
        total = total + torch.stack(free).logsumexp(0) - torch.stack(given).logsumexp(0)
    return total / (labels >= 0).any(dim=1).sum()


@BOTH
def test_the_loss_and_its_gradient_are_the_log_likelihoods(states) -> None:
    """One box, so the graph is a chain: against enumeration, and its central differences."""
    model = crf(states=states, aus=[10, 12], clip_length=4).double()
    one_box = model.carry.sum(dim=1).argmax()
    model.states = type(model.states)(states, model.carry[one_box : one_box + 1].numpy())
    model.carry, model.code_length = model.carry[one_box : one_box + 1], 512
    torch.nn.init.normal_(model.node.weight, std=1.0)
    torch.nn.init.normal_(model.pair)
    labels = torch.tensor([[[1, 0], [1, 1], [-1, -1], [0, -1]]], dtype=torch.int8)
    batch = coded(torch.rand(1, 4, 512, dtype=torch.float64), labels)
    loss = model.loss(batch, model(batch))
    assert loss.item() == pytest.approx(exact_loss(model, batch).item(), abs=1e-9)
    loss.backward()
    for parameter, places in ((model.node.weight, (3, 700)), (model.pair, range(model.pair.numel()))):
        for at in places:
            values = []
            for step in (1e-5, -1e-5):
                with torch.no_grad():
                    parameter.view(-1)[at] += step
                    values.append(exact_loss(model, batch).item())
                    parameter.view(-1)[at] -= step
            wanted = (values[0] - values[1]) / 2e-5
            assert parameter.grad.view(-1)[at].item() == pytest.approx(wanted, abs=1e-5)


@BOTH
def test_unknown_labels_are_open_and_not_zeros(states) -> None:
    model = crf(states=states, clip_length=4)
    torch.nn.init.normal_(model.node.weight, std=1.0)
    codes = torch.rand(2, 4, model.code_length)
    labels = torch.full((2, 4, len(model.spec.aus)), -1, dtype=torch.int8)
    batch = coded(codes, labels)
    loss = model.loss(batch, model(batch))
    loss.backward()
    assert loss.item() == 0
    assert all(not p.grad.any() for p in learnt(model).values())
    half = labels.clone()
    half[:, :2] = 1
    zeros = half.clamp(min=0)
    losses = [model.loss(coded(codes, each), model(coded(codes))).item() for each in (half, zeros)]
    assert losses[0] != pytest.approx(losses[1], rel=0.01)


def stays(count, frames, aus, seed):
    """i8[count,frames,aus]: AUs that come and stay."""
    draw = np.random.default_rng(seed)
    labels = np.zeros((count, frames, aus), np.int8)
    labels[:, 0] = draw.random((count, aus)) < 0.4
    for t in range(1, frames):
        change = draw.random((count, aus)) < np.where(labels[:, t - 1] == 1, 0.06, 0.04)
        labels[:, t] = labels[:, t - 1] ^ change
    return torch.from_numpy(labels)


def noisy_codes(model, labels, seed):
    """Codes whose boxes say little of the AUs that they carry in one frame."""
    draw = torch.Generator().manual_seed(seed)
    shown = (labels[:, :, None] * model.carry).float()
    codes = torch.zeros(*shown.shape[:3], 512)
    codes[..., 0] = 22.0
    codes[..., 1 : 1 + labels.shape[-1]] = 22 * (
        shown + 1.2 * torch.randn(*labels.shape[:2], 1, labels.shape[-1], generator=draw)
    )
    return codes.flatten(2)


@BOTH
def test_time_beats_looking_at_frames_one_by_one(states) -> None:
    model = crf(states=states, aus=[4, 6], clip_length=40)  # a box each
    train, test = stays(8, 40, 2, 0), stays(16, 40, 2, 1)
    codes, unseen = noisy_codes(model, train, 2), noisy_codes(model, test, 3)
    optimiser = torch.optim.Adam(learnt(model).values(), lr=0.3)
    for _ in range(25):
        optimiser.zero_grad()
        batch = coded(codes, train)
        loss = model.loss(batch, model(batch))
        loss.backward()
        optimiser.step()
    model.eval()
    said = torch.sigmoid(model(coded(unseen)).logits).reshape(-1, 2)
    plain = np.empty(said.shape)
    for au in range(2):
        box = int(model.carry[:, au].int().argmax())
        seen, new = (c.unflatten(-1, (-1, 512))[:, :, box].reshape(-1, 512).numpy() for c in (codes, unseen))
        fitted = LogisticRegression().fit(seen, train[..., au].flatten().numpy())
        plain[:, au] = fitted.predict_proba(new)[:, 1]
    truth = test.reshape(-1, 2).numpy()
    ours, theirs = roc_auc(truth, said.numpy()), roc_auc(truth, plain)
    assert (ours > theirs + 0.08).all()
    assert (ours > 0.8).all()
    wrong_ours, wrong_theirs = (((p >= 0.5) != truth).mean() for p in (said.numpy(), plain))
    assert wrong_ours < 0.75 * wrong_theirs
    assert (torch.diagonal(model.pair[0], dim1=-2, dim2=-1) > 0.5).all()


@BOTH
def test_the_same_batch_gives_the_same_numbers(states, batch_for) -> None:
    found = []
    for _ in range(2):
        model = crf(states=states, edge_types=2, clip_length=3)
        draw = torch.Generator().manual_seed(1)
        labels = torch.randint(-1, 2, (2, 3, len(model.spec.aus)), dtype=torch.int8, generator=draw)
        batch = coded(torch.rand(2, 3, model.code_length, generator=draw), labels)
        loss = model.loss(batch, model(batch))
        loss.backward()
        found.append((loss.detach(), model.node.weight.grad, model.pair.grad))
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))
    assert found[0][2].abs().amin(dim=(1, 2, 3)).shape == (2,)
    assert (found[0][2] != 0).flatten(1).any(dim=1).all()  # temporal and spatial edges learn


def test_half_precision_is_not_used_for_beliefs() -> None:
    model = crf(clip_length=20)
    torch.nn.init.normal_(model.node.weight, std=2.0)
    codes = torch.rand(1, 20, model.code_length)
    wanted = model(coded(codes)).logits
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = model(coded(codes)).logits
    assert torch.equal(found, wanted)


def test_weights_and_mistakes() -> None:
    model = crf(aus=[1, 12], clip_length=2)
    batch = coded(torch.rand(1, 2, model.code_length), torch.tensor([[[1, 0], [0, 1]]], dtype=torch.int8))
    output = model(batch)
    first, second = (model.loss(batch, output, torch.tensor(w)) for w in ([2.0, 0.0], [0.0, 1.0]))
    assert (first / 2 + second).item() == pytest.approx(model.loss(batch, output).item(), rel=1e-5)
    both = crf(aus=[1, 12], clip_length=2, states="class")
    with pytest.raises(UserError, match="share one likelihood"):
        both.loss(batch, both(batch), torch.ones(2))
    with pytest.raises(ValueError, match="a loss needs labels"):
        model.loss(coded(batch.codes), output)
    for options, message in (
        ({"states": "many"}, "states cannot be 'many'"),
        ({"edge_types": 3}, "edge_types must be 1 or 2"),
        ({"rounds": 0}, "must be 1 or more"),
        ({"damping": 1.0}, "damping must be 0 to below 1"),
    ):
        with pytest.raises(UserError, match=message):
            crf(**options)
