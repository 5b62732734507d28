"""Loopy sum-product belief propagation on the graph of R boxes x T frames of seed 001's AR_CRF.

Nodes are (frame, box). Temporal edges join the same box in adjacent frames, spatial edges all pairs of boxes
in a frame. Every node has the same K states, every temporal edge the same potentials, and every spatial edge.
With R = 1 or T = 1 and R = 2 the graph is a tree, and what comes out is exact; else it is Bethe's
approximation, at the fixed point that the rounds have come to.

Schedule: in a round all spatial messages are sent at once, damped, and then those along time, forward and
backward, which are exact given the spatial ones: a round carries over the whole clip. Sums over states are
matrix products of exponentials, each shifted by its maximum: pair potentials may span about 80 in f32 (700 in
f64); node potentials are not bounded, and -inf is a state that a node cannot have.

Leading axes ``..`` are a batch of graphs; pair potentials need those axes only where they differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = [
    "Messages",
    "Potentials",
    "box_pairs",
    "edge_beliefs",
    "log_beliefs",
    "log_partition",
    "propagate",
]


@dataclass(frozen=True)
class Potentials:
    """Logarithms of a graph's potentials.

    Attributes:
        node: f[..,K,T,R]; -inf is a state that the node cannot have, and each node has one that it can.
        temporal: f[..,K,K], [a,b]: a in a frame and b in the next one, in the same box.
        spatial: f[..,K,K], [a,b]: a in a box and b in a later one, in the same frame (:func:`box_pairs`).
    """

    node: Tensor
    temporal: Tensor
    spatial: Tensor


@dataclass(frozen=True)
class Messages:
    """Logarithms of what the nodes send one another; the greatest of a message is 0.

    Attributes:
        temporal: f[2,..,K,T-1,R]: [0] into the later frame, [1] into the earlier one.
        spatial: f[2,..,K,T,P]: [0] into the later box of a pair, [1] into the earlier one.
    """

    temporal: Tensor
    spatial: Tensor


def box_pairs(boxes: int, device: torch.device | str = "cpu") -> Tensor:
    """i64[2,P]: the earlier and the later box of each pair.

    >>> box_pairs(3).tolist()
    [[0, 0, 1], [1, 2, 2]]
    """
    return torch.triu_indices(boxes, boxes, 1, device=device)


@torch.no_grad()
def propagate(
    potentials: Potentials, rounds: int = 40, damping: float = 0.0, tolerance: float = 1e-4
) -> Messages:
    """Pass messages until they are settled; no gradient goes through them.

    Args:
        potentials: of the graphs.
        rounds: at most so many.
        damping: share of the last round's spatial message that is kept, 0 to below 1.
        tolerance: stop when no spatial message has changed by more; in a network that is being exported all
            rounds are run.
    """
    node = potentials.node
    *lead, states, frames, boxes = node.shape
    pairs, ends = box_pairs(boxes, node.device), _ends(node)
    kernels = [_both_ways(pair, len(lead)) for pair in (potentials.spatial, potentials.temporal)]
    spatial = node.new_zeros(2, *lead, states, frames, pairs.shape[1])
    local, temporal = node, _along_time(node, kernels[1])
    for _ in range(rounds if pairs.shape[1] else 0):
        total = local + _from_frames(temporal)
        sent = _through(kernels[0], _at_ends(total, pairs) - spatial.flip(0))
        fresh = torch.lerp(sent, spatial, damping) if damping else sent
        change = (fresh - spatial).abs().amax()
        spatial = fresh
        local = node + _from_boxes(spatial, ends)
        temporal = _along_time(local, kernels[1])
        if not torch.compiler.is_exporting() and bool(change <= tolerance):
            break
    return Messages(temporal, spatial)


def log_beliefs(potentials: Potentials, messages: Messages) -> Tensor:
    """f[..,K,T,R]: the logarithm of each state's marginal at each node."""
    total = _total(potentials, messages)
    return total - total.logsumexp(dim=-3, keepdim=True)


