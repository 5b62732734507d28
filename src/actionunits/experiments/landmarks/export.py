"""The point network as a file for ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from actionunits.atomic import replace_when_done
from actionunits.experiments.landmarks.net import PointNet
from actionunits.faces.point_network import POINTS_KEY

__all__ = ["export_points"]


def export_points(model: PointNet, path: Path, note: Mapping[str, Any]) -> None:
    """Write the file that :class:`~actionunits.faces.point_network.PointNetwork` reads, whole or not at all.

    Args:
        model: trained.
        path: ends in ``.onnx``.
        note: what the file says of itself, as JSON.
    """
    import onnx

    model = model.cpu().eval().to(memory_format=torch.contiguous_format)
    crops = torch.zeros(2, 1, model.config.size_px, model.config.size_px)
    with replace_when_done(path) as beside:
        torch.onnx.export(
            model,
            (crops,),
            beside,
            input_names=["crop"],
            output_names=["points"],
            dynamic_axes={"crop": {0: "n"}, "points": {0: "n"}},
            opset_version=17,
            dynamo=False,
        )
        proto = onnx.load_model(beside)
        item = proto.metadata_props.add()
        item.key, item.value = POINTS_KEY, json.dumps(note)
        beside.write_bytes(proto.SerializeToString())
