"""``au analyze``: base rates, patterns, co-occurrence and durations of AU labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from actionunits.analysis.summary import LabelSummary

__all__ = ["analyze"]


def analyze(
    labels: Annotated[
        Path,
        typer.Argument(
            metavar="LABELS",
            help="CSV or Parquet with AU columns (OpenFace, py-feat, au detect), or a data set's folder.",
            show_default=False,
        ),
    ],
    data: Annotated[
        str, typer.Option(help="What LABELS is: a data set's name as `au datasets` lists it.")
    ] = "table",
    aus: Annotated[
        str | None,
        typer.Option(
            help="A set such as bp4d-12, or numbers: 1,2,4. Without it every coded AU.", show_default=False
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(help="Also count patterns by task, sequence, subject or dataset.", show_default=False),
    ] = None,
    positive: Annotated[
        int | None,
        typer.Option(
            help="Lowest intensity code that counts as shown; else the set's rule.", show_default=False
        ),
    ] = None,
    ignore_gaps: Annotated[
        bool, typer.Option("--ignore-gaps", help="A gap in the frame numbers does not end a segment.")
    ] = False,
    top: Annotated[int, typer.Option(help="How many patterns to list.", min=1)] = 20,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the tables (CSV) and the page report.html.", show_default=False),
    ] = None,
) -> None:
    """Count what AU labels say: base rates, patterns, co-occurrence, durations, the scores of guessing."""
    from actionunits.analysis.summary import summarise_labels
    from actionunits.datasets.registry import data_set
    from actionunits.reports.tables import to_markdown

    index = data_set(data).read(labels, positive).index
    chosen = index.aus if aus is None else _chosen(aus)
    summary = summarise_labels(index, chosen, by=by, frame_gaps=not ignore_gaps)
    tables = _tables(summary, top)
    print(
        f"{labels}: {summary.frames:,} frames, {summary.sequences:,} sequences, {summary.subjects:,} subjects"
    )
    print(f"{len(summary.patterns):,} patterns over {len(chosen)} AUs", end="")
    print(
        f"; {summary.patterns.unknown:,} frames with an unknown label have none"
        if summary.patterns.unknown
        else ""
    )
    for title in ("Action Units", "Most frequent patterns", "Top pattern of each group"):
        if title in tables:
            print(f"\n{title}\n\n{to_markdown(tables[title][1], index=title != 'Most frequent patterns')}")
    if out is not None:
        _write(out, str(labels), summary, tables)
        print(f"\nwritten: {out / 'report.html'} and {len(tables)} tables beside it")


def _chosen(text: str) -> tuple[int, ...]:
    """The AUs of a set's name or of a list of numbers."""
    from actionunits.facs.sets import au_set
    from actionunits.facs.units import parse_au

    words = text.replace(",", " ").split()
    if len(words) == 1 and not words[0].upper().removeprefix("AU").isdigit():
        return au_set(words[0])
    return tuple(dict.fromkeys(parse_au(word) for word in words))


def _tables(summary: LabelSummary, top: int) -> dict[str, tuple[str, pd.DataFrame]]:
    """Title to (file name, table)."""
    from actionunits.analysis.patterns import shared_by_range

    tables = {
        "Action Units": ("action_units", summary.units),
        "Most frequent patterns": ("patterns", summary.patterns.table(top=top)),
        "Patterns by number of frames": ("pattern_ranges", shared_by_range(summary.patterns)),
        "Jaccard index": ("jaccard", summary.jaccard),
        "Conditional co-occurrence": ("conditional", summary.conditional),
    }
    if summary.by_group:
        tables["Top pattern of each group"] = ("groups", summary.top_by_group())
    for name, scores in summary.baselines.items():
        tables[f"What {name} would score"] = (f"baseline_{name.lower()}", scores)
    return tables


def _write(
    out: Path, source: str, summary: LabelSummary, tables: dict[str, tuple[str, pd.DataFrame]]
) -> None:
    from actionunits.atomic import make_directory
    from actionunits.reports.figures import au_label, bars, heat_map
    from actionunits.reports.page import Section, write_page
    from actionunits.reports.tables import write_table

    make_directory(out)
    for title, (name, table) in tables.items():
        whole = summary.patterns.table() if title == "Most frequent patterns" else table
        write_table(out / f"{name}.csv", whole, index=title != "Most frequent patterns")
    names = [f"AU{au}" for au in summary.aus]
    figures = {
        "Action Units": {
            "Base rate of each AU": bars(
                [au_label(au) for au in summary.aus],
                {"base rate": summary.units["base rate"]},
                axis="share of the known frames",
            )
        },
        "Jaccard index": {
            "Jaccard index of each pair": heat_map(
                summary.jaccard, names, names, label="Jaccard index", limits=(0, 1)
            )
        },
        "Conditional co-occurrence": {
            "Given the row's AU, the chance of the column's": heat_map(
                summary.conditional, names, names, label="P(column shown | row shown)", limits=(0, 1)
            )
        },
    }
    texts = {
        "Action Units": "A segment is an unbroken run of frames that show the AU.",
        "Jaccard index": "Frames that show both AUs, of the frames that show either.",
        "Conditional co-occurrence": "The chance that a frame which shows the row's AU shows the column's.",
    }
    hidden = ("Jaccard index", "Conditional co-occurrence")
    sections = [
        Section(
            title,
            [texts[title]] if title in texts else [],
            None if title in hidden else table,
            figures.get(title, {}),
            index=title != "Most frequent patterns",
        )
        for title, (_, table) in tables.items()
    ]
    counts = f"{summary.frames:,} frames, {summary.sequences:,} sequences, {summary.subjects:,} subjects"
    write_page(out / "report.html", "AU labels", sections, subtitle=f"{source}: {counts}")
