"""A recipe whose network takes optical flow computes it once, before it trains."""

from pathlib import Path

import numpy as np
import pytest

from actionunits.datasets import flow_store
from actionunits.datasets.flow_store import has_flow
from actionunits.experiments.crops import folds_of, open_crops, used_index
from actionunits.experiments.cross_validate import spec_of
from actionunits.experiments.recipe import load_recipe
from actionunits.experiments.train import samples_of_fold
from actionunits.faces.batch import clip_flow


def test_flow_is_made_with_the_crops_and_read_in_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = load_recipe("au_rcnn/ar_two_stream", scale="tiny")
    spec, told = spec_of(recipe), []

    def stage(title: str, unit: str):
        return lambda done, total: told.append((title, done, total))

    crops = open_crops(recipe.data, spec, tmp_path, stage)
    assert has_flow(crops, "dis")
    assert told[-1] == ("optical flow", 48, 48)
    before = len(told)
    assert open_crops(recipe.data, spec, tmp_path, stage).digest == crops.digest
    assert not any(title == "optical flow" for title, *_ in told[before:])
    fold = folds_of(recipe.folds, used_index(recipe.data, crops)).folds[0]
    samples = samples_of_fold(recipe, crops, spec, fold).train
    wanted = [clip_flow(samples[number].frames) for number in range(len(samples))]
    runs = np.diff(samples._row[samples.rows], axis=1) == 1
    plain = [number for number in range(len(samples)) if runs[number].all()]
    assert len(plain) >= 2

    def compute(*_: object) -> None:
        raise AssertionError("kept flow is not computed again")

    monkeypatch.setattr(flow_store, "crop_flow", compute)
    for number in plain:
        np.testing.assert_array_equal(samples[number].flow, wanted[number])
    batch = samples.batch(plain, spec)
    np.testing.assert_array_equal(batch.flow, np.moveaxis(np.stack([wanted[n] for n in plain]), -1, 2))
