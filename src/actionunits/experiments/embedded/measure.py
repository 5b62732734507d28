"""What the embedded model is worth: on real smiles against neutral faces, and on animated faces per AU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.detect.agreement import agreed_intensity
from actionunits.experiments.embedded.people import Photograph
from actionunits.experiments.embedded.pictures import jittered_box
from actionunits.experiments.embedded.rule import smile_by_points
from actionunits.experiments.embedded.store import MARGIN_PX, PictureStore
from actionunits.faces.align import align_for, inter_ocular_distance
from actionunits.faces.batch import collate, sample_of
from actionunits.faces.detect import HogDetector
from actionunits.faces.landmarks import find_landmarks
from actionunits.faces.video import read_picture
from actionunits.metrics.agreement import icc_3_1, mean_absolute_error
from actionunits.metrics.calibration import calibration_error
from actionunits.metrics.classification import f1_score
from actionunits.metrics.ranking import roc_auc
from actionunits.metrics.statistics import bootstrap_scores
from actionunits.records import Batch, Face, FloatArray, Frame, InputSpec, Sample
from actionunits.synthesis.degrade import degrade

__all__ = [
    "VIEWS",
    "AnimatedScores",
    "Predict",
    "RealFaces",
    "SmileScores",
    "WithInterval",
    "animated_scores",
    "real_faces",
    "smile_scores",
    "store_batches",
]

#: Gives (probability f32[N,A], intensity f32[N,A], sides f32[N,A,2]) of a batch of N stills.
Predict = Callable[[Batch], tuple[FloatArray, FloatArray, FloatArray]]

#: A score and the ends of its 95 % interval over people.
WithInterval = tuple[float, float, float]

#: By how much, in grades of intensity, one side must be stronger to count as such.
CLEARLY_STRONGER = 2.0

#: Views of each photograph that choose: as it is, and as other cameras would have taken it.
VIEWS = 8


@dataclass(frozen=True)
class RealFaces:
    """Photographs as the model sees them.

    Attributes:
        samples: one a face.
        smiling: bool[N].
        subjects: who, [N].
        rule: f64[N], the unlearned rule's score.
        as_taken: bool[N]: the photograph itself, not as another camera would have taken it.
    """

    samples: tuple[Sample, ...]
    smiling: NDArray[np.bool_]
    subjects: tuple[str, ...]
    rule: NDArray[np.float64]
    as_taken: NDArray[np.bool_]

    def at(self, rows: NDArray[np.int64]) -> RealFaces:
        """Some of them, by row."""
        return RealFaces(
            tuple(self.samples[row] for row in rows),
            self.smiling[rows],
            tuple(self.subjects[row] for row in rows),
            self.rule[rows],
            self.as_taken[rows],
        )

    @classmethod
    def joined(cls, parts: Sequence[RealFaces]) -> RealFaces:
        """Those of several as one."""
        return cls(
            tuple(sample for part in parts for sample in part.samples),
            np.concatenate([part.smiling for part in parts]),
            tuple(subject for part in parts for subject in part.subjects),
            np.concatenate([part.rule for part in parts]),
            np.concatenate([part.as_taken for part in parts]),
        )


def real_faces(photographs: Sequence[Photograph], spec: InputSpec, *, views: int = 1) -> RealFaces:
    """Detect and align the largest face of each photograph; those without one are left out.

    Args:
        photographs: of the people.
        spec: what the model takes.
        views: pictures of each: the photograph, and what random cameras make of it, with a box as a tracker
            gives it. More are for choosing; a score is of the photographs themselves.
    """
    detector, rng = HogDetector(), np.random.default_rng(0)
    samples, smiling, subjects, rule, as_taken = [], [], [], [], []
    for photo in photographs:
        frame = read_picture(photo.path)
        faces = detector.find(frame.grey)
        if not faces:
            continue
        eyes_px = inter_ocular_distance(find_landmarks(frame.grey, faces[0], spec.landmarks))
        for view in range(views):
            seen, face = frame, faces[0]
            if view > 0:
                taken = degrade(frame.image, rng, eyes_px)
                seen = Frame(np.asarray(cv2.cvtColor(taken, cv2.COLOR_RGB2GRAY), np.uint8), 0, 0.0, taken)
                face = Face(jittered_box(face.box, rng), 1.0)
            points = find_landmarks(seen.grey, face, spec.landmarks)
            samples.append(sample_of([align_for(spec, seen, points, face.box)], [points], spec))
            smiling.append(photo.smiling)
            subjects.append(photo.subject)
            rule.append(smile_by_points(points.points))
            as_taken.append(view == 0)
    return RealFaces(
        tuple(samples),
        np.array(smiling, bool),
        tuple(subjects),
        np.array(rule),
        np.array(as_taken, bool),
    )


@dataclass(frozen=True)
class SmileScores:
    """Smiling against neutral photographs of the same people.

    Attributes:
        people: subjects with both photographs.
        neutral: neutral photographs.
        smiles: smiling ones.
        auc: ROC AUC of each AU that a smile raises, by number, with its 95 % interval over people.
        own_neutral: share of people whose smile scores above their own neutral face, AU12.
        rule_auc: ROC AUC of the unlearned rule on the same faces.
        rule_own_neutral: the same share for the rule.
        hit_rate: share of smiles with AU12 at the model's threshold.
        false_alarms: for each AU, share of neutral faces above its threshold.
        called_on_smiles: for each AU, share of smiling faces above its threshold.
    """

    people: int
    neutral: int
    smiles: int
    auc: dict[int, WithInterval]
    own_neutral: float
    rule_auc: WithInterval
    rule_own_neutral: float
    hit_rate: float
    false_alarms: dict[int, float]
    called_on_smiles: dict[int, float]


def smile_scores(
    probability: FloatArray, faces: RealFaces, spec: InputSpec, thresholds: FloatArray | None = None
) -> SmileScores:
    """Score probabilities f32[N,A] of N real faces; ``thresholds`` f32[A] or f32[N,A], by default 0.5."""
    above = probability >= (0.5 if thresholds is None else thresholds)
    raised = [au for au in (6, 12, 25) if au in spec.aus]
    ranked = np.column_stack([*(probability[:, spec.aus.index(au)] for au in raised), faces.rule])
    *auc, rule_auc = _smile_auc(ranked.astype(np.float64), faces)
    smile = probability[:, spec.aus.index(12)].astype(np.float64)
    alarms, called = above[~faces.smiling].mean(axis=0), above[faces.smiling].mean(axis=0)
    return SmileScores(
        people=len(_pairs(faces)),
        neutral=int((~faces.smiling).sum()),
        smiles=int(faces.smiling.sum()),
        auc=dict(zip(raised, auc, strict=True)),
        own_neutral=_own_neutral(smile, faces),
        rule_auc=rule_auc,
        rule_own_neutral=_own_neutral(faces.rule, faces),
        hit_rate=float(called[spec.aus.index(12)]),
        false_alarms={au: float(share) for au, share in zip(spec.aus, alarms, strict=True)},
        called_on_smiles={au: float(share) for au, share in zip(spec.aus, called, strict=True)},
    )


def _smile_auc(ranked: NDArray[np.float64], faces: RealFaces) -> list[WithInterval]:
    """Of scores f64[N,K]: how each ranks smiles above neutral faces, drawing people."""
    truth = np.repeat(faces.smiling[:, None], ranked.shape[1], axis=1).astype(np.int8)
    found = bootstrap_scores(truth, truth, ranked, faces.subjects, ("AUC",))["AUC"]
    ends = zip(found.value.tolist(), found.low.tolist(), found.high.tolist(), strict=True)
    return list(ends)


def _pairs(faces: RealFaces) -> list[tuple[int, int]]:
    """Rows of (neutral, smiling) for each subject with both."""
    rows: dict[str, dict[bool, int]] = {}
    for row, (subject, smiling) in enumerate(zip(faces.subjects, faces.smiling, strict=True)):
        rows.setdefault(subject, {})[bool(smiling)] = row
    return [(both[False], both[True]) for both in rows.values() if len(both) == 2]


def _own_neutral(score: NDArray[np.float64], faces: RealFaces) -> float:
    pairs = _pairs(faces)
    return (
        float(np.mean([score[smile] > score[neutral] for neutral, smile in pairs])) if pairs else float("nan")
    )


@dataclass(frozen=True)
class AnimatedScores:
    """Scores on animated faces, per AU.

    Attributes:
        aus: the AUs.
        base_rate: f64[A], share of pictures with the AU.
        auc: f64[A].
        f1: f64[A], at the model's threshold.
        recall: f64[A], likewise: the share of pictures with the AU that it is called on.
        accuracy: f64[A], at the model's threshold.
        calibration: f64[A], expected calibration error.
        sides: f64[A], how often the stronger side is told, of pictures where one is stronger by two grades or
            more; NaN for AUs without sides.
        icc: f64[A], ICC(3,1) of the intensities as `au detect` gives them (in agreement with what is called).
        grades_off: f64[A], their mean absolute error, in grades.
        pictures: how many.
    """

    aus: tuple[int, ...]
    base_rate: NDArray[np.float64]
    auc: NDArray[np.float64]
    f1: NDArray[np.float64]
    recall: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    calibration: NDArray[np.float64]
    sides: NDArray[np.float64]
    icc: NDArray[np.float64]
    grades_off: NDArray[np.float64]
    pictures: int


def store_batches(
    store: PictureStore, spec: InputSpec, size: int = 256, *, rows: NDArray[np.int64] | None = None
) -> Iterator[Batch]:
    """The middle crops of a store (of some ``rows``, or all), unchanged, in order, ``size`` at a time."""
    every = np.arange(len(store)) if rows is None else rows
    for first in range(0, len(every), size):
        some = every[first : first + size]
        batch = collate([_middle(store, int(row), spec) for row in some], spec)
        yield replace(batch, sides=np.asarray(store.sides[some])[:, None])


def _middle(store: PictureStore, row: int, spec: InputSpec) -> Sample:
    part = slice(MARGIN_PX, MARGIN_PX + spec.size_px)
    return Sample(
        frames=np.ascontiguousarray(store.crops[row, part, part])[None, :, :, None],
        labels=np.asarray(store.labels[row])[None],
        intensity=np.asarray(store.intensity[row])[None],
        landmarks=np.asarray(store.points[row])[None] - np.float32(MARGIN_PX),
    )


def animated_scores(
    probability: FloatArray,
    labels: NDArray[np.int8],
    aus: tuple[int, ...],
    thresholds: FloatArray | None = None,
    *,
    sides: tuple[FloatArray, FloatArray] | None = None,
    intensity: tuple[FloatArray, FloatArray] | None = None,
) -> AnimatedScores:
    """Score probabilities f32[N,A] against labels i8[N,A].

    Args:
        probability: f32[N,A].
        labels: i8[N,A].
        aus: the columns.
        thresholds: f32[A] or f32[N,A], by default 0.5.
        sides: intensities of both sides f32[N,A,2], as the model gives them and as they are.
        intensity: those of the stronger side f32[N,A], likewise; NaN unknown.
    """
    limits = np.full(len(aus), 0.5, np.float32) if thresholds is None else thresholds
    decided = (probability >= limits).astype(np.int8)
    known = labels >= 0
    with np.errstate(invalid="ignore"):
        base = ((labels == 1).sum(axis=0) / known.sum(axis=0)).astype(np.float64)
        right = ((decided == labels) & known).sum(axis=0) / known.sum(axis=0)
        recall = ((decided == 1) & (labels == 1)).sum(axis=0) / (labels == 1).sum(axis=0)
    auc = roc_auc(labels, probability.astype(np.float64))
    undefined = np.full(len(aus), np.nan)
    icc, off = undefined, undefined
    if intensity is not None:
        given, true = agreed_intensity(intensity[0], probability, limits), intensity[1]
        icc, off = icc_3_1(true, given), mean_absolute_error(true, given)
    return AnimatedScores(
        aus,
        base,
        auc,
        f1_score(labels, decided),
        recall,
        right,
        calibration_error(labels, probability),
        undefined if sides is None else _sides_told(*sides),
        icc,
        off,
        len(labels),
    )


def _sides_told(given: FloatArray, shown: FloatArray) -> NDArray[np.float64]:
    """f64[A]: of pictures where one side is clearly stronger, the share that says so."""
    with np.errstate(invalid="ignore"):
        more = shown[..., 0] - shown[..., 1]
        clear = np.abs(more) >= CLEARLY_STRONGER
        told = (np.sign(given[..., 0] - given[..., 1]) == np.sign(more)) & clear
        return np.asarray(told.sum(axis=0) / clear.sum(axis=0), np.float64)
