"""``au datasets``: which data sets can be read, and what is in one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    help="List the data sets, check one on disk, or write an imitation of one.\n\n"
    "Example: au datasets check disfa data/DISFA",
    invoke_without_command=True,
)


@app.callback()
def _list(context: typer.Context) -> None:
    """List the data sets that can be read."""
    if context.invoked_subcommand is not None:
        return
    import pandas as pd

    from actionunits.datasets.registry import DATA_SETS
    from actionunits.reports.tables import to_markdown

    rows = [(one.name, one.title, one.codes, one.access) for one in DATA_SETS.values()]
    print(to_markdown(pd.DataFrame(rows, columns=["name", "data set", "labels", "access"]), index=False))
    print("\nau datasets check NAME ROOT says what is in one; au datasets fake NAME DIR writes an imitation.")


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="As `au datasets` lists it.", show_default=False)],
    root: Annotated[Path, typer.Argument(help="Its folder, or the file of a table.", show_default=False)],
    positive: Annotated[
        int | None,
        typer.Option(
            help="Lowest intensity code that counts as shown; else the set's rule.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what a data set holds and where it departs from its layout; exit code 1 if it cannot be used.

    Example: au datasets check disfa data/DISFA
    """
    import json

    from actionunits.datasets.check import check_data_set
    from actionunits.reports.tables import to_markdown

    report = check_data_set(name, root, positive)
    if as_json:
        print(json.dumps(report.to_dict(), indent=1, ensure_ascii=False))
    else:
        counts = f"{report.subjects:,} subjects, {report.sequences:,} sequences, {report.frames:,} frames"
        print(f"{name} at {root}: {counts}\n")
        if len(report.units):
            print(to_markdown(report.units))
        if report.emotions:
            print("\nframes of each emotion: " + ", ".join(f"{k} {n:,}" for k, n in report.emotions.items()))
        if report.events[0]:
            print(f"\n{report.events[0]:,} coded expressions, {report.events[1]:,} without an apex")
        if report.departures:
            print(f"\n{len(report.departures)} departures from the layout:")
        for departure in report.departures:
            print(f"- {'must be mended: ' if departure.fatal else ''}{departure}")
        print(
            "\nusable"
            if report.usable
            else "\nnot usable: no known label, or a departure that must be mended first"
        )
    if not report.usable:
        raise typer.Exit(1)


@app.command("fake")
def fake(
    name: Annotated[str, typer.Argument(help="As `au datasets` lists it.", show_default=False)],
    folder: Annotated[Path, typer.Argument(help="A new folder.", show_default=False)],
    variant: Annotated[
        str | None,
        typer.Option(help="Another form of the layout; a wrong name lists them.", show_default=False),
    ] = None,
    subjects: Annotated[int, typer.Option(min=1, help="People.")] = 6,
    sequences: Annotated[int, typer.Option(min=1, help="Recordings of each.")] = 2,
    frames: Annotated[int, typer.Option(min=4, help="Pictures of a recording.")] = 12,
    size: Annotated[int, typer.Option(min=200, max=1000, help="Side of a picture in px.")] = 260,
    seed: Annotated[int, typer.Option(min=0, help="Of people and labels.")] = 0,
) -> None:
    """Write a data set's layout with painted people, to try every recipe without a licence.

    File names, headers, codes and known quirks are those of the true set; the people do not exist, and no
    number that comes of it says anything about the true one.

    Example: au datasets fake bp4d fake/bp4d
    """
    from actionunits.cli.progress import progress_bar
    from actionunits.datasets.fakes import FakeSize
    from actionunits.experiments.fakes import make_fake

    amount = FakeSize(subjects, sequences, frames)
    with progress_bar(f"{name} in {folder}", "pictures") as move:
        make_fake(name, folder, amount, variant=variant, size_px=size, seed=seed, on_progress=move)
    print(f"an imitation of {name} -> {folder}")
