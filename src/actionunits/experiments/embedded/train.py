"""`au train default`: from folders of portraits to the embedded model, its card and its measurements."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from actionunits.atomic import make_directory, replace_when_done
from actionunits.detect.backends import OnnxBackend
from actionunits.experiments.embedded.calibrate import (
    calibration_of,
    choose_thresholds,
    chosen_by_others,
    thresholds_of_others,
)
from actionunits.experiments.embedded.card import Trained, judge_card, make_card
from actionunits.experiments.embedded.card_page import card_page
from actionunits.experiments.embedded.learning import HELD_BACK, Learning, Part, deal_people, predictor
from actionunits.experiments.embedded.measure import Predict
from actionunits.experiments.embedded.people import People, find_people
from actionunits.experiments.embedded.pictures import any_broad_smile, make_pictures
from actionunits.experiments.embedded.recipe import EmbeddedRecipe
from actionunits.experiments.embedded.store import PER_PORTRAIT, Layout, PictureStore
from actionunits.experiments.embedded.unseen import (
    Limits,
    Said,
    Tested,
    Unseen,
    joined,
    said_of,
    score_of,
    tested,
)
from actionunits.faces.landmarks import landmarks_version
from actionunits.models.eight_bits import write_eight_bits
from actionunits.models.embedded.net import MeanOfNetworks, PointsAndPicture, build
from actionunits.models.weights import export_onnx, replace_card, save_model
from actionunits.records import Batch, FloatArray, InputSpec, Stage
from actionunits.synthesis.animate import ANIMATION_VERSION
from actionunits.training.loop import EpochRecord

__all__ = ["train_embedded"]


def train_embedded(
    portraits: Sequence[Path],
    face_model: Path | None,
    out: Path,
    recipe: EmbeddedRecipe,
    *,
    unsorted: Sequence[Path] = (),
    stage: Stage | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    workers: int | None = None,
) -> Path:
    """Train the embedded model and write it with its card; goes on where a stopped run was.

    ``out`` gets ``default.onnx``, ``default.safetensors``, ``card.json``, ``card.md`` and the work folders
    ``train``, ``validation``, ``test`` (pictures) and ``run-SEED`` (checkpoints). Of several seeds the mean
    of those ``kept`` is written that score best; the file of a recipe with ``eight_bits`` has thresholds and
    scores of its own.

    Without ``folds`` the validation people choose epoch, seeds, calibration and thresholds. A recipe with
    ``folds`` is settled: its networks learn from the validation people, too, to the last epoch. The rest
    follows from what other networks, their judges (``run-SEED-without-PART-of-FOLDS``), say of a part of the
    people each (``held-back`` instead of ``validation``), from which they did not learn. A seed's score is
    that of its judges, not of the very network. Where what is kept works in 8 bits, its judges are files, too
    (``without-PART-of-FOLDS.onnx``), to whom the people of their part are strangers.

    Args:
        portraits: folders of neutral portraits (and ``_smiling`` ones of the same people).
        face_model: a 3-D face model in ICT-FaceKit's layout, or None for 2-D animation only.
        out: the run's folder.
        recipe: counts, training and the split.
        unsorted: folders of portraits of other people that nobody sorted; those that clearly smile or
            rest by their points are trained on, and those who do neither with their lips together.
        stage: shows progress.
        on_epoch: called after each epoch.
        workers: processes that animate; by default the number of cores.

    Returns:
        The path of ``default.onnx``.

    Raises:
        UserError: portraits are missing, or the folder holds another run.
    """
    make_directory(out)
    spec = build(recipe.model).spec
    people = find_people(
        portraits,
        validation=recipe.split.validation,
        test=recipe.split.test,
        unsorted=unsorted,
        doubtful=recipe.data.doubtful_share > 0,
        seed=recipe.data.seed,
        landmarks=spec.landmarks,
    )
    if recipe.folds:
        people = people.with_validation_learnt()
    parts = deal_people(people, recipe)
    stores = _stores(people, face_model, out, recipe, spec, stage, workers or os.cpu_count() or 1)
    learning = Learning(stores["train"], recipe, out, stage, on_epoch)
    trained, held = _all_seeds(learning, parts, stores, spec)
    unseen = Part("test", people.test).unseen(stores, spec, views=1)

    def scored(network: Trained, predict: Predict) -> Tested:
        limits = Limits.alike(network.thresholds)
        return tested(said_of(predict, unseen, spec), people.test, spec, limits)

    seeds = [(each, scored(each, predictor(each.model))) for each in trained]
    best = sorted(trained, key=lambda each: np.nan_to_num(each.score, nan=-np.inf), reverse=True)
    chosen = _mean_of(best[: recipe.kept], held) if recipe.kept > 1 else best[0]

    def card_of(network: Trained, predict: Predict, *, eight_bits: bool) -> dict[str, Any]:
        made = replace(recipe, eight_bits=eight_bits)
        of_held = None
        if recipe.folds:
            limits = thresholds_of_others(network.said, spec.aus)
            of_held = tested(joined(network.said), people.coded, spec, limits)
        return make_card(
            network, scored(network, predict), people, made, face_model, seeds=seeds, held_back=of_held
        )

    draft = out / "draft.onnx"
    card = of_network = card_of(chosen, predictor(chosen.model), eight_bits=False)
    if recipe.eight_bits:
        predict = _in_eight_bits(chosen.model, draft, learning.examples())
        judges = [predict]
        if recipe.folds:
            judges = [
                _in_eight_bits(judge, _draft_of(out, part), learning.examples(part))
                for judge, part in zip(chosen.judges, parts, strict=True)
            ]
        said = _said_by_judges(judges, held, spec)
        thresholds, score = _limits_and_score(said, spec)
        of_file = replace(chosen, said=said, thresholds=thresholds, score=score)
        card = card_of(of_file, predict, eight_bits=True)
        if recipe.folds:
            for part, limits in zip(parts, chosen_by_others(said, spec.aus), strict=True):
                subjects = {photo.subject for photo in part.photographs}
                replace_card(_draft_of(out, part), judge_card(card, part.name, subjects, limits))
                _draft_of(out, part).replace(out / f"{part.name}.onnx")
    else:
        export_onnx(chosen.model, draft, card={})
    replace_card(draft, card)
    _write_beside(chosen.model, of_network, card, out)
    return draft.replace(out / "default.onnx")


def _all_seeds(
    learning: Learning, parts: Sequence[Part], stores: Mapping[str, PictureStore], spec: InputSpec
) -> tuple[list[Trained], list[Unseen]]:
    """The network of each seed with its limits, and the parts of the people whose judges set them."""
    seeds = learning.recipe.seeds
    if learning.recipe.folds:
        for part in parts:
            learning.rows(part)  # too few pictures are told before the first training
        networks = [learning.network(seed) for seed in seeds]
        judges = [tuple(learning.network(seed, part)[0] for part in parts) for seed in seeds]
        held = [part.unseen(stores, spec) for part in parts]
    else:
        held = [parts[0].unseen(stores, spec)]
        networks = [learning.network(seed, chosen_by=held[0]) for seed in seeds]
        judges = [(network,) for network, _ in networks]
    trained = [
        _settled((seed,), (epoch,), network, their_judges, held)
        for seed, (network, epoch), their_judges in zip(seeds, networks, judges, strict=True)
    ]
    return trained, held


def _mean_of(trained: Sequence[Trained], held: Sequence[Unseen]) -> Trained:
    """The mean of networks, with a calibration and thresholds of its own."""

    def mean(networks: Sequence[PointsAndPicture]) -> PointsAndPicture:
        return MeanOfNetworks.of(networks).to(memory_format=torch.contiguous_format)

    judges = tuple(mean(networks) for networks in zip(*(each.judges for each in trained), strict=True))
    judged = all(each.judges == (each.model,) for each in trained)
    model = judges[0] if judged else mean([each.model for each in trained])
    seeds = tuple(seed for each in trained for seed in each.seeds)
    epochs = tuple(epoch for each in trained for epoch in each.epochs)
    return _settled(seeds, epochs, model, judges, held)


def _settled(
    seeds: tuple[int, ...],
    epochs: tuple[int, ...],
    model: PointsAndPicture,
    judges: tuple[PointsAndPicture, ...],
    held: Sequence[Unseen],
) -> Trained:
    """Calibrate a network and its judges in place, all alike, and choose its thresholds.

    ``judges`` are networks like it, each of which did not see one part of the people.
    """
    spec = model.spec
    networks = {model, *judges}
    for network in networks:
        network.calibration_scale.fill_(1.0)
        network.calibration_shift.fill_(0.0)
    said_by = [predictor(judge) for judge in judges]
    scale, shift = calibration_of(joined(_said_by_judges(said_by, held, spec)), spec.aus)
    for network in networks:
        network.calibration_scale.copy_(torch.from_numpy(scale))
        network.calibration_shift.copy_(torch.from_numpy(shift))
    said = _said_by_judges(said_by, held, spec)
    return Trained(seeds, epochs, model, judges, said, *_limits_and_score(said, spec))


def _said_by_judges(judges: Sequence[Predict], held: Sequence[Unseen], spec: InputSpec) -> tuple[Said, ...]:
    """What each says of those whom it did not see."""
    return tuple(said_of(predict, unseen, spec) for predict, unseen in zip(judges, held, strict=True))


def _limits_and_score(said: Sequence[Said], spec: InputSpec) -> tuple[FloatArray, float]:
    """The thresholds that follow from what was said of all parts of the people, and its score."""
    every = joined(said)
    return choose_thresholds(every, spec.aus), score_of(every, spec)


def _draft_of(out: Path, part: Part) -> Path:
    return out / f"draft-{part.name}.onnx"


def _in_eight_bits(model: PointsAndPicture, file: Path, examples: Iterator[dict[str, FloatArray]]) -> Predict:
    """Write a network as a file in 8 bits, and give what it says."""
    export_onnx(model, file, card={})
    write_eight_bits(file, file, examples)
    return _predictor_of(file)


def _predictor_of(file: Path) -> Predict:
    """The same of a file of such a model."""
    backend = OnnxBackend(file)

    def predict(batch: Batch) -> tuple[FloatArray, FloatArray, FloatArray]:
        said = backend.predict(batch)
        assert said.intensity is not None
        assert said.sides is not None
        return said.probability[:, 0], said.intensity[:, 0], said.sides[:, 0]

    return predict


def _stores(
    people: People,
    face_model: Path | None,
    out: Path,
    recipe: EmbeddedRecipe,
    spec: InputSpec,
    stage: Stage | None,
    workers: int,
) -> dict[str, PictureStore]:
    data = recipe.data
    unseen = (HELD_BACK, people.coded) if recipe.folds else ("validation", people.validation)
    plans = {
        "train": (people.train, data.pictures, data.smiling_share),
        unseen[0]: (unseen[1], data.validation_pictures, 0.0),
        "test": (people.test, data.test_pictures, 0.0),
        f"{unseen[0]}-smiles": (unseen[1], data.validation_pictures // 2, 1.0),
        "test-smiles": (people.test, data.test_pictures // 2, 1.0),
    }
    stores = {}
    for number, (use, (photographs, count, smiling_share)) in enumerate(plans.items()):
        if use.endswith("-smiles") and not any_broad_smile(photographs, spec.landmarks):
            continue
        groups = {photo.subject: photo.group for photo in photographs}
        if use.startswith(HELD_BACK):
            shown = {photo.subject for photo in photographs if photo.smiling or not smiling_share}
            count = max(count, PER_PORTRAIT * len(shown))  # everybody has a turn
        layout = Layout(
            aus=spec.aus,
            size_px=spec.size_px,
            inter_ocular_px=spec.inter_ocular_px,
            eye_line=spec.eye_line,
            count=count,
            seed=recipe.data.seed * 10 + number,
            flat_share=recipe.data.flat_share,
            real_share=recipe.data.real_share if use == "train" else 0.0,
            smiling_share=smiling_share,
            mixed_share=recipe.data.mixed_share if use == "train" else 0.0,
            doubtful_share=recipe.data.doubtful_share if use == "train" else 0.0,
            lip_tones_share=recipe.data.lip_tones_share if use == "train" else 0.0,
            subjects=tuple(sorted(groups)),
            groups=tuple(groups[who] for who in sorted(groups))
            if data.even_groups and use == "train"
            else (),
            face_model=face_model.name if face_model else "",
            landmarks=spec.landmarks,
            landmarks_version=landmarks_version(spec.landmarks),
            in_turn=use.startswith(HELD_BACK),
            animation=ANIMATION_VERSION,
        )
        show = stage(f"animating {use} faces", "pictures") if stage else None
        stores[use] = make_pictures(
            out / use, photographs, layout, face_model=face_model, workers=workers, on_progress=show
        )
    return stores


def _write_beside(
    model: PointsAndPicture, of_network: Mapping[str, Any], card: Mapping[str, Any], out: Path
) -> None:
    """The card of the ONNX file as a file and as a page; the network in 32 bits, with a card of its own."""
    with replace_when_done(out / "card.json") as beside:
        beside.write_text(json.dumps(card, indent=1))
    with replace_when_done(out / "card.md") as beside:
        beside.write_text(card_page(card))
    save_model(out / "default.safetensors", model, name="embedded/points_and_picture", card=of_network)
