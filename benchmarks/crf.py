"""Belief propagation of seed 001's AR_CRF at the paper's sizes: processor time of one thread.

1. Frames a second out of codes: in use, and a learning step (both expectations and the gradient).
2. The vectorised rounds beside the same schedule edge by edge in plain Python
   (`tests/models/au_rcnn/plain_beliefs.py`); a test shows that their beliefs are equal to 1e-9.
3. The schedule (along time exactly, forward and backward, in each round) beside flooding (all messages at
   once): rounds and time until no marginal is farther than .001 from the settled ones.

    python benchmarks/crf.py [--runs 5] [--out RESULT.md]
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from actionunits.atomic import replace_when_done
from actionunits.facs.sets import AU_SETS
from actionunits.models.au_rcnn import belief_propagation as beliefs
from actionunits.models.au_rcnn.belief_propagation import Messages, Potentials, log_beliefs, propagate
from actionunits.models.au_rcnn.crf import ArCrf
from actionunits.models.interface import TensorBatch
from actionunits.models.registry import build_model

FRAMES, AUS, NEAR, MOST_ROUNDS = 100, AU_SETS["bp4d-22"], 1e-3, 128
KINDS = ("binary", "class")
_PLAIN = Path(__file__).parents[1] / "tests/models/au_rcnn/plain_beliefs.py"


def network(kind: str) -> ArCrf:
    """The paper's network with pair potentials as they come out of learning: AUs stay as they are."""
    torch.manual_seed(0)
    model = build_model("au_rcnn/ar_crf", {"aus": list(AUS), "states": kind, "backbone": "resnet50"})
    assert isinstance(model, ArCrf)
    with torch.no_grad():
        same = torch.eye(model.pair.shape[-1]).bool()
        model.pair.copy_(torch.where(same, 2.0, 0.2 * torch.randn_like(model.pair)))
        model.node.weight.copy_(2.0 * torch.randn_like(model.node.weight))
    return model


