"""Video in, rows out: faces, points, crops and the model, in order and in constant memory.

Three threads share the work: one decodes and searches, one follows the faces and cuts them out, the caller's
runs the model. Between them stand short queues, so memory does not grow with the length of the video. With
``apart`` all but the model is done in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from actionunits.ahead import ahead
from actionunits.apart import Apart, can_work_apart
from actionunits.detect.agreement import agreeing
from actionunits.detect.backends import Backend, BackendOutput, load_backend
from actionunits.detect.baseline import Baseline, rebased
from actionunits.detect.clip_flow import ClipFlow
from actionunits.detect.clips import AskedClip, CroppedFrame, Window, windows_of
from actionunits.detect.cropping import cropped_frames, load_points
from actionunits.detect.frame_codes import FrameCodes, frame_codes
from actionunits.detect.results import FaceResult, FrameResult
from actionunits.detect.smoothing import smooth
from actionunits.errors import UserError, unknown_name
from actionunits.faces.finders import DEFAULT_LANDMARKS, usable_finder
from actionunits.records import Batch, Crop, FloatArray, Frame, InputSpec, Landmarks, OnProgress

if TYPE_CHECKING:
    from actionunits.faces.detect import FaceDetector
    from actionunits.faces.video import FrameSource

__all__ = ["Detector", "FaceResult", "FrameResult"]

#: Cropped frames that may wait for the model.
_QUEUE = 2
#: A batch is cut short where its crops or its kept pictures would take more bytes than this.
_BATCH_BYTES = 24_000_000
#: Of a face: f32[A] probability, and where there are any f32[A] intensity, f32[R,4,2] boxes, f32[E] emotions
#: and f32[A,2] sides.
_Said = tuple[FloatArray, FloatArray | None, FloatArray | None, FloatArray | None, FloatArray | None]


class Detector:
    """AUs of every face in pictures, folders of pictures and videos.

    A model of clips (``clip_length`` T > 1) that scores the middle (or the last) frame is given, for each
    frame, the clip with that frame at position T // 2 (T - 1), its neighbours ``frame_step`` frames apart,
    and the output there is the frame's. One that scores all frames is given clips that tile the source, so
    that results come a window of T * ``frame_step`` frames late. Where the face was not in view, the
    nearest frame toward the clip's middle (end) that has it is repeated. A model that looks at each frame by
    itself first does so once.

    Args:
        model: an ``.onnx`` or ``.safetensors`` file, a backend, or None for the embedded model.
        faces: ``largest`` follows the largest face only (a larger one that comes in takes over within 2 s),
            ``all`` follows every face (new ones are found within 1 s).
        detector: ``hog`` (dlib) or ``viola-jones`` (OpenCV).
        landmarks: what finds the 68 points: ``own``, ``dlib``, or None for what the model learnt from.
        batch: faces that the model is given at once; more is faster and answers later.
        smooth_s: standard deviation in seconds of a Gaussian over time, for each face; 0 leaves values as
            they are. Pictures have no times and are left as they are. See
            :func:`actionunits.detect.smoothing.smooth`.
        baseline: ``auto``, ``first:5s`` (any number of seconds) or ``none``: take each person's own neutral
            face from the values of a video. See :mod:`actionunits.detect.baseline`. With ``auto`` no result
            comes before the whole source was seen.
        apart: find the faces in a process of its own, which starts at once and ends with this object: faster
            on two cores and more, and the same results. It is left out where it is not possible and where
            pictures are kept.

    Raises:
        UserError: the model cannot be read, or an option is not known.
    """

    def __init__(
        self,
        model: str | Path | Backend | None = None,
        *,
        faces: Literal["largest", "all"] = "largest",
        detector: Literal["hog", "viola-jones"] = "hog",
        landmarks: str | None = None,
        batch: int = 16,
        smooth_s: float = 0.0,
        baseline: str = "none",
        apart: bool = False,
    ) -> None:
        if faces not in ("largest", "all"):
            raise unknown_name("value of faces", faces, ("largest", "all"))
        if detector not in ("hog", "viola-jones"):
            raise unknown_name("detector", detector, ("hog", "viola-jones"))
        if batch < 1:
            raise UserError(f"batch must be at least 1, got {batch}")
        if not 0.0 <= smooth_s <= 5.0:
            raise UserError(f"the smoothing must be within 0 to 5 seconds, got {smooth_s}")
        self.baseline = Baseline.parse(baseline)
        asked = usable_finder(landmarks or DEFAULT_LANDMARKS)
        apart = apart and can_work_apart()
        early = apart and (model is None or landmarks is not None)  # it starts while the model is read
        self._apart = Apart(partial(load_points, asked)) if early else None
        self.backend = load_backend(model) if model is None or isinstance(model, (str, Path)) else model
        self.landmarks = asked if landmarks else usable_finder(self.backend.spec.landmarks)
        if apart and not early:
            self._apart = Apart(partial(load_points, self.landmarks))
        self.faces: Literal["largest", "all"] = faces
        self.detector: Literal["hog", "viola-jones"] = detector
        self.batch = batch
        self.smooth_s = smooth_s

    @property
    def aus(self) -> tuple[int, ...]:
        """The AUs, in the order of the results' columns."""
        return self.backend.spec.aus

    @property
    def emotions(self) -> tuple[str, ...]:
        """The emotions that the model gives beside the AUs, in the order of the results; often none."""
        return self.backend.spec.emotions

    @property
    def thresholds(self) -> FloatArray:
        """f32[A]: the probability from which an AU counts as shown."""
        return self.backend.thresholds

    @property
    def settings(self) -> str:
        """What is done with the values of a video, for people; empty if nothing."""
        said = [] if self.baseline is None else [f"baseline {self.baseline}"]
        return ", ".join([*said, *([f"smoothed over {self.smooth_s:g} s"] if self.smooth_s else [])])

    @property
    def _late(self) -> int:
        """Frames that must be seen after one before its clips are complete, at most."""
        spec = self.backend.spec
        return (spec.clip_length - 1 - (0 if spec.scored == "all" else spec.place)) * spec.frame_step

    @cached_property
    def _face_detector(self) -> FaceDetector:
        """Made once for all sources: dlib unpacks it for a fifth of a second."""
        from actionunits.faces.detect import make_detector

        return make_detector(self.detector)

    def run(
        self,
        source: str | Path | FrameSource,
        *,
        keep_frames: bool = False,
        on_progress: OnProgress | None = None,
        on_rest: Callable[[int, tuple[int, ...]], None] | None = None,
    ) -> Generator[FrameResult, None, None]:
        """Results of each frame, in order, as soon as they are known.

        Args:
            source: a picture, a folder of pictures or a video, or what ``open_source`` gave for one.
            keep_frames: leave the picture in each result.
            on_progress: called after each frame that the model has seen with their number so far and in all,
                where it is known.
            on_rest: called once for each face that has a baseline, with its number and the AUs that are
                above their thresholds where it is taken to be at rest.

        Raises:
            UserError: the source cannot be read. Of a source that is cut short, the good frames come first.
        """
        from actionunits.faces.video import TruncatedSource, open_source

        frames = open_source(Path(source)) if isinstance(source, (str, Path)) else source
        trouble: list[TruncatedSource] = []

        def good_frames(cropped: Iterable[CroppedFrame]) -> Iterator[CroppedFrame]:
            try:
                yield from cropped
            except TruncatedSource as problem:
                trouble.append(problem)

        late = self._late > _QUEUE or self.baseline is not None
        again = keep_frames and frames.kind == "video" and late
        with closing(self._cropped(frames, keep_frames=keep_frames and not again)) as cropped:
            results = self._predict(windows_of(good_frames(cropped), self.backend.spec))
            if on_progress is not None:
                results = _counted(results, frames.frame_count, on_progress)
            results = self._settled(results, on_rest, timed=frames.kind == "video")
            yield from _with_pictures(results, frames) if again else results
        if trouble:
            raise trouble[0]

    def _cropped(self, source: FrameSource, *, keep_frames: bool) -> Generator[CroppedFrame, None, None]:
        spec, detector, faces, landmarks = self.backend.spec, self._face_detector, self.faces, self.landmarks
        if self._apart is None or keep_frames:
            frames = cropped_frames(
                source, spec, detector, faces=faces, landmarks=landmarks, keep_frames=keep_frames
            )
            return ahead(frames, _QUEUE)
        return self._apart.items(cropped_frames, source, spec, detector, faces=faces, landmarks=landmarks)

    def _settled(
        self,
        results: Iterator[FrameResult],
        on_rest: Callable[[int, tuple[int, ...]], None] | None,
        *,
        timed: bool,
    ) -> Iterator[FrameResult]:
        """The network's values as they are given out: above each person's rest, smoothed, in agreement."""

        def tell(face: int, shown: NDArray[np.bool_]) -> None:
            if on_rest is not None:
                on_rest(face, tuple(np.array(self.aus)[shown].tolist()))

        if timed:
            above = rebased(results, self.baseline, self.thresholds, len(self.emotions), tell)
            results = smooth(above, self.smooth_s)
        return agreeing(results, self.thresholds)

    def _predict(self, windows: Iterable[Window]) -> Iterator[FrameResult]:
        """Gather clips over frames until a batch is full, run the model, and hand out the frames in order."""
        spec, codes = self.backend.spec, frame_codes(self.backend)
        flow = ClipFlow(spec) if spec.needs_flow else None
        planes = spec.channels + (2 if spec.needs_flow else 0)
        clip_bytes = 4 * spec.clip_length * planes * spec.size_px**2
        limit = max(1, min(self.batch, _BATCH_BYTES // clip_bytes))
        waiting: list[CroppedFrame] = []
        clips: list[AskedClip] = []
        held = 0
        for window in windows:
            waiting += window.frames
            clips += window.clips
            held += sum(3 * each.frame.grey.size for each in window.frames if each.frame is not None)
            if len(clips) >= limit or len(waiting) >= 2 * self.batch or held > _BATCH_BYTES:
                yield from self._answer(waiting, clips, limit, codes, flow)
                waiting, clips, held = [], [], 0
        yield from self._answer(waiting, clips, limit, codes, flow)

    def _answer(
        self,
        waiting: Sequence[CroppedFrame],
        clips: Sequence[AskedClip],
        limit: int,
        codes: FrameCodes | None,
        flow: ClipFlow | None,
    ) -> Iterator[FrameResult]:
        said: dict[tuple[int, int], _Said] = {}
        for start in range(0, len(clips), limit):
            part = clips[start : start + limit]
            said |= self._said_whole(part, flow) if codes is None else self._said_of_codes(part, codes)
        for cropped in waiting:
            faces = []
            for each in cropped.faces:
                probability, intensity, regions, emotion, sides = said[cropped.index, each.face.track]
                faces.append(
                    FaceResult(
                        each.face.track,
                        float(each.confidence),
                        each.face.box,
                        each.landmarks.points,
                        probability,
                        intensity,
                        self.backend.tested,
                        regions,
                        emotion,
                        sides,
                        self.landmarks,
                    )
                )
            yield FrameResult(cropped.index, cropped.time_s, tuple(faces), cropped.frame, cropped.left_out)

    def _said_whole(self, clips: Sequence[AskedClip], flow: ClipFlow | None) -> dict[tuple[int, int], _Said]:
        from actionunits.faces.batch import collate, sample_of

        spec = self.backend.spec
        fields = [None] * len(clips) if flow is None else flow.of_clips(clips)
        samples = [
            sample_of([crop for crop, _ in each.clip], [points for _, points in each.clip], spec, flow=field)
            for each, field in zip(clips, fields, strict=True)
        ]
        return _answers(clips, self.backend.predict(collate(samples, spec)), spec)

    def _said_of_codes(self, clips: Sequence[AskedClip], codes: FrameCodes) -> dict[tuple[int, int], _Said]:
        """The same, each face of each frame encoded once."""
        from actionunits.faces.batch import collate, sample_of

        spec = self.backend.spec
        named = [[(each.track, frame) for frame in each.frames] for each in clips]
        faces = {
            name: face
            for each, names in zip(clips, named, strict=True)
            for name, face in zip(names, each.clip, strict=True)
        }

        def stills(names: Sequence[tuple[int, int]]) -> Batch:
            shown = [faces[name] for name in names]
            return collate([sample_of([crop], [points], spec) for crop, points in shown], spec)

        people = len({each.track for each in clips})
        return _answers(clips, codes.predict(named, stills, people), spec)


def _counted(
    results: Iterable[FrameResult], total: int | None, on_progress: OnProgress
) -> Iterator[FrameResult]:
    """The results, each told once it is taken."""
    for done, result in enumerate(results, start=1):
        yield result
        on_progress(done, total)


def _with_pictures(results: Iterable[FrameResult], frames: Iterable[Frame]) -> Iterator[FrameResult]:
    """Results with their pictures, read a second time: a long clip's pictures would fill the memory."""
    for result, frame in zip(results, frames, strict=False):
        yield replace(result, frame=frame)


def _answers(
    clips: Sequence[AskedClip], output: BackendOutput, spec: InputSpec
) -> dict[tuple[int, int], _Said]:
    """(frame, track) -> what is said of that face."""
    graded, felt, sides = output.intensity, output.emotion, output.sides
    return {
        (frame, asked.track): (
            output.probability[row, at],
            None if graded is None else graded[row, at],
            _boxes_in_frame(*asked.clip[at], spec) if spec.needs_regions else None,
            None if felt is None else felt[row, at],
            None if sides is None else sides[row, at],
        )
        for row, asked in enumerate(clips)
        for at, frame in asked.scored
    }


def _boxes_in_frame(crop: Crop, landmarks: Landmarks, spec: InputSpec) -> FloatArray:
    """f32[R,4,2]: the corners of a face's boxes in its frame."""
    from actionunits.faces.align import to_crop, to_frame
    from actionunits.faces.regions import regions_of

    regions = regions_of(spec, Landmarks(to_crop(landmarks.points, crop)))
    corners = regions.boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]] - 0.5  # a box's edge lies before its pixel
    return to_frame(corners.reshape(-1, 2), crop).reshape(corners.shape)
