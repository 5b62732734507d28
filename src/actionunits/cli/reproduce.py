"""``au reproduce``: a paper's table or figure, the published numbers beside ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from actionunits.cli.progress import progress_stages
from actionunits.cli.training_parts import need_training_parts
from actionunits.errors import UserError

__all__ = ["reproduce"]


def reproduce(
    paper: Annotated[str | None, typer.Argument(help="Short name of the paper.", show_default=False)] = None,
    item: Annotated[str | None, typer.Argument(help="Such as table1 or fig5.", show_default=False)] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="synthetic, or NAME=ROOT of a licensed data set; repeatable where a paper joins several.",
            show_default=False,
        ),
    ] = None,
    scale: Annotated[str, typer.Option(help="tiny, small or paper.")] = "tiny",
    out: Annotated[Path, typer.Option(help="Folder of the results; made if it is missing.")] = Path(
        "out/reproduced"
    ),
    runs: Annotated[
        Path | None,
        typer.Option(
            help="Where trainings and crops are kept, for other items and later; by default OUT/runs.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make a table or figure of one of the five papers; without arguments, list them all with their state.

    What is trained is kept: started again, an item goes on where it stopped, and items share their networks.

    Examples: au reproduce patterns table1 --out out
    au reproduce facs3d table1 --scale small --out out
    au reproduce facs3d table1 --scale paper --data bp4dplus=FOLDER --out out
    """
    need_training_parts("reproduce")
    from actionunits.experiments.reproduce import ITEMS
    from actionunits.experiments.reproduce import reproduce as make

    if paper is None:
        for known in ITEMS:
            print(f"{known.paper:<13} {known.item:<8} {known.state:<8} {known.content}")
        ready = sum(known.state == "ready" for known in ITEMS)
        print(f"{ready} of {len(ITEMS)} can be made now: au reproduce PAPER ITEM")
        return
    if item is None:
        names = ", ".join(known.item for known in ITEMS if known.paper == paper)
        raise UserError(f"which item of {paper}? Known: {names or 'none: the paper is not known'}")
    with progress_stages() as stage:
        files = make(paper, item, out, data=data or (), scale=scale, runs=runs, stage=stage)
    print(files[0].read_text(encoding="utf-8"))
    print("\n".join(str(path) for path in files))
