"""Small forms of every network, and batches for them."""

import numpy as np
import pytest
import torch

from actionunits.faces.regions import regions_of
from actionunits.models.interface import TensorBatch
from actionunits.records import Landmarks

#: Every pattern of two AUs.
_PATTERNS = {"aus": [1, 12], "patterns": ["00", "01", "10", "11"]}

#: Sizes that a CPU runs in a moment.
_SMALL = {
    "embedded/points_and_picture": {},
    "facs3d/cnn2d": {"size_px": 96, "filters": [4, 8, 8], "code": 16},
    "facs3d/cnn_lstm": {"size_px": 80, "filters": [4, 8, 8], "code": 16, "memory": 8, "clip_length": 6},
    "facs3d/net": {"size_px": 80, "filters": [4, 8, 8], "code": 16, "clip_length": 56},
    "patterns/network1": {"size_px": 96},
    "patterns/network2": {"size_px": 48, "units": [32, 32, 16], "dropout": 0.0},
    "patterns/network3": {"size_px": 68, "filters": [4, 8, 8], "code": 16, **_PATTERNS},
    "patterns/network4": {"size_px": 80, "filters": [4, 8, 8], "code": 32},
    "patterns/network5": {"size_px": 32, "units": 64},
    "patterns/network6": {"size_px": 32, "filters": [8, 8, 8, 8], "units": 32, **_PATTERNS},
    "patterns/network7": {"size_px": 32, "filters": [8, 16, 16, 16], "units": 64},
    "cooccurrence/cnn2d": {"patch_px": 32, "filters": [4, 4, 8, 8], "units": 8, "chin": "lip"},
    "caud/emotion_net": {"units": 16, "size_px": 64, "dropout": 0.1},
    "cooccurrence/cnn3d": {
        "size_px": 100,
        "patch_px": 16,
        "filters": [4, 4, 8, 8],
        "units": 8,
        "chin": "lip",
    },
    "cooccurrence/tied": {
        "network": "cooccurrence/cnn2d",
        "config": {"patch_px": 32, "filters": [4, 4, 8, 8], "units": 8, "chin": "lip"},
    },
    "caud/heads": {"units": 16, "aus": [1, 12], "size_px": 64},
    "au_rcnn/cnn_res": {"backbone": "resnet18", "size_px": 64},
    "au_rcnn/ar_res": {"backbone": "resnet18", "size_px": 64, "roi_cells": 4},
    "au_rcnn/mean_box": {"backbone": "resnet18", "size_px": 64, "roi_cells": 4},
    "au_rcnn/ar_vgg": {
        "depth": 11,
        "size_px": 64,
        "width": 0.125,
        "units": 32,
        "batch_norm": True,
        "roi_cells": 3,
    },
    "au_rcnn/ar_fpn": {
        "backbone": "resnet18",
        "size_px": 64,
        "channels": 16,
        "units": 32,
        "roi_cells": 3,
    },
    "au_rcnn/ar_conv_lstm": {
        "backbone": "resnet18",
        "size_px": 64,
        "roi_cells": 4,
        "hidden": 6,
        "code": 16,
        "clip_length": 3,
    },
    "au_rcnn/ar_two_stream": {"backbone": "resnet18", "size_px": 64, "roi_cells": 4, "clip_length": 3},
    "au_rcnn/ar_crf": {"backbone": "resnet18", "size_px": 64, "roi_cells": 4, "clip_length": 4, "rounds": 2},
    "au_rcnn/ar_tal": {
        "backbone": "resnet18",
        "size_px": 32,
        "roi_cells": 2,
        "clip_length": 12,
        "anchors": [3.0, 6.0, 20.0],
        "layers": 2,
        "channels": 16,
        "units": 16,
        "proposals": 30,
    },
}


def _face_points(size: float, count: int, seed: int = 0) -> torch.Tensor:
    """Upright 68-point faces: jaw, brows, nose, eyes and mouth in their places, with noise."""
    t = np.linspace(0, np.pi, 17)
    jaw = np.stack([0.5 - 0.42 * np.cos(t), 0.35 + 0.55 * np.sin(t)], 1)
    brows = np.stack([np.r_[np.linspace(0.15, 0.42, 5), np.linspace(0.58, 0.85, 5)], np.full(10, 0.22)], 1)
    bridge = np.stack([np.full(4, 0.5), np.linspace(0.32, 0.5, 4)], 1)
    nostrils = np.stack([np.linspace(0.42, 0.58, 5), np.full(5, 0.56)], 1)
    ring = np.linspace(0, 2 * np.pi, 6, endpoint=False)
    eyes = [np.stack([x - 0.07 * np.cos(ring), 0.32 - 0.02 * np.sin(ring)], 1) for x in (0.3, 0.7)]
    ring = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    mouth = np.stack([0.5 - 0.13 * np.cos(ring), 0.7 - 0.05 * np.sin(ring)], 1)
    points = np.concatenate([jaw, brows, bridge, nostrils, *eyes, mouth])
    noise = np.random.default_rng(seed).normal(0, 0.003, (count, 68, 2))
    return torch.from_numpy((size * (points + noise)).astype(np.float32))


def _batch_for(model, clips: int = 3, length: int = 2, seed: int = 0) -> TensorBatch:
    spec = model.spec
    length = spec.clip_length if spec.clip_length > 1 else length
    torch.manual_seed(seed)
    shape = (clips, length, spec.channels, spec.size_px, spec.size_px)
    points = _face_points(spec.size_px, clips * length)
    boxes = [regions_of(spec, Landmarks(each)).boxes for each in points.numpy()] if spec.needs_regions else []
    return TensorBatch(
        frames=torch.randn(shape),
        landmarks=points.reshape(clips, length, 68, 2),
        regions=torch.from_numpy(np.stack(boxes)).unflatten(0, (clips, length)) if boxes else None,
        flow=2 * torch.randn(clips, length, 2, *shape[3:]) if spec.needs_flow else None,
        labels=torch.randint(-1, 2, (clips, length, len(spec.aus)), dtype=torch.int8),
        emotion=torch.arange(clips, dtype=torch.int8)[:, None].expand(clips, length).contiguous(),
    )


@pytest.fixture(scope="session")
def small():
    """Registry name -> configuration that a CPU runs in a moment."""
    return _SMALL


@pytest.fixture(scope="session")
def face_points():
    return _face_points


@pytest.fixture(scope="session")
def batch_for():
    return _batch_for
