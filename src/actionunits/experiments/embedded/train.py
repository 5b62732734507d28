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

from actionunits.atomic import make_directory, replace_when_done
from actionunits.detect.backends import OnnxBackend
from actionunits.experiments.embedded.batches import StoreBatches
from actionunits.experiments.embedded.calibrate import calibrate, choose_thresholds
from actionunits.experiments.embedded.card import Tested, Trained, make_card
from actionunits.experiments.embedded.card_page import card_page
from actionunits.experiments.embedded.measure import (
    VIEWS,
    AnimatedScores,
    Predict,
    RealFaces,
    SmileScores,
    animated_scores,
    real_faces,
    smile_scores,
    store_batches,
)
from actionunits.experiments.embedded.people import People, Photograph, find_people, groups_of, load_portrait
from actionunits.experiments.embedded.pictures import (
    RENDER_INTER_OCULAR_PX,
    make_pictures,
    smiles_broadly,
)
from actionunits.experiments.embedded.recipe import EmbeddedRecipe
from actionunits.experiments.embedded.store import Layout, PictureStore
from actionunits.faces.landmarks import landmarks_version
from actionunits.metrics.averages import mean_defined
from actionunits.models.eight_bits import write_eight_bits
from actionunits.models.embedded.net import MeanOfNetworks, PointsAndPicture, build
from actionunits.models.interface import to_tensors
from actionunits.models.weights import export_onnx, replace_card, save_model
from actionunits.records import Batch, FloatArray, InputSpec, Stage
from actionunits.training.loop import EpochRecord, fit

__all__ = ["predictor", "train_embedded"]

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
    of those ``kept`` is written that score best on the validation people; the file of a recipe with
    ``eight_bits`` has thresholds and scores of its own.

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
    stores = _stores(people, face_model, out, recipe, spec, stage, workers or os.cpu_count() or 1)
    chosen_by = Validation(
        list(store_batches(stores["validation"], spec)),
        real_faces(people.validation, spec, views=VIEWS),
        list(store_batches(stores["validation-smiles"], spec)) if "validation-smiles" in stores else [],
    )
    trained = [
        _train_seed(seed, stores["train"], chosen_by, recipe, out, stage, on_epoch) for seed in recipe.seeds
    ]
    unseen = real_faces(people.test, spec)
    scored = [(each, _tested(predictor(each.model), each, people, unseen, stores)) for each in trained]
    best = sorted(scored, key=lambda each: np.nan_to_num(each[0].score, nan=-np.inf), reverse=True)
    chosen = best[0][0]
    if recipe.kept > 1:
        chosen = _mean_of([each for each, _ in best[: recipe.kept]], chosen_by)

    def card_of(network: Trained, predict: Predict, *, eight_bits: bool) -> dict[str, Any]:
        tested = _tested(predict, network, people, unseen, stores)
        made = replace(recipe, eight_bits=eight_bits)
        return make_card(network, tested, people, made, face_model, seeds=scored)

    draft = out / "draft.onnx"
    export_onnx(chosen.model, draft, card={})
    card = of_network = card_of(chosen, predictor(chosen.model), eight_bits=False)
    if recipe.eight_bits:
        write_eight_bits(draft, draft, _examples(stores["train"], spec))
        predict = _predictor_of(draft)
        limits, score = _thresholds(predict, chosen_by, spec), chosen_by.score_of(predict, spec)
        card = card_of(replace(chosen, thresholds=limits, score=score), predict, eight_bits=True)
    replace_card(draft, card)
    _write_beside(chosen.model, of_network, card, out)
    return draft.replace(out / "default.onnx")


def _train_seed(
    seed: int,
    store: PictureStore,
    chosen_by: Validation,
    recipe: EmbeddedRecipe,
    out: Path,
    stage: Stage | None,
    on_epoch: Callable[[EpochRecord], None] | None,
) -> Trained:
    torch.manual_seed(seed)
    model = build(recipe.model)
    model.set_point_statistics(torch.from_numpy(_model_points(store)))
    settings = replace(recipe.training, seed=seed)
    show = stage(f"training, seed {seed}", "steps") if stage else None
    result = fit(
        model,
        StoreBatches(store, model.spec, recipe.data.batch),
        settings,
        validate=chosen_by.score,
        run=out / f"run-{seed}",
        on_progress=show,
        on_epoch=on_epoch,
    )
    model = model.to(memory_format=torch.contiguous_format)
    limits = _settle(model, chosen_by)
    return Trained((seed,), (result.best_epoch,), model, limits, result.best_score)


def _mean_of(trained: Sequence[Trained], chosen_by: Validation) -> Trained:
    """The mean of networks, with a calibration and thresholds of its own."""
    model = MeanOfNetworks.of([each.model for each in trained]).to(memory_format=torch.contiguous_format)
    score = chosen_by.score(model)
    limits = _settle(model, chosen_by)
    seeds = tuple(seed for each in trained for seed in each.seeds)
    epochs = tuple(epoch for each in trained for epoch in each.epochs)
    return Trained(seeds, epochs, model, limits, score)


def _settle(model: PointsAndPicture, chosen_by: Validation) -> FloatArray:
    """Calibrate a network in place, and give its thresholds."""
    calibrate(model, chosen_by.animated, chosen_by.faces)
    return _thresholds(predictor(model), chosen_by, model.spec)


