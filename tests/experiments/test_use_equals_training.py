"""What a network says of a video in use is what evaluation says of the same frames, to rounding."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from actionunits.datasets.adapter import usable_index
from actionunits.datasets.flow_store import keep_flow
from actionunits.datasets.prepare import prepare
from actionunits.datasets.registry import data_set
from actionunits.detect.backends import TorchBackend
from actionunits.detect.pipeline import Detector
from actionunits.experiments.predict import prediction_table
from actionunits.facs.groups import box_groups
from actionunits.facs.sets import AU_SETS
from actionunits.models.registry import build_model
from actionunits.synthesis.animate import PortraitAnimator
from actionunits.synthesis.clip import render_clip, write_clip
from actionunits.synthesis.painting import paint_portrait
from actionunits.synthesis.timeline import random_timeline
from actionunits.training.data import CropSamples

FRAMES = 66
SMALL_RES = {"backbone": "resnet18", "size_px": 64, "roi_cells": 4}
SMALL_TAL = SMALL_RES | {
    "clip_length": 40,
    "anchors": [7.0, 15.0],
    "layers": 2,
    "channels": 16,
    "units": 16,
    "proposals": 40,
}
CONFIG = {"size_px": 80, "inter_ocular_px": 32.0, "filters": [4, 8, 8], "code": 16}
#: Seed 000's networks, for AUs that the labels below have.
REGIONAL = {
    "aus": [1, 2, 4, 7, 10, 12, 15, 17, 24],
    "size_px": 100,
    "inter_ocular_px": 40.0,
    "patch_px": 16,
    "filters": [4, 4, 8, 8],
    "units": 8,
}


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clip and a table that labels its frames."""
    folder = tmp_path_factory.mktemp("video")
    aus = AU_SETS["bp4d-12"]
    timeline = random_timeline(np.random.default_rng(1), FRAMES / 15, aus)
    animator = PortraitAnimator(paint_portrait(3, 260))
    assert write_clip(folder / "talk.mp4", render_clip(animator, timeline, 15.0), 15.0, aus=aus) == FRAMES
    table = {"subject": "p", "sequence": "talk", "frame": np.arange(1, FRAMES + 1), "path": "talk.mp4"}
    labels = {f"AU{au}": (np.arange(FRAMES) % 3 == 0).astype(int) for au in aus}
    pd.DataFrame({**table, **labels}).to_csv(folder / "labels.csv", index=False)
    return folder


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("facs3d/cnn2d", CONFIG),
        ("facs3d/cnn_lstm", CONFIG | {"clip_length": 7, "frame_step": 3}),
        ("facs3d/net", CONFIG | {"clip_length": 56, "frame_step": 1}),
        ("facs3d/net", CONFIG | {"clip_length": 60, "frame_step": 2}),  # longer than the video
        ("cooccurrence/tied", {"network": "cooccurrence/cnn2d", "config": REGIONAL}),
        ("cooccurrence/tied", {"network": "cooccurrence/cnn3d", "config": REGIONAL}),
        ("au_rcnn/ar_res", SMALL_RES),
        ("au_rcnn/mean_box", SMALL_RES),
        ("au_rcnn/ar_conv_lstm", SMALL_RES | {"hidden": 4, "code": 8, "clip_length": 4}),
        ("au_rcnn/ar_two_stream", SMALL_RES | {"clip_length": 7}),
        ("au_rcnn/ar_tal", SMALL_TAL),
    ],
)
def test_detection_says_what_evaluation_says(tmp_path: Path, video: Path, name: str, config) -> None:
    torch.manual_seed(4)
    model = build_model(name, config)
    backend = TorchBackend(model)
    index = usable_index(data_set("table").read(video / "labels.csv", None))
    crops = prepare(index, video, model.spec, tmp_path / "crops").cache
    evaluated = prediction_table(
        backend, CropSamples(crops, model.spec), np.full(len(model.spec.aus), 0.5), 1
    )
    encoded: list[int] = []
    if backend.coded:  # in use each frame is looked at once
        once = backend.encode
        backend.encode = lambda stills: encoded.append(len(stills.frames)) or once(stills)
    if model.spec.needs_flow:
        assert keep_flow(crops, model.spec.flow) == 1
        kept = prediction_table(backend, CropSamples(crops, model.spec), np.full(len(model.spec.aus), 0.5), 1)
        pd.testing.assert_frame_equal(kept, evaluated)
    used = list(Detector(backend).run(video / "talk.mp4"))
    assert len(used) == FRAMES
    seen = [result for result in used if result.faces]
    assert len(seen) > 0.9 * FRAMES
    assert sum(encoded) == (len(seen) if backend.coded else 0)
    assert evaluated["frame"].tolist() == [result.frame_index + 1 for result in seen]
    said = np.stack([result.faces[0].probability for result in seen])
    columns = [f"AU{au:02d}_p" for au in model.spec.aus]
    np.testing.assert_allclose(said, evaluated[columns].to_numpy(), atol=1e-5)
    assert np.ptp(said, axis=0).max() > 1e-4  # it really looks
    if model.spec.needs_regions:
        for result in seen:
            face = result.faces[0]
            assert face.regions.shape == (len(box_groups(model.spec.aus)), 4, 2)
            low, high = face.landmarks.min(axis=0) - 15, face.landmarks.max(axis=0) + 5
            assert (face.regions >= low - [0, 10]).all()  # the boxes lie on the face
            assert (face.regions <= high).all()
    else:
        assert all(result.faces[0].regions is None for result in seen)
