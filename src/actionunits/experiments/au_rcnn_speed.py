"""How long seed 001's networks take for a face, and AR_res's share outside convolutions and FC layers."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.profiler import ProfilerActivity, profile

from actionunits.facs.mean_boxes import mean_boxes
from actionunits.facs.sets import AU_SETS
from actionunits.models.au_rcnn.rivals import AU_CENTRES, LocalNet, RoiNets
from actionunits.models.interface import AUModel, TensorBatch
from actionunits.models.registry import build_model
from actionunits.models.weights import export_onnx
from actionunits.records import OnProgress

__all__ = ["OURS", "Speed", "measured", "outside_in_onnx", "outside_in_torch", "ratio", "table_11_networks"]

OURS = "Ours"
AUS = AU_SETS["bp4d-22"]
#: What of a profile is a convolution or a fully connected layer: PyTorch's names, and ONNX Runtime's.
_TORCH_LAYERS = ("convolution", "conv2d", "addmm", "linear", "aten::mm")
_ONNX_LAYERS = ("Conv", "FusedConv", "Gemm", "MatMul", "FusedMatMul", "FusedGemm")

Run = Callable[[], object]


@dataclass(frozen=True)
class Speed:
    """What a network took.

    Attributes:
        ms: f64[trials], the mean of each trial's passes.
    """

    ms: NDArray[np.float64]


def _batch(model: AUModel) -> TensorBatch:
    """One face with the paper's mean boxes."""
    size = model.spec.size_px
    boxes = torch.from_numpy(size * mean_boxes("bp4d", AUS)).float()
    return TensorBatch(torch.randn(1, 1, 3, size, size), regions=boxes[None, None])


def table_11_networks(size_px: int = 512, width: float = 1.0, units: int = 4096) -> dict[str, Run]:
    """AR_vgg19, ROI-Nets and LCN, ready to look at one face each time they are called.

    Args:
        size_px: side of the face.
        width: share of VGG's filters.
        units: of the wide layers.
    """
    torch.manual_seed(0)
    config = {"aus": list(AUS), "depth": 19, "size_px": size_px, "width": width, "units": units}
    ours = build_model("au_rcnn/ar_vgg", config).eval()
    batch = _batch(ours)
    face = batch.frames[0]
    rivals = RoiNets(len(AUS), width).eval(), LocalNet(len(AUS), size_px, width, units=units).eval()
    centres = size_px * (0.1 + 0.8 * torch.rand(AU_CENTRES, 2))
    return {
        OURS: lambda: ours(batch),
        "ROI-Nets": lambda: rivals[0](face, centres),
        "LCN": lambda: rivals[1](face),
    }


def measured(
    networks: Mapping[str, Run], trials: int, passes: int, on_progress: OnProgress | None = None
) -> dict[str, Speed]:
    """Milliseconds a pass; the networks take turns pass by pass, so that what else runs hits all alike."""
    found = {name: np.zeros(trials) for name in networks}
    with torch.inference_mode():
        for run in networks.values():
            run()  # warms up
        for trial in range(trials):
            for _ in range(passes):
                for name, run in networks.items():
                    begun = time.perf_counter()
                    run()
                    found[name][trial] += 1000 * (time.perf_counter() - begun) / passes
            if on_progress is not None:
                on_progress(trial + 1, trials)
    return {name: Speed(values) for name, values in found.items()}


def ratio(speeds: Mapping[str, Speed], other: str) -> tuple[float, float, float]:
    """(median, lowest, highest) over the trials of our time as a share of another network's."""
    each = speeds[OURS].ms / speeds[other].ms
    return float(np.median(each)), float(each.min()), float(each.max())


def _ar_res(size_px: int, backbone: str) -> AUModel:
    torch.manual_seed(0)
    config = {"aus": list(AUS), "size_px": size_px, "backbone": backbone}
    return build_model("au_rcnn/ar_res", config).eval()


def outside_in_torch(size_px: int = 512, backbone: str = "resnet101", passes: int = 3) -> dict[str, float]:
    """Share of AR_res's time at batch 1 by operator, as PyTorch runs it; ``outside``: not conv or FC."""
    model = _ar_res(size_px, backbone)
    batch = _batch(model)
    with torch.inference_mode():
        model(batch)
        with profile(activities=[ProfilerActivity.CPU]) as seen:
            for _ in range(passes):
                model(batch)
    times = {event.key: float(event.self_cpu_time_total) for event in seen.key_averages()}
    return _shares(times, lambda name: any(part in name for part in _TORCH_LAYERS))


def outside_in_onnx(size_px: int = 512, backbone: str = "resnet101", passes: int = 3) -> dict[str, float]:
    """The same of the exported network, as ONNX Runtime runs it: what `au detect` uses without PyTorch."""
    import onnxruntime

    model = _ar_res(size_px, backbone)
    batch = _batch(model)
    assert batch.regions is not None
    with tempfile.TemporaryDirectory() as folder:
        export_onnx(model, Path(folder) / "m.onnx", {})
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        providers = ["CPUExecutionProvider"]
        session = onnxruntime.InferenceSession(str(Path(folder) / "m.onnx"), options, providers=providers)
        feed = {"frames": batch.frames.numpy(), "regions": batch.regions.numpy()}
        for _ in range(passes + 1):
            session.run(None, feed)
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    times: dict[str, float] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            kind = event["args"]["op_name"]
            times[kind] = times.get(kind, 0.0) + event["dur"]
    return _shares(times, lambda name: name in _ONNX_LAYERS)


def _shares(times: Mapping[str, float], is_layer: Callable[[str], bool]) -> dict[str, float]:
    total = sum(times.values())
    shares = {name: value / total for name, value in times.items()}
    outside = sum(share for name, share in shares.items() if not is_layer(name))
    return {"outside": outside, **dict(sorted(shares.items(), key=lambda pair: -pair[1]))}
