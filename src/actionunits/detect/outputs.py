"""One source to its files: the table, and where asked for the annotated video, the ELAN file and the page."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from actionunits.atomic import make_directory
from actionunits.detect.baseline import baseline_notes
from actionunits.detect.elan import ElanEvents
from actionunits.detect.layouts import layout_of, names_of_pictures
from actionunits.detect.overlay import Annotator, Sink, annotated_picture, annotated_video
from actionunits.detect.pace import pace_note
from actionunits.detect.pipeline import Detector
from actionunits.detect.replacing import is_result, refuse_to_replace
from actionunits.detect.smoothing import SMOOTH_REACH
from actionunits.detect.writers import TABLE_TYPES, open_table
from actionunits.errors import UserError, unknown_name
from actionunits.faces.annotated import ANNOTATED_MARK, is_annotated
from actionunits.records import OnProgress

if TYPE_CHECKING:
    from actionunits.detect.report import Report
    from actionunits.detect.results import FrameResult
    from actionunits.faces.video import FrameSource

__all__ = [
    "OutputPlan",
    "SourceSummary",
    "detect_to_files",
    "distinct_sources",
    "output_names",
    "without_copies",
]

#: The share of a source's faces outside what the model was tested on from which it is said.
_OUTSIDE_SHARE = 0.25
#: A file that begins later than this is told.
_LATE_START_S = 0.1


@dataclass(frozen=True)
class OutputPlan:
    """Which files to write, and where.

    Attributes:
        folder: of all files.
        layout: ``openface``, ``pyfeat`` or ``long``.
        table: ``csv`` or ``parquet``.
        video: also an annotated video (or picture).
        report: also an HTML page.
        elan: also an ELAN file of the events; of a video only.
        boxes: draw the AU groups' boxes into the video, of a model that takes them.
        protected: resolved paths that no output may replace: the sources.
        sides: also the intensities of left and right, of a model that gives them.
    """

    folder: Path
    layout: str = "openface"
    table: Literal["csv", "parquet"] = "csv"
    video: bool = False
    report: bool = False
    elan: bool = False
    boxes: bool = False
    protected: frozenset[Path] = frozenset()
    sides: bool = False

    def __post_init__(self) -> None:
        layout_of(self.layout, (), np.empty(0, np.float32), sides=self.sides)
        if self.table not in TABLE_TYPES:
            raise unknown_name("table type", self.table, TABLE_TYPES)
        if self.boxes and not self.video:
            raise UserError("boxes are drawn into the annotated video: ask for it too (--video)")


@dataclass(frozen=True)
class SourceSummary:
    """What was found in a source and written about it.

    Attributes:
        source: the file or folder.
        kind: ``picture``, ``folder`` or ``video``.
        files: what was written, the table first.
        rows: of the table.
        frames: that were read.
        frames_with_face: of these.
        tracks: different faces.
        seconds: time taken.
        trouble: why the source is not whole, or None; the table then has what could be read.
        notes: what to know of the results, a sentence each.
        left: files of au detect with the same name that this run did not write: they are of another.
    """

    source: Path
    kind: Literal["picture", "folder", "video"]
    files: tuple[Path, ...]
    rows: int
    frames: int
    frames_with_face: int
    tracks: int
    seconds: float
    trouble: str | None
    notes: tuple[str, ...] = ()
    left: tuple[Path, ...] = ()


def distinct_sources(sources: Sequence[Path]) -> list[Path]:
    """The sources without those that were given twice; a link is another than what it leads to."""
    from actionunits.faces.video import named_path

    return list({(named_path(source), os.path.realpath(source)): source for source in sources}.values())


def without_copies(sources: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The sources, and apart those that au detect made of others of them: annotated pictures and videos."""
    from actionunits.faces.video import named_path

    names = {f"{_plain(named_path(source))}{ANNOTATED_MARK}" for source in sources}
    named = [source for source in sources if named_path(source).stem in names]
    copies = [source for source in named if _is(source.is_file) and is_annotated(source)]
    return [source for source in sources if source not in copies], copies


