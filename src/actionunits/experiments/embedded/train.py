"""`au train default`: from folders of portraits to the embedded model, its card and its measurements."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from actionunits.atomic import make_directory, replace_when_done
from actionunits.datasets.folds import k_fold
from actionunits.detect.backends import OnnxBackend
from actionunits.errors import UserError
from actionunits.experiments.embedded.batches import StoreBatches
from actionunits.experiments.embedded.calibrate import calibration_of, choose_thresholds
from actionunits.experiments.embedded.card import Trained, make_card
from actionunits.experiments.embedded.card_page import card_page
from actionunits.experiments.embedded.measure import VIEWS, Predict, real_faces, store_batches
from actionunits.experiments.embedded.people import People, Photograph, find_people
from actionunits.experiments.embedded.pictures import any_broad_smile, make_pictures
from actionunits.experiments.embedded.recipe import EmbeddedRecipe
from actionunits.experiments.embedded.store import PER_PORTRAIT, Layout, PictureStore
from actionunits.experiments.embedded.unseen import (
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
from actionunits.models.interface import to_tensors
from actionunits.models.weights import export_onnx, replace_card, save_model
from actionunits.records import Batch, FloatArray, InputSpec, Stage
from actionunits.training.loop import EpochRecord, fit

__all__ = ["predictor", "train_embedded"]

#: The store of those who are held back in turn.
_HELD_BACK = "held-back"

#: Training pictures that set the ranges of 8-bit values, and how many are given at once.
EXAMPLES, EXAMPLES_BATCH = 512, 32


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
    that of its judges, not of the very network.

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
    parts = _dealt(people, recipe)
    stores = _stores(people, face_model, out, recipe, spec, stage, workers or os.cpu_count() or 1)
    learning = _Learning(stores["train"], recipe, out, stage, on_epoch)
    trained, held = _all_seeds(learning, parts, stores, spec)
    unseen = _Part("test", people.test).unseen(stores, spec)

    def scored(network: Trained, predict: Predict) -> Tested:
        said = said_of(predict, unseen, spec).of_photographs()
        return tested(said, people.test, spec, network.thresholds)

    seeds = [(each, scored(each, predictor(each.model))) for each in trained]
    best = sorted(trained, key=lambda each: np.nan_to_num(each.score, nan=-np.inf), reverse=True)
    chosen = _mean_of(best[: recipe.kept], held) if recipe.kept > 1 else best[0]

    def card_of(network: Trained, predict: Predict, said: Said, *, eight_bits: bool) -> dict[str, Any]:
        made = replace(recipe, eight_bits=eight_bits)
        of_held = None
        if recipe.folds:
            of_held = tested(said.of_photographs(), people.coded, spec, network.thresholds)
        return make_card(
            network, scored(network, predict), people, made, face_model, seeds=seeds, held_back=of_held
        )

    draft = out / "draft.onnx"
    said = _said_by_judges([predictor(judge) for judge in chosen.judges], held, spec)
    card = of_network = card_of(chosen, predictor(chosen.model), said, eight_bits=False)
    if recipe.eight_bits:
        predict = _in_eight_bits(chosen.model, draft, _examples(learning, None))
        files = [predict]
        if recipe.folds:
            beside = out / "judge.onnx"
            files = [
                _in_eight_bits(judge, beside, _examples(learning, part))
                for judge, part in zip(chosen.judges, parts, strict=True)
            ]
            beside.unlink()
        said = _said_by_judges(files, held, spec)
        limits = choose_thresholds(said, spec.aus)
        of_file = replace(chosen, thresholds=limits, score=score_of(said, spec))
        card = card_of(of_file, predict, said, eight_bits=True)
    else:
        export_onnx(chosen.model, draft, card={})
    replace_card(draft, card)
    _write_beside(chosen.model, of_network, card, out)
    return draft.replace(out / "default.onnx")


def _all_seeds(
    learning: _Learning, parts: Sequence[_Part], stores: Mapping[str, PictureStore], spec: InputSpec
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


@dataclass(frozen=True)
class _Part:
    """People from whom some networks, or none, learn.

    Attributes:
        name: ``validation``, ``test`` or, of those held back in turn, what the runs without them are called.
        photographs: theirs.
    """

    name: str
    photographs: tuple[Photograph, ...]

    def rows(self, store: PictureStore) -> NDArray[np.int64]:
        """Rows of a store that show one of them alone or mixed with another."""
        held = {photo.subject for photo in self.photographs}
        numbers = [number for number, who in enumerate(store.layout.subjects) if who in held]
        return np.flatnonzero(np.isin(store.subject, numbers) | np.isin(store.second, numbers))

    def unseen(self, stores: Mapping[str, PictureStore], spec: InputSpec) -> Unseen:
        """Their animated faces and smiles and their photographs."""
        use = self.name if self.name in ("validation", "test") else _HELD_BACK

        def batches(name: str) -> list[Batch]:
            store = stores.get(name)
            return [] if store is None else list(store_batches(store, spec, rows=self.rows(store)))

        faces = real_faces(self.photographs, spec, views=VIEWS)
        return Unseen(batches(use), faces, batches(f"{use}-smiles"))


def _dealt(people: People, recipe: EmbeddedRecipe) -> list[_Part]:
    """The validation people; or all of whom it is known what they show, in parts with as many of each group.

    Raises:
        UserError: there are too few.
    """
    if not recipe.folds:
        if not people.validation:
            raise UserError(
                "without folds validation people are needed: name them under [split] of the recipe"
            )
        return [_Part("validation", people.validation)]
    by_group = {f"{photo.group}/{photo.subject}": photo.subject for photo in people.coded}
    if len(by_group) < recipe.folds:
        raise UserError(
            f"folds={recipe.folds} needs portraits of as many people besides those for the test, got "
            f"{len(by_group)}: give more portraits, or folds=0"
        )
    parts = []
    for number, fold in enumerate(k_fold(by_group, recipe.folds, recipe.data.seed).folds, 1):
        subjects = {by_group[name] for name in fold.test}
        photographs = tuple(photo for photo in people.coded if photo.subject in subjects)
        parts.append(_Part(f"without-{number}-of-{recipe.folds}", photographs))
    return parts


def _as_mixed_as(store: PictureStore, kept: NDArray[np.int64]) -> NDArray[np.int64]:
    """As many rows as a store has, of those that are ``kept``: of each kind of picture as many as it has.

    So a network that does not learn from some people takes as many steps, and sees each AU about as often.
    Kinds are told by what is known of a picture: whether somebody is mixed in, whether intensities, the smile
    and the chin are known, and whether something is shown. A kind of which none is kept is left out.
    """
    labels, aus = np.asarray(store.labels), store.layout.aus
    columns = [labels[:, aus.index(au)] < 0 for au in (12, 17) if au in aus]
    kinds = np.column_stack(
        [
            np.asarray(store.second) >= 0,
            np.isnan(store.intensity).all(axis=1),
            (labels == 0).all(axis=1),
            *columns,
        ]
    )
    codes = np.packbits(kinds, axis=1)[:, 0]
    rows = [np.resize(kept[codes[kept] == code], (codes == code).sum()) for code in np.unique(codes[kept])]
    return np.concatenate(rows)


@dataclass(frozen=True)
class _Learning:
    """What every training of a recipe shares."""

    store: PictureStore
    recipe: EmbeddedRecipe
    out: Path
    stage: Stage | None
    on_epoch: Callable[[EpochRecord], None] | None

    def rows(self, part: _Part | None) -> NDArray[np.int64]:
        """The pictures to learn from without a part of the people.

        Raises:
            UserError: none is left.
        """
        every = np.arange(len(self.store))
        if part is None:
            return every
        kept = np.setdiff1d(every, part.rows(self.store))
        if not len(kept):
            raise UserError(
                f"no picture is left to learn from {part.name.replace('-', ' ')} parts of the people: give "
                "more pictures=, more portraits, or folds=0"
            )
        return _as_mixed_as(self.store, kept)

    def network(
        self, seed: int, part: _Part | None = None, chosen_by: Unseen | None = None
    ) -> tuple[PointsAndPicture, int]:
        """A network that does not learn from ``part``, and its epoch: the last, or the one chosen."""
        torch.manual_seed(seed)
        recipe, store = self.recipe, self.store
        model = build(recipe.model)
        rows = self.rows(part)
        model.set_point_statistics(torch.from_numpy(_model_points(store)[rows]))
        settings = replace(recipe.training, seed=seed)
        name = part.name if part else ""
        title = " ".join([f"training, seed {seed}", *name.split("-")]).strip()
        run = self.out / "-".join([f"run-{seed}", *filter(None, [name])])
        _mark(run, store, rows)
        result = fit(
            model,
            StoreBatches(store, model.spec, recipe.data.batch, rows=rows),
            settings,
            validate=_scorer(chosen_by, model.spec) if chosen_by else None,
            run=run,
            on_progress=self.stage(title, "steps") if self.stage else None,
            on_epoch=self.on_epoch,
        )
        epoch = result.best_epoch or len(result.history)
        return model.to(memory_format=torch.contiguous_format), epoch


def _mark(run: Path, store: PictureStore, rows: NDArray[np.int64]) -> None:
    """Write beside a run what it learns from, so that one of other people does not go on from there.

    Raises:
        UserError: the run in the folder learnt from others.
    """
    file = run / "learnt_from.json"
    learnt = np.unique(np.concatenate([store.subject[rows], store.second[rows]]))
    subjects = [store.layout.subjects[number] for number in learnt if number >= 0]
    told = json.loads(json.dumps({"pictures": store.layout.__dict__, "subjects": subjects}))
    if file.exists() or (run / "last.pt").exists():
        if not file.exists() or json.loads(file.read_text()) != told:
            raise UserError(
                f"{run} holds a training on other pictures or people; remove it or choose another --out"
            )
        return
    make_directory(run)
    with replace_when_done(file) as beside:
        beside.write_text(json.dumps(told, indent=1))


def _scorer(people: Unseen, spec: InputSpec) -> Callable[[torch.nn.Module], float]:
    def score(model: torch.nn.Module) -> float:
        assert isinstance(model, PointsAndPicture)
        return score_of(said_of(predictor(model), people, spec), spec)

    return score


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
    scale, shift = calibration_of(_said_by_judges(said_by, held, spec), spec.aus)
    for network in networks:
        network.calibration_scale.copy_(torch.from_numpy(scale))
        network.calibration_shift.copy_(torch.from_numpy(shift))
    said = _said_by_judges(said_by, held, spec)
    return Trained(seeds, epochs, model, judges, choose_thresholds(said, spec.aus), score_of(said, spec))


def _said_by_judges(judges: Sequence[Predict], held: Sequence[Unseen], spec: InputSpec) -> Said:
    """What each says of those whom it did not see."""
    return joined(said_of(predict, unseen, spec) for predict, unseen in zip(judges, held, strict=True))


def _in_eight_bits(model: PointsAndPicture, file: Path, examples: Iterator[dict[str, FloatArray]]) -> Predict:
    """Write a network as a file in 8 bits, and give what it says."""
    export_onnx(model, file, card={})
    write_eight_bits(file, file, examples)
    return _predictor_of(file)


def _examples(learning: _Learning, part: _Part | None) -> Iterator[dict[str, FloatArray]]:
    """Jittered and repainted training pictures, by whose extremes the ranges of 8-bit values are set.

    Of a network that did not learn from ``part``.
    """
    store, spec, rows = learning.store, build(learning.recipe.model).spec, learning.rows(part)
    batches = StoreBatches(store, spec, min(EXAMPLES_BATCH, len(rows)), rows=rows).epoch(0, seed=0)
    for batch in islice(batches, EXAMPLES // EXAMPLES_BATCH):
        assert batch.landmarks is not None
        yield {"frames": batch.frames, "landmarks": batch.landmarks}


def predictor(model: PointsAndPicture) -> Predict:
    """A model of stills, on whatever device it is, as a function of a batch."""
    device = next(model.parameters()).device

    def predict(batch: Batch) -> tuple[FloatArray, FloatArray, FloatArray]:
        model.eval()
        with torch.no_grad():
            output = model(to_tensors(batch, device))
        assert output.intensity is not None
        assert output.sides is not None
        said = (torch.sigmoid(output.logits), output.intensity, output.sides)
        probability, intensity, sides = (part[:, 0].float().cpu().numpy() for part in said)
        return probability, intensity, sides

    return predict


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
    unseen = (_HELD_BACK, people.coded) if recipe.folds else ("validation", people.validation)
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
        if use.startswith(_HELD_BACK):
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
            in_turn=use.startswith(_HELD_BACK),
        )
        show = stage(f"animating {use} faces", "pictures") if stage else None
        stores[use] = make_pictures(
            out / use, photographs, layout, face_model=face_model, workers=workers, on_progress=show
        )
    return stores


def _model_points(store: PictureStore) -> FloatArray:
    offset = (store.layout.stored_px - store.layout.size_px) // 2
    return np.asarray(store.points) - np.float32(offset)


def _write_beside(
    model: PointsAndPicture, of_network: Mapping[str, Any], card: Mapping[str, Any], out: Path
) -> None:
    """The card of the ONNX file as a file and as a page; the network in 32 bits, with a card of its own."""
    with replace_when_done(out / "card.json") as beside:
        beside.write_text(json.dumps(card, indent=1))
    with replace_when_done(out / "card.md") as beside:
        beside.write_text(card_page(card))
    save_model(out / "default.safetensors", model, name="embedded/points_and_picture", card=of_network)
