"""Pictures, folders of pictures and videos as a row of frames, one in memory at a time.

Times are the container's own presentation times, also at a variable frame rate. They are shifted only where
the first frame would otherwise be before 0. Frames that the container holds but never presents (cut away by
an edit list) are not rows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Set
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import compress
from pathlib import Path
from typing import Literal, TypeAlias, cast

import av
import av.error
import numpy as np
from av.buffer import Buffer
from av.stream import Disposition
from numpy.typing import NDArray

from actionunits.errors import UserError
from actionunits.faces.annotated import ANNOTATED_MARK, is_annotated
from actionunits.faces.pictures import PICTURE_SUFFIXES, holds_one_picture, read_picture
from actionunits.records import Frame, ImageArray

__all__ = ["FrameSource", "TruncatedSource", "named_path", "open_source", "read_picture"]

Kind: TypeAlias = Literal["picture", "folder", "video"]

#: FFmpeg "formats" that make a video of any text, given the right suffix.
_NOT_VIDEO = {"tty", "bin", "xbin", "adf", "idf", "txd", "lrc"}
#: Limited range (16 to 235) to full range (0 to 255).
_EXPAND: ImageArray = np.clip(np.rint((np.arange(256) - 16) * (255 / 219)), 0, 255).astype(np.uint8)
#: Names by which a folder's videos are known; what a video is, its content says.
_VIDEO_SUFFIXES = {".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv"}
_MOST_THREADS = 4  # each decoder thread holds frames of its own
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG


class TruncatedSource(UserError):  # noqa: N818 - it names a state of the source
    """A source that is not whole: a video that breaks off, or a folder with pictures that cannot be read.

    All frames that could be read were given before.

    Attributes:
        frames_read: how many.
    """

    def __init__(self, message: str, frames_read: int) -> None:
        super().__init__(message)
        self.frames_read = frames_read

    def __reduce__(self) -> tuple[type[TruncatedSource], tuple[str, int]]:
        """To come whole from another process."""
        return type(self), (str(self), self.frames_read)


@dataclass(frozen=True)
class FrameSource:
    """A picture, folder or video that can be iterated for its frames; each iteration opens it anew.

    The file is closed when the iteration ends or its iterator is closed.

    Attributes:
        path: the file or folder.
        kind: ``picture``, ``folder`` or ``video``.
        frame_count: as the container says, else estimated from duration and rate, else None. Only a guide for
            progress: the number of frames that are really there may differ.
        rate_hz: average frame rate of a video; None for pictures.
        start_s: when the first stream of a video's file begins: a camcorder's do not at 0.
        pictures: the files of a picture or folder, in order of the frames; empty for a video.
        videos: a folder's files that are called as videos are, in order; they are not read.
        annotated: of both, those that au detect made of others beside them; neither are they.
    """

    path: Path
    kind: Kind
    frame_count: int | None
    rate_hz: float | None
    start_s: float = 0.0
    pictures: tuple[Path, ...] = field(default=(), repr=False)
    videos: tuple[Path, ...] = field(default=(), repr=False)
    annotated: tuple[Path, ...] = field(default=(), repr=False)

    @property
    def name(self) -> str:
        """The file's name without its suffix; a folder's whole name."""
        path = named_path(self.path)
        return path.name if self.kind == "folder" else path.stem

    def __iter__(self) -> Iterator[Frame]:
        """Frames in order of presentation; a picture of a folder that cannot be read is left out.

        Raises:
            TruncatedSource: after the good frames, where the source breaks off or pictures were left out.
            UserError: it cannot be read at all.
        """
        return _video_frames(self.path) if self.kind == "video" else self._picture_frames()

    def frames_at(self, numbers: Set[int]) -> Iterator[Frame]:
        """The frames of these numbers, in order; a video is decoded as far as the last of them.

        Raises:
            TruncatedSource: the source breaks off before the last of them, or some cannot be read.
            UserError: it cannot be read at all.
        """
        return _video_frames(self.path, numbers) if self.kind == "video" else self._picture_frames(numbers)

    def _picture_frames(self, wanted: Set[int] | None = None) -> Iterator[Frame]:
        good, bad = 0, list[UserError]()
        for index, path in enumerate(self.pictures):
            if wanted is not None and index not in wanted:
                continue
            try:
                frame = read_picture(path)
            except UserError as problem:
                if self.kind == "picture":
                    raise
                bad.append(problem)
                continue
            yield Frame(frame.grey, index, 0.0, frame.colours)
            good += 1
        if bad:
            more = "" if len(bad) == 1 else f" (the first of {len(bad)} such pictures)"
            raise TruncatedSource(f"{bad[0]}{more}", good)


def named_path(path: Path) -> Path:
    """The whole path as it was named: a link keeps its own name, not that of what it leads to.

    ``..`` goes back in the name, which after a link to a folder is another place than the file's.

    >>> named_path(Path("talks/../photos")).name
    'photos'
    """
    return Path(os.path.abspath(path))  # noqa: PTH100  (Path.resolve() follows links)


def open_source(path: str | Path) -> FrameSource:
    """A picture file, a folder of pictures, or a video, told apart by content.

    A folder's pictures are taken in natural order (``img2`` before ``img10``); they may differ in size, and
    their ``time_s`` is 0. Hidden files and files without a picture's suffix are left out. An animated GIF or
    PNG is a video.

    Raises:
        UserError: it is missing, empty, not readable, neither picture nor video, has no video stream, or is a
            folder without pictures.
    """
    source = Path(path)
    try:
        if source.is_dir():
            return _open_folder(source)
        if not source.exists():
            if address := re.match(r"([a-z]{2,}):/+(.*)", source.as_posix(), re.IGNORECASE):
                todo = "nothing is fetched from elsewhere; save the file here first"
                if address[1].lower() == "file":
                    todo = f"give the plain path, /{address[2]}"
                raise UserError(f"{address[1]}://{address[2]} is an address: {todo}")
            raise UserError(f"{source} does not exist: expected a picture, a video or a folder of pictures")
        with source.open("rb") as file:
            if not file.read(1):
                raise UserError(f"{source} is empty: expected a picture or a video")
        if holds_one_picture(source):
            return FrameSource(source, "picture", 1, None, pictures=(source,))
    except OSError as problem:
        raise UserError(f"cannot read {source}: {problem.strerror or problem}") from problem
    if source.suffix.lower() in PICTURE_SUFFIXES - {".gif", ".png", ".webp"}:
        raise UserError(f"{source} is not a picture, although its name ends with {source.suffix}")
    return _open_video(source)


def _open_folder(folder: Path) -> FrameSource:
    seen = sorted((f for f in folder.iterdir() if not f.name.startswith(".") and f.is_file()), key=_natural)
    shown = {f.stem for f in seen if f.suffix.lower() in PICTURE_SUFFIXES | _VIDEO_SUFFIXES}
    copied = {f"{name}{ANNOTATED_MARK}" for name in (*shown, named_path(folder).name)}
    copies = [f.stem in copied and f.suffix.lower() in (".png", ".mp4") and is_annotated(f) for f in seen]
    annotated = tuple(compress(seen, copies))
    others = [f for f, copy in zip(seen, copies, strict=True) if not copy]
    pictures, videos = (
        tuple(f for f in others if f.suffix.lower() in suffixes)
        for suffixes in (PICTURE_SUFFIXES, _VIDEO_SUFFIXES)
    )
    if not pictures:
        within = sorted(str(each) for each in folder.iterdir() if each.is_dir() and each.name[0] != ".")
        hint = ""
        if videos:
            patterns = sorted({f"{folder}/*{video.suffix}" for video in videos})
            hint = f"; its videos are given one by one, as {' '.join(patterns)}"
        elif within:
            more = f" and {len(within) - 3} more" if len(within) > 3 else ""
            hint = f"; the folders within it are given one by one: {', '.join(within[:3])}{more}"
        raise UserError(
            f"the folder {folder} has no pictures: expected files such as .jpg, .png or .tif{hint}"
        )
    return FrameSource(
        folder, "folder", len(pictures), None, pictures=pictures, videos=videos, annotated=annotated
    )


def _natural(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    parts = re.split(r"(\d+)", path.name.casefold())
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p], path.name


def _open_video(path: Path) -> FrameSource:
    with _container(path) as container:
        stream = _video_stream(container, path)
        rate = stream.average_rate or stream.guessed_rate
        count, start_s = _frame_count(container, stream), (container.start_time or 0) / av.time_base
        return FrameSource(path, "video", count, float(rate) if rate else None, start_s)


def _container(path: Path) -> av.container.InputContainer:
    try:
        container = av.open(str(path), metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as problem:
        raise UserError(
            f"{path} cannot be read as a picture or a video ({_reason(problem)}); is the file whole?"
        ) from problem
    if container.format.name in _NOT_VIDEO:
        container.close()
        raise UserError(f"{path} is neither a picture nor a video")
    return container


def _video_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams or streams[0].codec_context is None:
        raise UserError(f"{path} has no video that can be decoded: expected a file with a video stream")
    best = container.streams.best("video")
    return best if isinstance(best, av.VideoStream) and best in streams else streams[0]


def _frame_count(container: av.container.InputContainer, stream: av.VideoStream) -> int | None:
    if stream.frames > 0:
        return int(stream.frames)
    duration_s, rate = _duration_s(container, stream), stream.average_rate
    return max(1, round(duration_s * rate)) if duration_s and rate else None


def _duration_s(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    if container.format.name == "avi" and stream.average_rate:  # its duration is guessed from the file's size
        return float(stream.frames / stream.average_rate)
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    tag = re.fullmatch(r"(\d+):(\d+):(\d+\.?\d*)", stream.metadata.get("DURATION", ""))  # Matroska
    if tag:
        return int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3])
    return container.duration / av.time_base if container.duration else None


def _reason(problem: Exception) -> str:
    return str(getattr(problem, "strerror", None) or problem).lower()


def _video_frames(path: Path, wanted: Set[int] | None = None) -> Iterator[Frame]:
    last = None if wanted is None else max(wanted, default=-1)
    if last is not None and last < 0:
        return
    with _container(path) as container:
        stream = _video_stream(container, path)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = min(_MOST_THREADS, os.cpu_count() or 1)
        clock = _Clock(float(stream.average_rate) if stream.average_rate else 25.0)
        turned: tuple[int, _Turn] | None = None
        index = 0
        for decoded in _decoded(container, stream):
            if isinstance(decoded, Exception):
                raise TruncatedSource(
                    f"{path} breaks off after {index} frames ({_reason(decoded)})", index
                ) from decoded
            if turned is None or decoded.rotation != turned[0]:
                turned = decoded.rotation, _Turn.of(decoded)
            time_s = clock.time_s(decoded)
            if wanted is None or index in wanted:
                yield _to_frame(decoded, index, time_s, turned[1])
            if index == last:
                return
            index += 1
        _check_complete(path, container, stream, index, clock)


def _decoded(
    container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[av.VideoFrame | Exception]:
    """The frames; at an error those that the decoder still holds, then the error."""
    try:
        for packet in container.demux(stream):
            yield from packet.decode()
    except av.error.FFmpegError as problem:
        with suppress(av.error.FFmpegError):  # the first problem is the one to tell
            yield from stream.decode(None)
        yield problem


class _Clock:
    """Presentation times. A frame without one comes one frame's length after the frame before it."""

    def __init__(self, rate_hz: float) -> None:
        self.step_s = 1.0 / rate_hz
        self.shown_s = self.step_s  # how long the last frame is shown
        self.last_s: float | None = None
        self.shift_s = 0.0

    def time_s(self, frame: av.VideoFrame) -> float:
        """The frame's time; the first frame is never before 0."""
        if frame.pts is not None and frame.time_base is not None:
            time_s = float(frame.pts * frame.time_base)
            if self.last_s is None:
                self.shift_s = max(0.0, -time_s)
            time_s += self.shift_s
        else:
            time_s = 0.0 if self.last_s is None else self.last_s + self.step_s
        self.shown_s = self.step_s
        if frame.duration and frame.time_base is not None:
            self.shown_s = float(frame.duration * frame.time_base)
        self.last_s = time_s
        return time_s