def output_names(sources: Sequence[Path]) -> list[str]:
    """A name without suffix for the files of each source, no two alike.

    It is the source's name without suffix (a folder's whole name). Where sources share that, each of them is
    told apart by what differs first: its suffix (``clip_mp4``, ``clip_mov``), its folder (``a_clip``,
    ``b_clip``), both, or else a number in the order given. Capitals do not count as a difference.

    >>> output_names([Path("a/clip.mp4"), Path("b/clip.mp4"), Path("b/talk.mov")])
    ['a_clip', 'b_clip', 'talk']
    >>> output_names([Path("clip.mp4"), Path("clip.mov")])
    ['clip_mp4', 'clip_mov']
    """
    from actionunits.faces.video import named_path

    paths = [named_path(path) for path in sources]
    names = [_plain(path) for path in paths]
    groups: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(names):
        groups[name.casefold()].append(i)
    taken = {name for name, group in groups.items() if len(group) == 1}
    for group in (group for group in groups.values() if len(group) > 1):
        for ways in (_with_suffix, _with_folder, _with_both):
            told = [ways(paths[i]) for i in group]
            folded = {name.casefold() for name in told}
            if len(folded) == len(group) and not folded & taken:
                break
        else:
            told = _numbered([_plain(paths[i]) for i in group], taken)
        for i, name in zip(group, told, strict=True):
            names[i] = name
            taken.add(name.casefold())
    return names


def _plain(path: Path) -> str:
    return (path.name if _is(path.is_dir) else path.stem) or "source"


def _with_suffix(path: Path) -> str:
    suffix = "" if _is(path.is_dir) else path.suffix.lstrip(".")
    return f"{_plain(path)}_{suffix}" if suffix else _plain(path)


def _with_folder(path: Path) -> str:
    return f"{path.parent.name}_{_plain(path)}"


def _with_both(path: Path) -> str:
    return f"{path.parent.name}_{_with_suffix(path)}"


def _numbered(names: Sequence[str], taken: set[str]) -> list[str]:
    numbered: list[str] = []
    number = 0
    for name in names:
        number += 1
        while f"{name}_{number}".casefold() in taken:
            number += 1
        numbered.append(f"{name}_{number}")
    return numbered


def detect_to_files(
    detector: Detector, source: Path, name: str, plan: OutputPlan, on_progress: OnProgress | None = None
) -> SourceSummary:
    """Detect in one source and write its files.

    Each file appears when it is complete, and replaces an older one of that name. Of a source that breaks
    off, the frames before the break are written, of a folder with bad pictures the others, and ``trouble``
    says so. The table of a folder names the picture of each row: in OpenFace's columns as ``file``, in
    py-feat's as ``input``, in the long ones as ``source``; a file as OpenFace 2.2 writes it has no place.

    Args:
        detector: what detects.
        source: a picture, a folder of pictures or a video.
        name: of the files, without suffix.
        plan: which files.
        on_progress: called after each frame.

    Raises:
        UserError: the source cannot be read, or a file cannot be written; then no file of it is left. Or
            boxes or sides are asked for of a model that has none, or a file of the same name is there that
            is not of au detect, or an ELAN file that somebody has worked on.
    """
    from actionunits.faces.video import open_source

    if plan.boxes and not detector.backend.spec.needs_regions:
        raise UserError(
            f"the model {detector.backend.name} takes no boxes of AU groups, so there is none to draw: leave "
            "--boxes out"
        )

    if plan.sides and not detector.backend.gives_sides:
        raise UserError(
            f"the model {detector.backend.name} does not tell left from right: leave --sides out, or use "
            "the embedded model"
        )
    start = time.perf_counter()
    frames = open_source(source)
    paths = _paths(frames, name, plan)
    protected = {source.resolve(), *plan.protected}
    refuse_to_replace(protected, paths)
    left = _not_written(name, plan, paths.values(), source)
    report = _report(detector, timed=frames.kind == "video") if plan.report else None
    files = names_of_pictures(frames)
    layout = layout_of(
        plan.layout,
        detector.aus,
        detector.thresholds,
        frames.path.name,
        files,
        detector.emotions,
        sides=plan.sides,
    )
    make_directory(plan.folder)
    with ExitStack() as opened:
        table = opened.enter_context(open_table(paths["table"], layout))
        sinks: list[Sink] = [table.add]
        if plan.video:
            sinks.append(opened.enter_context(_annotated(paths["video"], detector, frames, plan.boxes)))
        if report is not None:
            sinks.append(report.add)
        events = ElanEvents(detector.aus, detector.thresholds) if "elan" in paths else None
        if events is not None:
            sinks.append(events.add)
        count = _feed(detector, frames, sinks, keep_frames=plan.video, on_progress=on_progress)
        refuse_to_replace(protected, paths)  # somebody may have saved a file meanwhile
        notes = _notes(detector, frames, plan, count, events)
        if report is not None:
            warnings = [*([count.trouble] if count.trouble else []), *notes]
            settings = detector.settings if frames.kind == "video" else ""
            model = detector.backend.name
            report.write(paths["report"], frames, model=model, settings=settings, notes=warnings)
        if events is not None:
            events.write(paths["elan"], frames.path)
    return SourceSummary(
        source=source,
        kind=frames.kind,
        files=tuple(paths.values()),
        rows=table.rows_written,
        frames=count.frames,
        frames_with_face=count.with_face,
        tracks=len(count.seen_s),
        seconds=time.perf_counter() - start,
        trouble=count.trouble,
        notes=tuple(notes),
        left=left,
    )


