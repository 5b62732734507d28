"""Labelled clips: a timeline played by an animated portrait, with the truth of each frame beside it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, Protocol

import av
import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.atomic import replace_when_done
from actionunits.errors import UserError
from actionunits.facs.motion import lip_gap, lips_part_intensity
from actionunits.facs.sets import DEFAULT_17
from actionunits.facs.units import au_column
from actionunits.records import Expression, FloatArray, ImageArray
from actionunits.synthesis.animate import AnimatedFace
from actionunits.synthesis.timeline import Timeline

__all__ = [
    "OCCURRENCE_FROM",
    "Animator",
    "ClipFrame",
    "label_table",
    "labels_path",
    "render_clip",
    "write_clip",
]

#: An AU counts as shown from this intensity (B).
OCCURRENCE_FROM = 2.0

#: With x264's macroblock tree the same frames give other bytes from run to run (PyAV 18).
_ENCODING = {"crf": "17", "preset": "veryfast", "mbtree": "0"}

_BLINK_AU = 45
_LIPS_PART_AU = 25


class Animator(Protocol):
    """What can show an expression on a face."""

    def show(
        self, expression: Expression, *, blink: float = 0.0, gaze: tuple[float, float] = (0.0, 0.0)
    ) -> AnimatedFace:
        """Draw the face."""


class ClipFrame(NamedTuple):
    """One frame of a clip and its truth.

    Attributes:
        image: u8[H,W,3] RGB.
        time_s: presentation time.
        expression: what the face shows: the timeline, with blinks as AU45, and with AU25 measured by the gap
            of the lips, which other AUs (26, 10) open too.
        points: f32[68,2], the true points, px.
    """

    image: ImageArray
    time_s: float
    expression: Expression
    points: FloatArray


def render_clip(
    animator: Animator,
    timeline: Timeline,
    rate_hz: float,
    *,
    seed: int = 0,
    head_motion: float = 1.0,
    blinks: bool = True,
    grain: float = 1.5,
    only: range | None = None,
) -> Iterator[ClipFrame]:
    """Play a timeline, one frame in memory at a time.

    Args:
        animator: the face.
        timeline: what it shows; ``duration_s * rate_hz`` frames are drawn.
        rate_hz: frames a second.
        seed: of head motion, blinks, gaze and grain.
        head_motion: 0 for a still head, 1 for a person who sits: the head drifts by some 5 % of the
            inter-ocular distance, 1.5 degrees and 1.5 % of its size.
        blinks: the eyes blink every 2 to 5 s and look around a little.
        grain: standard deviation of the sensor's noise, in grey levels.
        only: the numbers of the frames to draw, from 0; None = all.

    Raises:
        UserError: the rate is not positive, or the timeline is shorter than a frame.
    """
    count = round(timeline.duration_s * rate_hz) if rate_hz > 0 else 0
    if count < 1:
        raise UserError(f"a clip needs a frame: got {timeline.duration_s:g} s at {rate_hz:g} frames/s")
    rng = np.random.default_rng([seed, 2])
    times = np.arange(count) / rate_hz
    motion = _head_motion(rng, times, head_motion)
    shut = _blinks(rng, times) if blinks else np.zeros(count)
    gaze = _gaze(rng, times) if blinks else np.zeros((count, 2))
    closed = lip_gap(animator.show(Expression({}, {})).points)
    for number in range(count) if only is None else only:
        time = times[number]
        shown = timeline.at(float(time))
        look = (float(gaze[number, 0]), float(gaze[number, 1]))
        face = animator.show(shown, blink=float(shut[number]), gaze=look)
        image, points = _moved(face, motion[number])
        truth = _as_seen(shown, float(shut[number]), lip_gap(points) - closed)
        yield ClipFrame(_grained(image, grain, rng), float(time), truth, points)


def labels_path(path: str | Path) -> Path:
    """Where the labels of a clip lie.

    >>> labels_path("clips/smile.mp4").name
    'smile_labels.csv'
    """
    return Path(path).with_name(f"{Path(path).stem}_labels.csv")


def write_clip(
    path: str | Path,
    frames: Iterable[ClipFrame],
    rate_hz: float,
    *,
    aus: Sequence[int] = DEFAULT_17,
    subject: str = "",
) -> int:
    """Write a clip as H.264 and its labels beside it; either appears whole or not at all.

    The labels, ``NAME_labels.csv``, have a row a frame: ``frame`` from 1, ``timestamp`` in seconds,
    ``subject``, ``AU01_r`` .. the intensity 0 to 5 of the stronger side, ``AU01_c`` .. 1 where it is at least
    2 (B). They are written last, so that a clip with labels is complete.

    Args:
        path: an ``.mp4`` file.
        frames: what :func:`render_clip` gives; all of one size (an odd last row or column is cut off).
        rate_hz: frames a second.
        aus: the AUs of the labels.
        subject: who it is.

    Returns:
        The number of frames.

    Raises:
        UserError: there is no frame, the name does not end in .mp4, or the files cannot be written.
    """
    final = Path(path)
    if final.suffix.lower() != ".mp4":
        raise UserError(f"a clip is an .mp4 file, got {final}")
    rows: list[tuple[float, list[float]]] = []
    with replace_when_done(final) as beside:
        for frame in _encoded(beside, frames, rate_hz):
            rows.append((frame.time_s, [frame.expression.intensity(au) for au in aus]))
        labels_path(final).unlink(missing_ok=True)  # an earlier clip's must not stand beside this one
    times, values = np.array([time for time, _ in rows]), np.array([shown for _, shown in rows], np.float32)
    table = label_table(times, values, aus, subject)
    with replace_when_done(labels_path(final)) as beside:
        table.to_csv(beside, index=False, float_format="%.5g")
    return len(rows)


def label_table(
    times_s: NDArray[np.float64], intensity: FloatArray, aus: Sequence[int], subject: str
) -> pd.DataFrame:
    """The labels of a clip as a table; see :func:`write_clip`."""
    table = pd.DataFrame({"frame": np.arange(1, len(times_s) + 1), "timestamp": np.round(times_s, 5)})
    table["subject"] = subject
    for suffix, values in (("r", intensity), ("c", (intensity >= OCCURRENCE_FROM).astype(np.int8))):
        for column, au in enumerate(aus):
            table[f"{au_column(au)}_{suffix}"] = values[:, column]
    return table


def _encoded(path: Path, frames: Iterable[ClipFrame], rate_hz: float) -> Iterator[ClipFrame]:
    """Encode the frames as they pass by."""
    stream_of = iter(frames)
    first = next(stream_of, None)
    if first is None:
        raise UserError(f"no frame to write into {path.name}")
    height, width = (side // 2 * 2 for side in first.image.shape[:2])
    rate = Fraction(rate_hz).limit_denominator(10_000)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options=dict(_ENCODING))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, frame in enumerate(itertools.chain([first], stream_of)):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame.image[:height, :width]), "rgb24")
            picture.pts, picture.time_base = number, 1 / rate
            container.mux(stream.encode(picture))
            yield frame
        container.mux(stream.encode(None))


def _head_motion(
    rng: np.random.Generator, times: NDArray[np.float64], strength: float
) -> NDArray[np.float64]:
    """f64[N,4]: shift (x, y) in inter-ocular distances, radians, and logarithm of the scale."""
    size = np.array([0.05, 0.035, np.deg2rad(1.5), 0.015]) * strength
    waves = np.zeros((len(times), 4))
    for slowest, fastest, share in ((0.08, 0.2, 0.8), (0.3, 0.7, 0.25)):
        frequency, phase = rng.uniform(slowest, fastest, 4), rng.uniform(0, 2 * np.pi, 4)
        waves += share * np.sin(2 * np.pi * times[:, None] * frequency + phase)
    return np.asarray(waves * size)


def _blinks(rng: np.random.Generator, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """f64[N], how far the eyes are shut: blinks of 0.2 to 0.35 s that shut faster than they open."""
    shut = np.zeros(len(times))
    at = rng.uniform(0.5, 4.0)
    while at < times[-1]:
        closing, opening = rng.uniform(0.07, 0.11), rng.uniform(0.13, 0.24)
        knots = at + np.cumsum([0.0, closing, 0.03, opening])
        phase = np.interp(times, knots, [0.0, 1.0, 1.0, 0.0])
        shut = np.maximum(shut, 0.5 - 0.5 * np.cos(np.pi * phase))
        at += rng.uniform(2.0, 5.0)
    return shut


def _gaze(rng: np.random.Generator, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """f64[N,2], small glances around the camera."""
    starts = np.cumsum(rng.uniform(0.5, 2.5, int(times[-1] / 0.5) + 2))
    places = rng.normal(0.0, [0.08, 0.05], (len(starts) + 1, 2))
    return np.asarray(places[np.searchsorted(starts, times)])


def _moved(face: AnimatedFace, motion: NDArray[np.float64]) -> tuple[ImageArray, FloatArray]:
    """The picture and its points under a similarity about the point between the eyes."""
    if not motion.any():
        return face.image, face.points
    right, left = face.points[[36, 39]].mean(axis=0), face.points[[42, 45]].mean(axis=0)
    centre, unit = (right + left) / 2, float(np.hypot(*(left - right)))
    scale = np.exp(motion[3])
    cos, sin = scale * np.cos(motion[2]), scale * np.sin(motion[2])
    turn = np.array([[cos, -sin], [sin, cos]])
    shift = centre + motion[:2] * unit - turn @ centre
    height, width = face.image.shape[:2]
    where = np.column_stack([turn, shift])
    image = cv2.warpAffine(
        face.image, where, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(image, np.uint8), (face.points @ turn.T + shift).astype(np.float32)


def _grained(image: ImageArray, grain: float, rng: np.random.Generator) -> ImageArray:
    if grain <= 0:
        return image
    noise = rng.standard_normal(image.shape[:2], np.float32)[..., None] * np.float32(grain)
    return np.asarray(np.clip(np.rint(image + noise), 0, 255), np.uint8)


def _as_seen(shown: Expression, shut: float, gap: float) -> Expression:
    """The expression with the blink as AU45, and AU25 by the gap of the lips."""
    lips = round(lips_part_intensity(gap), 3)
    seen = []
    for side in (shown.left, shown.right):
        values = {**side, _LIPS_PART_AU: lips, _BLINK_AU: max(side.get(_BLINK_AU, 0.0), 5.0 * shut)}
        seen.append({au: value for au, value in values.items() if value > 0})
    return Expression(seen[0], seen[1])
