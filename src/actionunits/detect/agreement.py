"""Intensities that say the same as the decisions: an AU that is shown has at least an A, another has none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from actionunits.detect.results import FaceResult, FrameResult
from actionunits.records import FloatArray

__all__ = ["LEAST_SHOWN", "agreed_intensity", "agreeing"]

#: FACS's A, the weakest that a coder scores.
LEAST_SHOWN = 1.0
#: The largest intensity of an AU that is not shown, below A at the three decimals of the tables.
_MOST_HIDDEN = 0.999


def agreeing(results: Iterable[FrameResult], thresholds: FloatArray) -> Iterator[FrameResult]:
    """Results whose intensities do not contradict the decisions.

    The network estimates probability and intensity by two outputs, which may differ: a probability above the
    threshold beside an intensity of 0.4, or one below beside 2. The decision by probability is kept, for its
    threshold was chosen on people; an intensity that contradicts it is moved to the nearest that does not: to
    1 (A) where the AU is shown, to just below where it is not. Left and right follow: they keep their
    proportion, and the stronger side has the AU's intensity, as FACS codes it.

    Args:
        results: in any order.
        thresholds: f32[A], the probability from which an AU counts as shown.
    """
    for result in results:
        yield replace(result, faces=tuple(_agreeing(face, thresholds) for face in result.faces))


def _agreeing(face: FaceResult, thresholds: FloatArray) -> FaceResult:
    if face.intensity is None:
        return face
    kept = agreed_intensity(face.intensity, face.probability, thresholds)
    sides = None if face.sides is None else _in_proportion(face.sides, kept)
    return replace(face, intensity=kept, sides=sides)


def agreed_intensity(intensity: FloatArray, probability: FloatArray, thresholds: FloatArray) -> FloatArray:
    """Intensities f32[.., A] that do not contradict what probabilities f32[.., A] decide."""
    shown = probability >= thresholds
    kept = np.where(shown, np.maximum(intensity, LEAST_SHOWN), np.minimum(intensity, _MOST_HIDDEN))
    return np.asarray(kept, np.float32)


def _in_proportion(sides: FloatArray, intensity: FloatArray) -> FloatArray:
    """f32[A,2]: both sides scaled so that the stronger has the intensity f32[A]; NaN stays."""
    stronger = sides.max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(stronger > 0, sides / stronger, np.where(np.isnan(stronger), np.nan, 1.0))
    return np.asarray(share * intensity[:, None], np.float32)
