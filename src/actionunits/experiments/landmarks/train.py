"""`au train landmarks`: from hand-placed portraits to the network that finds the 68 points, and its card.

The first network learns from hand-placed faces alone, animated and as they are. Where portraits of other
people are given, it finds their points and those of the first people's smiles; a second one learns from all
of them, and so on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from actionunits.atomic import make_directory, replace_when_done
from actionunits.experiments.embedded.recipe import SplitSettings
from actionunits.experiments.landmarks.batches import PointBatches
from actionunits.experiments.landmarks.card import card_page, make_card
from actionunits.experiments.landmarks.export import export_points
from actionunits.experiments.landmarks.fit import EpochNote, fit_points
from actionunits.experiments.landmarks.hand_points import read_hand_points
from actionunits.experiments.landmarks.measure import error_on_photographs
from actionunits.experiments.landmarks.net import PointNet
from actionunits.experiments.landmarks.people import placed_faces, unplaced_faces
from actionunits.experiments.landmarks.pictures import Pictures, PlacedFace, StoreLayout, make_pictures
from actionunits.experiments.landmarks.recipe import PointRecipe
from actionunits.faces.point_network import PointNetwork
from actionunits.records import Stage
from actionunits.synthesis.animate import ANIMATION_VERSION

__all__ = ["train_points"]


def train_points(
    portraits: Sequence[Path],
    points: Path,
    face_model: Path,
    out: Path,
    recipe: PointRecipe,
    split: SplitSettings,
    *,
    unplaced: Sequence[Path] = (),
    stage: Stage | None = None,
    on_epoch: Callable[[EpochNote], None] | None = None,
    workers: int | None = None,
) -> Path:
    """Train the point network and write it with its card; goes on where a stopped run was.

    Args:
        portraits: folders of neutral portraits.
        points: the ``.npz`` of their hand-placed points.
        face_model: a 3-D face model in ICT-FaceKit's layout.
        out: gets ``landmarks.onnx``, ``landmarks.json``, ``landmarks.md`` and the work folders.
        recipe: counts and training.
        split: who is not trained on.
        unplaced: folders of portraits of other people, whose points each network finds for the next one.
        stage: shows progress.
        on_epoch: called after each epoch.
        workers: processes that animate; by default the number of cores.

    Returns:
        The path of ``landmarks.onnx``.

    Raises:
        UserError: a file or folder is missing, or ``out`` holds another run.
    """
    make_directory(out)
    torch.set_num_threads(min(torch.get_num_threads(), 2))
    cv2.setNumThreads(1)
    hand = read_hand_points(points)
    learn, chosen_by = placed_faces(portraits, hand, split, recipe.data.seed)
    held = {*split.validation, *split.test, *(face.subject for face in chosen_by)}
    make = _Maker(face_model, out, recipe, stage, workers or os.cpu_count() or 1)
    validation = make.store("validation", 0, chosen_by, recipe.data.validation_pictures)
    seen = list(PointBatches(validation, recipe.model.size_px, 48).epoch(0, 0))
    data = recipe.data
    placed = make.store(
        "hand-placed", 1, learn, data.pictures, real=data.real_share, tones=data.lip_tones_share
    )
    notes: list[EpochNote] = []

    model: PointNet | None = None
    found: list[PlacedFace] = []
    for number, epochs in enumerate(recipe.rounds if unplaced else recipe.rounds[:1], start=1):
        pictures = placed
        if number > 1:
            before = PointNetwork(out / f"round-{number - 1}.onnx")
            found = unplaced_faces(unplaced, before, learn, held)
            more = make.store(
                f"found-{number}",
                number,
                found,
                data.found_pictures,
                real=data.found_real_share,
                tones=data.lip_tones_share,
            )
            pictures = Pictures(
                np.concatenate([placed.images, more.images]), np.concatenate([placed.points, more.points])
            )
        show = stage(f"training, round {number}", "steps") if stage else None
        model, said = fit_points(
            recipe.model,
            PointBatches(pictures, recipe.model.size_px, recipe.data.batch),
            seen,
            replace(recipe.training, epochs=epochs),
            out / f"run-{number}",
            start=model,
            on_progress=show,
            on_epoch=on_epoch,
        )
        notes += said
        export_points(model, out / f"round-{number}.onnx", {"version": recipe.version, "round": number})
    assert model is not None, "a recipe has a round"
    errors = error_on_photographs(PointNetwork(out / f"round-{number}.onnx").find, chosen_by)
    return _write(model, out, make_card(model, recipe, learn, found, errors, notes))


def _write(model: PointNet, out: Path, card: Mapping[str, Any]) -> Path:
    with replace_when_done(out / "landmarks.json") as beside:
        beside.write_text(json.dumps(card, indent=1) + "\n")
    with replace_when_done(out / "landmarks.md") as beside:
        beside.write_text(card_page(card))
    export_points(model, out / "landmarks.onnx", {"name": card["name"], "version": card["version"]})
    return out / "landmarks.onnx"


class _Maker:
    """Fills the stores of one run."""

    def __init__(
        self, face_model: Path, out: Path, recipe: PointRecipe, stage: Stage | None, workers: int
    ) -> None:
        self.face_model, self.out, self.recipe, self.stage, self.workers = (
            face_model,
            out,
            recipe,
            stage,
            workers,
        )

    def store(
        self,
        name: str,
        number: int,
        faces: Sequence[PlacedFace],
        count: int,
        *,
        real: float = 0.0,
        tones: float = 0.0,
    ) -> Pictures:
        seed = self.recipe.data.seed + number
        subjects = tuple(sorted({face.subject for face in faces}))
        model = self.face_model.name
        layout = StoreLayout(count, seed, real, tones, subjects, model, ANIMATION_VERSION)
        show = self.stage(f"animating {name} faces", "pictures") if self.stage else None
        return make_pictures(
            self.out / name, faces, layout, self.face_model, workers=self.workers, on_progress=show
        )