def _check_complete(
    path: Path,
    container: av.container.InputContainer,
    stream: av.VideoStream,
    frames: int,
    clock: _Clock,
) -> None:
    """Some containers end early without an error: compare with the duration that they declare."""
    if frames == 0:
        raise UserError(f"{path} holds no frame that can be decoded; is the file whole?")
    own = len(container.streams) == 1 or stream.duration or "DURATION" in stream.metadata
    declared_s = _duration_s(container, stream) if own else None
    if declared_s is None or clock.last_s is None:
        return
    end_s = clock.last_s + clock.shown_s
    if end_s < 0.9 * declared_s - max(0.25, 3 * clock.step_s):
        raise TruncatedSource(
            f"{path} breaks off after {frames} frames ({end_s:.1f} s of {declared_s:.1f} s)", frames
        )


def _to_frame(decoded: av.VideoFrame, index: int, time_s: float, turn: _Turn) -> Frame:
    luma = _luma(decoded)
    if luma is None:
        image = _colours(decoded, turn)
        return Frame(_grey_of(image), index, time_s, image)
    return Frame(turn.apply(luma), index, time_s, partial(_colours, decoded, turn))


def _colours(decoded: av.VideoFrame, turn: _Turn) -> ImageArray:
    return turn.apply(np.asarray(decoded.to_ndarray(format="rgb24"), dtype=np.uint8))


