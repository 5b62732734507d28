"""The facts of a training of the embedded model, as they stand in its file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from actionunits.experiments.embedded.measure import AnimatedScores, SmileScores
from actionunits.experiments.embedded.people import People
from actionunits.experiments.embedded.recipe import EmbeddedRecipe
from actionunits.experiments.embedded.unseen import Said, Tested
from actionunits.models.config import to_plain
from actionunits.models.embedded.net import PointsAndPicture
from actionunits.records import FloatArray
from actionunits.synthesis.animate import ANIMATION_VERSION

__all__ = ["TESTED", "Trained", "judge_card", "make_card"]

#: Poses (as `au detect` estimates them) and sizes of the animated pictures that the scores are of: heads
#: turned by up to 26 degrees and nodded by up to 14, which the estimate spreads by about 5, and cameras with
#: 15 to 60 px between the eyes. `au detect` flags what lies outside.
TESTED = {"pitch_deg": 20.0, "yaw_deg": 25.0, "inter_ocular_px": 15.0}


@dataclass(frozen=True)
class Trained:
    """A network that was trained, or the mean of some.

    Attributes:
        seeds: of the training, or of all that it is the mean of.
        epochs: the epoch of each.
        model: calibrated.
        judges: networks like it, each for people whom it did not see: itself for the validation people, or
            one for each part of those who are held back in turn.
        said: what the judges say of those people, each of its part.
        thresholds: f32[A].
        score: by those people, of the judges.
    """

    seeds: tuple[int, ...]
    epochs: tuple[int, ...]
    model: PointsAndPicture
    judges: tuple[PointsAndPicture, ...]
    said: tuple[Said, ...]
    thresholds: FloatArray
    score: float


def make_card(
    trained: Trained,
    tested: Tested,
    people: People,
    recipe: EmbeddedRecipe,
    face_model: Path | None,
    seeds: Sequence[tuple[Trained, Tested]],
    held_back: Tested | None = None,
) -> dict[str, Any]:
    """The facts of a training as plain values for JSON; undefined scores are None.

    Args:
        trained: the network that is kept.
        tested: its scores, or those of its file in 8 bits.
        people: all of them.
        recipe: of the training.
        face_model: the 3-D model's file, or None.
        seeds: all trainings with their scores, one seed each.
        held_back: what its judges say of those who are held back in turn, each part at the thresholds that
            the others choose.
    """
    model = trained.model
    photographs = people.train
    return {
        "name": "default",
        "version": recipe.version,
        "made_with": f"actionunits {version('actionunits')}",
        "aus": list(model.spec.aus),
        "thresholds": [round(float(t), 4) for t in trained.thresholds],
        "tested": dict(TESTED),
        "parameters": sum(p.numel() for p in model.parameters()),
        "subjects": {
            use: sorted({photo.subject for photo in getattr(people, use)})
            for use in ("train", "validation", "test")
        },
        "photographs": {
            "neutral": sum(photo.neutral for photo in photographs),
            "smiling": sum(photo.smiling for photo in photographs),
            "doubtful": sum(photo.doubtful for photo in photographs),
        },
        "face_model": face_model.name if face_model else None,
        "animation": ANIMATION_VERSION,
        "recipe": {
            "data": to_plain(recipe.data),
            "training": to_plain(recipe.training),
            "model": to_plain(model.config),
            "folds": recipe.folds,
            "chosen_on": len({photo.subject for photo in people.coded} & set(recipe.split.validation)),
        },
        "seeds_kept": list(trained.seeds),
        "eight_bits": recipe.eight_bits,
        "validation_score": _plain(trained.score),
        "test": _scores(tested),
        "held_back": None if held_back is None else _scores(held_back),
        "seeds": [_seed(each, scores) for each, scores in seeds],
    }


def judge_card(
    card: Mapping[str, Any], name: str, subjects: Iterable[str], thresholds: FloatArray
) -> dict[str, Any]:
    """The facts of a judge: a network like that of ``card`` for some people whom it did not learn from.

    They had a part in its calibration, which is that of all judges together, and in which seeds were kept.

    Args:
        card: of the network that is kept.
        name: of their part.
        subjects: those people; they stand as its validation people.
        thresholds: f32[A], which they did not choose, either.
    """
    held, learnt = sorted(subjects), card["subjects"]
    told = {name: card[name] for name in ("version", "made_with", "aus", "tested", "face_model", "recipe")}
    return {
        **told,
        "name": f"{card['name']} {name}",
        "thresholds": [round(float(t), 4) for t in thresholds],
        "subjects": {**learnt, "train": sorted({*learnt["train"]} - {*held}), "validation": held},
    }


def _scores(tested: Tested) -> dict[str, Any]:
    return {
        "animated": _animated(tested.animated),
        "on_smiles": None if tested.on_smiles is None else _animated(tested.on_smiles),
        "real": None if tested.smiles is None else _smiles(tested.smiles),
        "pairs": None if tested.pairs is None else _smiles(tested.pairs),
        "groups": {name: _smiles(scores) for name, scores in tested.groups.items()},
    }


def _animated(scores: AnimatedScores) -> dict[str, Any]:
    columns = ("base_rate", "auc", "f1", "recall", "accuracy", "calibration", "sides", "icc", "grades_off")
    listed = {name: [_plain(v) for v in getattr(scores, name)] for name in columns}
    return {"pictures": scores.pictures, **listed}


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 4)


def _seed(trained: Trained, tested: Tested) -> dict[str, Any]:
    smiles = tested.smiles
    return {
        "seed": trained.seeds[0],
        "epoch": trained.epochs[0],
        "validation_score": _plain(trained.score),
        "animated_auc": _plain(float(np.nanmean(tested.animated.auc))),
        "smiling_auc": {} if smiles is None else {str(au): _plain(v[0]) for au, v in smiles.auc.items()},
        "smile_above_own_neutral": None if smiles is None else _plain(smiles.own_neutral),
        "most_called_on_neutral": None if smiles is None else _plain(max(smiles.false_alarms.values())),
    }


def _smiles(scores: SmileScores) -> dict[str, Any]:
    return {
        "people": scores.people,
        "neutral": scores.neutral,
        "smiles": scores.smiles,
        "auc_smiling_against_neutral": {str(au): _plain(v[0]) for au, v in scores.auc.items()},
        "auc_intervals": {str(au): [_plain(end) for end in v[1:]] for au, v in scores.auc.items()},
        "smile_above_own_neutral": _plain(scores.own_neutral),
        "au12_hit_rate": _plain(scores.hit_rate),
        "false_alarms_on_neutral": {str(au): _plain(v) for au, v in scores.false_alarms.items()},
        "called_on_smiles": {str(au): _plain(v) for au, v in scores.called_on_smiles.items()},
        "unlearned_rule_auc": _plain(scores.rule_auc[0]),
        "unlearned_rule_interval": [_plain(end) for end in scores.rule_auc[1:]],
        "unlearned_rule_above_own_neutral": _plain(scores.rule_own_neutral),
    }
