"""Who learns from what: people held back, the pictures without them, and the training of one network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from actionunits.atomic import make_directory, replace_when_done
from actionunits.datasets.folds import k_fold
from actionunits.errors import UserError
from actionunits.experiments.embedded.batches import StoreBatches
from actionunits.experiments.embedded.measure import VIEWS, Predict, real_faces, store_batches
from actionunits.experiments.embedded.people import People, Photograph
from actionunits.experiments.embedded.recipe import EmbeddedRecipe
from actionunits.experiments.embedded.store import PictureStore
from actionunits.experiments.embedded.unseen import Unseen, said_of, score_of
from actionunits.models.embedded.net import PointsAndPicture, build
from actionunits.models.interface import to_tensors
from actionunits.records import Batch, FloatArray, InputSpec, Stage
from actionunits.training.loop import EpochRecord, fit

__all__ = ["HELD_BACK", "Learning", "Part", "deal_people", "predictor"]

#: The store of those who are held back in turn.
HELD_BACK = "held-back"

#: Training pictures that set the ranges of 8-bit values, and how many are given at once.
EXAMPLES, EXAMPLES_BATCH = 512, 32


@dataclass(frozen=True)
class Part:
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

    def unseen(self, stores: Mapping[str, PictureStore], spec: InputSpec, *, views: int = VIEWS) -> Unseen:
        """Their animated faces and smiles and their photographs, in so many views each."""
        use = self.name if self.name in ("validation", "test") else HELD_BACK

        def batches(name: str) -> list[Batch]:
            store = stores.get(name)
            return [] if store is None else list(store_batches(store, spec, rows=self.rows(store)))

        faces = real_faces(self.photographs, spec, views=views)
        return Unseen(batches(use), faces, batches(f"{use}-smiles"))


def deal_people(people: People, recipe: EmbeddedRecipe) -> list[Part]:
    """The validation people; or all of whom it is known what they show, in parts with as many of each group.

    Raises:
        UserError: there are too few.
    """
    if not recipe.folds:
        if not people.validation:
            raise UserError(
                "without folds validation people are needed: name them under [split] of the recipe"
            )
        return [Part("validation", people.validation)]
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
        parts.append(Part(f"without-{number}-of-{recipe.folds}", photographs))
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
class Learning:
    """What every training of a recipe shares."""

    store: PictureStore
    recipe: EmbeddedRecipe
    out: Path
    stage: Stage | None
    on_epoch: Callable[[EpochRecord], None] | None

    def rows(self, part: Part | None) -> NDArray[np.int64]:
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
        self, seed: int, part: Part | None = None, chosen_by: Unseen | None = None
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

    def examples(self, part: Part | None = None) -> Iterator[dict[str, FloatArray]]:
        """Jittered and repainted pictures, by whose extremes the ranges of 8-bit values are set.

        Of a network that does not learn from ``part``.
        """
        rows, spec = self.rows(part), build(self.recipe.model).spec
        batches = StoreBatches(self.store, spec, min(EXAMPLES_BATCH, len(rows)), rows=rows).epoch(0, seed=0)
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


def _model_points(store: PictureStore) -> FloatArray:
    offset = (store.layout.stored_px - store.layout.size_px) // 2
    return np.asarray(store.points) - np.float32(offset)


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