def edge_beliefs(potentials: Potentials, messages: Messages) -> tuple[Tensor, Tensor]:
    """The marginal of each pair of states at each edge: temporal f[..,K,K,T-1,R], spatial f[..,K,K,T,P]."""
    temporal, spatial = (edges.joint() for edges in _edges(potentials, messages))
    return temporal, spatial


def log_partition(potentials: Potentials, messages: Messages) -> Tensor:
    """f[..]: Bethe's logarithm of each graph's partition function, exact on trees.

    Its gradient by the potentials is what the beliefs expect: node marginals, and pair marginals summed over
    edges; the messages are taken as settled.
    """
    with torch.no_grad():
        total = _total(potentials, messages)
        beliefs = total.softmax(dim=-3)
        edges = _edges(potentials, messages)
        value = ((1 - _degrees(total)) * total.logsumexp(dim=-3)).sum(dim=(-2, -1))
        value = value + sum(kind.log_sums() for kind in edges)
        temporal, spatial = (kind.counts() for kind in edges)
    possible = torch.where(beliefs > 0, potentials.node, torch.zeros_like(beliefs))
    expected = (beliefs * possible).sum(dim=(-3, -2, -1))
    expected = expected + (temporal * potentials.temporal).sum(dim=(-2, -1))
    expected = expected + (spatial * potentials.spatial).sum(dim=(-2, -1))
    return value + (expected - expected.detach())


# ---------------------------------------------------------------- messages


def _both_ways(pair: Tensor, axes: int) -> Tensor:
    """f[2,..,K,K], with so many axes ``..``: what a cavity is multiplied with, [0] from a to b, [1] back."""
    pair = pair.reshape(*[1] * (axes + 2 - pair.ndim), *pair.shape)
    kernel = (pair - pair.amax(dim=(-2, -1), keepdim=True)).exp()
    return torch.stack((kernel.mT, kernel))


def _through(kernels: Tensor, cavity: Tensor) -> Tensor:
    """Messages f[2,..,K,T,E] out of what their senders know without them, f[2,..,K,T,E]."""
    shifted = (cavity - cavity.amax(dim=-3, keepdim=True)).exp()
    sent = (kernels @ shifted.flatten(-2)).log()
    return (sent - sent.amax(dim=-2, keepdim=True)).reshape(cavity.shape)


def _along_time(local: Tensor, kernels: Tensor) -> Tensor:
    """The messages along time f[2,..,K,T-1,R], exact for what nodes f[..,K,T,R] know without them."""
    shifted = (local - local.amax(dim=-3, keepdim=True)).exp()
    both = torch.stack((shifted, shifted.flip(-2)))[..., :-1, :]
    if not both.shape[-2]:
        return both
    sent = (_doubling if torch.compiler.is_exporting() else _frame_by_frame)(both, kernels).log()
    forward, backward = (sent - sent.amax(dim=-3, keepdim=True)).unbind(0)
    return torch.stack((forward, backward.flip(-2)))


def _frame_by_frame(own: Tensor, kernels: Tensor) -> Tensor:
    """Messages f[2,..,K,T-1,R] out of what frames know by themselves, f[2,..,K,T-1,R]; not logarithms."""
    states = own.shape[-3]
    graphs = own.reshape(-1, *own.shape[-3:])
    kernels = kernels.expand(*own.shape[:-2], states).reshape(-1, states, states)
    message, sent = torch.ones_like(graphs[:, :, 0]), []
    for here in graphs.unbind(dim=2):
        message = torch.bmm(kernels, message * here)
        message = message / message.amax(dim=1, keepdim=True)
        sent.append(message)
    return torch.stack(sent, dim=2).reshape(own.shape)


def _doubling(own: Tensor, kernels: Tensor) -> Tensor:
    """The same in log2(T) steps, by products over spans of frames twice as long each time.

    More arithmetic, but an exported network is not T times as long.
    """
    spans = kernels[..., None, None, :, :] * own.movedim(-3, -1).unsqueeze(-2)  # [2,..,T-1,R,K,K]
    reach = 1
    while reach < own.shape[-2]:
        longer = spans[..., reach:, :, :, :] @ spans[..., :-reach, :, :, :]
        longer = longer / longer.amax(dim=(-2, -1), keepdim=True)
        spans = torch.cat((spans[..., :reach, :, :, :], longer), dim=-4)
        reach *= 2
    return spans.sum(dim=-1).movedim(-1, -3)


