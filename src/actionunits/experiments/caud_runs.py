"""The trainings behind the tables of seed 002: emotion networks, the bag of words, and AU heads.

The items share them: an encoder is trained once for tables 1 to 5.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.atomic import make_directory, replace_when_done
from actionunits.errors import UserError
from actionunits.experiments.crops import data_line, folds_of, open_crops, used_index
from actionunits.experiments.cross_validate import cross_validate, spec_of
from actionunits.experiments.recipe import Recipe, load_recipe
from actionunits.experiments.reproduced import Request
from actionunits.experiments.train import imagenet_file, samples_of_fold
from actionunits.models.caud.bag_of_words import BagOfWords, BagOfWordsConfig
from actionunits.models.weights import read_header
from actionunits.records import ImageArray
from actionunits.training.data import CropSamples

__all__ = [
    "BACKBONES",
    "au_set_of",
    "emotion_sets",
    "EMOTION_SETS",
    "bag_of_words",
    "card_of",
    "emotion_line",
    "emotion_recipe",
    "emotion_run",
    "emotions_folder",
    "has_imagenet",
    "head_line",
    "head_recipe",
    "head_run",
    "heads_folder",
    "networks",
]

#: The data sets that the paper learns emotions from.
EMOTION_SETS = ("ckplus", "bosphorus", "rafd")
#: The paper's networks and their backbones.
BACKBONES: Mapping[str, str] = {"AlexNet": "alexnet", "VGG": "vgg16"}
#: The scales at which VGG-16 is trained: at the small one its twentyfold arithmetic would not be minutes.
VGG_SCALES = ("tiny", "paper")

#: At tiny scale there is too little to make a whole vocabulary of.
TINY_WORDS = BagOfWordsConfig(words=30, descriptors=2000)


def networks(request: Request) -> dict[str, str]:
    """The paper's networks that are trained at a scale, and their backbones."""
    with_vgg = request.scale in VGG_SCALES
    return {name: backbone for name, backbone in BACKBONES.items() if with_vgg or backbone != "vgg16"}


def emotion_sets(request: Request) -> dict[str, Path]:
    """The licensed data sets of emotions that a request names."""
    return {name: root for name, root in request.sets.items() if name in EMOTION_SETS}


def au_set_of(request: Request) -> tuple[str, Path] | None:
    """The licensed data set of AUs that a request names, or None for synthetic people.

    Raises:
        UserError: there are several.
    """
    others = [(name, root) for name, root in request.sets.items() if name not in EMOTION_SETS]
    if len(others) > 1:
        names = ", ".join(name for name, _ in others)
        raise UserError(f"heads are trained on one data set of AUs, got {names}: give one of them")
    return others[0] if others else None


def emotions_folder(request: Request) -> Path:
    """Where the runs on emotions are kept: whatever AUs are learnt later, they are the same."""
    return request.folder / "-".join(["caud", request.scale, *sorted(emotion_sets(request))])


def heads_folder(request: Request) -> Path:
    """Where the runs of AU heads are kept."""
    place, aus = emotions_folder(request), au_set_of(request)
    return place if aus is None else place.with_name(f"{place.name}-on-{aus[0]}")


def emotion_recipe(request: Request, backbone: str) -> Recipe:
    """EmotionNet on a backbone at a scale, on synthetic emotions or on the licensed sets joined."""
    changes = [f"model.config.backbone={backbone}", f'title="EmotionNet, {backbone}"']
    if sets := emotion_sets(request):
        changes.append("data.name=joined")
        changes += [f"data.sets.{name}={json.dumps(str(root))}" for name, root in sets.items()]
    return load_recipe("caud/emotion_net", changes, request.scale)


def emotion_run(request: Request, backbone: str) -> Path:
    """The finished run of EmotionNet on a backbone."""
    run = emotions_folder(request) / f"emotions-{backbone}"
    recipe = emotion_recipe(request, backbone)
    cross_validate(recipe, run, cache=request.folder / "data", stage=request.stage)
    return run


def card_of(run: Path) -> Mapping[str, object]:
    """The card of a run's first fold."""
    return read_header(run / "fold-1" / "model.safetensors").card


def has_imagenet(recipe: Recipe) -> bool:
    """Whether the recipe's network starts from ImageNet's weights here."""
    return imagenet_file(recipe) is not None


