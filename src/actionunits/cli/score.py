"""``au score``: predictions against labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actionunits.cli.label_source import chosen_aus, is_elan, labels_at

if TYPE_CHECKING:
    import pandas as pd

    from actionunits.analysis.joining import Joined
    from actionunits.analysis.scoring import Scores

__all__ = ["score"]


def score(
    predictions: Annotated[
        Path,
        typer.Argument(
            help="CSV or Parquet with AU12_c, AU12_p or AU12_r columns (au detect, OpenFace, py-feat), or a "
            "folder of them, each file's name a sequence.",
            show_default=False,
        ),
    ],
    labels: Annotated[
        str,
        typer.Argument(
            help="CSV or Parquet with AU columns, a data set's folder as NAME=FOLDER, or an ELAN file.",
            show_default=False,
        ),
    ],
    aus: Annotated[
        str | None,
        typer.Option(
            help="A set such as disfa-8, or numbers: 1,2,4. Without it every AU of both.", show_default=False
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="Repeatable, such as F1-macro or 'event F1'.", show_default=False),
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option(
            help="A number, or oracle. Without it the table's own decisions, else 0.5.", show_default=False
        ),
    ] = None,
    validation: Annotated[
        tuple[Path, str] | None,
        typer.Option(
            metavar="PREDICTIONS LABELS",
            help="Tables of other people to choose each AU's threshold on.",
            show_default=False,
        ),
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Score the common rows although others have no partner.")
    ] = False,
    shift: Annotated[int, typer.Option(help="Added to the predictions' frame numbers.")] = 0,
    face: Annotated[
        int | None, typer.Option(help="Which face_id, where frames show several.", show_default=False)
    ] = None,
    positive: Annotated[
        int | None,
        typer.Option(help="Lowest intensity code of the labels that counts as shown.", show_default=False),
    ] = None,
    bootstrap: Annotated[
        int, typer.Option(help="Draws of subjects for 95 % intervals; 0 for none.", min=0)
    ] = 1000,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 0,
    beside: Annotated[
        str | None,
        typer.Option(
            metavar="PAPER/ITEM[/METHOD]",
            help="Published numbers beside ours, such as au_rcnn/table7/ARres.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write: .md, .csv, .tex or .html.", show_default=False),
    ] = None,
) -> None:
    """Score predictions against labels, joined by subject, sequence and frame.

    A row without a partner on the other side is an error that says how many there are and which.

    An ELAN file, such as `au detect --elan` writes and a coder corrects, is always the labels, in whichever
    order the two are given: au score corrected.eaf results/interview.csv

    Example: au score results/interview.csv labels.csv --aus 1,2,4 --out scores.html
    """
    from actionunits.analysis.scoring import DEFAULT_METRICS, intensity_scores
    from actionunits.analysis.scoring import score as score_joined

    if out is not None:
        from actionunits.reports.tables import table_suffix

        table_suffix(out)  # a name that cannot be written is told before the work
    notes: list[str] = []
    if is_elan(predictions) and not is_elan(labels):
        predictions, labels = Path(labels), str(predictions)
    joined = _joined(predictions, labels, positive, shift, face, allow_missing, notes)
    others = None
    if validation is not None:
        others = _joined(*validation, positive, shift, face, allow_missing, notes)
    chosen = _common(joined, aus)
    scores = score_joined(
        joined,
        chosen,
        tuple(metric or DEFAULT_METRICS),
        threshold=_threshold(threshold),
        validation=others,
        draws=bootstrap,
        seed=seed,
    )
    tables = _tables(scores, intensity_scores(joined, chosen))
    notes = [f"{predictions} against {labels}", *scores.notes, *_lone_aus(joined, aus), *notes]
    if beside is not None:
        tables["Beside published numbers"] = _published(scores, beside)
        notes.append("the published numbers are of the paper's own data")
    _show(notes, tables)
    if out is not None:
        _write(out, notes, tables, scores)
        print(f"\nwritten: {out}")


def _joined(
    predictions: Path,
    labels: str,
    positive: int | None,
    shift: int,
    face: int | None,
    allow_missing: bool,
    notes: list[str],
) -> Joined:
    """The rows that both have; what is odd about the labels is added to the notes."""
    from actionunits.analysis.joining import join
    from actionunits.analysis.predictions import read_predictions
    from actionunits.errors import UserError

    if is_elan(predictions):
        raise UserError(
            f"{predictions} is an ELAN file: beside one, au score needs a table of the video's frames"
        )
    if is_elan(labels) and shift:
        raise UserError(f"{labels} has times, not frames: leave --shift out")
    said = read_predictions(predictions, face=face)
    index, odd = labels_at(labels, said, positive, face)
    notes += [f"{labels}: {one}" for one in odd]
    joined = join(said, index, shift=shift)
    if not joined.complete and not allow_missing:
        hint = ""
        if joined.only_labels.count == joined.only_predictions.count and not shift:
            hint = "; if one side counts frames from 0 and the other from 1, --shift 1 or -1 mends it"
        raise UserError(f"{joined.losses()}: --allow-missing scores the other {len(joined.labels):,}{hint}")
    return joined


def _common(joined: Joined, aus: str | None) -> tuple[int, ...]:
    from actionunits.errors import UserError

    if aus is not None:
        return chosen_aus(aus)
    both = tuple(au for au in joined.labels.aus if au in joined.predictions.aus)
    if not both:
        raise UserError(
            f"no AU in common: predictions have {' '.join(map(str, joined.predictions.aus))}, labels "
            f"{' '.join(map(str, joined.labels.aus))}"
        )
    return both


def _lone_aus(joined: Joined, aus: str | None) -> list[str]:
    if aus is not None:
        return []
    ours, theirs = set(joined.predictions.aus), set(joined.labels.aus)
    sides = (("predicted", ours - theirs), ("labelled", theirs - ours))
    return [f"AU {' '.join(map(str, sorted(lone)))} only {side}" for side, lone in sides if lone]


def _threshold(text: str | None) -> float | str | None:
    from actionunits.errors import UserError

    if text is None or text == "oracle":
        return text
    try:
        return float(text)
    except ValueError:
        raise UserError(f"a threshold is a number within 0 to 1, or oracle, got {text!r}") from None


def _tables(scores: Scores, intensities: pd.DataFrame | None) -> dict[str, pd.DataFrame]:
    tables = {"Occurrence": scores.shown()}
    if intensities is not None:
        tables["Intensity"] = intensities
    if scores.per_fold is not None:
        tables["Mean over the AUs, per fold"] = scores.per_fold
    return tables


def _published(scores: Scores, where: str) -> pd.DataFrame:
    import pandas as pd

    from actionunits.analysis.published import published_table
    from actionunits.errors import UserError, unknown_name

    paper, _, rest = where.partition("/")
    item, _, method = rest.partition("/")
    columns: dict[str, pd.Series[float]] = {}
    problem: UserError | None = None
    for name in scores.metrics:
        try:
            table = published_table(paper, item, name.removesuffix(" (oracle)"))
        except UserError as absent:
            problem = absent
            continue
        if method and method not in table.columns:
            raise unknown_name(f"method of {paper} {item}", method, map(str, table.columns))
        columns[f"{name}, ours"] = scores.values[name].drop(["AUs in mean"], errors="ignore").astype(float)
        for one in [method] if method else table.columns:
            columns[f"{name}, {one}"] = table[one]
    if not columns:
        raise problem or UserError("no metric to set beside published ones")
    return pd.DataFrame(columns).reindex(scores.values.index.drop("AUs in mean", errors="ignore"))


def _show(notes: list[str], tables: dict[str, pd.DataFrame]) -> None:
    from actionunits.reports.tables import to_markdown

    print("\n".join(notes))
    for title, table in tables.items():
        print(f"\n{title}\n\n{to_markdown(table)}")


def _write(out: Path, notes: list[str], tables: dict[str, pd.DataFrame], scores: Scores) -> None:
    from actionunits.atomic import replace_when_done
    from actionunits.reports.page import Section, write_page
    from actionunits.reports.tables import to_latex, to_markdown, write_table

    suffix = out.suffix.lower()
    if suffix == ".html":
        sections = [Section(title, (), table) for title, table in tables.items()]
        write_page(out, "AU scores", sections, subtitle=notes[0], notes=notes[1:])
    elif suffix in (".md", ".tex"):
        writer = to_markdown if suffix == ".md" else to_latex
        head = [f"- {note}" if suffix == ".md" else f"% {note}" for note in notes]
        body = [
            f"\n{'## ' if suffix == '.md' else '% '}{title}\n\n{writer(table)}"
            for title, table in tables.items()
        ]
        with replace_when_done(out) as part:
            part.write_text("\n".join([*head, *body]) + "\n", encoding="utf-8")
    else:
        write_table(out, scores.values)