def _from_frames(temporal: Tensor) -> Tensor:
    """f[..,K,T,R]: the sum of the messages along time into each node."""
    later = nn.functional.pad(temporal[0], (0, 0, 1, 0))
    return later + nn.functional.pad(temporal[1], (0, 0, 0, 1))


def _from_boxes(spatial: Tensor, ends: Tensor) -> Tensor:
    """f[..,K,T,R]: the sum of the spatial messages into each node."""
    return spatial[0] @ ends[1] + spatial[1] @ ends[0]


def _ends(node: Tensor) -> Tensor:
    """f[2,P,R]: 1 at the earlier, and at the later, box of each pair."""
    boxes = node.shape[-1]
    return nn.functional.one_hot(box_pairs(boxes, node.device), boxes).to(node.dtype)


def _total(potentials: Potentials, messages: Messages) -> Tensor:
    """f[..,K,T,R]: all that each node knows."""
    node = potentials.node
    return node + _from_boxes(messages.spatial, _ends(node)) + _from_frames(messages.temporal)


def _at_ends(total: Tensor, pairs: Tensor) -> Tensor:
    """f[2,..,K,T,P]: the values of nodes f[..,K,T,R] at the senders of the spatial messages."""
    return torch.stack((total[..., pairs[0]], total[..., pairs[1]]))


# ---------------------------------------------------------------- edges


@dataclass(frozen=True)
class _Edges:
    """All edges of a kind: ``pair`` f[..,K,K], and what either end knows without the other, f[..,K,T,E]."""

    pair: Tensor
    first: Tensor
    second: Tensor

    def _linear(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Kernel f[..,K,K], ends f[..,K,M] with the sum of each edge f[..,1,M], as exponentials; shifts."""
        top = self.pair.amax(dim=(-2, -1), keepdim=True)
        kernel = (self.pair - top).exp()
        ends = [end.flatten(-2) for end in (self.first, self.second)]
        tops = [end.amax(dim=-2, keepdim=True) for end in ends]
        first, second = ((end - high).exp() for end, high in zip(ends, tops, strict=True))
        total = ((kernel.mT @ first) * second).sum(dim=-2, keepdim=True)
        shift = top + tops[0] + tops[1] + total.log()
        return kernel, first / total, second, shift

    def log_sums(self) -> Tensor:
        """f[..]: the logarithms of the edges' sums over their pairs of states, added up."""
        return self._linear()[3].sum(dim=(-2, -1))

    def counts(self) -> Tensor:
        """f[..,K,K]: the marginals of all edges, added up."""
        kernel, first, second, _ = self._linear()
        return kernel * (first @ second.mT)

    def joint(self) -> Tensor:
        """f[..,K,K,T,E]: the marginal of each edge."""
        kernel, first, second, _ = self._linear()
        joint = kernel[..., None] * first.unsqueeze(-2) * second.unsqueeze(-3)
        return joint.reshape(*joint.shape[:-1], *self.first.shape[-2:])


def _edges(potentials: Potentials, messages: Messages) -> tuple[_Edges, _Edges]:
    """The temporal and the spatial edges."""
    total = _total(potentials, messages)
    pairs = box_pairs(total.shape[-1], total.device)
    first, second = _at_ends(total, pairs) - messages.spatial.flip(0)
    return (
        _Edges(
            potentials.temporal,
            total[..., :-1, :] - messages.temporal[1],
            total[..., 1:, :] - messages.temporal[0],
        ),
        _Edges(potentials.spatial, first, second),
    )


def _degrees(total: Tensor) -> Tensor:
    """f[T,R]: the edges of each node."""
    frames, boxes = total.shape[-2:]
    degrees = total.new_full((frames, boxes), boxes - 1)
    degrees[1:] += 1
    degrees[:-1] += 1
    return degrees
