"""The embedded model's card: how it was made, what it was measured on, what it is not."""

from __future__ import annotations

import math
from importlib.metadata import version
from pathlib import Path
from textwrap import wrap
from typing import Any

from actionunits.experiments.embedded.measure import AnimatedScores, SmileScores
from actionunits.experiments.embedded.people import People
from actionunits.experiments.embedded.recipe import EmbeddedRecipe
from actionunits.facs.units import action_unit
from actionunits.models.config import to_plain
from actionunits.models.embedded.net import PointsAndPicture
from actionunits.records import FloatArray
from actionunits.training.loop import TrainResult

__all__ = ["TESTED", "card_page", "make_card"]

#: Poses (as `au detect` estimates them) and sizes of the animated pictures that the scores are of: heads
#: turned by up to 26 degrees and nodded by up to 14, which the estimate spreads by about 5, and cameras with
#: 15 to 60 px between the eyes. `au detect` flags what lies outside.
TESTED = {"pitch_deg": 20.0, "yaw_deg": 25.0, "inter_ocular_px": 15.0}


def make_card(
    model: PointsAndPicture,
    thresholds: FloatArray,
    people: People,
    recipe: EmbeddedRecipe,
    face_model: Path | None,
    result: TrainResult,
    *,
    animated: AnimatedScores,
    smiles: SmileScores | None,
) -> dict[str, Any]:
    """The facts of a training as plain values for JSON; undefined scores are None."""
    return {
        "name": "default",
        "version": 1,
        "made_with": f"actionunits {version('actionunits')}",
        "aus": list(model.spec.aus),
        "thresholds": [round(float(t), 4) for t in thresholds],
        "tested": dict(TESTED),
        "parameters": sum(p.numel() for p in model.parameters()),
        "subjects": {
            use: sorted({photo.subject for photo in getattr(people, use)})
            for use in ("train", "validation", "test")
        },
        "face_model": face_model.name if face_model else None,
        "recipe": {name: to_plain(getattr(recipe, name)) for name in ("data", "training", "model")},
        "best_epoch": result.best_epoch,
        "validation_score": _plain(result.best_score),
        "animated_test": {
            "pictures": animated.pictures,
            "base_rate": [_plain(v) for v in animated.base_rate],
            "auc": [_plain(v) for v in animated.auc],
            "f1": [_plain(v) for v in animated.f1],
            "accuracy": [_plain(v) for v in animated.accuracy],
        },
        "real_test": None if smiles is None else _smiles(smiles),
    }


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 4)


def _smiles(scores: SmileScores) -> dict[str, Any]:
    return {
        "people": scores.people,
        "auc_smiling_against_neutral": {str(au): _plain(v) for au, v in scores.auc.items()},
        "smile_above_own_neutral": _plain(scores.own_neutral),
        "au12_hit_rate": _plain(scores.hit_rate),
        "false_alarms_on_neutral": {str(au): _plain(v) for au, v in scores.false_alarms.items()},
        "called_on_smiles": {str(au): _plain(v) for au, v in scores.called_on_smiles.items()},
        "unlearned_rule_auc": _plain(scores.rule_auc),
        "unlearned_rule_above_own_neutral": _plain(scores.rule_own_neutral),
    }


def card_page(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    test, real = card["animated_test"], card["real_test"]
    lines = ["# The embedded model", "", *_making(card), ""]
    if real:
        auc = real["auc_smiling_against_neutral"]
        lines += [
            "## On real faces",
            "",
            f"Posed smile against neutral photograph, {real['people']} unseen people:",
            "",
            "| score | this model | mouth width and corner lift alone |",
            "|---|---|---|",
            f"| AU12, ROC AUC | {_show(auc['12'])} | {_show(real['unlearned_rule_auc'])} |",
            f"| smile above the person's own neutral face | {_show(real['smile_above_own_neutral'])} "
            f"| {_show(real['unlearned_rule_above_own_neutral'])} |",
            f"| AU6, ROC AUC (posed smiles: not every one has it) | {_show(auc.get('6'))} | - |",
            f"| AU12 called on smiling faces | {_show(real['au12_hit_rate'])} | - |",
            "",
        ]
    lines += [
        "## Per AU",
        "",
        *wrap(_table_note(test["pictures"], real is not None), 118),
        "",
        "| AU | name | base rate | AUC | F1 | accuracy | threshold "
        "| called: real neutral | called: real smiles |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for column, au in enumerate(card["aus"]):
        cells = [test[name][column] for name in ("base_rate", "auc", "f1", "accuracy")]
        kinds = ("false_alarms_on_neutral", "called_on_smiles")
        called = [real[kind][str(au)] if real else None for kind in kinds]
        shown = " | ".join(_show(v) for v in (*cells, card["thresholds"][column], *called))
        lines.append(f"| {au} | {action_unit(au).name} | {shown} |")
    return "\n".join([*lines, "", *_limits(card)])


def _making(card: dict[str, Any]) -> list[str]:
    subjects = card["subjects"]
    way = f"3-D face model `{card['face_model']}` and 2-D warps" if card["face_model"] else "2-D warps"
    made_of = len(subjects["train"])
    chosen_by, scored_on = len(subjects["validation"]), len(subjects["test"])
    what = (
        f"Version {card['version']}, made with {card['made_with']}: one network of {card['parameters']:,} "
        "parameters over the aligned grey face and its 68 points, for the occurrence and the intensity of "
        f"{len(card['aus'])} Action Units."
    )
    how = (
        f"Photographs of {made_of} people, animated ({way}) into {card['recipe']['data']['pictures']:,} "
        "pictures with known AU intensities, degraded as cameras do, aligned by the points that dlib finds "
        "in them. Some pictures are the photographs as they are: neutral ones (all AUs absent) and posed "
        "smiles (AU12 present, the rest unknown). The epoch, the calibration and the thresholds were chosen "
        f"on {chosen_by} other people; the scores below are of {scored_on} people that neither saw. No "
        "licensed FACS-coded recording was used, and no human FACS coder has checked its output."
    )
    return [*wrap(what, 118), "", "## How it was made", "", *wrap(how, 118)]


def _table_note(pictures: int, real: bool) -> str:
    note = f"{pictures:,} animated pictures of the unseen people."
    if not real:
        return note
    return note + (
        " The last two columns are their photographs: the share above the threshold. A call on a neutral "
        "face is a false alarm. On a posed smile 12 is right and 6 and 25 often are; calls of 10, 14 and 20 "
        "there are mostly confusions of the stretched mouth with these AUs: do not read them in a smiling "
        "face."
    )


def _show(value: float | None) -> str:
    return "NaN" if value is None else f"{value:.2f}"


def _limits(card: dict[str, Any]) -> list[str]:
    yaw, pitch, eyes = (card["tested"][name] for name in ("yaw_deg", "pitch_deg", "inter_ocular_px"))
    return [
        "## What it is not",
        "",
        "- Not validated against FACS coders. Rendered faces are not real: a score on animated pictures says",
        "  that the network learned the animation, not that it reads spontaneous faces as well.",
        f"- Only frontal faces (yaw to {yaw:.0f} and pitch to {pitch:.0f} degrees, {eyes:.0f} px or more "
        "between the eyes:",
        "  `au detect` flags others), adults, mostly of the groups in the portraits.",
        "- Probabilities are calibrated for the base rates of the animated pictures, not of your video.",
        "- Emotions, intentions, health or honesty cannot be read from Action Units alone.",
        "- It reads the points of dlib's predictor, which was trained on iBUG 300-W: not for commercial use.",
        "",
    ]
