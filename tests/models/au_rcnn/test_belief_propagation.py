"""Belief propagation is exact on trees, close on graphs with loops, and equal to sums edge by edge."""

import importlib.util
from pathlib import Path

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

from actionunits.models.au_rcnn import belief_propagation
from actionunits.models.au_rcnn.belief_propagation import (
    Potentials,
    box_pairs,
    edge_beliefs,
    log_beliefs,
    log_partition,
    propagate,
)

_source = importlib.util.spec_from_file_location("plain_beliefs", Path(__file__).parent / "plain_beliefs.py")
plain = importlib.util.module_from_spec(_source)
_source.loader.exec_module(plain)

#: K, T, R of graphs without loops.
TREES = [(2, 3, 1), (3, 5, 1), (2, 1, 2), (3, 1, 2), (3, 1, 1), (2, 8, 1)]


def graph(states, frames, boxes, seed=0, strength=1.0, lead=()):
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return strength * torch.randn(*shape, generator=draw, dtype=torch.float64)

    return Potentials(
        normal(*lead, states, frames, boxes), normal(*lead, states, states), normal(*lead, states, states)
    )


def settled(potentials):
    return propagate(potentials, rounds=300, damping=0.3, tolerance=1e-13)


@pytest.mark.parametrize("size", TREES)
def test_trees_are_exact(size) -> None:
    for seed in range(3):
        potentials = graph(*size, seed=seed, strength=2.0)
        messages = settled(potentials)
        total, marginal = plain.enumerated(potentials)
        assert log_partition(potentials, messages).item() == pytest.approx(total.item(), abs=1e-9)
        assert torch.allclose(log_beliefs(potentials, messages).exp(), marginal, atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [(2, 3, 2), (3, 3, 2), (2, 2, 3), (2, 1, 4)])
def test_graphs_with_loops_are_close(size) -> None:
    """Weak pair potentials (standard deviation .5): marginals within .02, the logarithm within .05."""
    for seed in range(3):
        potentials = graph(*size, seed=seed, strength=0.5)
        messages = settled(potentials)
        total, marginal = plain.enumerated(potentials)
        assert abs(log_partition(potentials, messages) - total) < 0.05
        assert (log_beliefs(potentials, messages).exp() - marginal).abs().max() < 0.02


@pytest.mark.parametrize("damping", [0.0, 0.4])
@pytest.mark.parametrize("size", [(3, 4, 3), (2, 5, 2), (4, 1, 4)])
def test_it_equals_sums_edge_by_edge_round_by_round(size, damping) -> None:
    potentials = graph(*size, seed=5)
    for rounds in (1, 3):
        messages = propagate(potentials, rounds, damping, tolerance=0.0)
        wanted = plain.edge_by_edge(potentials, rounds, damping)
        assert torch.allclose(log_beliefs(potentials, messages), wanted, atol=1e-9)


@pytest.mark.parametrize("size", TREES[:4])
def test_the_gradient_is_that_of_the_exact_log_likelihood(size) -> None:
    """Of the labels, clamped minus free, against central differences of the enumerated one."""
    states, frames, boxes = size
    potentials = graph(*size, seed=1)
    labels = torch.arange(frames * boxes).reshape(frames, boxes) % states
    open_states = torch.nn.functional.one_hot(labels, states).bool().permute(2, 0, 1)
    open_states[:, -1, -1] = True  # one node is not labelled

    def parts(flat):
        node, temporal, spatial = flat.split([states * frames * boxes, states**2, states**2])
        return Potentials(node.view(size), temporal.view(states, states), spatial.view(states, states))

    def clamped(given):
        return Potentials(given.node.masked_fill(~open_states, -torch.inf), given.temporal, given.spatial)

    def exact(flat):
        free = parts(flat)
        return (plain.enumerated(clamped(free))[0] - plain.enumerated(free)[0]).item()

    flat = torch.cat([p.flatten() for p in (potentials.node, potentials.temporal, potentials.spatial)])
    flat.requires_grad_()
    free = parts(flat)
    given = clamped(free)
    value = log_partition(given, settled(given)) - log_partition(free, settled(free))
    assert value.item() == pytest.approx(exact(flat.detach()), abs=1e-9)
    value.backward()
    step = 1e-5
    for at in range(0, len(flat), 3):
        aside = torch.zeros_like(flat.detach())
        aside[at] = step
        wanted = (exact(flat.detach() + aside) - exact(flat.detach() - aside)) / (2 * step)
        assert flat.grad[at].item() == pytest.approx(wanted, abs=1e-5)


