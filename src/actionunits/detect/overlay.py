"""The annotated video: box, points and number of each face, and bars of the AUs beside the picture.

Where asked for, the AU groups' boxes of a model that takes them are drawn too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from actionunits.atomic import replace_when_done
from actionunits.detect.layouts import graded
from actionunits.detect.results import FaceResult, FrameResult
from actionunits.faces.annotated import MADE_BY
from actionunits.faces.region_drawing import REGION_COLOURS
from actionunits.facs.units import ACTION_UNITS, au_column
from actionunits.records import FloatArray, ImageArray

if TYPE_CHECKING:
    import av

__all__ = ["Annotator", "Sink", "annotated_picture", "annotated_video"]

#: Takes the results of the next frame.
Sink: TypeAlias = Callable[[FrameResult], None]

#: The picture is drawn at least this high, and at most that high (px).
_LEAST_HEIGHT, _MOST_HEIGHT = 540, 1080
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_GROUND = (24, 26, 30)
_TRACK_COLOURS = ((255, 196, 61), (90, 200, 250), (255, 128, 128), (150, 230, 130), (220, 160, 255))
_SHOWN, _BELOW, _RAIL, _INK, _FAINT = (
    (255, 196, 61),
    (80, 94, 118),
    (52, 56, 64),
    (235, 237, 240),
    (150, 156, 166),
)
#: Text and threshold over the bright part of a bar; the text goes on in light ink over the dark part.
_DARK, _RULE = (10, 10, 10), (140, 95, 0)
#: The box's height in radii of a point.
_BOX_IN_RADII = 150
#: Ticks of a second in the written video: every usual frame rate is whole in it.
_CLOCK_HZ = 90_000
#: Pictures of a folder in a second of video.
_SLIDES_HZ = 2.0


class Annotator:
    """Draws what was found.

    Args:
        aus: the AUs of the results.
        thresholds: f32[A]; bars that reach them are bright.
        boxes: draw the AU groups' boxes of the results.
        names: of a folder of pictures, the name of each in order of the frames: it stands there instead of
            the time, which they do not have, behind its number.
    """

    def __init__(
        self,
        aus: Sequence[int],
        thresholds: FloatArray,
        *,
        boxes: bool = False,
        names: Sequence[str] = (),
    ) -> None:
        self._aus = tuple(aus)
        self._thresholds = thresholds.tolist()
        self._boxes = boxes
        self._names = tuple(names)

    def draw(self, image: ImageArray, result: FrameResult) -> ImageArray:
        """u8[H',W',3] RGB: the picture, enlarged if it is small, with a panel at its right.

        The panel shows the face with the lowest number; the others' strongest AUs stand at their boxes.

        Args:
            image: u8[H,W,3] RGB.
            result: what was found in it.
        """
        height, width = image.shape[:2]
        scale = np.clip(height, _LEAST_HEIGHT, _MOST_HEIGHT) / height
        scale = min(scale, 1920 / width) if scale > 1 else scale
        size = (max(2, round(width * scale)), max(2, round(height * scale)))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        picture = (
            np.asarray(cv2.resize(image, size, interpolation=how), np.uint8) if scale != 1 else image.copy()
        )
        for i, face in enumerate(result.faces):
            self._draw_face(picture, face, scale, strongest=i > 0)
        return _even(
            np.concatenate([_raised(picture), self._panel(max(size[1], _LEAST_HEIGHT), result)], axis=1)
        )

    def _draw_face(self, picture: ImageArray, face: FaceResult, scale: float, *, strongest: bool) -> None:
        colour = _TRACK_COLOURS[face.track % len(_TRACK_COLOURS)]
        box = np.rint((face.box + 0.5) * scale - 0.5).astype(int).tolist()
        line = max(1, round(picture.shape[0] / 400))
        cv2.rectangle(picture, box[:2], box[2:], colour, line, cv2.LINE_AA)
        if self._boxes and face.regions is not None:
            for number, corners in enumerate(np.rint((face.regions + 0.5) * scale - 0.5).astype(np.int32)):
                ink = REGION_COLOURS[number % len(REGION_COLOURS)]
                cv2.polylines(picture, [corners], True, ink, line, cv2.LINE_AA)
        radius = max(1, round((box[3] - box[1]) / _BOX_IN_RADII))
        for x, y in ((face.landmarks + 0.5) * scale - 0.5).tolist():
            cv2.circle(picture, (round(x), round(y)), radius, colour, -1, cv2.LINE_AA)
        label = f"{face.track}"
        if strongest:
            order = [
                i for i in np.argsort(-face.probability)[:3] if face.probability[i] >= self._thresholds[i]
            ]
            label += ": AU " + " ".join(f"{self._aus[i]}" for i in order) if order else ""
        outside = [
            how for how, is_so in (("turned", face.outside_pose), ("small", face.outside_size)) if is_so
        ]
        if outside:
            label += f" ({' and '.join(outside)}: not tested)"
        _label(picture, label, (box[0], box[1]), colour, 0.5 * max(1.0, picture.shape[0] / 720))

    def _panel(self, height: int, result: FrameResult) -> ImageArray:
        unit = height / _LEAST_HEIGHT
        panel = np.full((height, round(300 * unit), 3), _GROUND, np.uint8)
        text = f"{_clock(result.time_s)}   frame {result.frame_index + 1}"
        if self._names:
            number = f"{result.frame_index + 1}: "
            text = number + _shortened(self._names[result.frame_index], 160 * unit, 0.46 * unit)
        _write(panel, text, (12 * unit, 20 * unit), 0.46 * unit, _FAINT)
        if not result.faces:
            _write(panel, "no face", (12 * unit, 46 * unit), 0.55 * unit, _INK)
            return panel
        face = result.faces[0]
        _write(panel, f"face {face.track}", (220 * unit, 20 * unit), 0.46 * unit, _INK)
        _write(panel, "bar: probability, thin line: threshold", (12 * unit, 40 * unit), 0.42 * unit, _INK)
        if face.intensity is not None:
            _write(panel, "number: intensity, 0 to 5", (12 * unit, 56 * unit), 0.42 * unit, _INK)
        step = (height - 68 * unit) / max(len(self._aus), 8)
        for i, au in enumerate(self._aus):
            self._bar(panel, 64 * unit + i * step, min(step, 34 * unit), unit, au, face, i)
        return panel

    def _bar(
        self, panel: ImageArray, top: float, step: float, unit: float, au: int, face: FaceResult, i: int
    ) -> None:
        probability = float(face.probability[i])
        shown = probability >= self._thresholds[i]
        base = top + 0.72 * step
        name = ACTION_UNITS[au].name if au in ACTION_UNITS else ""
        _write(panel, au_column(au), (12 * unit, base), 0.44 * unit, _INK if shown else _FAINT)
        left, right = round(70 * unit), round(250 * unit)
        y0, y1 = round(top + 0.12 * step), round(top + 0.88 * step)
        end = left + round(probability * (right - left))
        bound = left + round(self._thresholds[i] * (right - left))
        filled = panel[:, : end + 1]
        bright = (filled, _SHOWN, _DARK, _RULE) if shown else (filled, _BELOW, _INK, _FAINT)
        for image, ground, ink, rule in ((panel, _RAIL, _INK, _FAINT), bright):
            cv2.rectangle(image, (left, y0), (right, y1), ground, -1)
            cv2.line(image, (bound, y0), (bound, y1), rule, max(1, round(unit)))
            _write(image, name, (76 * unit, base), 0.4 * unit, ink)
        if face.intensity is not None:
            (strength,) = graded(face.intensity[i : i + 1], 1)
            _write(panel, f"{strength:.1f}", (258 * unit, base), 0.44 * unit, _INK if shown else _FAINT)


def _raised(picture: ImageArray) -> ImageArray:
    """A picture lower than the panel's least height stands in its middle."""
    missing = _LEAST_HEIGHT - picture.shape[0]
    if missing <= 0:
        return picture
    above = missing // 2
    return np.asarray(
        cv2.copyMakeBorder(picture, above, missing - above, 0, 0, cv2.BORDER_CONSTANT, value=_GROUND),
        np.uint8,
    )


