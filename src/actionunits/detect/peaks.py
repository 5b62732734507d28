"""Pictures of each face at its strongest moment of each AU, found while the results pass by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from actionunits.detect.results import FaceResult, FrameResult
from actionunits.records import FloatArray, Frame
from actionunits.reports.detection import PeakPicture
from actionunits.reports.figures import au_label

if TYPE_CHECKING:
    from actionunits.faces.video import FrameSource

__all__ = ["PeakMoments"]

#: Side of a picture, how much of the face's surroundings it shows, and its quality as JPEG.
_SIDE_PX, _MARGIN, _QUALITY = 132, 0.22, 78
#: Title of the picture that shows a face at the lowest mean probability; it need not be at rest there.
_CALMEST = "Calmest"


@dataclass(frozen=True)
class _Moment:
    frame: int
    time_s: float
    box: FloatArray
    value: float
    probability: float = 0.0

    @property
    def rank(self) -> tuple[float, float]:
        """Intensities of a weakly shown AU are all 1: of those the surest."""
        return self.value, self.probability


class PeakMoments:
    """Remembers, for each face, where each AU that is shown was strongest, and where the face was calmest.

    What is held grows with the number of faces, not with that of frames.

    Args:
        aus: the AUs of the results.
        thresholds: f32[A], the probability from which an AU counts as shown.
    """

    def __init__(self, aus: Sequence[int], thresholds: FloatArray) -> None:
        self._aus = tuple(aus)
        self._thresholds = thresholds
        self._peaks: dict[int, dict[int, _Moment]] = {}
        self._rest: dict[int, _Moment] = {}
        self._graded = True

    def add(self, result: FrameResult) -> None:
        """Take the results of the next frame."""
        for face in result.faces:
            self._graded = face.intensity is not None
            strength = face.probability if face.intensity is None else face.intensity
            peaks = self._peaks.setdefault(face.track, {})
            for column in np.flatnonzero(face.probability >= self._thresholds).tolist():
                now = _moment(result, face, float(strength[column]), float(face.probability[column]))
                if column not in peaks or now.rank > peaks[column].rank:
                    peaks[column] = now
            calm = -float(np.mean(face.probability))
            if face.track not in self._rest or calm > self._rest[face.track].value:
                self._rest[face.track] = _moment(result, face, calm)

    def pictures(self, source: FrameSource, faces: Collection[int]) -> dict[int, tuple[PeakPicture, ...]]:
        """For each of the faces its calmest moment, then its AUs' peaks; the source is read a second time.

        Raises:
            UserError: the source can no longer be read.
        """
        timed = source.kind == "video"
        moments = {face: self._moments(face, timed) for face in faces if face in self._rest}
        numbers = {moment.frame for own in moments.values() for _, moment in own}
        cut: dict[tuple[int, str], PeakPicture] = {}
        for frame in source.frames_at(numbers) if numbers else ():
            for face, own in moments.items():
                cut |= {
                    (face, title): PeakPicture(
                        title, self._text(title, moment, _where(moment, source)), _picture(frame, moment)
                    )
                    for title, moment in own
                    if moment.frame == frame.index
                }
        return {face: tuple(_in_order(face, own, cut)) for face, own in moments.items()}

    def _moments(self, face: int, timed: bool) -> list[tuple[str, _Moment]]:
        peaks = sorted(self._peaks[face].items())
        rest = [(_CALMEST, self._rest[face])] if timed else []
        return [*rest, *((au_label(self._aus[i]), each) for i, each in peaks)]

    def _text(self, title: str, moment: _Moment, where: str) -> str:
        if title == _CALMEST:
            return f"lowest mean probability, {where}"
        kind = "intensity" if self._graded else "probability"
        return f"{kind} {moment.value:.2f}, {where}"


def _where(moment: _Moment, source: FrameSource) -> str:
    if source.kind == "video":
        return f"frame {moment.frame + 1}, {moment.time_s:.2f} s"
    return source.pictures[moment.frame].name


def _moment(result: FrameResult, face: FaceResult, value: float, probability: float = 0.0) -> _Moment:
    return _Moment(result.frame_index, result.time_s, face.box, value, probability)


def _in_order(
    face: int, own: Iterable[tuple[str, _Moment]], cut: Mapping[tuple[int, str], PeakPicture]
) -> Iterable[PeakPicture]:
    return (cut[face, title] for title, _ in own if (face, title) in cut)


def _picture(frame: Frame, moment: _Moment) -> bytes:
    """The face with some of what is around it, square, as JPEG."""
    left, top, right, bottom = moment.box.astype(float).tolist()
    side = max(right - left, bottom - top, 2.0) * (1 + 2 * _MARGIN)
    scale = _SIDE_PX / side
    corner = ((left + right - side) / 2, (top + bottom - side) / 2)
    matrix = np.array([[1 / scale, 0, corner[0]], [0, 1 / scale, corner[1]]])
    image = frame.image
    if scale < 0.5:  # blur it first, so that fine detail does not alias
        image = np.asarray(cv2.blur(image, (round(0.7 / scale), round(0.7 / scale))), np.uint8)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    face = cv2.warpAffine(image, matrix, (_SIDE_PX, _SIDE_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    _, data = cv2.imencode(
        ".jpg", cv2.cvtColor(face, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    return data.tobytes()