def _thresholds(predict: Predict, chosen_by: Validation, spec: InputSpec) -> FloatArray:
    # a threshold holds on smiles too; a probability is that of faces at rest, as often animated as those
    both = [*chosen_by.animated, *chosen_by.on_smiles]
    return choose_thresholds(predict, both, chosen_by.faces, spec)


def _examples(store: PictureStore, spec: InputSpec) -> Iterator[dict[str, FloatArray]]:
    """Jittered and repainted training pictures, by whose extremes the ranges of 8-bit values are set."""
    batches = StoreBatches(store, spec, min(EXAMPLES_BATCH, len(store))).epoch(0, seed=0)
    for batch in islice(batches, EXAMPLES // EXAMPLES_BATCH):
        assert batch.landmarks is not None
        yield {"frames": batch.frames, "landmarks": batch.landmarks}


@dataclass(frozen=True)
class Validation:
    """What the epoch, the seed, the calibration and the thresholds are chosen by.

    Attributes:
        animated: batches of animated validation people.
        faces: their photographs.
        on_smiles: batches of their smiles, with other AUs animated on top; none if nobody smiles.
    """

    animated: Sequence[Batch]
    faces: RealFaces
    on_smiles: Sequence[Batch] = ()

    def score(self, model: torch.nn.Module) -> float:
        """AUC: half of animated AUs, on neutral faces and on smiles alike; half of 6 and 12 on real faces."""
        assert isinstance(model, PointsAndPicture)
        return self.score_of(predictor(model), model.spec)

    def score_of(self, predict: Predict, spec: InputSpec) -> float:
        """The same of what predicts."""
        animated = _mean_auc(predict, self.animated, spec)
        if self.on_smiles:
            animated = (animated + _mean_auc(predict, self.on_smiles, spec)) / 2
        if len(set(self.faces.smiling.tolist())) < 2:
            return animated
        smiles = smile_scores(predict, self.faces, spec).auc
        return 0.5 * animated + 0.5 * float(np.mean([smiles[au][0] for au in (6, 12) if au in smiles]))


def _mean_auc(predict: Predict, batches: Sequence[Batch], spec: InputSpec) -> float:
    """The mean over those AUs that are shown in some pictures and absent in others."""
    labels = np.concatenate([batch.labels[:, 0] for batch in batches if batch.labels is not None])
    probability = np.concatenate([predict(batch)[0] for batch in batches])
    return mean_defined(animated_scores(probability, labels, spec.aus).auc)[0].item()


def _tested(
    predict: Predict, trained: Trained, people: People, faces: RealFaces, stores: Mapping[str, PictureStore]
) -> Tested:
    """The scores on test people, which choose nothing; of the network, or of the file that is made of it."""
    spec = trained.model.spec

    def animated_in(store: PictureStore) -> AnimatedScores:
        said = [predict(batch) for batch in store_batches(store, spec)]
        probability, _, sides = (np.concatenate(part) for part in zip(*said, strict=True))
        shown = (np.asarray(store.labels), spec.aus, trained.thresholds)
        return animated_scores(probability, *shown, sides=(sides, np.asarray(store.sides)))

    animated = animated_in(stores["test"])
    on_smiles = animated_in(stores["test-smiles"]) if "test-smiles" in stores else None
    smiles = None
    if faces.smiling.any():
        smiles = smile_scores(predict, faces, spec, trained.thresholds)
    groups = _by_group(predict, people.test, faces, spec, trained.thresholds)
    return Tested(animated, on_smiles, smiles, groups)


def _by_group(
    predict: Predict,
    photographs: Sequence[Photograph],
    faces: RealFaces,
    spec: InputSpec,
    thresholds: FloatArray,
) -> dict[str, SmileScores]:
    """The scores of the people of each value of each attribute that their source gives."""
    groups = groups_of(photographs)
    scores = {}
    for name, subjects in groups.items():
        part = faces.of(subjects)
        if len(set(part.smiling.tolist())) == 2:
            scores[name] = smile_scores(predict, part, spec, thresholds)
    return scores


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
    unseen = ("held-back", people.coded) if recipe.folds else ("validation", people.validation)
    plans = {
        "train": (people.train, data.pictures, data.smiling_share),
        unseen[0]: (unseen[1], data.validation_pictures, 0.0),
        "test": (people.test, data.test_pictures, 0.0),
        f"{unseen[0]}-smiles": (unseen[1], data.validation_pictures // 2, 1.0),
        "test-smiles": (people.test, data.test_pictures // 2, 1.0),
    }
    stores = {}
    for number, (use, (photographs, count, smiling_share)) in enumerate(plans.items()):
        if use.endswith("-smiles") and not _any_broad_smile(photographs, spec.landmarks):
            continue
        groups = {photo.subject: photo.group for photo in photographs}
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
        )
        show = stage(f"animating {use} faces", "pictures") if stage else None
        stores[use] = make_pictures(
            out / use, photographs, layout, face_model=face_model, workers=workers, on_progress=show
        )
    return stores


def _any_broad_smile(photographs: Sequence[Photograph], landmarks: str) -> bool:
    def broad(photo: Photograph) -> bool:
        size_px = RENDER_INTER_OCULAR_PX
        return smiles_broadly(load_portrait(photo, inter_ocular_px=size_px, landmarks=landmarks))

    return any(broad(photo) for photo in photographs if photo.smiling)


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
