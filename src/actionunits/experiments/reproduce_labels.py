"""Items that need labels only: made on synthetic expressions, without a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.analysis.patterns import count_patterns, shared_by_range
from actionunits.analysis.published import published
from actionunits.experiments.reproduced import Maker, Product, Request, Scale
from actionunits.facs.patterns import parse_pattern, pattern_name
from actionunits.facs.sets import au_set
from actionunits.synthesis.timeline import random_expression

__all__ = ["COUNTS", "LABEL_MAKERS", "synthetic_labels"]

#: Expressions that are drawn at each scale.
COUNTS: Mapping[Scale, int] = {"tiny": 2_000, "small": 20_000, "paper": 140_000}

SHOWN_FROM = 2.0


def synthetic_labels(aus: Sequence[int], count: int, seed: int = 0) -> NDArray[np.int8]:
    """i8[count,A]: occurrence (intensity at least B) of random plausible expressions."""
    rng = np.random.default_rng(seed)
    labels = np.empty((count, len(aus)), np.int8)
    for row in labels:
        expression = random_expression(rng, aus)
        row[:] = [expression.intensity(au) >= SHOWN_FROM for au in aus]
    return labels


def _line(count: int, aus: str) -> str:
    return (
        f"Data: synthetic, {count:,} random expressions over {aus}; ours are not meant to equal the paper's "
        "numbers, which are of its own data set."
    )


def _pattern_table(item: str, data: str, set_name: str) -> Maker:
    def make(request: Request) -> Product:
        aus, count = au_set(set_name), COUNTS[request.scale]
        counts = count_patterns(synthetic_labels(aus, count), aus)
        printed = published("patterns")
        printed = printed[(printed["item"] == item) & (printed["part"] == "all")]
        paper = pd.DataFrame(
            {
                "AUs": [pattern_name(parse_pattern(text), aus) for text in printed["pattern"]],
                "frames": printed["frames"].to_numpy(int),
            }
        )
        ours = counts.table(top=5, bottom=2).drop(columns="pattern")
        return Product(
            _line(count, set_name.upper()),
            {"": ours, "-published": paper},
            notes=(f"{len(counts)} patterns; the paper's first rows on {data} stand in the second table.",),
        )

    return make


def _pattern_shares(request: Request) -> Product:
    count, tables = COUNTS[request.scale], {}
    for set_name in ("bp4d-12", "disfa-12"):
        aus = au_set(set_name)
        tables[f"-{set_name}"] = shared_by_range(count_patterns(synthetic_labels(aus, count), aus))
    return Product(_line(count, "BP4D-12 and DISFA-12"), tables)


LABEL_MAKERS: Mapping[tuple[str, str], Maker] = {
    ("patterns", "table3"): _pattern_table("table3", "BP4D", "bp4d-12"),
    ("patterns", "table4"): _pattern_table("table4", "DISFA", "disfa-12"),
    ("patterns", "fig3"): _pattern_shares,
}
