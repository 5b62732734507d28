"""``au detect``: a table, and where asked for a video and a page, for each source."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actionunits.atomic import leave_no_empty_directory
from actionunits.cli.progress import progress_bar
from actionunits.errors import UserError

if TYPE_CHECKING:
    from actionunits.detect.outputs import OutputPlan, SourceSummary
    from actionunits.detect.pipeline import Detector

__all__ = ["detect"]


class _Format(StrEnum):
    openface = "openface"
    openface22 = "openface22"
    pyfeat = "pyfeat"
    long = "long"


class _Table(StrEnum):
    csv = "csv"
    parquet = "parquet"


class _Faces(StrEnum):
    largest = "largest"
    all = "all"


class _Landmarks(StrEnum):
    own = "own"
    dlib = "dlib"


class _FaceDetector(StrEnum):
    hog = "hog"
    viola_jones = "viola-jones"


def _path_of(what: str, expected: str) -> Callable[[str], Path]:
    """Reads a path; an empty text, as an unset variable of the shell gives, would be the current folder."""

    def read(text: str) -> Path:
        if not str(text):
            raise UserError(f"{what} is empty: expected {expected}")
        return Path(text)

    return read


def detect(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE...",
            help="Videos, pictures, or folders of pictures.",
            show_default=False,
            parser=_path_of("a source", "a picture, a video or a folder of pictures"),
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER",
            help="Folder of the results; made if it is missing.",
            parser=_path_of("--out", "the folder of the results"),
        ),
    ] = Path("au-out"),
    layout: Annotated[
        _Format,
        typer.Option(
            "--format",
            help="Columns: OpenFace's with probabilities, a file as OpenFace 2.2 writes it, py-feat's, "
            "or a row an AU.",
        ),
    ] = _Format.openface,
    table: Annotated[_Table, typer.Option(help="Kind of table file.")] = _Table.csv,
    model: Annotated[
        Path | None,
        typer.Option(
            help="Model file (.onnx, .safetensors) or run of `au train`; without it, or with `default`, the "
            "embedded model.",
            show_default=False,
            metavar="MODEL",
            parser=_path_of("--model", "a model file or a run of au train"),
        ),
    ] = None,
    faces: Annotated[
        _Faces, typer.Option(help="Follow the largest face only (one row a frame), or every face.")
    ] = _Faces.largest,
    detector: Annotated[_FaceDetector, typer.Option(help="How faces are found.")] = _FaceDetector.hog,
    landmarks: Annotated[
        _Landmarks | None,
        typer.Option(
            help="What finds the 68 points: a network of our own, or dlib's predictor (of the extra "
            "'dlib'); without it, what the model learnt from.",
            show_default=False,
        ),
    ] = None,
    video: Annotated[
        bool,
        typer.Option(
            "--video",
            help="Also write an annotated video NAME_au.mp4 (of a picture NAME_au.png; of a folder a video "
            "that shows two pictures a second).",
        ),
    ] = False,
    boxes: Annotated[
        bool,
        typer.Option("--boxes", help="Draw the AU boxes of an AU R-CNN into that video."),
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Also write a page NAME.html: timelines, peaks, rates, gaps.")
    ] = False,
    elan: Annotated[
        bool,
        typer.Option(
            "--elan", help="Also write NAME.eaf of a video: AU events for a FACS coder to correct in ELAN."
        ),
    ] = False,
    baseline: Annotated[
        str,
        typer.Option(
            metavar="auto|first:5s|none",
            help="Take each person's own neutral face from the values of a video.",
        ),
    ] = "none",
    smooth: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", min=0.0, max=5.0, help="Standard deviation of a Gaussian over time; 0 is off."
        ),
    ] = 0.0,
    sides: Annotated[
        bool,
        typer.Option(
            "--sides",
            help="Also the intensity of the subject's left and right, in the table: AU12_left, AU12_right ..",
        ),
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Sources worked on side by side.")] = 1,
) -> None:
    """Action Units of every frame: a table NAME.csv for each source.

    A table has one row for each frame (with --faces all, for each face of
    each frame), in order, with the frame's own time. A frame without a face
    is a row with success 0 and empty AUs. The table of a folder names each
    row's picture (but in openface22). Sources of one name are told apart by
    suffix or folder: a_clip.csv, b_clip.csv. Older files of the same names
    that au detect made are replaced once the new ones are complete, also a
    table or page whose text you edited: keep such a file under another name.
    A file that it did not make (a table, page, picture or video of your own),
    or an ELAN file that a coder has worked on, is not: nothing of that source
    is written then. Annotated copies are not read beside their originals. A
    link to a file is a source besides the file itself.

    --baseline auto estimates each face's neutral over the whole video, so
    that rows come at its end; first:5s takes the first five seconds of each
    face for neutral. It and --smooth change values; what they change is
    measured in docs/benchmarks/detect_options.md. Both are off by default.

    Faces narrower than about 60 px, brows to chin (of a 4K picture about
    130 px), are not found.

    A source that cannot be read is named in one line and the others go on;
    of one that breaks off, the table has the frames before the break, of a
    folder with bad pictures the others.

    Exit code: 0 all is well; 1 some sources failed or broke off; 2 no table
    was written, or a mistake in the command; 130 stopped with Ctrl-C.

    Example: au detect interview.mp4 photos/ --out results --video --report
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's own threads only spin beside the pipeline's
    from actionunits.detect.pipeline import Detector

    options: dict[str, Any] = {
        "model": model,
        "faces": faces.value,
        "detector": detector.value,
        "landmarks": landmarks.value if landmarks else None,
        "smooth_s": smooth,
        "baseline": baseline,
    }
    side_by_side = jobs > 1 and len(sources) > 1
    # with several, this one only tells a mistake once and not for each source
    engine = Detector(**options, apart=not video and not side_by_side)
    from actionunits.detect.outputs import OutputPlan, distinct_sources, output_names, without_copies

    once = distinct_sources(sources)
    if len(once) < len(sources):
        given = Counter(sources).items()
        twice = [str(source) for source, times in given if times > 1 or source not in once]
        twice = [source for source in twice if os.path.lexists(source)]
        if twice:
            print(f"au: given more than once, read once: {_listed(twice)}", file=sys.stderr)
    sources, copies = without_copies(once)
    if copies:
        shown = _listed([str(copy) for copy in copies])
        print(f"au: left out as annotated copies of other sources: {shown}", file=sys.stderr)
    plan = OutputPlan(
        out,
        layout.value,
        table.value,
        video=video,
        report=report,
        elan=elan,
        boxes=boxes,
        protected=frozenset(Path(os.path.realpath(source)) for source in sources),
        sides=sides,
    )
    named = list(zip(sources, output_names(sources), strict=True))
    teller = _Teller(sources)
    with leave_no_empty_directory(out):
        if side_by_side:
            summaries = _several(named, options, plan, jobs, teller)
        else:
            summaries = [_one(engine, source, name, plan, teller) for source, name in named]
    teller.repeat_notes()
    teller.tell_left()
    if all(summary is None for summary in summaries):
        raise typer.Exit(2)
    if any(summary is None or summary.trouble for summary in summaries):
        raise typer.Exit(1)


