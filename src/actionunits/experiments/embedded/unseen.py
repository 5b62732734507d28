"""People whom a network did not learn from, what it says of them, and the score that follows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

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

__all__ = ["Limits", "Said", "SaidOfAnimated", "Tested", "Unseen", "joined", "said_of", "score_of", "tested"]


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
        intensity: f32[N,A], of the stronger side.
        sides: f32[N,A,2], intensity on the subject's left and right.
        labels: i8[N,A], -1 unknown.
        grades: f32[N,A], the true intensity; NaN unknown.
        shown: f32[N,A,2], the true sides; NaN unknown.
    """

    probability: FloatArray
    intensity: FloatArray
    sides: FloatArray
    labels: NDArray[np.int8]
    grades: FloatArray
    shown: FloatArray

    def scores(self, aus: tuple[int, ...], thresholds: FloatArray | None = None) -> AnimatedScores:
        """Scores at thresholds f32[A] or f32[N,A], by default 0.5."""
        return animated_scores(
            self.probability,
            self.labels,
            aus,
            thresholds,
            sides=(self.sides, self.shown),
            intensity=(self.intensity, self.grades),
        )


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


def said_of(predict: Predict, unseen: Unseen, spec: InputSpec) -> Said:
    """What ``predict`` says of them."""
    nothing = np.zeros((0, len(spec.aus)), np.float32)
    real = predict(collate(unseen.faces.samples, spec))[0] if unseen.faces.samples else nothing
    no_sides = np.repeat(nothing[..., None], 2, axis=2)
    none = SaidOfAnimated(nothing, nothing, no_sides, nothing.astype(np.int8), nothing, no_sides)
    on_smiles = _of_batches(predict, unseen.on_smiles, none) if unseen.on_smiles else None
    return Said(_of_batches(predict, unseen.animated, none), on_smiles, unseen.faces, real)


def _of_batches(predict: Predict, batches: Sequence[Batch], none: SaidOfAnimated) -> SaidOfAnimated:
    said = [none]
    for batch in batches:
        assert batch.labels is not None
        assert batch.sides is not None
        assert batch.intensity is not None
        true = (batch.labels[:, 0], batch.intensity[:, 0], batch.sides[:, 0])
        said.append(SaidOfAnimated(*predict(batch), *true))
    return _joined(said)


def _joined(parts: Sequence[SaidOfAnimated]) -> SaidOfAnimated:
    names = [field.name for field in fields(SaidOfAnimated)]
    return SaidOfAnimated(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


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
class Limits:
    """The thresholds at which what was said is scored: f32[A] for every face, or f32[N,A] for N faces.

    Attributes:
        animated: for animated faces.
        on_smiles: for animated smiles.
        real: for photographs.
    """

    animated: FloatArray
    on_smiles: FloatArray
    real: FloatArray

    @classmethod
    def alike(cls, thresholds: FloatArray) -> Limits:
        """The same f32[A] for every face."""
        return cls(thresholds, thresholds, thresholds)


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


def tested(said: Said, photographs: Sequence[Photograph], spec: InputSpec, limits: Limits) -> Tested:
    """The scores at ``limits`` of what was said of the people of some photographs.

    Of several views of a photograph, that which its camera took is scored.
    """
    taken = np.flatnonzero(said.faces.as_taken)
    faces, real = said.faces.at(taken), said.real[taken]
    of_faces = np.broadcast_to(limits.real, said.real.shape)[taken]

    def of(subjects: frozenset[str]) -> SmileScores | None:
        rows = np.array([row for row, who in enumerate(faces.subjects) if who in subjects], np.int64)
        part = faces.at(rows)
        if len(set(part.smiling.tolist())) < 2:
            return None
        return smile_scores(real[rows], part, spec, of_faces[rows])

    shown = {(who, bool(smiling)) for who, smiling in zip(faces.subjects, faces.smiling, strict=True)}
    both = frozenset(who for who, smiling in shown if smiling and (who, False) in shown)
    scored = {name: of(subjects) for name, subjects in groups_of(photographs).items()}
    return Tested(
        said.animated.scores(spec.aus, limits.animated),
        None if said.on_smiles is None else said.on_smiles.scores(spec.aus, limits.on_smiles),
        smile_scores(real, faces, spec, of_faces) if faces.smiling.any() else None,
        of(both),
        {name: scores for name, scores in scored.items() if scores is not None},
    )
