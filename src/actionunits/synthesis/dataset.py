"""A folder of labelled clips with one index table: an AU data set with exact labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from actionunits.atomic import make_directory, replace_when_done
from actionunits.errors import UserError
from actionunits.facs.sets import DEFAULT_17
from actionunits.records import OnProgress, Portrait
from actionunits.synthesis.animate import PortraitAnimator
from actionunits.synthesis.clip import Animator, labels_path, render_clip, write_clip
from actionunits.synthesis.timeline import MICRO, SPONTANEOUS, random_timeline

__all__ = ["Plan", "Synthesized", "synthesize"]

#: Name of the file that says how a folder was made.
PLAN_FILE = "synthesis.json"


@dataclass(frozen=True)
class Plan:
    """How the clips of a folder are made; the same plan and portraits give the same clips.

    Attributes:
        rate_hz: frames a second.
        seconds: length of a clip.
        aus: the AUs that are shown and labelled.
        micro: micro-expressions instead of spontaneous ones.
        seed: of everything random.
        head_motion: see :func:`~actionunits.synthesis.clip.render_clip`.
    """

    rate_hz: float = 25.0
    seconds: float = 6.0
    aus: tuple[int, ...] = DEFAULT_17
    micro: bool = False
    seed: int = 0
    head_motion: float = 1.0


@dataclass(frozen=True)
class Synthesized:
    """What :func:`synthesize` made.

    Attributes:
        index: the table.
        clips: number of clips in it.
        frames: number of rows.
        subjects: number of people.
        made: clips made now; the others were there.
        skipped: for each portrait that could not be used, why.
    """

    index: Path
    clips: int
    frames: int
    subjects: int
    made: int
    skipped: tuple[str, ...]


def synthesize(
    out: str | Path,
    portraits: Sequence[Portrait],
    clips: int,
    plan: Plan | None = None,
    *,
    animate: Callable[[Portrait], Animator] = PortraitAnimator,
    table: str = "csv",
    on_progress: OnProgress | None = None,
) -> Synthesized:
    """Make a folder of labelled clips, clip by clip.

    The folder holds ``clips/0001.mp4`` with ``clips/0001_labels.csv`` and so on, ``index.csv`` (or Parquet)
    and ``synthesis.json``, the plan. Clip k shows portrait k modulo their number. The index has a row for a
    frame:
    ``subject``, ``sequence`` (the clip's name), ``frame`` from 1, ``time_s``, ``path`` (relative to the
    index), then ``AU01_c`` .. occurrence (intensity at least 2, B) and ``AU01_r`` .. intensity, 0 to 5.

    Clips that are complete are kept on a second run, which may ask for more; a clip that was being made when
    the first run ended is made again. A portrait that cannot be used is skipped and reported.

    Args:
        out: the folder; made if it is missing.
        portraits: neutral faces; a sequence that makes or reads them when asked is enough.
        clips: how many.
        plan: what they show; the defaults of :class:`Plan` without it.
        animate: makes an animator of a portrait.
        table: ``csv`` or ``parquet``.
        on_progress: called with (clips done, clips).

    Raises:
        UserError: there is no portrait, none can be used, the folder was made by another plan, or cannot be
            written to.
    """
    chosen = plan or Plan()
    if clips < 1 or not len(portraits):
        raise UserError(f"expected at least one clip and one portrait, got {clips} and {len(portraits)}")
    if table not in ("csv", "parquet"):
        raise UserError(f"the index is csv or parquet, got {table!r}")
    folder = make_directory(out)
    _keep_plan(folder, chosen, len(portraits))
    make_directory(folder / "clips")
    made, skipped = 0, []
    for number in range(clips):
        path = folder / "clips" / f"{number + 1:04d}.mp4"
        if not labels_path(path).exists() or not path.exists():
            try:
                portrait = portraits[number % len(portraits)]
            except UserError as problem:
                skipped.append(str(problem))
            else:
                _make_clip(path, portrait, number, chosen, animate)
                made += 1
        if on_progress is not None:
            on_progress(number + 1, clips)
    index = _read_labels(folder, clips)
    if index is None:
        raise UserError(f"no portrait could be used: {skipped[0]}")
    return _write_index(folder / f"index.{table}", index, made, tuple(dict.fromkeys(skipped)))


def _make_clip(
    path: Path, portrait: Portrait, number: int, plan: Plan, animate: Callable[[Portrait], Animator]
) -> None:
    rng = np.random.default_rng([plan.seed, number])
    pace = MICRO if plan.micro else SPONTANEOUS
    timeline = random_timeline(rng, plan.seconds, plan.aus, pace=pace)
    motion = plan.head_motion * float(rng.uniform(0.5, 1.5))
    grain, own_seed = float(rng.uniform(0.0, 3.0)), int(rng.integers(2**31))
    frames = render_clip(
        animate(portrait), timeline, plan.rate_hz, seed=own_seed, head_motion=motion, grain=grain
    )
    write_clip(path, frames, plan.rate_hz, aus=plan.aus, subject=portrait.subject)


def _keep_plan(folder: Path, plan: Plan, portraits: int) -> None:
    """Write the plan, or check that the clips in the folder were made by the same one."""
    wanted = json.loads(json.dumps({**asdict(plan), "portraits": portraits}))
    file = folder / PLAN_FILE
    if not file.exists() or not any((folder / "clips").glob("*.mp4")):
        with replace_when_done(file) as beside:
            beside.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")
        return
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise UserError(f"{file} is damaged; remove the folder or choose another") from problem
    differ = [
        f"{name} {found.get(name)} there, {value} now"
        for name, value in wanted.items()
        if found.get(name) != value
    ]
    if differ:
        raise UserError(f"{folder} holds clips of another plan ({'; '.join(differ)}); choose another folder")


def _read_labels(folder: Path, clips: int) -> pd.DataFrame | None:
    tables = []
    for number in range(clips):
        path = folder / "clips" / f"{number + 1:04d}.mp4"
        if labels_path(path).exists():
            labels = pd.read_csv(labels_path(path), dtype={"subject": str}, keep_default_na=False)
            labels.insert(0, "sequence", path.stem)
            labels.insert(1, "path", path.relative_to(folder).as_posix())
            tables.append(labels)
    return pd.concat(tables, ignore_index=True) if tables else None


def _write_index(file: Path, labels: pd.DataFrame, made: int, skipped: tuple[str, ...]) -> Synthesized:
    aus = [name[:-2] for name in labels.columns if name.endswith("_c") and name.startswith("AU")]
    order = [f"{au}_c" for au in aus] + [f"{au}_r" for au in aus]
    index = labels.rename(columns={"timestamp": "time_s"})
    index = index[["subject", "sequence", "frame", "time_s", "path", *order]]
    with replace_when_done(file) as beside:
        if file.suffix == ".csv":
            index.to_csv(beside, index=False)
        else:
            index.to_parquet(beside, index=False)
    return Synthesized(
        file, index["sequence"].nunique(), len(index), index["subject"].nunique(), made, skipped
    )