def codes_of(model: ArCrf, clips: int) -> TensorBatch:
    """Random codes that vary slowly, and labels that stay."""
    draw = torch.Generator().manual_seed(1)
    steps = torch.randn(clips, FRAMES // 20, model.code_length, generator=draw).repeat_interleave(20, dim=1)
    codes = steps + torch.randn(clips, FRAMES, model.code_length, generator=draw) - 0.5
    labels = (torch.rand(clips, FRAMES // 20, len(AUS), generator=draw) < 0.2).repeat_interleave(20, dim=1)
    return TensorBatch(torch.empty(clips, FRAMES, 0, 0, 0), labels=labels.to(torch.int8), codes=codes)


def best_seconds(work: Callable[[], object], runs: int) -> float:
    """Processor time: the best of some runs after one that warms up."""
    spent = []
    for _ in range(runs + 1):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return min(spent[1:])


def use(model: ArCrf, batch: TensorBatch) -> None:
    """The marginals of a batch."""
    with torch.inference_mode():
        model(batch)


def learn(model: ArCrf, batch: TensorBatch) -> None:
    """Both expectations and the gradient."""
    model.zero_grad()
    model.loss(batch, model(batch)).backward()


def speed_rows(runs: int) -> list[str]:
    """Frames a second in use and in learning."""
    lines = [
        "| states | clips | in use, frames/s | learning, frames/s | learning step, ms |",
        "|---|---:|---:|---:|---:|",
    ]
    for kind in KINDS:
        model = network(kind)
        for clips in (1, 4):
            batch = codes_of(model, clips)

            used, learnt = (best_seconds(partial(work, model, batch), runs) for work in (use, learn))
            frames = clips * FRAMES
            lines.append(
                f"| {kind} | {clips} | {frames / used:,.0f} | {frames / learnt:,.0f} | {1e3 * learnt:.0f} |"
            )
    return lines


def potentials_of(model: ArCrf, clips: int) -> Potentials:
    """Of so many clips."""
    with torch.no_grad():
        return model._potentials(model(codes_of(model, clips)).parts[1])


def edge_by_edge_rows(runs: int, rounds: int = 2) -> list[str]:
    """The same rounds over the edges one by one."""
    source = importlib.util.spec_from_file_location("plain_beliefs", _PLAIN)
    assert source is not None
    assert source.loader is not None
    plain = importlib.util.module_from_spec(source)
    source.loader.exec_module(plain)
    lines = [f"| states | {rounds} rounds, ms | edge by edge, ms | ratio |", "|---|---:|---:|---:|"]
    for kind in KINDS:
        whole = potentials_of(network(kind), 1)
        ours = best_seconds(partial(propagate, whole, rounds, 0.3, 0.0), runs)
        single = [
            Potentials(node, whole.temporal[at], whole.spatial[at]) for at, node in enumerate(whole.node[0])
        ]

        begun = time.process_time()
        for graph in single:
            plain.edge_by_edge(graph, rounds, 0.3)
        theirs = time.process_time() - begun
        lines.append(f"| {kind} | {1e3 * ours:.1f} | {1e3 * theirs:,.0f} | {theirs / ours:,.0f} |")
    return lines


def flooding(potentials: Potentials, rounds: int, damping: float, tolerance: float) -> Messages:
    """All messages at once, damped; all rounds."""
    assert not tolerance
    node = potentials.node
    *lead, states, frames, boxes = node.shape
    pairs = beliefs.box_pairs(boxes)
    across, along = (
        beliefs._both_ways(pair, len(lead)) for pair in (potentials.spatial, potentials.temporal)
    )
    spatial = node.new_zeros(2, *lead, states, frames, pairs.shape[1])
    temporal = node.new_zeros(2, *lead, states, frames - 1, boxes)
    for _ in range(rounds):
        total = beliefs._total(potentials, Messages(temporal, spatial))
        sent = beliefs._through(across, beliefs._at_ends(total, pairs) - spatial.flip(0))
        ends = torch.stack((total[..., :-1, :], total[..., 1:, :]))
        passed = beliefs._through(along, ends - temporal.flip(0))
        spatial, temporal = torch.lerp(sent, spatial, damping), torch.lerp(passed, temporal, damping)
    return Messages(temporal, spatial)


def schedule_rows(runs: int) -> list[str]:
    """Rounds and time to the settled marginals."""
    lines = ["| states | damping | rounds | ms | flooding: rounds | ms |", "|---|---:|---:|---:|---:|---:|"]
    for kind in KINDS:
        graph = potentials_of(network(kind), 2)
        wanted = log_beliefs(graph, propagate(graph, 300, 0.3, 1e-6)).exp()
        for damping in (0.0, 0.3, 0.5):
            cells: list[str] = []
            for schedule in (propagate, flooding):
                way = partial(schedule, graph, damping=damping, tolerance=0.0)
                rounds = rounds_needed(graph, way, wanted)
                spent = best_seconds(partial(way, rounds or 1), runs)
                cells += [str(rounds), f"{1e3 * spent:.0f}"] if rounds else [f"over {MOST_ROUNDS}", ""]
            lines.append(f"| {kind} | {damping} | {' | '.join(cells)} |")
    return lines


def rounds_needed(graph: Potentials, way: Callable[[int], Messages], wanted: Tensor) -> int | None:
    """The fewest rounds, by halving, after which all marginals are near; None where many do not suffice."""

    def near(rounds: int) -> bool:
        found = log_beliefs(graph, way(rounds)).exp()
        return bool((found - wanted).abs().max() < NEAR)

    if not near(MOST_ROUNDS):
        return None
    low, high = 0, MOST_ROUNDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if near(middle) else (middle, high)
    return high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    load = os.getloadavg()[0]
    lines = [
        "# Seed 001: belief propagation of AR_CRF",
        "",
        f"Clips of {FRAMES} frames, {len(AUS)} AUs. `class`: one graph of 9 boxes a frame, 23 states a node;",
        "`binary`: 22 graphs of two states, of the boxes that carry the AU (3 at most). Random codes of",
        "9 x 2048 values: AR_res's own time is not in it. Processor time of one thread, best of the runs.",
        "",
        *speed_rows(asked.runs),
        "",
        "The same schedule in plain Python, which goes from edge to edge (its beliefs are equal to 1e-9,",
        "tests/models/au_rcnn/test_belief_propagation.py):",
        "",
        *edge_by_edge_rows(asked.runs),
        "",
        f"Two clips, until no marginal is farther than {NEAR} from the settled ones, beside flooding (all",
        "messages at once). A graph of one box is exact before the first round, however long; flooding goes",
        "a frame further in a round.",
        "",
        *schedule_rows(asked.runs),
        "",
        f"PyTorch {torch.__version__}, {torch.get_num_threads()} thread(s), {platform.machine()},",
        f"{os.cpu_count()} cores, load {load:.1f} at the start.",
        "Made by `python benchmarks/crf.py --out docs/benchmarks/crf.md`.",
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if asked.out:
        with replace_when_done(asked.out) as beside:
            beside.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