def _even(image: ImageArray) -> ImageArray:
    """H.264 with halved colours needs even sides: the last row or column is repeated."""
    height, width = image.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return image
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _clock(time_s: float) -> str:
    minutes, seconds = divmod(time_s, 60)
    return f"{int(minutes):02d}:{seconds:05.2f}"


def _shortened(text: str, most_px: float, size: float) -> str:
    """A text that fits, its middle left out if need be; the drawn letters are those of ASCII."""
    text = text.encode("ascii", "replace").decode()
    kept = len(text)
    short = text
    while kept > 4 and cv2.getTextSize(short, _FONT, size, 1)[0][0] > most_px:
        kept -= 1
        short = f"{text[: kept // 2]}..{text[-(kept - kept // 2) :]}"
    return short


def _write(
    image: ImageArray, text: str, place: tuple[float, float], size: float, colour: tuple[int, int, int]
) -> None:
    line = max(1, round(size / 0.45))
    cv2.putText(image, text, (round(place[0]), round(place[1])), _FONT, size, colour, line, cv2.LINE_AA)


def _label(
    image: ImageArray, text: str, corner: tuple[int, int], colour: tuple[int, int, int], size: float
) -> None:
    (width, height), base = cv2.getTextSize(text, _FONT, size, 1)
    left, bottom = max(0, corner[0]), max(height + base + 2, corner[1])
    cv2.rectangle(image, (left, bottom - height - base - 2), (left + width + 6, bottom), colour, -1)
    cv2.putText(image, text, (left + 3, bottom - base), _FONT, size, (20, 20, 20), 1, cv2.LINE_AA)


