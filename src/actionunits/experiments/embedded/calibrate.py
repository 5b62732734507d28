"""Probabilities that mean something, and thresholds: both from validation people only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from actionunits.experiments.embedded.labels import NOT_IN_A_SMILE
from actionunits.experiments.embedded.measure import Predict, RealFaces
from actionunits.faces.batch import collate
from actionunits.models.embedded.net import PointsAndPicture
from actionunits.models.interface import to_tensors
from actionunits.records import Batch, FloatArray, InputSpec

__all__ = ["calibrate", "choose_thresholds"]

#: Weight of the real faces of an AU beside its animated ones.
REAL_WEIGHT = 0.2

#: Share of the faces without an AU that may be called: of animated ones, of neutral photographs, and, where
#: posed joy does not show it, of smiles.
CALLED_WITHOUT = 0.05

#: How far above the mean of real faces that do not show an AU its threshold lies, in deviations of their
#: logits: they are few, and if they are normal, :data:`CALLED_WITHOUT` of them are above.
ABOVE_ABSENT = 1.645

#: AUs that published codings of posed joy do not show: they are not to be called on smiles either.
NOT_IN_JOY = (1, 2, 4, 5, 9, *NOT_IN_A_SMILE)


@dataclass(frozen=True)
class _Scored:
    """Scores f64[N] of one AU with labels 0/1 and weights."""

    scores: NDArray[np.float64]
    labels: NDArray[np.int8]
    weights: NDArray[np.float64]


def calibrate(model: PointsAndPicture, animated: Sequence[Batch], faces: RealFaces) -> None:
    """Fit a scale and a shift of each AU's logit (Platt) on animated and real faces, and set them in place.

    Neutral photographs are negatives of every AU, smiling ones positives of AU12 and unknown for the rest.
    An AU of which only one class is there keeps its logits.
    """
    for buffer, value in ((model.calibration_scale, 1.0), (model.calibration_shift, 0.0)):
        buffer.fill_(value)

    def logits(batch: Batch) -> FloatArray:
        model.eval()
        with torch.no_grad():
            found: FloatArray = model(to_tensors(batch)).logits[:, 0].numpy()
        return found

    for column, scored in enumerate(_together(logits, animated, faces, model.spec)):
        if len(set(scored.labels.tolist())) < 2:
            continue
        fitted = LogisticRegression(C=1e3).fit(scored.scores[:, None], scored.labels, scored.weights)
        if fitted.coef_[0, 0] > 0:
            model.calibration_scale[column] = float(fitted.coef_[0, 0])
            model.calibration_shift[column] = float(fitted.intercept_[0])


def choose_thresholds(
    predict: Predict, animated: Sequence[Batch], faces: RealFaces, spec: InputSpec
) -> FloatArray:
    """The probability f32[A] above which an AU is called, from validation people.

    The best weighted F1, but never so low that more faces without the AU are called than
    :data:`CALLED_WITHOUT`: it is exceeded by no more of the animated ones, and lies :data:`ABOVE_ABSENT`
    deviations above the mean of the real neutral faces, in logits, and for :data:`NOT_IN_JOY` of the real
    smiles too. An AU of which only one class is there gets 0.5 for the first.
    """
    limits = np.full(len(spec.aus), 0.5, np.float32)
    for column, scored in enumerate(_together(lambda batch: predict(batch)[0], animated, faces, spec)):
        if len(set(scored.labels.tolist())) == 2:
            without = np.quantile(scored.scores[scored.labels == 0], 1 - CALLED_WITHOUT)
            limits[column] = max(_best_f1(scored), without)
    if not faces.samples:
        return limits
    said = predict(collate(faces.samples, spec))[0]
    if not faces.smiling.all():
        limits = np.maximum(limits, _above(said[~faces.smiling]))
    if faces.smiling.any():
        absent = [column for column, au in enumerate(spec.aus) if au in NOT_IN_JOY]
        limits[absent] = np.maximum(limits[absent], _above(said[faces.smiling])[absent])
    return limits


def _above(said: FloatArray) -> FloatArray:
    """f32[A]: the probability that those f32[N,A] of faces without the AU seldom reach."""
    sure = np.clip(said.astype(np.float64), 1e-6, 1 - 1e-6)
    logits = np.log(sure / (1 - sure))
    limit = logits.mean(axis=0) + ABOVE_ABSENT * logits.std(axis=0)
    return np.asarray(1 / (1 + np.exp(-limit)), np.float32)


def _together(
    score: Callable[[Batch], FloatArray], animated: Sequence[Batch], faces: RealFaces, spec: InputSpec
) -> list[_Scored]:
    labels = np.concatenate([b.labels[:, 0] for b in animated if b.labels is not None])
    scores = np.concatenate([score(batch) for batch in animated]).astype(np.float64)
    real = score(collate(faces.samples, spec)).astype(np.float64) if faces.samples else scores[:0]
    table = []
    for column, au in enumerate(spec.aus):
        truth = np.where(faces.smiling, 1 if au == 12 else -1, 0).astype(np.int8)[: len(real)]
        weight = REAL_WEIGHT * len(labels) / max(1, int((truth >= 0).sum()))
        every = np.concatenate([labels[:, column], truth])
        weights = np.concatenate([np.ones(len(labels)), np.full(len(truth), weight)])
        known = every >= 0
        merged = np.concatenate([scores[:, column], real[:, column]])
        table.append(_Scored(merged[known], every[known], weights[known]))
    return table


def _best_f1(scored: _Scored) -> float:
    order = np.argsort(-scored.scores)
    scores, labels, weights = scored.scores[order], scored.labels[order], scored.weights[order]
    hits = np.cumsum(weights * labels)
    called = np.cumsum(weights)
    f1 = 2 * hits / (called + (weights * labels).sum())
    last_of_ties = np.append(scores[1:] != scores[:-1], True)
    best = int(np.argmax(np.where(last_of_ties, f1, -1.0)))
    below = scores[best + 1] if best + 1 < len(scores) else 0.0
    return float((scores[best] + below) / 2)
