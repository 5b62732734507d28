"""Seed 003's Fig. 4: where networks look for each AU, and whether that is where it is on painted faces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.detect.backends import Backend, load_backend
from actionunits.experiments.crops import data_line, folds_of, open_crops, scored_clips, used_index
from actionunits.experiments.cross_validate import cross_validate
from actionunits.experiments.recipe import Recipe
from actionunits.experiments.reproduce_facs3d import OURS, facs3d_recipes, runs_of
from actionunits.experiments.reproduced import Maker, Product, Request, Scale
from actionunits.explain.draw import draw_maps
from actionunits.explain.region import au_region, mass_inside
from actionunits.explain.sums import OcclusionSums, occlusion_sums
from actionunits.faces.align import align_for
from actionunits.records import Expression, Frame, ImageArray, InputSpec, Landmarks
from actionunits.synthesis.animate import AnimatedFace, PortraitAnimator
from actionunits.synthesis.painting import paint_portrait
from actionunits.training.data import CropSamples, fold_samples

__all__ = ["OCCLUSION_MAKERS", "look", "mass_table", "true_regions"]

#: The patch and its step as shares of the crop's side: 15 and 3 px of 200; smaller runs take larger steps.
PATCH_SHARE = 15 / 200
STRIDE_SHARE: Mapping[Scale, float] = {"tiny": 15 / 200, "small": 5 / 200, "paper": 3 / 200}
#: Test clips of the first fold that are looked at; None = all.
CLIPS: Mapping[Scale, int | None] = {"tiny": 1, "small": 14, "paper": None}
#: Painted people by whom the place of an AU is known.
PEOPLE: Mapping[Scale, int] = {"tiny": 2, "small": 12, "paper": 12}
NETWORKS = (OURS, "2D CNN")


def true_regions(spec: InputSpec, people: int) -> dict[int, NDArray[np.bool_]]:
    """The pixels bool[S,S] of a model's crop that each of its AUs changes, on painted faces.

    Args:
        spec: the model's crop and AUs.
        people: how many faces are painted, each without and with the AU at intensity 4.
    """
    neutral: list[ImageArray] = []
    shown: dict[int, list[ImageArray]] = {au: [] for au in spec.aus}
    for seed in range(people):
        animator = PortraitAnimator(paint_portrait(seed, 260))
        rest = animator.show(Expression({}, {}))
        neutral.append(_aligned(rest, rest, spec))
        for au in spec.aus:
            shown[au].append(_aligned(animator.show(Expression.both({au: 4.0})), rest, spec))
    return {au: au_region(np.stack(neutral), np.stack(faces)) for au, faces in shown.items()}


def _aligned(face: AnimatedFace, rest: AnimatedFace, spec: InputSpec) -> ImageArray:
    """u8[S,S]: the grey crop of a face where the resting face's points put it."""
    grey = np.asarray(cv2.cvtColor(face.image, cv2.COLOR_RGB2GRAY), np.uint8)
    points = Landmarks(np.ascontiguousarray(rest.points, np.float32))
    image = align_for(spec, Frame(grey, 0, 0.0, face.image), points).image
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def _test_clips(
    recipe: Recipe, request: Request, spec: InputSpec, most: int | None
) -> tuple[CropSamples, list[int], str]:
    """The first fold's test people, the numbers of clips spread over them, and a line on the data."""
    crops = open_crops(recipe.data, spec, request.folder / "data")
    index = used_index(recipe.data, crops)
    fold = folds_of(recipe.folds, index).folds[0]
    clips = scored_clips(recipe.data, spec)
    samples: CropSamples = fold_samples(crops, spec, fold, index=index, clips=clips)[2]
    count = len(samples) if most is None else min(most, len(samples))
    numbers = np.linspace(0, len(samples) - 1, count).astype(int).tolist()
    return samples, numbers, data_line(recipe.data, index)


