"""Probabilities that mean something, and thresholds: both from people who were not learnt from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from actionunits.experiments.embedded.labels import NOT_IN_A_SMILE
from actionunits.experiments.embedded.unseen import Limits, Said, SaidOfAnimated, joined
from actionunits.records import FloatArray

__all__ = ["calibration_of", "choose_thresholds", "chosen_by_others", "thresholds_of_others"]

#: Weight of the real faces of an AU beside its animated ones.
REAL_WEIGHT = 0.2

#: Share of the faces without an AU that may be called: animated at rest and on smiles, and neutral
#: photographs, taken together. Of one kind alone it may be more.
CALLED_WITHOUT = 0.05

#: Share of the neutral photographs, as this and other cameras take them, that may be called: less, so that it
#: is no more than :data:`CALLED_WITHOUT` of other people's.
CALLED_AT_REST = 0.03

#: How far above the mean of real faces that do not show an AU its threshold lies, in deviations of their
#: logits: they are few, and if they are normal, :data:`CALLED_WITHOUT` of them are above.
ABOVE_ABSENT = 1.645

#: AUs that published codings of posed joy do not show: they are not to be called on smiles either.
NOT_IN_JOY = (1, 2, 4, 5, 9, *NOT_IN_A_SMILE)


@dataclass(frozen=True)
class _Scored:
    """Probabilities f64[N] of one AU with labels 0/1 and weights."""

    probability: NDArray[np.float64]
    labels: NDArray[np.int8]
    weights: NDArray[np.float64]


def calibration_of(said: Said, aus: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    """A scale and a shift f32[A] of each AU's logit (Platt), fitted on animated and real faces.

    Neutral photographs are negatives of every AU, smiling ones positives of AU12 and unknown for the rest.
    An AU of which only one class is there keeps its logits.

    Args:
        said: by networks that are not calibrated.
        aus: the columns.
    """
    scale, shift = np.ones(len(aus), np.float32), np.zeros(len(aus), np.float32)
    for column, scored in enumerate(_together(said, aus)):
        if len(set(scored.labels.tolist())) < 2:
            continue
        logits = _logits(scored.probability)[:, None]
        fitted = LogisticRegression(C=1e3).fit(logits, scored.labels, scored.weights)
        if fitted.coef_[0, 0] > 0:
            scale[column], shift[column] = fitted.coef_[0, 0], fitted.intercept_[0]
    return scale, shift


def choose_thresholds(said: Said, aus: tuple[int, ...]) -> FloatArray:
    """The probability f32[A] above which an AU is called, from people who were not learnt from.

    The best weighted F1, but never so low that more faces without the AU are called than
    :data:`CALLED_WITHOUT` of all of them together and :data:`CALLED_AT_REST` of the real neutral ones. It
    also lies :data:`ABOVE_ABSENT` deviations above the mean of the real neutral faces, in logits, and for
    :data:`NOT_IN_JOY` of the real smiles too. An AU of which only one class is there gets 0.5 for the first.

    Args:
        said: by calibrated networks.
        aus: the columns.
    """
    limits = np.full(len(aus), 0.5, np.float32)
    for column, scored in enumerate(_together(said, aus, on_smiles=True)):
        if len(set(scored.labels.tolist())) == 2:
            without = np.quantile(scored.probability[scored.labels == 0], 1 - CALLED_WITHOUT)
            limits[column] = max(_best_f1(scored), without)
    smiling = said.faces.smiling
    if not smiling.all():
        at_rest = said.real[~smiling]
        most = np.quantile(at_rest, 1 - CALLED_AT_REST, axis=0).astype(np.float32)
        limits = np.maximum(limits, np.maximum(_above(at_rest), most))
    if smiling.any():
        absent = [column for column, au in enumerate(aus) if au in NOT_IN_JOY]
        limits[absent] = np.maximum(limits[absent], _above(said.real[smiling])[absent])
    return limits


def chosen_by_others(parts: Sequence[Said], aus: tuple[int, ...]) -> list[FloatArray]:
    """For each of two or more parts of the people the thresholds f32[A] that the other parts choose."""
    return [choose_thresholds(joined(p for p in parts if p is not part), aus) for part in parts]


def thresholds_of_others(parts: Sequence[Said], aus: tuple[int, ...]) -> Limits:
    """For each face of each part of the people the thresholds that the other parts would have chosen.

    Scored so, what is called does not hang on thresholds that were fitted to the very faces. (The networks
    that speak of the others did learn from them.)

    Args:
        parts: what was said of each, two or more.
        aus: the columns.
    """
    chosen = chosen_by_others(parts, aus)

    def for_each(counts: Iterable[int]) -> FloatArray:
        return np.repeat(np.stack(chosen), list(counts), axis=0)

    def faces(said: SaidOfAnimated | None) -> int:
        return 0 if said is None else len(said.labels)

    return Limits(
        for_each(faces(part.animated) for part in parts),
        for_each(faces(part.on_smiles) for part in parts),
        for_each(len(part.real) for part in parts),
    )


def _above(said: FloatArray) -> FloatArray:
    """f32[A]: the probability that those f32[N,A] of faces without the AU seldom reach."""
    logits = _logits(said)
    limit = logits.mean(axis=0) + ABOVE_ABSENT * logits.std(axis=0)
    return np.asarray(1 / (1 + np.exp(-limit)), np.float32)


def _logits(probability: FloatArray | NDArray[np.float64]) -> NDArray[np.float64]:
    sure = np.clip(probability.astype(np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(sure / (1 - sure)), np.float64)


def _together(said: Said, aus: tuple[int, ...], *, on_smiles: bool = False) -> list[_Scored]:
    """Animated and real faces of each AU; a threshold is to hold on animated smiles, too.

    A probability is that of faces at rest, as often animated as those.
    """
    animated = [said.animated, said.on_smiles] if on_smiles and said.on_smiles else [said.animated]
    labels = np.concatenate([part.labels for part in animated])
    scores = np.concatenate([part.probability for part in animated]).astype(np.float64)
    table = []
    for column, au in enumerate(aus):
        truth = np.where(said.faces.smiling, 1 if au == 12 else -1, 0).astype(np.int8)
        weight = REAL_WEIGHT * len(labels) / max(1, int((truth >= 0).sum()))
        every = np.concatenate([labels[:, column], truth])
        weights = np.concatenate([np.ones(len(labels)), np.full(len(truth), weight)])
        known = every >= 0
        merged = np.concatenate([scores[:, column], said.real[:, column]])
        table.append(_Scored(merged[known], every[known], weights[known]))
    return table


def _best_f1(scored: _Scored) -> float:
    order = np.argsort(-scored.probability)
    scores, labels, weights = scored.probability[order], scored.labels[order], scored.weights[order]
    hits = np.cumsum(weights * labels)
    called = np.cumsum(weights)
    f1 = 2 * hits / (called + (weights * labels).sum())
    last_of_ties = np.append(scores[1:] != scores[:-1], True)
    best = int(np.argmax(np.where(last_of_ties, f1, -1.0)))
    below = scores[best + 1] if best + 1 < len(scores) else 0.0
    return float((scores[best] + below) / 2)