def _one(
    engine: Detector, source: Path, name: str, plan: OutputPlan, teller: _Teller
) -> SourceSummary | None:
    """Detect in one source and say in one line what came of it; None if nothing did."""
    from actionunits.detect.outputs import detect_to_files

    try:
        with progress_bar(name, "frames") as move:
            summary = detect_to_files(engine, source, name, plan, on_progress=move)
    except UserError as problem:
        return teller.tell(problem)
    return teller.tell(summary)


def _several(
    named: Sequence[tuple[Path, str]],
    options: Mapping[str, Any],
    plan: OutputPlan,
    jobs: int,
    teller: _Teller,
) -> list[SourceSummary | None]:
    """Detect in several sources at once and say in a line each what came of it, as it comes."""
    from actionunits.detect.jobs import detect_side_by_side

    summaries: list[SourceSummary | None] = []
    with (
        progress_bar("sources", "sources") as move,
        closing(detect_side_by_side(named, options, plan, jobs)) as outcomes,
    ):
        for done, (_, outcome) in enumerate(outcomes, start=1):
            summaries.append(teller.tell(outcome))
            move(done, len(named))
    return summaries


class _Teller:
    """Says what came of each source, and what holds for several only once."""

    def __init__(self, sources: Sequence[Path]) -> None:
        from actionunits.faces.video import named_path

        names = {source: named_path(source).name for source in sources}
        count = Counter(names.values())
        # where another source has the same name, the path as it was given
        self._names = {source: name if count[name] == 1 else str(source) for source, name in names.items()}
        self._noted: dict[str, list[str]] = {}
        self._left: list[Path] = []

    def tell(self, outcome: SourceSummary | UserError) -> SourceSummary | None:
        """A line of a source that was read, with its note before it; of another why, and None."""
        if isinstance(outcome, UserError):
            print(f"au: {outcome}", file=sys.stderr)
            return None
        if outcome.trouble:
            rest = " The" if outcome.trouble.endswith("?") else "; the"
            print(f"au: {outcome.trouble}{rest} table has what could be read", file=sys.stderr)
        self._left += outcome.left
        name = self._names[outcome.source]
        new = [note for note in outcome.notes if note not in self._noted]
        if new:
            print(f"au: {name}: {'; '.join(new)}", file=sys.stderr)
        for note in outcome.notes:
            self._noted.setdefault(note, []).append(name)
        print(f"{name}: {_results(outcome)}", flush=True)
        return outcome

    def repeat_notes(self) -> None:
        """Name the other sources that a note holds for."""
        for note, (_, *others) in self._noted.items():
            if others:
                print(f"au: the same of {_listed(others)}: {note}", file=sys.stderr)

    def tell_left(self) -> None:
        """Name the files that lie beside the new ones as if they were of this run."""
        if self._left:
            names = _listed([*dict.fromkeys(str(path) for path in self._left)])
            print(f"au: of another run, and left as they are: {names}", file=sys.stderr)


def _results(summary: SourceSummary) -> str:
    shown = "frame" if summary.kind == "video" else "picture"
    parts = [
        _counted(summary.rows, "row"),
        f"{summary.frames_with_face} of {_counted(summary.frames, shown)} with a face",
        *([] if summary.kind == "folder" else [_counted(summary.tracks, "face")]),
        f"{summary.seconds:.1f} s",
    ]
    if summary.frames > 1:  # of one picture, a rate would only tell the time of opening
        parts.append(f"{summary.frames / max(summary.seconds, 1e-9):.0f} {shown}s/s")
    return f"{', '.join(parts)} -> {', '.join(str(file) for file in summary.files)}"


def _listed(names: Sequence[str]) -> str:
    """At most ten names."""
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"{', '.join(names[:10])}{more}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
