"""The demo: a public-domain photograph shows known AUs in a clip, and the detector is run on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from actionunits.atomic import make_directory, replace_when_done
from actionunits.detect.outputs import OutputPlan, SourceSummary, detect_to_files
from actionunits.detect.pipeline import Detector
from actionunits.facs.units import au_column
from actionunits.metrics.ranking import roc_auc
from actionunits.records import OnProgress, Stage
from actionunits.reports.figures import au_timeline
from actionunits.synthesis.animate import PortraitAnimator
from actionunits.synthesis.clip import ClipFrame, labels_path, render_clip, write_clip
from actionunits.synthesis.portraits import astronaut
from actionunits.synthesis.timeline import AUEvent, Timeline

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DemoResult", "DemoScore", "demo_timeline", "run_demo"]

#: What the clip shows, one group after another. The astronaut smiles in the photograph (AUs 6, 12 and 25), so
#: these are left out: there is no time without them to compare with.
DEMO_GROUPS: tuple[tuple[int, ...], ...] = ((1, 2), (4,), (5,), (4, 7), (9,), (17,), (1, 2, 5, 26), (4, 9))
RATE_HZ = 25.0


@dataclass(frozen=True)
class DemoScore:
    """One AU of the clip, over its frames.

    Attributes:
        au: its number.
        shown: frames with it, intensity B and up.
        called: of these, frames where the detector called it.
        false_alarms: frames without it where the detector called it.
        auc: area under the ROC curve; NaN where it was shown never or always.
    """

    au: int
    shown: int
    called: int
    false_alarms: int
    auc: float


@dataclass(frozen=True)
class DemoResult:
    """What the demo made.

    Attributes:
        clip: the animated clip.
        labels: its true AUs, frame by frame.
        timeline: picture of probability against truth.
        summary: what was detected, with the table, the annotated video and the page.
        scores: for each AU that was animated, how it was read.
    """

    clip: Path
    labels: Path
    timeline: Path
    summary: SourceSummary
    scores: tuple[DemoScore, ...]


def demo_timeline(duration_s: float) -> Timeline:
    """:data:`DEMO_GROUPS` in equal slots: 80 % of each is used, for onset (30 %), apex (40 %), offset (30 %).

    >>> demo_timeline(12.0).at(1.0).aus
    (1, 2)
    """
    slot = duration_s / (len(DEMO_GROUPS) + 0.5)
    events = []
    for number, group in enumerate(DEMO_GROUPS):
        start, length = (number + 0.35) * slot, 0.8 * slot
        rise, fall = start + 0.3 * length, start + 0.7 * length
        events += [AUEvent(au, start, rise, fall, start + length, 4.5) for au in group]
    return Timeline(tuple(events), duration_s)


def run_demo(
    out: Path,
    *,
    duration_s: float = 12.0,
    model: Path | None = None,
    seed: int = 0,
    stage: Stage | None = None,
) -> DemoResult:
    """Animate, detect, and set the two against each other.

    Args:
        out: folder of ``astronaut.mp4``, ``astronaut_labels.csv``, ``astronaut.csv`` (the detected AUs),
            ``astronaut_au.mp4``, ``astronaut.html`` and ``timeline.png``.
        duration_s: length of the clip.
        model: another model than the embedded one.
        seed: of head motion and blinks.
        stage: shows the progress of the animation and of the detection.

    Raises:
        UserError: ``out`` cannot be written, or the model cannot be read.
    """
    detector = Detector(model)
    make_directory(out)
    timeline = demo_timeline(duration_s)
    clip = out / "astronaut.mp4"
    frames = render_clip(PortraitAnimator(astronaut()), timeline, RATE_HZ, seed=seed)
    moved = stage("animating", "frames") if stage else None
    counted = _counted(frames, round(duration_s * RATE_HZ), moved)
    write_clip(clip, counted, RATE_HZ, aus=detector.aus, subject="astronaut")
    plan = OutputPlan(out, video=True, report=True)
    watched = stage("detecting", "frames") if stage else None
    summary = detect_to_files(detector, clip, "astronaut", plan, on_progress=watched)
    probability, truth = _beside(summary.files[0], labels_path(clip), detector.aus)
    with replace_when_done(out / "timeline.png") as beside:
        beside.write_bytes(_timeline_picture(probability, truth, detector))
    scores = tuple(score for score in _scores(probability, truth, detector) if score.au in timeline.aus)
    return DemoResult(clip, labels_path(clip), out / "timeline.png", summary, scores)


def _counted(frames: Iterator[ClipFrame], total: int, move: OnProgress | None) -> Iterator[ClipFrame]:
    for done, frame in enumerate(frames, start=1):
        yield frame
        if move is not None:
            move(done, total)


def _beside(table: Path, labels: Path, aus: tuple[int, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(probability, truth) of the same frames: a column an AU, a row a frame, by time in seconds."""
    import pandas as pd

    found, known = pd.read_csv(table).set_index("frame"), pd.read_csv(labels).set_index("frame")
    frames = found.index.intersection(known.index)
    pair = []
    for rows, letter in ((found, "p"), (known, "c")):
        part = rows.loc[frames, [f"{au_column(au)}_{letter}" for au in aus]]
        pair.append(part.set_axis(list(aus), axis=1).set_index(found.loc[frames, "timestamp"]))
    return pair[0], pair[1]


def _scores(probability: pd.DataFrame, truth: pd.DataFrame, detector: Detector) -> list[DemoScore]:
    shown = truth.to_numpy(np.int8)
    said = probability.to_numpy(np.float64)
    called = said >= detector.thresholds
    auc = roc_auc(shown, said)
    return [
        DemoScore(
            au,
            int((shown[:, i] == 1).sum()),
            int((called[:, i] & (shown[:, i] == 1)).sum()),
            int((called[:, i] & (shown[:, i] == 0)).sum()),
            float(auc[i]),
        )
        for i, au in enumerate(detector.aus)
    ]


def _timeline_picture(probability: pd.DataFrame, truth: pd.DataFrame, detector: Detector) -> bytes:
    return au_timeline(
        probability.index.to_numpy(np.float64),
        probability.to_numpy(np.float32),
        detector.aus,
        truth=truth.to_numpy(np.float32),
        thresholds=detector.thresholds,
        title="Detected (line), animated (shaded); the photograph smiles",
    )