def _grey_of(image: ImageArray) -> ImageArray:
    import cv2

    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _luma(decoded: av.VideoFrame) -> ImageArray | None:
    """The luma plane as full-range grey, or None where the format has none that can be taken as it is."""
    import cv2

    name, plane = decoded.format.name, decoded.planes[0]
    bits = decoded.format.components[0].bits
    if not re.match(r"yuv|nv|gray|p0|p2|p4", name) or name.endswith("be") or bits > 16:
        return None
    if name.startswith("grayf"):  # floating point
        return None
    wide = bits > 8
    rows: NDArray[np.integer] = np.frombuffer(memoryview(plane), np.uint16 if wide else np.uint8)
    grey = rows.reshape(plane.height, -1)[:, : plane.width]
    if wide:
        grey = grey >> ((16 if name.startswith("p") else bits) - 8)
    if decoded.color_range == _FULL_RANGE or name.startswith(("yuvj", "gray")):
        return np.array(grey, dtype=np.uint8)
    return np.asarray(cv2.LUT(np.ascontiguousarray(grey, dtype=np.uint8), _EXPAND), dtype=np.uint8)


@dataclass(frozen=True)
class _Turn:
    """One of the eight ways to lay a picture: transpose first, then mirror."""

    transpose: bool = False
    mirror_x: bool = False
    mirror_y: bool = False

    @classmethod
    def of(cls, decoded: av.VideoFrame) -> _Turn:
        """From the display matrix, which maps stored (x, y) to (a x + c y, b x + d y).

        Not to be asked of every frame: PyAV's side data refer back to their frame, which then outlives its
        use until the collector runs.
        """
        data = decoded.side_data.get("DISPLAYMATRIX")
        if data is None:
            return cls()
        a, b, _, c, d = np.frombuffer(memoryview(cast(Buffer, data)), np.int32)[:5].tolist()
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    def apply(self, image: ImageArray) -> ImageArray:
        """The picture as it is meant to be seen."""
        if self == _Turn():
            return image
        turned = np.swapaxes(image, 0, 1) if self.transpose else image
        turned = turned[:: -1 if self.mirror_y else 1, :: -1 if self.mirror_x else 1]
        return np.ascontiguousarray(turned)