@given(
    size=st.sampled_from(TREES),
    seed=st.integers(0, 10_000),
    strength=st.floats(0, 5),
    forbid=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_beliefs_of_trees_are_normalised_and_agree_with_their_edges(size, seed, strength, forbid) -> None:
    potentials = graph(*size, seed=seed, strength=strength)
    if forbid:
        potentials.node[-1, ::2] = -torch.inf
    messages = settled(potentials)
    beliefs = log_beliefs(potentials, messages).exp()
    assert torch.allclose(beliefs.sum(0), torch.ones(size[1:], dtype=torch.float64))
    assert not (forbid and beliefs[-1, ::2].any())
    temporal, spatial = edge_beliefs(potentials, messages)
    low, high = box_pairs(size[2])
    for joint, first, second in (
        (temporal, beliefs[:, :-1], beliefs[:, 1:]),
        (spatial, beliefs[..., low], beliefs[..., high]),
    ):
        assert torch.allclose(joint.sum(1), first, atol=1e-9)
        assert torch.allclose(joint.sum(0), second, atol=1e-9)


def test_a_batch_of_graphs_is_each_graph_by_itself() -> None:
    potentials = graph(3, 4, 3, lead=(2, 5))
    shared = Potentials(potentials.node, potentials.temporal[0], potentials.spatial[0])
    messages = propagate(shared, 7, 0.3, 0.0)
    for row in range(2):
        for column in range(5):
            one = Potentials(shared.node[row, column], shared.temporal[column], shared.spatial[column])
            alone = propagate(one, 7, 0.3, 0.0)
            together = log_beliefs(shared, messages)[row, column]
            assert torch.allclose(log_beliefs(one, alone), together, atol=1e-12)
            assert torch.allclose(log_partition(one, alone), log_partition(shared, messages)[row, column])


def test_large_potentials_neither_overflow_nor_vanish() -> None:
    """In single precision, against double."""
    potentials = graph(3, 40, 2, strength=1.0)
    potentials = Potentials(300 * potentials.node, 8 * potentials.temporal, potentials.spatial)
    single = Potentials(potentials.node.float(), potentials.temporal.float(), potentials.spatial.float())
    wanted = log_beliefs(potentials, settled(potentials)).exp()
    found = log_beliefs(single, propagate(single, 300, 0.3, 1e-6)).exp()
    assert torch.allclose(found.double(), wanted, atol=1e-3)


@pytest.mark.parametrize("frames", [2, 3, 8, 13])
def test_spans_by_doubling_are_the_chain_frame_by_frame(frames) -> None:
    own = torch.rand(2, 3, 4, frames - 1, 2, dtype=torch.float64)
    own[:, :, 0, ::2] = 0
    kernels = torch.rand(2, 3, 4, 4, dtype=torch.float64) + 0.01
    slow, quick = (
        way(own, kernels) for way in (belief_propagation._frame_by_frame, belief_propagation._doubling)
    )
    assert torch.allclose(slow / slow.amax(2, keepdim=True), quick / quick.amax(2, keepdim=True), atol=1e-12)


def test_a_graph_that_has_settled_stops() -> None:
    potentials = graph(2, 3, 2, strength=0.5)
    few, many = (propagate(potentials, rounds, 0.0, 1e-9) for rounds in (60, 600))
    assert torch.equal(few.spatial, many.spatial)
    assert not torch.equal(few.spatial, propagate(potentials, 2, 0.0, 1e-9).spatial)
