"""Images to boxes and back: nothing is lost on the way, and the loss is Eq. 1 with both terms."""

import itertools

import numpy as np
import pytest
import torch

from actionunits.facs.groups import AU_GROUPS, LABEL_FETCH, box_groups, boxes_carry
from actionunits.facs.sets import AU_SETS
from actionunits.models.au_rcnn.roi_level import image_logits, pool_boxes, roi_labels, roi_loss

CARRY = torch.from_numpy(boxes_carry(AU_SETS["bp4d-12"]))


def test_boxes_carry_their_group_and_what_it_fetches() -> None:
    aus = AU_SETS["bp4d-22"]
    carry = boxes_carry(aus)
    assert carry.shape == (9, 22)
    for row, group in zip(carry, box_groups(aus), strict=True):
        of = {au for number in (group, *LABEL_FETCH.get(group, ())) for au in AU_GROUPS[number].aus}
        assert {au for au, yes in zip(aus, row, strict=True) if yes} == of & set(aus)


@pytest.mark.parametrize("name", ["bp4d-12", "disfa-12"])
def test_the_or_over_the_boxes_gives_back_every_pattern(name: str) -> None:
    carry = torch.from_numpy(boxes_carry(AU_SETS[name]))
    every = torch.tensor(list(itertools.product((0, 1), repeat=12)), dtype=torch.int8)
    assert len(every) == 2**12
    of_boxes = roi_labels(every, carry)
    assert of_boxes.shape == (4096, len(carry), 12)
    assert not of_boxes[:, ~carry].any()
    assert torch.equal(of_boxes.amax(dim=1), every)
    logits = torch.where(of_boxes == 1, 2.0, -2.0)  # boxes that are right: so is the image
    assert torch.equal(image_logits(logits, carry) > 0, every == 1)


def test_an_au_is_never_found_by_a_box_that_does_not_carry_it() -> None:
    logits = torch.full((1, *CARRY.shape), -3.0)
    logits[:, ~CARRY] = 5.0
    assert (image_logits(logits, CARRY) == -3.0).all()


def _by_hand(logits: np.ndarray, labels: np.ndarray) -> float:
    carry = CARRY.numpy()
    total, count = 0.0, 0
    for n, r, a in np.ndindex(logits.shape):
        y = labels[n, a] if carry[r, a] else 0
        if y < 0:
            continue
        p = 1 / (1 + np.exp(-logits[n, r, a]))
        total -= y * np.log(p) + (1 - y) * np.log(1 - p)
        count += 1
    return 12 * total / count


def test_the_loss_is_equation_1_with_both_terms() -> None:
    torch.manual_seed(0)
    logits = torch.randn(5, *CARRY.shape, dtype=torch.float64)
    labels = torch.randint(0, 2, (5, 12), dtype=torch.int8)
    loss = roi_loss(logits, labels, CARRY)
    assert loss.item() == pytest.approx(_by_hand(logits.numpy(), labels.numpy()))
    target = roi_labels(labels, CARRY).double()
    each = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    assert loss.item() == pytest.approx(each.sum(dim=2).mean().item())  # sum over AUs, mean over boxes


def test_unknown_labels_are_left_out_or_negative_where_asked() -> None:
    torch.manual_seed(1)
    logits = torch.randn(4, *CARRY.shape, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(-1, 2, (4, 12), dtype=torch.int8)
    loss = roi_loss(logits, labels, CARRY)
    assert loss.item() == pytest.approx(_by_hand(logits.detach().numpy(), labels.numpy()))
    loss.backward()
    unknown = (roi_labels(labels, CARRY) == -1).nonzero(as_tuple=True)
    assert (logits.grad[unknown] == 0).all()
    as_negative = roi_loss(logits, labels, CARRY, unknown="negative")
    assert as_negative.item() == pytest.approx(roi_loss(logits, labels.clamp(min=0), CARRY).item())
    none = roi_loss(logits, torch.full_like(labels, -1), CARRY)
    assert none.item() == 0


def test_the_authors_take_all_positives_and_the_three_times_as_many_hardest_negatives() -> None:
    torch.manual_seed(2)
    logits = torch.randn(6, *CARRY.shape, dtype=torch.float64, requires_grad=True)
    labels = torch.zeros(6, 12, dtype=torch.int8)
    labels[0, 6] = labels[3, 2] = 1
    target = roi_labels(labels, CARRY)
    loss = roi_loss(logits, labels, CARRY, sampling="authors")
    loss.backward()
    learnt = logits.grad != 0
    positives = target == 1
    assert learnt[positives].all()
    assert int(learnt.sum()) == 4 * int(positives.sum())
    chosen = logits.detach()[learnt & ~positives]
    left = logits.detach()[~learnt]
    assert chosen.min() >= left.max()
    each = torch.nn.functional.softplus(torch.where(positives, -logits, logits))
    assert loss.item() == pytest.approx(12 * each[learnt].mean().item())
    assert roi_loss(logits, torch.zeros_like(labels), CARRY, sampling="authors").item() == 0


def test_weights_of_the_aus_are_a_weighted_mean() -> None:
    logits = torch.zeros(2, *CARRY.shape)
    logits[..., 0] = 4.0
    labels = torch.zeros(2, 12, dtype=torch.int8)
    weights = torch.zeros(12)
    weights[0] = 1.0
    assert roi_loss(logits, labels, CARRY, weights=weights).item() == pytest.approx(12 * 4.01815, rel=1e-5)


def test_a_box_is_pooled_out_of_its_own_picture() -> None:
    maps = torch.arange(2 * 8 * 8, dtype=torch.float32).reshape(2, 1, 8, 8)
    boxes = torch.tensor([[[0.0, 0, 31, 31], [64, 64, 127, 127]]]).repeat(2, 1, 1)
    found = pool_boxes(maps, boxes, 1, 16).flatten()
    assert found.tolist() == [18.0, 63.0, 64 + 18.0, 64 + 63.0]
    half = pool_boxes(maps.to(torch.bfloat16), boxes, 1, 16)
    assert half.dtype == torch.float32
