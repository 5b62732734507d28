"""The states of AR_CRF's nodes: values of boxes and AUs as values of graphs, states and nodes, and back.

State 0 is "shows none of them"; it is the reference, whose potentials are all 0. ``class``: one graph, whose
nodes have a state for each of the A AUs, one at a time. ``binary``: A graphs, whose nodes have one AU or
none. A node cannot have the state of an AU that its box does not carry. A box that carries nothing of a graph
has only state 0 there and says nothing to the others: such boxes are left out, as far as all graphs can spare
them.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

__all__ = ["NodeStates", "StateKind", "log_odds"]

StateKind = Literal["binary", "class"]


class NodeStates(nn.Module):
    """Which graphs there are, and which boxes and states they have.

    Args:
        kind: ``binary`` or ``class``.
        carry: bool[R,A] (:func:`actionunits.facs.groups.boxes_carry`).

    Attributes:
        graphs: G, 1 or A.
        states: S, A or 1, beside state 0.
        nodes: N, boxes of a frame that a graph has.
    """

    boxes: Tensor
    allowed: Tensor

    def __init__(self, kind: StateKind, carry: NDArray[np.bool_]) -> None:
        super().__init__()
        boxes, aus = carry.shape
        self.graphs: int = aus if kind == "binary" else 1
        self.states: int = aus // self.graphs
        mine = carry.T.reshape(self.graphs, self.states, boxes)
        idle = ~mine.any(axis=1)  # [G,R]
        self.nodes = int((~idle).sum(axis=1).max())
        chosen = np.sort(np.argsort(idle, axis=1, kind="stable")[:, : self.nodes], axis=1)
        allowed = np.take_along_axis(mine, chosen[:, None], axis=2)
        self._all_boxes = boxes
        self.register_buffer("boxes", torch.from_numpy(chosen)[:, None, None], persistent=False)
        self.register_buffer("allowed", torch.from_numpy(allowed)[:, :, None], persistent=False)

    def of_graphs(self, values: Tensor) -> Tensor:
        """f[B,T,R,A] -> f[B,G,S,T,N]."""
        clips, frames, boxes = values.shape[:3]
        apart = values.permute(0, 3, 1, 2).reshape(clips, self.graphs, self.states, frames, boxes)
        return apart.gather(-1, self._places(apart))

    def of_boxes(self, values: Tensor, otherwise: float) -> Tensor:
        """f[B,G,S,T,N] -> f[B,T,R,A], with another value where a box does not carry an AU."""
        kept = torch.where(self.allowed, values, torch.full_like(values, otherwise))
        whole = values.new_full((*values.shape[:-1], self._all_boxes), otherwise)
        return whole.scatter(-1, self._places(kept), kept).flatten(1, 2).permute(0, 2, 3, 1)

    def _places(self, values: Tensor) -> Tensor:
        return self.boxes.expand(*values.shape[:-1], self.nodes)

    def node_potentials(self, scores: Tensor) -> Tensor:
        """f[B,G,S+1,T,N] of what the boxes say of the AUs, f[B,T,R,A]; -inf is a state that is not there."""
        own = self.of_graphs(scores).masked_fill(~self.allowed, -torch.inf)
        return nn.functional.pad(own, (0, 0, 0, 0, 1, 0))

    def possible(self, labels: Tensor) -> Tensor:
        """bool[B,G,S+1,T,N]: the states that labels leave open.

        An AU's state is open unless it is known not to be shown; state 0, unless one is known to be shown. Of
        several AUs that a node shows any may be its state.

        Args:
            labels: i8[B,T,R,A] of the boxes; -1 unknown.
        """
        own = self.of_graphs(labels)
        return torch.cat((~(own == 1).any(dim=2, keepdim=True), own != 0), dim=2)


def log_odds(log_beliefs: Tensor) -> Tensor:
    """f[..,K-1,T,N]: the log-odds of each state but the first, of log marginals f[..,K,T,N]."""
    states = log_beliefs.shape[-3]
    if states == 2:
        return log_beliefs[..., 1:, :, :] - log_beliefs[..., :1, :, :]
    same = torch.eye(states, dtype=torch.bool, device=log_beliefs.device)[:, :, None, None]
    others = log_beliefs.unsqueeze(-4).masked_fill(same, -torch.inf).logsumexp(dim=-3)
    return (log_beliefs - others)[..., 1:, :, :]