def emotion_line(request: Request) -> str:
    """A line on the data of the emotions."""
    recipe = emotion_recipe(request, "alexnet")
    crops = open_crops(recipe.data, spec_of(recipe), request.folder / "data", request.stage)
    return data_line(recipe.data, used_index(recipe.data, crops))


def bag_of_words(request: Request) -> Path:
    """A folder with the bag of words' ``predictions.parquet``, on the folds and crops of the networks."""
    out = make_directory(emotions_folder(request) / "bag-of-words")
    done = out / "predictions.parquet"
    if done.exists():
        return out
    recipe = emotion_recipe(request, "alexnet")
    spec = spec_of(recipe)
    crops = open_crops(recipe.data, spec, request.folder / "data", request.stage)
    folds = folds_of(recipe.folds, used_index(recipe.data, crops))
    tables, costs = [], []
    for number, fold in enumerate(folds.folds, start=1):
        sides = samples_of_fold(recipe, crops, spec, fold)
        words = BagOfWords(TINY_WORDS if request.scale == "tiny" else None)
        words.fit(*_pictures(sides.train), *_pictures(sides.validation))
        tables.append(_said(words, sides.test, number))
        costs.append(words.cost)
    with replace_when_done(out / "costs.json") as beside:
        beside.write_text(json.dumps(costs) + "\n", encoding="utf-8")
    with replace_when_done(done) as beside:
        pd.concat(tables, ignore_index=True).to_parquet(beside, index=False)
    return out


def _pictures(samples: CropSamples) -> tuple[list[ImageArray], NDArray[np.int8]]:
    """The crops with a known emotion, and their emotions' numbers."""
    assert samples.emotion is not None
    known = np.flatnonzero(samples.emotion >= 0)
    return [samples[int(row)].frames[0] for row in known], samples.emotion[known]


def _said(words: BagOfWords, samples: CropSamples, fold: int) -> pd.DataFrame:
    """A table of predictions of the test part; instead of probabilities the softmax of the margins."""
    margins = words.margins([samples[row].frames[0] for row in range(len(samples))])
    scores = np.full((len(samples), len(samples.spec.emotions)), -np.inf)
    scores[:, words.classes] = margins
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    raised /= raised.sum(axis=1, keepdims=True)
    frames = samples.index.table.iloc[samples.rows[:, 0]].reset_index(drop=True)
    kept = [name for name in ("dataset", "subject", "sequence", "view", "frame", "emotion") if name in frames]
    columns = {name: frames[name] if name == "frame" else frames[name].astype(str) for name in kept}
    felt = {f"emotion_{name}": raised[:, at] for at, name in enumerate(samples.spec.emotions)}
    return pd.DataFrame({"fold": fold, **columns, **felt})


def head_recipe(
    request: Request,
    encoder: str,
    *,
    backbone: str = "alexnet",
    share: int = 1,
    folds: Sequence[str] = (),
) -> Recipe:
    """AU heads at a scale.

    Args:
        request: with a licensed data set of AUs, or none.
        encoder: ``EmotionNet``, ``ImageNet`` or ``random``.
        backbone: of the encoder.
        share: the heads' width is the recipe's divided by this (Table 4: 1, 2, 4).
        folds: changes of the folds.
    """
    changes = [f"model.config.backbone={backbone}", *folds]
    if (licensed := au_set_of(request)) is not None:
        name, root = licensed
        changes += [f"data.name={name}", f"data.root={json.dumps(str(root))}"]
    if encoder == "EmotionNet":
        changes.append(f"heads.encoder={json.dumps(str(emotion_run(request, backbone)))}")
    if encoder == "random":
        changes.append('model.pretrained=""')
    recipe = load_recipe("caud/heads", changes, request.scale)
    units = max(2, int(recipe.model.config["units"]) // share)
    return replace(recipe, model=replace(recipe.model, config={**recipe.model.config, "units": units}))


def head_run(request: Request, recipe: Recipe, name: str) -> Path:
    """The finished run of heads."""
    run = heads_folder(request) / name
    cross_validate(recipe, run, cache=request.folder / "data", stage=request.stage)
    return run


def head_line(request: Request, recipe: Recipe) -> str:
    """A line on the data of the AUs."""
    crops = open_crops(recipe.data, spec_of(recipe), request.folder / "data", request.stage)
    return data_line(recipe.data, used_index(recipe.data, crops))
