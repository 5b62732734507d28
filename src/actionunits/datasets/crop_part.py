"""One part of the crop cache: frames to faces, points and crops, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actionunits.datasets.cache import CropGeometry
from actionunits.errors import UserError
from actionunits.faces.align import align_for, to_crop
from actionunits.faces.detect import FaceDetector, make_detector
from actionunits.faces.pictures import PICTURE_SUFFIXES, read_picture
from actionunits.faces.track import FaceTracker
from actionunits.faces.video import TruncatedSource, open_source
from actionunits.records import FloatArray, Frame, ImageArray

__all__ = ["FramesOf", "PartTask", "finished_part", "make_part", "source_signature"]

#: Where a sequence of pictures has no times, this rate stands in for the face tracker.
_RATE_HZ = 30.0


@dataclass(frozen=True)
class PartTask:
    """What a part is made of.

    Attributes:
        name: of its folder.
        root: of the data set.
        paths: picture or video of each row, from the root.
        frames: i64[N], number of each row's frame.
        times_s: f64[N], NaN where not known.
        follow: the rows are one moving picture: the face is followed from row to row.
        geometry: what the crops are.
        detector: name of the face detector.
        first_frame: number of a video's first frame, 0 or 1.
    """

    name: str
    root: Path
    paths: tuple[str, ...]
    frames: NDArray[np.int64]
    times_s: NDArray[np.float64]
    follow: bool
    geometry: CropGeometry
    detector: str
    first_frame: int = 1


#: Gives (row, frame) of a part's rows in order, None for a frame that cannot be had.
FramesOf = Callable[[PartTask], Iterator[tuple[int, Frame | None]]]


def source_signature(task: PartTask) -> str:
    """Names, sizes and times of change of a part's sources: another one means that they changed."""
    parts: list[object] = [task.frames.tolist(), task.follow]
    if task.first_frame != 1:
        parts.append(task.first_frame)
    for path in dict.fromkeys(task.paths):
        try:
            status = (task.root / path).stat()
            parts.append((path, status.st_size, status.st_mtime_ns))
        except OSError:
            parts.append((path, "absent"))
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def finished_part(parts: Path, task: PartTask) -> dict[str, Any] | None:
    """The record of a part that is complete and whose sources are unchanged, else None."""
    try:
        record = dict(json.loads((parts / task.name / "part.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None
    return record if record.get("signature") == source_signature(task) else None


def make_part(
    parts: Path,
    task: PartTask,
    on_frame: Callable[[], None] | None = None,
    frames_of: FramesOf | None = None,
) -> dict[str, Any]:
    """Make a part and give its record: counts and digests.

    Args:
        parts: folder of the parts.
        task: what the part is made of.
        on_frame: called after each frame.
        frames_of: where the frames come from; by default they are read from the task's paths.

    Raises:
        UserError: the folder cannot be written to.
    """
    beside = parts / f".{task.name}.part-{os.getpid()}"
    signature = source_signature(task)
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        record = _fill(beside, task, on_frame, frames_of)
        record["signature"] = signature
        (beside / "part.json").write_text(json.dumps(record), encoding="utf-8")
        final = parts / task.name
        shutil.rmtree(final, ignore_errors=True)
        beside.rename(final)
    except OSError as problem:
        what = problem.strerror or problem
        raise UserError(f"cannot write into {parts}: {what}; free space or choose another --out") from problem
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return record


def _fill(
    folder: Path, task: PartTask, on_frame: Callable[[], None] | None, frames_of: FramesOf | None
) -> dict[str, Any]:
    size, count = task.geometry.size_px, len(task.frames)
    crops = np.lib.format.open_memmap(
        folder / "crops.npy", mode="w+", dtype=np.uint8, shape=(count, size, size, task.geometry.channels)
    )
    points = np.zeros((count, 68, 2), np.float32)
    found = np.zeros(count, bool)
    unread: list[str] = []
    cropper = _Cropper(task)
    for row, frame in _read_frames(task, unread) if frames_of is None else frames_of(task):
        seen = None if frame is None else cropper.crop(frame)
        if seen is not None:
            crops[row], points[row], found[row] = seen[0], seen[1], True
        if on_frame is not None:
            on_frame()
    crops.flush()
    digest = hashlib.sha256()
    for array in (crops, points, found, task.frames):
        digest.update(np.ascontiguousarray(array).data)
    np.save(folder / "points.npy", points)
    np.save(folder / "found.npy", found)
    return {
        "frames": count,
        "faceless": int((~found).sum()) - len(unread),
        "unreadable": unread,
        "content": digest.hexdigest(),
        "source": _source_digest(task),
    }


class _Cropper:
    """Finds the face of each frame, follows it where the frames belong together, and cuts it out."""

    def __init__(self, task: PartTask) -> None:
        self.task = task
        self.detector: FaceDetector = make_detector(task.detector)
        self.tracker = self._new_tracker()
        self.shape: tuple[int, ...] = ()

    def _new_tracker(self) -> FaceTracker:
        task = self.task
        landmarks = task.geometry.landmarks
        return FaceTracker(self.detector, keep="largest", landmarks=landmarks, tracking=task.follow)

    def crop(self, frame: Frame) -> tuple[ImageArray, FloatArray] | None:
        """u8[S,S,C] and f32[68,2] in its pixels; None without a face."""
        if frame.grey.shape != self.shape:
            self.tracker, self.shape = self._new_tracker(), frame.grey.shape
        faces = self.tracker.update(frame)
        if not faces:
            return None
        landmarks = faces[0].landmarks
        crop = align_for(self.task.geometry, frame, landmarks, faces[0].face.box)
        pixels = crop.image if crop.image.ndim == 3 else crop.image[:, :, None]
        return pixels, to_crop(landmarks.points, crop)


def _read_frames(task: PartTask, unread: list[str]) -> Iterator[tuple[int, Frame | None]]:
    """(row, frame) of all rows in order; None, and a note, where it cannot be read."""
    videos = {p for p in task.paths if Path(p).suffix.lower() not in PICTURE_SUFFIXES}
    if videos:
        yield from _video_frames(task, unread)
        return
    for row, path in enumerate(task.paths):
        try:
            frame = read_picture(task.root / path)
        except UserError as problem:
            unread.append(str(problem))
            yield row, None
            continue
        time_s = float(task.times_s[row])
        stamp = row / _RATE_HZ if np.isnan(time_s) else time_s
        yield row, Frame(frame.grey, row, stamp, frame.colours)


def _video_frames(task: PartTask, unread: list[str]) -> Iterator[tuple[int, Frame | None]]:
    """Rows of one video."""
    row, count = 0, len(task.frames)
    why = "the video is shorter"
    try:
        for frame in open_source(task.root / task.paths[0]):
            if row < count and frame.index + task.first_frame == task.frames[row]:
                yield row, frame
                row += 1
            if row == count:
                return
    except TruncatedSource as problem:
        why = str(problem)
    except UserError as problem:
        why = str(problem)
    for rest in range(row, count):
        unread.append(f"{task.paths[0]} frame {task.frames[rest]}: {why}")
        yield rest, None


def _source_digest(task: PartTask) -> str:
    """Of the bytes of a part's sources."""
    digest = hashlib.sha256()
    for path in dict.fromkeys(task.paths):
        digest.update(path.encode())
        try:
            with (task.root / path).open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        except OSError:
            digest.update(b"absent")
    return digest.hexdigest()
