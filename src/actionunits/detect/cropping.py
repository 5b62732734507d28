"""The first half of the pipeline: a source in, its faces cut out as the model takes them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from copy import copy
from typing import TYPE_CHECKING, Literal

from actionunits.ahead import ahead
from actionunits.detect.clips import CroppedFrame
from actionunits.records import Frame, InputSpec

if TYPE_CHECKING:
    from actionunits.faces.detect import FaceDetector
    from actionunits.faces.track import Glance, TrackedFace
    from actionunits.faces.video import FrameSource

__all__ = ["cropped_frames", "load_points"]

#: Frames that may be read ahead of the tracker: about as many as it follows while one is searched.
_QUEUE = 14
#: Seconds between two searches of the whole frame while a face is followed: they cost ten times as much as
#: following it, and a larger face that comes in is less urgent than another face that comes in.
_SEARCH_ALL_S, _SEARCH_LARGEST_S = 1.0, 4.0


def load_points(landmarks: str) -> None:
    """Load now what finds the points of a face: of dlib's, a third of a second."""
    from actionunits.faces.landmarks import load_landmarks

    load_landmarks(landmarks)


def cropped_frames(
    source: FrameSource,
    spec: InputSpec,
    detector: FaceDetector,
    *,
    faces: Literal["largest", "all"] = "largest",
    landmarks: str | None = None,
    keep_frames: bool = False,
) -> Generator[CroppedFrame, None, None]:
    """Each frame with the crops of its faces, in order.

    One thread decodes and searches ahead, the caller's follows the faces. They are no more than two because
    both hold the interpreter's lock for much of their time.

    Args:
        source: what ``open_source`` gave.
        spec: says which crops.
        detector: finds the faces; a copy of it is used.
        faces: ``largest`` or ``all``.
        landmarks: what finds the points; None is what the spec says.
        keep_frames: leave the picture in each.

    Raises:
        TruncatedSource: after the good frames, where the source breaks off.
        UserError: it cannot be read at all.
    """
    import cv2

    from actionunits.faces.track import FaceTracker

    cv2.setNumThreads(1)  # the stages are threads already: OpenCV's own would only take turns with them
    tracker = FaceTracker(
        copy(detector),
        scout=copy(detector),
        keep=faces,
        landmarks=landmarks or spec.landmarks,
        tracking=source.kind == "video",
        search_every_s=_SEARCH_ALL_S if faces == "all" else _SEARCH_LARGEST_S,
    )

    def looked_at() -> Iterator[tuple[Frame, Glance]]:
        for frame in source:
            yield frame, tracker.glance(frame)

    with closing(ahead(looked_at(), _QUEUE)) as ready:
        for frame, glance in ready:
            found = tracker.update(frame, glance)
            yield _cropped(frame, found, spec, keep_frames, tracker.left_out)


def _cropped(
    frame: Frame, found: list[TrackedFace], spec: InputSpec, keep_frame: bool, left_out: int
) -> CroppedFrame:
    from actionunits.faces.align import align_for

    faces = sorted(found, key=lambda each: each.face.track)
    crops = {
        each.face.track: (align_for(spec, frame, each.landmarks, each.face.box), each.landmarks)
        for each in faces
    }
    return CroppedFrame(frame.index, frame.time_s, faces, crops, frame if keep_frame else None, left_out)
