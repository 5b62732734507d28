"""Belief propagation and exact sums edge by edge in plain Python: what the vectorised one must agree with."""

import itertools

import torch


def edges_of(frames, boxes):
    """[(sender, receiver, kind)] of every edge in its direction; nodes are (frame, box)."""
    temporal = [((t, r), (t + 1, r), "temporal") for t in range(frames - 1) for r in range(boxes)]
    pairs = list(itertools.combinations(range(boxes), 2))
    return temporal + [((t, r), (t, s), "spatial") for t in range(frames) for r, s in pairs]


def enumerated(potentials):
    """The exact log-partition, and the exact marginals f[K,T,R], of one small graph."""
    node = potentials.node
    states, frames, boxes = node.shape
    edges = edges_of(frames, boxes)
    rows, scores = [], []
    for row in itertools.product(range(states), repeat=frames * boxes):
        state = torch.tensor(row).reshape(frames, boxes)
        score = node.gather(0, state[None]).sum()
        for one, other, kind in edges:
            score = score + getattr(potentials, kind)[state[one], state[other]]
        rows.append(state)
        scores.append(score)
    total = torch.stack(scores).logsumexp(0)
    share = (torch.stack(scores) - total).exp()[:, None, None]
    marginal = torch.stack([(share * (torch.stack(rows) == k)).sum(0) for k in range(states)])
    return total, marginal


def edge_by_edge(potentials, rounds, damping):
    """The log marginals f[K,T,R] of one graph after so many rounds of the same schedule."""
    node = potentials.node
    states, frames, boxes = node.shape
    edges = edges_of(frames, boxes)
    pair = {}
    for one, other, kind in edges:
        pair[one, other] = getattr(potentials, kind)
        pair[other, one] = getattr(potentials, kind).T
    sent = {edge: node.new_zeros(states) for edge in pair}
    into = {}
    for one, other in pair:
        into.setdefault(other, []).append(one)

    def message(one, other):
        known = node[:, one[0], one[1]] + sum(sent[k, one] for k in into[one] if k != other)
        found = (pair[one, other] + known[:, None]).logsumexp(0)
        return found - found.max()

    def along_time():
        for t in range(frames - 1):
            for r in range(boxes):
                sent[(t, r), (t + 1, r)] = message((t, r), (t + 1, r))
        for t in reversed(range(frames - 1)):
            for r in range(boxes):
                sent[(t + 1, r), (t, r)] = message((t + 1, r), (t, r))

    spatial = [
        edge for one, other, kind in edges if kind == "spatial" for edge in ((one, other), (other, one))
    ]
    along_time()
    for _ in range(rounds):
        fresh = {edge: (1 - damping) * message(*edge) + damping * sent[edge] for edge in spatial}
        sent.update(fresh)
        along_time()
    beliefs = node.clone()
    for (_one, other), known in sent.items():
        beliefs[:, other[0], other[1]] += known
    return beliefs - beliefs.logsumexp(0)
