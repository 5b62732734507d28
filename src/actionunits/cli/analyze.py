"""``au analyze``: base rates, patterns, co-occurrence and durations of AU labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actionunits.cli.label_source import chosen_aus, read_labels

if TYPE_CHECKING:
    import pandas as pd

    from actionunits.analysis.summary import LabelSummary

__all__ = ["analyze"]


def analyze(
    labels: Annotated[
        str,
        typer.Argument(
            metavar="LABELS",
            help="CSV or Parquet with AU columns (OpenFace, py-feat, au detect), or a data set's folder as "
            "NAME=FOLDER.",
            show_default=False,
        ),
    ],
    data: Annotated[
        str, typer.Option(help="What LABELS is, as `au datasets` lists it, if it does not say so.")
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
    report: Annotated[
        Path | None, typer.Option(help="HTML page with tables and figures.", show_default=False)
    ] = None,
) -> None:
    """Count what AU labels say: base rates, patterns, co-occurrence, durations, the scores of guessing.

    Example: au analyze labels.csv --aus disfa-8 --by task --report labels.html
    """
    from actionunits.analysis.summary import summarise_labels
    from actionunits.reports.tables import to_markdown

    index, notes = read_labels(labels, positive, data)
    chosen = index.aus if aus is None else chosen_aus(aus)
    summary = summarise_labels(index, chosen, by=by, frame_gaps=not ignore_gaps)
    tables = _tables(summary, top)
    print(f"{labels}: {_counts(summary)}")
    unknown = summary.patterns.unknown
    left_out = f"; {unknown:,} frames with an unknown label have none" if unknown else ""
    print(f"{len(summary.patterns):,} patterns over {len(chosen)} AUs{left_out}")
    print("".join(f"{note}\n" for note in notes), end="")
    for title in ("Action Units", "Most frequent patterns", "Top pattern of each group", _TABLE_3):
        if title in tables:
            print(f"\n{title}\n\n{to_markdown(tables[title][1], index=title != 'Most frequent patterns')}")
    if out is not None:
        _write_tables(out, summary, tables)
        _write_page(out / "report.html", labels, notes, summary, tables)
        print(f"\nwritten: {out / 'report.html'} and {len(tables)} tables beside it")
    if report is not None:
        _write_page(report, labels, notes, summary, tables)
        print(f"\nwritten: {report}")


def _tables(summary: LabelSummary, top: int) -> dict[str, tuple[str, pd.DataFrame]]:
    """Title to (file name, table)."""
    from actionunits.analysis.pair_intervals import pairs_beside_table3
    from actionunits.analysis.patterns import shared_by_range

    tables = {
        "Action Units": ("action_units", summary.units),
        "Most frequent patterns": ("patterns", summary.patterns.table(top=top)),
        "Patterns by number of frames": ("pattern_ranges", shared_by_range(summary.patterns)),
        "Jaccard index": ("jaccard", summary.jaccard),
        "Conditional co-occurrence": ("conditional", summary.conditional),
    }
    beside = pairs_beside_table3(summary.pairs)
    if len(beside):
        tables[_TABLE_3] = ("pairs", beside)
    if summary.by_group:
        tables["Top pattern of each group"] = ("groups", summary.top_by_group())
    for name, scores in summary.baselines.items():
        tables[f"What {name} would score"] = (f"baseline_{name.lower()}", scores)
    return tables


def _write_tables(out: Path, summary: LabelSummary, tables: dict[str, tuple[str, pd.DataFrame]]) -> None:
    from actionunits.analysis.pair_intervals import pairs_beside_table3
    from actionunits.atomic import make_directory
    from actionunits.reports.tables import write_table

    make_directory(out)
    whole = {"Most frequent patterns": summary.patterns.table()}
    if _TABLE_3 in tables:
        whole[_TABLE_3] = pairs_beside_table3(summary.pairs, all_pairs=True)
    for title, (name, table) in tables.items():
        write_table(out / f"{name}.csv", whole.get(title, table), index=title != "Most frequent patterns")


_TABLE_3 = "Pairs beside Table 3 of Jia et al. (2020)"

_TEXTS = {
    "Action Units": "A segment is an unbroken run of frames that show the AU.",
    "Patterns by number of frames": "How many patterns are rare, and how many frequent.",
    "Jaccard index": "Frames that show both AUs, of the frames that show either.",
    "Conditional co-occurrence": "The chance that a frame which shows the row's AU shows the column's.",
    _TABLE_3: "Table 3 lists pairs of AUs that help or hinder each other. "
    "The lift is the chance of one AU given the other, over its rate: above 1 they go together, below apart. "
    "Intervals (95 %) are over people, drawn with replacement; where one holds 1, the labels leave it open.",
}


def _write_page(
    path: Path,
    source: str,
    notes: list[str],
    summary: LabelSummary,
    tables: dict[str, tuple[str, pd.DataFrame]],
) -> None:
    from actionunits.reports.page import Section, write_page

    figures = _figures(summary)
    sections = [
        Section(
            title,
            [_TEXTS[title]] if title in _TEXTS else [],
            None if title in ("Jaccard index", "Conditional co-occurrence") else table,
            figures.get(title, {}),
            index=title != "Most frequent patterns",
        )
        for title, (_, table) in tables.items()
    ]
    write_page(path, "AU labels", sections, subtitle=f"{source}: {_counts(summary)}", notes=notes)


def _counts(summary: LabelSummary) -> str:
    numbers = {"frame": summary.frames, "sequence": summary.sequences, "subject": summary.subjects}
    return ", ".join(f"{n:,} {what}{'' if n == 1 else 's'}" for what, n in numbers.items())


def _figures(summary: LabelSummary) -> dict[str, dict[str, bytes]]:
    """Title of the section to caption and picture."""
    from actionunits.analysis.pair_intervals import pairs_beside_table3
    from actionunits.analysis.patterns import shared_by_range
    from actionunits.reports.distributions import box_plot, histogram, interval_plot
    from actionunits.reports.figures import au_label, bars, heat_map

    names = [f"AU{au}" for au in summary.aus]
    labels = [au_label(au) for au in summary.aus]
    ranges = shared_by_range(summary.patterns)
    scale = 1.0 if summary.rate_hz is None else 1.0 / summary.rate_hz
    unit = "frames" if summary.rate_hz is None else "s"
    figures = {
        "Action Units": {
            "Base rate of each AU": bars(
                labels, {"base rate": summary.units["base rate"]}, axis="share of the known frames"
            ),
            "Length of the segments: box from the lower to the upper quarter, line at the median, whiskers "
            "over all": box_plot(
                labels,
                [lengths * scale for lengths in summary.durations.lengths],
                axis=f"length of a segment ({unit})",
            ),
        },
        "Patterns by number of frames": {
            "How often patterns occur": histogram(
                ranges.index.tolist(),
                100 * ranges["share"].to_numpy(float),
                x_axis="frames that show the pattern",
                y_axis="share of the patterns (%)",
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
    beside = pairs_beside_table3(summary.pairs)
    if len(beside):
        figures[_TABLE_3] = {
            "Lift of each pair with its interval; the colour is what Table 3 says": interval_plot(
                [f"AU{pair.replace(', ', ' and AU')}" for pair in beside.index],
                *(beside[name].to_numpy(float) for name in ("lift", "lift low", "lift high")),
                groups=beside["Table 3"].tolist(),
                axis="lift: chance of one given the other, over its rate",
                line=1.0,
            )
        }
    return figures