@contextmanager
def annotated_picture(path: Path, annotator: Annotator) -> Iterator[Sink]:
    """Give the function that draws a still and writes it as PNG.

    Raises:
        UserError: the file cannot be written.
    """
    with replace_when_done(path) as beside:

        def add(result: FrameResult) -> None:
            assert result.frame is not None, "run with keep_frames=True"
            drawn = annotator.draw(result.frame.image, result)
            made_by = PngInfo()
            made_by.add_text("Comment", MADE_BY)
            Image.fromarray(drawn).save(beside, pnginfo=made_by, compress_level=1)  # a third of the time

        yield add


@contextmanager
def annotated_video(path: Path, annotator: Annotator, rate_hz: float | None = None) -> Iterator[Sink]:
    """Give the function that draws a frame and adds it to an H.264 video in MP4, at its presentation time.

    Frames of another size than the first (pictures of a folder) are fitted into it. Sound is not kept.

    Args:
        path: ``.mp4``.
        annotator: draws.
        rate_hz: the source's average rate; None (a folder of pictures) shows two pictures a second.

    Raises:
        UserError: the file cannot be written.
    """
    import av

    with replace_when_done(path) as beside, av.open(str(beside), "w") as container:
        container.metadata["comment"] = MADE_BY
        video = _Video(container, Fraction(rate_hz or _SLIDES_HZ).limit_denominator(1001))

        def add(result: FrameResult) -> None:
            assert result.frame is not None, "run with keep_frames=True"
            video.add(annotator.draw(result.frame.image, result), result.time_s)

        yield add
        video.end()


class _Video:
    def __init__(self, container: av.container.OutputContainer, rate: Fraction) -> None:
        self._container = container
        self._rate = rate
        self._stream: av.VideoStream | None = None
        self._last_pts = -1

    def add(self, image: ImageArray, time_s: float) -> None:
        import av

        if self._stream is None:
            self._stream = self._open(image.shape[1], image.shape[0])
        fitted = _fitted(image, self._stream.width, self._stream.height)
        frame = av.VideoFrame.from_ndarray(fitted, format="rgb24")
        own = round(time_s * _CLOCK_HZ)
        frame.pts = own if own > self._last_pts else self._last_pts + round(_CLOCK_HZ / self._rate)
        frame.time_base = Fraction(1, _CLOCK_HZ)
        self._last_pts = frame.pts
        self._container.mux(self._stream.encode(frame))

    def end(self) -> None:
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))

    def _open(self, width: int, height: int) -> av.VideoStream:
        options = {"crf": "20", "preset": "veryfast"}
        stream = self._container.add_stream("libx264", rate=self._rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, _CLOCK_HZ)
        stream.codec_context.thread_count = 1
        return stream


def _fitted(image: ImageArray, width: int, height: int) -> ImageArray:
    if image.shape[:2] == (height, width):
        return image
    scale = min(width / image.shape[1], height / image.shape[0])
    size = (max(1, int(image.shape[1] * scale)), max(1, int(image.shape[0] * scale)))
    canvas = np.full((height, width, 3), _GROUND, np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    canvas[top : top + size[1], left : left + size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return canvas
