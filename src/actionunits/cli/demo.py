"""``au demo``: the whole tool in one command, on a face that everybody may use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from actionunits.cli.progress import progress_stages

__all__ = ["demo"]


def demo(
    out: Annotated[Path, typer.Option(help="Folder of the results; made if it is missing.")] = Path(
        "au-demo"
    ),
    seconds: Annotated[float, typer.Option(min=4.0, max=120.0, help="Length of the clip.")] = 12.0,
    model: Annotated[
        Path | None, typer.Option(help="Another model file, .onnx or .safetensors.", show_default=False)
    ] = None,
) -> None:
    """Animate a public-domain photograph with known AUs, detect them, and compare.

    Needs no download, no data and no GPU. Example: au demo --out au-demo
    """
    from actionunits.experiments.demo import run_demo

    with progress_stages() as stage:
        result = run_demo(out, duration_s=seconds, model=model, stage=stage)
    found = result.summary
    print("A photograph of astronaut Eileen Collins (NASA, public domain; she smiles in it) was animated:")
    print(f"  {result.clip}  clip of {seconds:g} s, {found.frames} frames")
    print(f"  {result.labels}  the AUs that were animated, frame by frame (not the photograph's smile)")
    print(f"The embedded model read it back ({found.frames_with_face} of {found.frames} frames with a face):")
    print(f"  {found.files[0]}  table of AUs, a row a frame")
    for file in found.files[1:]:
        print(f"  {file}  {'annotated video' if file.suffix == '.mp4' else 'report page'}")
    print(f"  {result.timeline}  probability against truth: look at this first")
    print("Frames that show an AU, how many of them it was called in, false alarms elsewhere, ROC AUC:")
    for score in result.scores:
        called = f"called in {score.called:3d} of {score.shown:3d}, {score.false_alarms:3d} false alarms"
        print(f"  AU{score.au:<3d} {called}, AUC {score.auc:.2f}")
    print("A high AUC with few calls: the AU is ranked rightly, but stays below the threshold on this face,")
    print("whose smile hides much; the model's card says how it does on other people.")
    print("Next: au detect YOUR_VIDEO --out results")
