"""Which decisions of joined predictions are scored: the table's own, or by a threshold from somewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from actionunits.analysis.joining import Joined
from actionunits.errors import UserError
from actionunits.metrics.thresholds import choose_thresholds, decide

__all__ = ["columns_of", "decisions_of"]


def columns_of(joined: Joined, aus: Sequence[int]) -> list[int]:
    """The columns of these AUs in the predictions.

    Raises:
        UserError: the predictions lack one.
    """
    known = joined.predictions.aus
    absent = [str(au) for au in aus if au not in known]
    if absent:
        there = " ".join(map(str, known))
        raise UserError(f"{joined.predictions.source} has no AU {' '.join(absent)}: its AUs are {there}")
    return [known.index(au) for au in aus]


def decisions_of(
    joined: Joined,
    aus: Sequence[int],
    threshold: float | str | None = None,
    validation: Joined | None = None,
) -> tuple[NDArray[np.int8], str]:
    """The decisions that are scored, i8[N,A] with -1 = undecided, and how they were made.

    Args:
        joined: the frames.
        aus: the A AUs.
        threshold: a number for all AUs; ``oracle`` for each AU's best on these very frames; None for the
            table's own decisions, or 0.5 for an AU that has none.
        validation: other people's frames, on which each AU's threshold is chosen.

    Raises:
        UserError: a threshold without probabilities, one outside 0 to 1, or one beside a validation table.
    """
    columns = columns_of(joined, aus)
    scores = joined.predictions.scores[:, columns]
    if validation is not None and threshold is not None:
        raise UserError("give a threshold or validation tables to choose one on, not both")
    if validation is None and threshold is None:
        return _own(joined.predictions.decisions[:, columns], scores)
    absent = [str(au) for column, au in enumerate(aus) if np.isnan(scores[:, column]).all()]
    if absent:
        raise UserError(
            f"a threshold needs probabilities (AU12_p): {joined.predictions.source} has none of AU "
            + " ".join(absent)
        )
    if validation is not None:
        chosen = choose_thresholds(
            validation.labels.labels(aus), validation.predictions.scores[:, columns_of(validation, aus)]
        )
        return decide(scores, chosen), _listed("thresholds chosen on the validation tables", aus, chosen)
    if threshold == "oracle":
        best = choose_thresholds(joined.labels.labels(aus), scores)
        text = "oracle thresholds: each AU's best F1 on the very frames that are scored, an upper bound"
        return decide(scores, best), _listed(text, aus, best)
    assert threshold is not None
    bound = float(threshold)
    if not 0 <= bound <= 1:
        raise UserError(f"a threshold is within 0 to 1, got {bound:g}")
    return decide(scores, bound), f"shown from a probability of {bound:g} up"


def _own(decisions: NDArray[np.float64], scores: NDArray[np.float64]) -> tuple[NDArray[np.int8], str]:
    codes = np.where(np.isnan(decisions), -1, decisions).astype(np.int8)
    silent = np.isnan(decisions).all(axis=0)
    codes[:, silent] = decide(scores[:, silent], 0.5)
    if not silent.any():
        return codes, "the table's own decisions"
    how = "shown from a probability of 0.5 up"
    return codes, how if silent.all() else f"the table's own decisions, or where an AU has none {how}"


def _listed(text: str, aus: Sequence[int], values: NDArray[np.float64]) -> str:
    pairs = ", ".join(f"AU{au} {value:.3f}" for au, value in zip(aus, values.tolist(), strict=True))
    return f"{text} ({pairs})"
