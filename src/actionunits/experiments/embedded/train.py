"""`au train default`: from folders of portraits to the embedded model, its card and its measurements."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from actionunits.atomic import make_directory, replace_when_done
from actionunits.experiments.embedded.batches import StoreBatches
from actionunits.experiments.embedded.calibrate import calibrate, choose_thresholds
from actionunits.experiments.embedded.card import card_page, make_card
from actionunits.experiments.embedded.measure import (
    Predict,
    RealFaces,
    animated_scores,
    real_faces,
    smile_scores,
    store_batches,
)
from actionunits.experiments.embedded.people import People, Photograph, find_people
from actionunits.experiments.embedded.pictures import Layout, PictureStore, make_pictures
from actionunits.experiments.embedded.recipe import EmbeddedRecipe
from actionunits.models.embedded.net import PointsAndPicture, build
from actionunits.models.interface import to_tensors
from actionunits.models.weights import export_onnx, save_model
from actionunits.records import Batch, FloatArray, InputSpec, Stage
from actionunits.training.loop import EpochRecord, TrainResult, fit

__all__ = ["predictor", "train_embedded"]


def train_embedded(
    portraits: Sequence[Path],
    face_model: Path | None,
    out: Path,
    recipe: EmbeddedRecipe,
    *,
    stage: Stage | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    workers: int | None = None,
) -> Path:
    """Train the embedded model and write it with its card; goes on where a stopped run was.

    ``out`` gets ``default.onnx``, ``default.safetensors``, ``card.json``, ``card.md`` and the work folders
    ``train``, ``validation``, ``test`` (pictures) and ``run`` (checkpoints).

    Args:
        portraits: folders of neutral portraits (and ``_smiling`` ones of the same people).
        face_model: a 3-D face model in ICT-FaceKit's layout, or None for 2-D animation only.
        out: the run's folder.
        recipe: counts, training and the split.
        stage: shows progress.
        on_epoch: called after each epoch.
        workers: processes that animate; by default the number of cores.

    Returns:
        The path of ``default.onnx``.

    Raises:
        UserError: portraits are missing, or the folder holds another run.
    """
    make_directory(out)
    people = find_people(
        portraits, validation=recipe.split.validation, test=recipe.split.test, seed=recipe.data.seed
    )
    torch.manual_seed(recipe.training.seed)
    model = build(recipe.model)
    stores = _stores(people, face_model, out, recipe, model.spec, stage, workers or os.cpu_count() or 1)
    faces = real_faces(people.validation, model.spec)
    model.set_point_statistics(torch.from_numpy(_model_points(stores["train"])))
    batches = list(store_batches(stores["validation"], model.spec))
    result = _fit(model, stores["train"], batches, faces, recipe, out, stage, on_epoch)
    calibrate(model, batches, faces)
    thresholds = choose_thresholds(predictor(model), batches, faces, model.spec)
    return _write(model, thresholds, people, stores, recipe, face_model, result, out)


def predictor(model: PointsAndPicture) -> Predict:
    """A model of stills, on whatever device it is, as a function of a batch."""
    device = next(model.parameters()).device

    def predict(batch: Batch) -> tuple[FloatArray, FloatArray]:
        model.eval()
        with torch.no_grad():
            output = model(to_tensors(batch, device))
        assert output.intensity is not None
        probability = torch.sigmoid(output.logits)[:, 0].cpu().numpy()
        return probability, output.intensity[:, 0].cpu().numpy()

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
    counts = {
        "train": recipe.data.pictures,
        "validation": recipe.data.validation_pictures,
        "test": recipe.data.test_pictures,
    }
    stores = {}
    for number, (use, count) in enumerate(counts.items()):
        photographs: tuple[Photograph, ...] = getattr(people, use)
        layout = Layout(
            aus=spec.aus,
            size_px=spec.size_px,
            inter_ocular_px=spec.inter_ocular_px,
            eye_line=spec.eye_line,
            count=count,
            seed=recipe.data.seed * 10 + number,
            flat_share=recipe.data.flat_share,
            real_share=recipe.data.real_share if use == "train" else 0.0,
            subjects=tuple(sorted({photo.subject for photo in photographs})),
            face_model=face_model.name if face_model else "",
        )
        show = stage(f"animating {use} faces", "pictures") if stage else None
        stores[use] = make_pictures(
            out / use, photographs, layout, face_model=face_model, workers=workers, on_progress=show
        )
    return stores


def _model_points(store: PictureStore) -> FloatArray:
    offset = (store.layout.stored_px - store.layout.size_px) // 2
    return np.asarray(store.points) - np.float32(offset)


def _fit(
    model: PointsAndPicture,
    store: PictureStore,
    batches: Sequence[Batch],
    faces: RealFaces,
    recipe: EmbeddedRecipe,
    out: Path,
    stage: Stage | None,
    on_epoch: Callable[[EpochRecord], None] | None,
) -> TrainResult:
    labels = np.concatenate([batch.labels[:, 0] for batch in batches if batch.labels is not None])

    def validate(candidate: torch.nn.Module) -> float:
        """Mean of the AUs' AUC on animated faces and of AU12's on real ones, both of validation people."""
        assert isinstance(candidate, PointsAndPicture)
        predict = predictor(candidate)
        probability = np.concatenate([predict(batch)[0] for batch in batches])
        animated = float(np.nanmean(animated_scores(probability, labels, model.spec.aus).auc))
        if len(set(faces.smiling.tolist())) < 2:
            return animated
        return 0.5 * animated + 0.5 * smile_scores(predict, faces, model.spec).auc[12]

    show = stage("training", "steps") if stage else None
    source = StoreBatches(store, model.spec, recipe.data.batch)
    run = out / "run"
    return fit(
        model, source, recipe.training, validate=validate, run=run, on_progress=show, on_epoch=on_epoch
    )


def _write(
    model: PointsAndPicture,
    thresholds: FloatArray,
    people: People,
    stores: Mapping[str, PictureStore],
    recipe: EmbeddedRecipe,
    face_model: Path | None,
    result: TrainResult,
    out: Path,
) -> Path:
    predict = predictor(model)
    test = stores["test"]
    probability = np.concatenate([predict(batch)[0] for batch in store_batches(test, model.spec)])
    animated = animated_scores(probability, np.asarray(test.labels), model.spec.aus, thresholds)
    faces = real_faces(people.test, model.spec)
    smiles = smile_scores(predict, faces, model.spec, thresholds) if faces.smiling.any() else None
    card = make_card(model, thresholds, people, recipe, face_model, result, animated=animated, smiles=smiles)
    with replace_when_done(out / "card.json") as beside:
        beside.write_text(json.dumps(card, indent=1))
    with replace_when_done(out / "card.md") as beside:
        beside.write_text(card_page(card))
    save_model(out / "default.safetensors", model, name="embedded/points_and_picture", card=card)
    export_onnx(model, out / "default.onnx", card=card)
    return out / "default.onnx"