def look(
    recipe: Recipe, run: Path, request: Request, *, most: int | None, stride_share: float
) -> tuple[Backend, OcclusionSums, str]:
    """The occlusion sums of a network of the first fold over its test people, and a line on the data.

    Args:
        recipe: of the network.
        run: its folder; what is missing of its first fold is trained.
        request: where crops are kept, and what shows progress.
        most: clips or stills that are looked at, spread over the people; None = all.
        stride_share: the patch's step as a share of the crop's side.
    """
    cross_validate(recipe, run, only=[1], cache=request.folder / "data", stage=request.stage)
    backend = load_backend(run / "fold-1" / "model.safetensors")
    samples, numbers, data = _test_clips(recipe, request, backend.spec, most)
    size = 1 if backend.spec.clip_length > 1 else 32
    groups = (numbers[i : i + size] for i in range(0, len(numbers), size))
    sums = occlusion_sums(
        backend,
        (samples.batch(group, backend.spec) for group in groups),
        clips=len(numbers),
        patch_px=max(1, round(PATCH_SHARE * backend.spec.size_px)),
        stride_px=max(1, round(stride_share * backend.spec.size_px)),
        threshold=backend.thresholds,
        on_progress=request.stage(f"hiding patches, {recipe.model.name}", "places")
        if request.stage
        else None,
    )
    return backend, sums, data


def _look(recipe: Recipe, name: str, request: Request) -> tuple[Backend, OcclusionSums, str]:
    most = CLIPS[request.scale]
    if most is not None and name == "2D CNN":
        most *= 60  # stills: as many frames as the clips have
    run = runs_of(request) / name.lower().replace(" ", "-")
    return look(recipe, run, request, most=most, stride_share=STRIDE_SHARE[request.scale])


def _figure4(request: Request) -> Product:
    recipes = facs3d_recipes(request)
    looks = {name: _look(recipes[name], name, request) for name in NETWORKS}
    pictures = {}
    for name, (backend, sums, _) in looks.items():
        maps = sums.grid.interpolated(sums.accuracy_fall())
        title = f"{name}: occlusion sensitivity"
        suffix = "" if name == OURS else f"-{name.lower().replace(' ', '-')}"
        pictures[suffix] = draw_maps(sums.mean_face(), maps, backend.spec.aus, sums.positives, title=title)
    _, sums, data = looks[OURS]
    notes = [
        f"A patch of {sums.grid.patch_px} px (the paper: 15 of 200) slides by {sums.grid.stride_px} px over "
        f"every frame of {_clips_shown(request)} of the first fold's test people; a map is how much of the "
        "accuracy on the AU's positive frames is lost, at each AU's threshold; blue is none, or a gain."
    ]
    runs = tuple(runs_of(request) / name.lower().replace(" ", "-") for name in NETWORKS)
    if request.data is not None:  # where an AU shows is known of painted faces only
        return Product(data, {}, pictures, notes=tuple(notes), runs=runs)
    notes.append(
        "The table: the share of a map's mass (fall of the probability on positive frames, below 0 taken as "
        "0) that lies inside the pixels which the AU really changes on painted faces, and what a map without "
        "any preference would have there (chance)."
    )
    sums_of = {name: sums for name, (_, sums, _) in looks.items()}
    table = mass_table(sums_of, PEOPLE[request.scale])
    return Product(data, {"": table}, pictures, notes=tuple(notes), runs=runs)


def _clips_shown(request: Request) -> str:
    most = CLIPS[request.scale]
    return "all clips" if most is None else f"{most} clip{'' if most == 1 else 's'}"


def mass_table(sums_of: Mapping[str, OcclusionSums], people: int) -> pd.DataFrame:
    """The share of each network's maps inside each AU's true region, and that region's share of the area.

    Args:
        sums_of: name to sums of networks with the same AUs and crop.
        people: painted faces by whom the regions are known.
    """
    spec = next(iter(sums_of.values())).spec
    regions = true_regions(spec, people)
    columns: dict[str, list[float]] = {}
    for name, sums in sums_of.items():
        maps = sums.grid.interpolated(sums.fall_on_positives())
        found = [mass_inside(maps[..., column], regions[au]) for column, au in enumerate(spec.aus)]
        columns[name] = [each.share for each in found]
        columns["chance"] = [each.chance for each in found]
    table = pd.DataFrame(columns, index=[f"AU{au}" for au in spec.aus])
    whole = table[table.notna().all(axis=1)]  # chance is averaged over the AUs that have maps
    table.loc["mean"] = whole.mean()
    return table[[*sums_of, "chance"]]


OCCLUSION_MAKERS: Mapping[tuple[str, str], Maker] = {("facs3d", "fig4"): _figure4}
