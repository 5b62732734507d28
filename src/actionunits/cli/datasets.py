"""``au datasets``: which data sets can be read, and what is in one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="List the data sets, or check one on disk.", invoke_without_command=True)


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
    print("\nau datasets check NAME ROOT says what is in one.")


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
    """Say what a data set holds and where it departs from its layout; exit code 1 if it cannot be used."""
    import json

    from actionunits.datasets.check import check as count
    from actionunits.datasets.registry import data_set
    from actionunits.reports.tables import to_markdown

    report = count(name, data_set(name).read(root, positive))
    if as_json:
        print(json.dumps(report.to_dict(), indent=1, ensure_ascii=False))
    else:
        counts = f"{report.subjects:,} subjects, {report.sequences:,} sequences, {report.frames:,} frames"
        print(f"{name} at {root}: {counts}\n")
        print(to_markdown(report.units))
        if report.departures:
            print(f"\n{len(report.departures)} departures from the layout:")
        for departure in report.departures:
            print(f"- {departure}")
        print(
            "\nusable"
            if report.usable
            else "\nnot usable: no known label, or a departure that must be mended first"
        )
    if not report.usable:
        raise typer.Exit(1)
