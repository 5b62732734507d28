"""What a model says of samples, frame by frame: for validation, for the test subjects, for a given model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from actionunits.detect.backends import Backend, TorchBackend
from actionunits.detect.frame_codes import frame_codes
from actionunits.facs.units import au_column
from actionunits.records import FloatArray, InputSpec, OnProgress
from actionunits.training.codes import ClipCodes
from actionunits.training.data import CropSamples

__all__ = [
    "Said",
    "asked_places",
    "decisions_in",
    "missed_table",
    "prediction_table",
    "said_of_frames",
    "without_decisions",
]

#: Clips are predicted at a time that take so many bytes of pictures, and at most so many.
BATCH_BYTES, BATCH_MOST = 32_000_000, 64


@dataclass(frozen=True)
class Said:
    """What a model said of N frames.

    Attributes:
        labels: i8[N,A], -1 unknown.
        probability: f32[N,A].
        decided: i8[N,A], of a model that decides otherwise than by thresholds, or None.
        emotion: f32[N,E], of a model that gives emotions, or None.
    """

    labels: NDArray[np.int8]
    probability: FloatArray
    decided: NDArray[np.int8] | None = None
    emotion: FloatArray | None = None


def asked_places(spec: InputSpec, samples: CropSamples) -> NDArray[np.bool_]:
    """bool[M,T]: the places of clips that the model is asked about, each frame once."""
    asked = ~samples.repeated
    if spec.scored != "all":
        asked &= np.arange(asked.shape[1]) == spec.place
    return asked


def said_of_frames(
    backend: Backend,
    samples: CropSamples,
    on_progress: OnProgress | None = None,
    *,
    stored: ClipCodes | None = None,
) -> Said:
    """What the model says of the frames that it is asked about, clip by clip.

    Args:
        backend: the model.
        samples: cut for its input.
        on_progress: called with (samples done, samples).
        stored: the codes of the samples, of a network that learns from them; None = it is given the pictures.
    """
    spec, asked = backend.spec, asked_places(backend.spec, samples)
    codes = frame_codes(backend)
    clip_bytes = 4 * spec.clip_length * spec.channels * spec.size_px**2
    size = max(1, min(BATCH_MOST, BATCH_BYTES // clip_bytes))
    parts, decided = [np.zeros((0, len(spec.aus)), np.float32)], []
    felt = [np.zeros((0, len(spec.emotions)), np.float32)]
    for first in range(0, len(samples), size):
        numbers = range(first, min(first + size, len(samples)))
        if stored is not None and isinstance(backend, TorchBackend):
            said = backend.predict_codes(torch.from_numpy(stored.clips(numbers)))
        elif codes is None:
            said = backend.predict(samples.batch(numbers, spec))
        else:
            said = codes.predict(samples.rows[numbers.start : numbers.stop].tolist(), samples.stills)
        parts.append(said.probability[asked[first : first + size]])
        if said.emotion is not None:
            felt.append(said.emotion[asked[first : first + size]])
        if said.decided is not None:
            decided.append(said.decided[asked[first : first + size]])
        if on_progress is not None:
            on_progress(numbers.stop, len(samples))
    return Said(
        samples.frame_labels[asked],
        np.concatenate(parts),
        np.concatenate(decided) if decided else None,
        np.concatenate(felt) if spec.emotions else None,
    )


def prediction_table(
    backend: Backend, samples: CropSamples, thresholds: NDArray[np.float64], fold: int
) -> pd.DataFrame:
    """A row a frame, in the index's order: who and which, and what is known and said of each AU.

    The columns are ``fold``, ``dataset``, ``subject``, ``sequence``, (``view``,) ``frame``, then of each AU
    ``AUnn``, the label (-1 unknown), ``AUnn_r``, the intensity where the set has any, ``AUnn_p``, the
    probability, ``AUnn_t``, the threshold, and ``AUnn_d``, the decision (1 shown, 0 not) of a model that
    decides otherwise than by thresholds. Of a model that gives emotions, ``emotion`` (its name, empty where
    it is unknown) and ``emotion_happy`` .., the probabilities, come before the AUs.

    Args:
        backend: the model.
        samples: cut for its input.
        thresholds: f64[A].
        fold: its number, from 1.
    """
    asked = asked_places(backend.spec, samples)
    frames = samples.index.table.iloc[samples.rows[asked]].reset_index(drop=True)
    columns = _named(frames, fold, bool(backend.spec.emotions))
    said = said_of_frames(backend, samples)
    if said.emotion is not None:
        columns |= {f"emotion_{name}": said.emotion[:, at] for at, name in enumerate(backend.spec.emotions)}
    intensity = None if samples.frame_intensity is None else samples.frame_intensity[asked]
    for column, au in enumerate(backend.spec.aus):
        name = au_column(au)
        columns[name] = said.labels[:, column]
        if intensity is not None:
            columns[f"{name}_r"] = intensity[:, column]
        columns[f"{name}_p"] = said.probability[:, column]
        columns[f"{name}_t"] = np.full(len(frames), thresholds[column])
        if said.decided is not None:
            columns[f"{name}_d"] = said.decided[:, column]
    order = np.argsort(samples.rows[asked], kind="stable")
    return pd.DataFrame(columns).iloc[order].reset_index(drop=True)


def _named(frames: pd.DataFrame, fold: int, emotions: bool) -> dict[str, Any]:
    """Fold, names and, where asked for, known emotions of frames, column by column."""
    kept = ("dataset", "subject", "sequence", "view", "frame", *(["emotion"] if emotions else []))
    names = [name for name in kept if name in frames]
    columns: dict[str, Any] = {"fold": np.full(len(frames), fold)}
    return columns | {name: frames[name] if name == "frame" else frames[name].astype(str) for name in names}


def missed_table(samples: CropSamples, fold: int) -> pd.DataFrame:
    """A row a frame in which no face was found: who and which, and what is known of it.

    The columns are those of :func:`prediction_table` without what the model says.

    Args:
        samples: of stills.
        fold: its number, from 1.
    """
    index = samples.index.take(~samples.found)
    spec = samples.spec
    columns = _named(index.table, fold, bool(spec.emotions))
    labels = index.labels(spec.aus) if spec.aus else np.zeros((len(index), 0), np.int8)
    columns |= {au_column(au): labels[:, at] for at, au in enumerate(spec.aus)}
    return pd.DataFrame(columns).reset_index(drop=True)


def decisions_in(predictions: pd.DataFrame, names: Sequence[str]) -> NDArray[np.int8] | None:
    """i8[N,A]: what the model itself decided (``AUnn_d``), or None where the table does not have it.

    Args:
        predictions: as :func:`prediction_table` gives it.
        names: of the AUs' columns.
    """
    columns = [f"{name}_d" for name in names]
    if not set(columns) <= set(predictions.columns):
        return None
    return predictions[columns].to_numpy(np.int8)


def without_decisions(predictions: pd.DataFrame) -> pd.DataFrame:
    """The table without the model's own decisions, so that the thresholds decide."""
    return predictions[[name for name in predictions.columns if not str(name).endswith("_d")]]
