"""People whom a network did not learn from, what it says of them, and the score that follows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actionunits.experiments.embedded.measure import (
    AnimatedScores,
    Predict,
    RealFaces,
    SmileScores,
    animated_scores,
    smile_scores,
)
from actionunits.experiments.embedded.people import Photograph, groups_of
from actionunits.faces.batch import collate
from actionunits.metrics.averages import mean_defined
from actionunits.records import Batch, FloatArray, InputSpec

__all__ = ["Said", "SaidOfAnimated", "Tested", "Unseen", "joined", "said_of", "score_of", "tested"]


@dataclass(frozen=True)
class Unseen:
    """What a network is scored on, or its limits are set by.

    Attributes:
        animated: batches of animated people.
        faces: their photographs.
        on_smiles: batches of their smiles, with other AUs animated on top; none if nobody smiles.
    """

    animated: Sequence[Batch]
    faces: RealFaces
    on_smiles: Sequence[Batch] = ()


@dataclass(frozen=True)
class SaidOfAnimated:
    """What was said of N animated faces, and what they show.

    Attributes:
        probability: f32[N,A].
        sides: f32[N,A,2], intensity on the subject's left and right.
        labels: i8[N,A], -1 unknown.
        shown: f32[N,A,2], the true sides; NaN unknown.
    """

    probability: FloatArray
    sides: FloatArray
    labels: NDArray[np.int8]
    shown: FloatArray

    def scores(self, aus: tuple[int, ...], thresholds: FloatArray | None = None) -> AnimatedScores:
        """Scores at thresholds f32[A], by default 0.5."""
        sides = (self.sides, self.shown)
        return animated_scores(self.probability, self.labels, aus, thresholds, sides=sides)


@dataclass(frozen=True)
class Said:
    """What one network, or several of a kind, said of people whom they did not learn from.

    Attributes:
        animated: of their animated faces.
        on_smiles: of their animated smiles; None if nobody smiles.
        faces: their M photographs.
        real: f32[M,A], probabilities of those.
    """

    animated: SaidOfAnimated
    on_smiles: SaidOfAnimated | None
    faces: RealFaces
    real: FloatArray

    def of_photographs(self) -> Said:
        """The same without the views that other cameras would have had."""
        rows = np.flatnonzero(self.faces.as_taken)
        return Said(self.animated, self.on_smiles, self.faces.at(rows), self.real[rows])


def said_of(predict: Predict, unseen: Unseen, spec: InputSpec) -> Said:
    """What ``predict`` says of them."""
    nothing = np.zeros((0, len(spec.aus)), np.float32)
    real = predict(collate(unseen.faces.samples, spec))[0] if unseen.faces.samples else nothing
    no_sides = np.repeat(nothing[..., None], 2, axis=2)
    none = SaidOfAnimated(nothing, no_sides, nothing.astype(np.int8), no_sides)
    on_smiles = _of_batches(predict, unseen.on_smiles, none) if unseen.on_smiles else None
    return Said(_of_batches(predict, unseen.animated, none), on_smiles, unseen.faces, real)


def _of_batches(predict: Predict, batches: Sequence[Batch], none: SaidOfAnimated) -> SaidOfAnimated:
    said = [none]
    for batch in batches:
        assert batch.labels is not None
        assert batch.sides is not None
        probability, _, sides = predict(batch)
        said.append(SaidOfAnimated(probability, sides, batch.labels[:, 0], batch.sides[:, 0]))
    return _joined(said)


def _joined(parts: Sequence[SaidOfAnimated]) -> SaidOfAnimated:
    return SaidOfAnimated(
        np.concatenate([part.probability for part in parts]),
        np.concatenate([part.sides for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.shown for part in parts]),
    )


def joined(parts: Iterable[Said]) -> Said:
    """What networks of a kind said of one part of the people each, as one."""
    every = list(parts)
    on_smiles = [part.on_smiles for part in every if part.on_smiles is not None]
    return Said(
        _joined([part.animated for part in every]),
        _joined(on_smiles) if on_smiles else None,
        RealFaces.joined([part.faces for part in every]),
        np.concatenate([part.real for part in every]),
    )


def score_of(said: Said, spec: InputSpec) -> float:
    """AUC: half of animated AUs, on neutral faces and on smiles alike; half of 6 and 12 on real faces."""
    animated = _mean_auc(said.animated, spec)
    if said.on_smiles is not None:
        animated = (animated + _mean_auc(said.on_smiles, spec)) / 2
    if len(set(said.faces.smiling.tolist())) < 2:
        return animated
    smiles = smile_scores(said.real, said.faces, spec).auc
    return 0.5 * animated + 0.5 * float(np.mean([smiles[au][0] for au in (6, 12) if au in smiles]))


def _mean_auc(said: SaidOfAnimated, spec: InputSpec) -> float:
    """The mean over those AUs that are shown in some pictures and absent in others."""
    return mean_defined(said.scores(spec.aus).auc)[0].item()


@dataclass(frozen=True)
class Tested:
    """Scores on people whom the network did not learn from.

    Attributes:
        animated: on animated faces.
        on_smiles: the same of AUs that were animated on faces that smile in the photograph, or None.
        smiles: on photographs, or None where nobody smiles in them.
        pairs: on those of people who are there both ways, or None.
        groups: the same for the people of each attribute's value, ``sex: female``, as their source says.
    """

    animated: AnimatedScores
    on_smiles: AnimatedScores | None
    smiles: SmileScores | None
    pairs: SmileScores | None
    groups: dict[str, SmileScores]


def tested(said: Said, photographs: Sequence[Photograph], spec: InputSpec, thresholds: FloatArray) -> Tested:
    """The scores at thresholds f32[A] of what was said of the people of some photographs."""
    faces = said.faces

    def of(subjects: frozenset[str]) -> SmileScores | None:
        rows = np.array([row for row, who in enumerate(faces.subjects) if who in subjects], np.int64)
        part = faces.at(rows)
        if len(set(part.smiling.tolist())) < 2:
            return None
        return smile_scores(said.real[rows], part, spec, thresholds)

    shown = {(who, bool(smiling)) for who, smiling in zip(faces.subjects, faces.smiling, strict=True)}
    both = frozenset(who for who, smiling in shown if smiling and (who, False) in shown)
    scored = {name: of(subjects) for name, subjects in groups_of(photographs).items()}
    return Tested(
        said.animated.scores(spec.aus, thresholds),
        None if said.on_smiles is None else said.on_smiles.scores(spec.aus, thresholds),
        smile_scores(said.real, faces, spec, thresholds) if faces.smiling.any() else None,
        of(both),
        {name: scores for name, scores in scored.items() if scores is not None},
    )