def _notes(
    detector: Detector, frames: FrameSource, plan: OutputPlan, count: _Count, events: ElanEvents | None
) -> list[str]:
    """What to know of the results, a sentence each.

    A frame rate that the model does not know; no face, or many outside what it was tested on, or more than
    one in a picture; wishes that need time, of a source without; videos in a folder of pictures that are no
    sources of their own; what a video's times do not allow (:func:`_notes_on_time`); an ELAN file without
    events.
    """
    pace = pace_note(detector.backend.spec, detector.backend.frames_hz, frames.rate_hz)
    said = [pace] if pace else []
    if count.frames and not count.with_face:
        said.append("no face was found: faces narrower than about 60 px, or seen from the side, are not")
    for column, outside, how in (
        ("outside_pose", count.turned, "turned or tilted farther"),
        ("outside_size", count.small, "smaller"),
    ):
        if outside > _OUTSIDE_SHARE * count.faces:
            said.append(
                f"{outside} of {count.faces} times the face is {how} than the model was tested on "
                f"({column}): trust its values less there"
            )
    if count.crowded:
        if frames.kind == "video":
            shown = "more than one face was in view"
        elif count.frames == 1:
            shown = "the picture shows more than one face"
        else:
            shown = f"{count.crowded} of {count.frames} pictures show more than one face"
        said.append(f"{shown}, of which the largest was read: --faces all reads every one")
    videos = [str(video) for video in frames.videos if video.resolve() not in plan.protected]
    if videos:
        more = f" and {len(videos) - 3} more" if len(videos) > 3 else ""
        said.append(
            f"the videos in this folder were not read; give them by name: {', '.join(videos[:3])}{more}"
        )
    if frames.annotated:
        copies = [path.name for path in frames.annotated]
        more = f" and {len(copies) - 3} more" if len(copies) > 3 else ""
        said.append(f"left out as annotated copies: {', '.join(copies[:3])}{more}")
    if frames.kind != "video":
        wished = ["an ELAN file"] if plan.elan else []
        wished += [f"the baseline ({detector.baseline})"] if detector.baseline else []
        wished += [f"smoothing ({detector.smooth_s:g} s)"] if detector.smooth_s else []
        if wished:
            said.append(f"left out, since only a video can have it: {', '.join(wished)}")
    else:
        said += _notes_on_time(detector, frames, count)
    if count.with_face and events is not None and events.empty:
        said.append("the ELAN file has no events: no AU reached its threshold")
    return said


def _notes_on_time(detector: Detector, frames: FrameSource, count: _Count) -> list[str]:
    """What to know of a video's times, of smoothing and of baselines."""
    said = []
    if frames.start_s > _LATE_START_S:
        said.append(
            f"times are the file's own, which begins at {frames.start_s:.3f} s: players may count from 0"
        )
    if 0 < SMOOTH_REACH * detector.smooth_s < count.least_step_s:
        said.append(
            f"--smooth {detector.smooth_s:g} changes nothing: frames are {count.least_step_s:.2g} s apart"
        )
    return [*said, *baseline_notes(detector.baseline, count.seen_s, count.at_rest)]


