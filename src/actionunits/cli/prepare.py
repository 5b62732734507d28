"""``au prepare``: a data set's frames to the crops that a model takes, once."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from actionunits.cli.progress import progress_bar
from actionunits.errors import UserError

__all__ = ["prepare"]


def prepare(
    name: Annotated[
        str,
        typer.Argument(help="Data set, as `au datasets` lists it, or `joined`: several.", show_default=False),
    ],
    root: Annotated[
        list[str],
        typer.Argument(
            help="Its folder, or the file of a table; for `joined` NAME=FOLDER, twice or more.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the crop cache.", show_default=False)],
    spec: Annotated[
        str, typer.Option(help="Whose crops: a network or family (`au models`), or a model file.")
    ] = "default",
    positive: Annotated[
        int | None,
        typer.Option(
            help="Lowest intensity code that counts as shown; without it the set's own rule.",
            show_default=False,
        ),
    ] = None,
    detector: Annotated[str, typer.Option(help="Face detector: hog or viola-jones.")] = "hog",
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; without it one a core.", show_default=False)
    ] = None,
) -> None:
    """Find and align the face of each labelled frame and keep the crops for training.

    For a model that takes optical flow, that is computed and kept beside them.
    Stopped or killed, run the same command again: finished sequences are kept. Frames without a face and
    frames that cannot be read are counted and never trained on.

    Examples: au prepare bp4d BP4D --spec facs3d --out cache
    au prepare joined casme=CASME casme2=CASME2 --spec cooccurrence --out cache
    """
    from actionunits.datasets.flow_store import keep_flow
    from actionunits.experiments.prepare import input_spec, prepare_joined

    roots = _roots(name, root)
    wanted = input_spec(spec)
    with progress_bar(f"{name} -> {out}", "frames") as move:
        done = prepare_joined(
            roots,
            wanted,
            out,
            positive=positive,
            detector=detector,
            jobs=jobs or os.cpu_count() or 1,
            on_progress=move,
        )
    if wanted.needs_flow:
        with progress_bar(f"optical flow ({wanted.flow})", "frames") as move:
            keep_flow(done.cache, wanted.flow, jobs=jobs or os.cpu_count() or 1, on_progress=move)
    for reason in done.unreadable[:10]:
        print(f"au: {reason}", file=sys.stderr)
    lost = f"{done.faceless} without a face, {len(done.unreadable)} unreadable"
    print(f"{done.frames} frames ({lost}), {done.made} sequences new -> {out}")
    print(f"digest {done.cache.digest}")


def _roots(name: str, words: list[str]) -> dict[str, Path]:
    """Data set to folder.

    Raises:
        UserError: not one folder, or for ``joined`` not NAME=FOLDER, each name once.
    """
    if name != "joined":
        if len(words) != 1:
            raise UserError(
                f"expected the folder of {name}, got {' '.join(words)}; several sets are `joined`"
            )
        return {name: Path(words[0])}
    roots: dict[str, Path] = {}
    for word in words:
        each, mark, folder = word.partition("=")
        if not mark or not folder or each in roots:
            raise UserError(f"expected NAME=FOLDER, each data set once, got {word!r}")
        roots[each] = Path(folder)
    return roots
