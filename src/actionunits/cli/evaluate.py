"""``au evaluate``: scores of a finished run, or of a model file on a recipe's data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from actionunits.cli.progress import progress_stages
from actionunits.cli.training_parts import need_training_parts
from actionunits.errors import UserError

__all__ = ["evaluate"]


def evaluate(
    target: Annotated[
        Path,
        typer.Argument(help="A run's folder, or a model file (.safetensors or .onnx).", show_default=False),
    ],
    recipe: Annotated[
        str | None,
        typer.Argument(
            help="For a model file: the recipe whose data it is scored on; else stills of 12 painted people.",
            show_default=False,
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...", help="Changes of the recipe: data.seed=9", show_default=False
        ),
    ] = None,
    scale: Annotated[
        str | None, typer.Option(help="The recipe's scale: tiny, small, paper.", show_default=False)
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="A metric such as F1 or AUC; repeatable.", show_default=False)
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="One threshold for all AUs instead of each one's own.", show_default=False),
    ] = None,
    cache: Annotated[Path, typer.Option(help="Where synthetic samples are kept.")] = Path("runs/data"),
) -> None:
    """Score a run's test predictions again, or a model on everybody in a recipe's data.

    A model's scores on people that it has learnt from say nothing: change data.seed for new people.

    Examples: au evaluate runs/facs3d-cnn2d-small --metric F1 --metric F1-oracle
    au evaluate model.safetensors facs3d/cnn2d data.seed=99 data.subjects=5
    """
    need_training_parts("evaluate")
    from actionunits.experiments.evaluate import evaluate_model, learnt_from
    from actionunits.experiments.scores import score_tables
    from actionunits.reports.tables import score_frame, to_markdown

    metrics = tuple(metric or ("F1", "ACC", "AUC"))
    if target.is_dir():
        if recipe is not None or changes:
            raise UserError("a run is scored on its own test predictions: leave the recipe out")
        for title, scores in score_tables(target, metrics, threshold).items():
            print(f"{title}\n{to_markdown(scores)}\n")
        return
    if learnt_from(target, recipe, changes or [], scale):
        print("au: the model has learnt from these people: change data.seed", file=sys.stderr)
    with progress_stages() as stage:
        table = evaluate_model(
            target,
            recipe,
            changes or [],
            metrics,
            scale=scale,
            threshold=threshold,
            cache=cache,
            stage=stage,
        )
    print(to_markdown(score_frame(table)))
