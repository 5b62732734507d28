"""The boxes of seed 001's groups on many faces, their means, and a trained network on mean boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.atomic import make_directory, replace_when_done
from actionunits.datasets.cache import CropCache
from actionunits.datasets.folds import Fold
from actionunits.detect.backends import TorchBackend
from actionunits.errors import UserError
from actionunits.experiments.crops import folds_of, used_index
from actionunits.experiments.predict import prediction_table
from actionunits.experiments.recipe import Recipe
from actionunits.experiments.train import samples_of_fold
from actionunits.faces.regions import regions_of
from actionunits.facs.groups import box_groups
from actionunits.models.au_rcnn.ar_res import ArRes
from actionunits.models.au_rcnn.mean_box import mean_box_of
from actionunits.models.weights import load_model, read_header
from actionunits.records import InputSpec, LabelIndex, Landmarks

__all__ = ["box_table", "boxes_of_faces", "mean_box_predictions", "mean_of_boxes"]


def boxes_of_faces(cache: CropCache, spec: InputSpec, index: LabelIndex) -> NDArray[np.float32]:
    """f32[N,R,4]: the boxes of every face of an index, in pixels of the crop.

    Raises:
        UserError: no frame has a face.
    """
    part, row, found = cache.locate(index)
    if not found.any():
        raise UserError("there is no face in these data, so there are no boxes")
    places = zip(part[found].tolist(), row[found].tolist(), strict=True)
    return np.stack([regions_of(spec, Landmarks(cache.points(p)[r])).boxes for p, r in places])


def mean_of_boxes(cache: CropCache, spec: InputSpec, index: LabelIndex) -> NDArray[np.float64]:
    """f64[R,4]: the mean boxes, as shares of the crop's side."""
    boxes = boxes_of_faces(cache, spec, index).astype(np.float64)
    mean: NDArray[np.float64] = boxes.mean(axis=0) / spec.size_px
    return mean


def box_table(spec: InputSpec, boxes: NDArray[np.floating]) -> pd.DataFrame:
    """A row a box with its group, as Tables 12 and 13 print it: ymin, xmin, ymax, xmax of a 512 px crop."""
    scaled = boxes[:, [1, 0, 3, 2]] * 512 / spec.size_px
    table = pd.DataFrame(scaled, columns=["ymin", "xmin", "ymax", "xmax"])
    table.insert(0, "AU group", box_groups(spec.aus))
    return table


def mean_box_predictions(recipe: Recipe, run: Path, crops: CropCache, out: Path) -> pd.DataFrame:
    """What the networks of a finished run say of their test people with mean boxes (section 4.3.1).

    The boxes of a fold are the mean of its training people's (the paper: of the whole data set's); weights
    and thresholds stay those of the run.

    Args:
        recipe: of the run, a network that takes boxes.
        run: its folder.
        crops: of its data.
        out: gets ``predictions.parquet``; what is there is kept.
    """
    done = out / "predictions.parquet"
    if done.exists():
        return pd.read_parquet(done)
    index = used_index(recipe.data, crops)
    folds = folds_of(recipe.folds, index).folds
    tables = [
        _fold_with_mean_boxes(recipe, run / f"fold-{number}", crops, index, fold, number)
        for number, fold in enumerate(folds, start=1)
    ]
    predictions = pd.concat(tables, ignore_index=True)
    make_directory(out)
    with replace_when_done(done) as beside:
        predictions.to_parquet(beside, index=False)
    return predictions


def _fold_with_mean_boxes(
    recipe: Recipe, folder: Path, crops: CropCache, index: LabelIndex, fold: Fold, number: int
) -> pd.DataFrame:
    file = folder / "model.safetensors"
    model = load_model(file)
    if not isinstance(model, ArRes) or not model.spec.needs_regions:
        raise UserError(f"{file} is no AR_res that takes boxes")
    boxes = mean_of_boxes(crops, model.spec, samples_of_fold(recipe, crops, model.spec, fold).train.index)
    backend = TorchBackend(mean_box_of(model, boxes))
    test = samples_of_fold(recipe, crops, backend.spec, fold).test
    thresholds = np.array(read_header(file).card["thresholds"], np.float64)
    return prediction_table(backend, test, thresholds, number)