def _report(detector: Detector, *, timed: bool) -> Report:
    """A page; what makes tables and figures is loaded for it alone (pandas and Arrow: 100 MB)."""
    from actionunits.detect.report import Report

    return Report(detector.aus, detector.thresholds, timed=timed)


@dataclass
class _Count:
    frames: int = 0
    with_face: int = 0
    faces: int = 0  # of all frames
    turned: int = 0  # of them, outside the poses that the model was tested on
    small: int = 0  # and below the sizes
    crowded: int = 0  # frames with a face that was not read
    seen_s: dict[int, float] = field(default_factory=dict)  # for how long each face was in view
    at_rest: dict[int, tuple[int, ...]] = field(default_factory=dict)  # what each face's baseline shows
    last_s: float | None = None
    least_step_s: float = 0.0  # between two frames
    trouble: str | None = None

    def add(self, result: FrameResult) -> None:
        step_s = 0.0 if self.last_s is None else max(0.0, result.time_s - self.last_s)
        if step_s > 0:
            self.least_step_s = min(step_s, self.least_step_s or step_s)
        self.last_s = result.time_s
        self.frames += 1
        self.with_face += bool(result.faces)
        self.crowded += result.left_out > 0
        self.faces += len(result.faces)
        for face in result.faces:
            # a face that was away comes back at once, and the first frame has no step
            self.seen_s[face.track] = self.seen_s.get(face.track, -step_s) + step_s
            self.turned += bool(face.outside_pose)
            self.small += bool(face.outside_size)


def _feed(
    detector: Detector,
    frames: FrameSource,
    sinks: Sequence[Sink],
    *,
    keep_frames: bool,
    on_progress: OnProgress | None,
) -> _Count:
    """Give every result to every sink."""
    from actionunits.faces.video import TruncatedSource

    count = _Count()
    running = detector.run(
        frames, keep_frames=keep_frames, on_progress=on_progress, on_rest=count.at_rest.__setitem__
    )
    with closing(running) as results:
        try:
            for result in results:
                for sink in sinks:
                    sink(result)
                count.add(result)
        except TruncatedSource as problem:
            if count.frames == 0:
                raise
            count.trouble = str(problem)
    return count


def _annotated(
    path: Path, detector: Detector, frames: FrameSource, boxes: bool
) -> AbstractContextManager[Sink]:
    names = names_of_pictures(frames)
    annotator = Annotator(detector.aus, detector.thresholds, boxes=boxes, names=names)
    if frames.kind == "picture":
        return annotated_picture(path, annotator)
    return annotated_video(path, annotator, frames.rate_hz)


def _every_path(folder: Path, name: str) -> dict[str, Path]:
    """What any run may write of a source, by kind."""
    ends = {
        **{kind: f".{kind}" for kind in TABLE_TYPES},
        "video": f"{ANNOTATED_MARK}.mp4",
        "picture": f"{ANNOTATED_MARK}.png",
        "report": ".html",
        "elan": ".eaf",
    }
    return {kind: folder / f"{name}{end}" for kind, end in ends.items()}


def _paths(frames: FrameSource, name: str, plan: OutputPlan) -> dict[str, Path]:
    every = _every_path(plan.folder, name)
    paths = {"table": every[plan.table]}
    if plan.video:
        paths["video"] = every["picture" if frames.kind == "picture" else "video"]
    if plan.report:
        paths["report"] = every["report"]
    if plan.elan and frames.kind == "video":
        paths["elan"] = every["elan"]
    return paths


def _not_written(name: str, plan: OutputPlan, written: Collection[Path], source: Path) -> tuple[Path, ...]:
    """Files of au detect, named like what this run writes or like its source, but of another run."""
    from actionunits.faces.video import named_path

    own = {os.path.realpath(path) for path in (*written, source, *plan.protected)}
    names = dict.fromkeys((name, _plain(named_path(source))))
    there = [path for each in names for path in _every_path(plan.folder, each).values()]
    return tuple(path for path in there if os.path.realpath(path) not in own and is_result(path))


def _is(asked: Callable[[], bool]) -> bool:
    """What a path says of itself; one that is too long is nothing."""
    try:
        return asked()
    except OSError:
        return False
