"""``au export``: a trained model file as ONNX, which runs without PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from actionunits.cli.training_parts import need_training_parts

__all__ = ["export"]


def export(
    model: Annotated[
        Path,
        typer.Argument(help="A .safetensors file of `au train`, or a run's folder.", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="The .onnx file; by default beside the model.", show_default=False),
    ] = None,
) -> None:
    """Write a model as one ONNX file with its input and card inside.

    Example: au export runs/facs3d-cnn2d-small/fold-1/model.safetensors
    """
    need_training_parts("export")
    from actionunits.detect.backends import model_of_run
    from actionunits.models.weights import export_onnx, load_model, read_header

    model = model_of_run(model) if model.is_dir() else model
    path = out or model.with_suffix(".onnx")
    export_onnx(load_model(model), path, read_header(model).card)
    print(f"{path}  {path.stat().st_size / 1e3:,.0f} kB; use it with au detect VIDEO --model {path}")
