"""Detections as events for ELAN: onset, offset, peak and intensity of each AU of each face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from actionunits.datasets.elan import CodedEvent, ElanCoding, milliseconds, write_elan
from actionunits.detect.results import FaceResult, FrameResult
from actionunits.records import FloatArray

__all__ = ["ElanEvents"]


@dataclass
class _Open:
    """An event that goes on: since when, and its strongest moment so far."""

    onset_ms: int
    peak: float = -1.0
    peak_probability: float = -1.0
    peak_ms: int = 0


class ElanEvents:
    """Gathers the events of one video; what is held grows with their number, not with the frames'.

    Args:
        aus: the AUs of the results.
        thresholds: f32[A], the probability from which an AU counts as shown.
    """

    def __init__(self, aus: Sequence[int], thresholds: FloatArray) -> None:
        self._aus = tuple(aus)
        self._thresholds = thresholds
        self._open: dict[tuple[int, int], _Open] = {}
        self._events: list[CodedEvent] = []
        self._since: dict[int, int] = {}
        self._seen: dict[int, list[tuple[int, int]]] = {}
        self._graded = False
        self._now_ms = self._step_ms = 0

    def add(self, result: FrameResult) -> None:
        """Take the results of the next frame."""
        now = int(milliseconds(result.time_s))
        self._step_ms = now - self._now_ms or self._step_ms
        self._now_ms = now
        there = {face.track for face in result.faces}
        for track in [track for track in self._since if track not in there]:
            self._end_face(track, now)
        for face in result.faces:
            self._since.setdefault(face.track, now)
            self._add_face(face, now)

    def _add_face(self, face: FaceResult, now: int) -> None:
        self._graded = face.intensity is not None
        strength = face.probability if face.intensity is None else face.intensity
        for column, shown in enumerate((face.probability >= self._thresholds).tolist()):
            key = (face.track, column)
            if not shown:
                self._end_event(key, now)
                continue
            event = self._open.setdefault(key, _Open(now))
            # intensities of a weakly shown AU are all 1: of those the surest is the peak
            rank = float(strength[column]), float(face.probability[column])
            if rank > (event.peak, event.peak_probability):
                event.peak, event.peak_probability, event.peak_ms = *rank, now

    def _end_event(self, key: tuple[int, int], now: int) -> None:
        event = self._open.pop(key, None)
        if event is None:
            return
        code = int(np.clip(np.floor(event.peak + 0.5), 1, 5)) if self._graded else None
        offset = max(now, event.onset_ms + 1)
        self._events.append(
            CodedEvent(self._aus[key[1]], event.onset_ms, offset, code, event.peak_ms, key[0])
        )

    def _end_face(self, track: int, now: int) -> None:
        for column in range(len(self._aus)):
            self._end_event((track, column), now)
        start = self._since.pop(track)
        self._seen.setdefault(track, []).append((start, max(now, start + 1)))

    @property
    def empty(self) -> bool:
        """Whether no AU was shown so far."""
        return not self._events and not self._open

    def coding(self) -> ElanCoding:
        """What was gathered; nothing can be added after it. One face is not named, several are numbered."""
        end = self._now_ms + max(self._step_ms, 1)
        for track in list(self._since):
            self._end_face(track, end)
        seen: Mapping[int | None, tuple[tuple[int, int], ...]]
        seen = {track: tuple(spans) for track, spans in sorted(self._seen.items())}
        faces: list[int | None] = list(seen)
        events = self._events
        if len(faces) <= 1:
            seen = {None: tuple(span for spans in seen.values() for span in spans)}
            faces, events = [None], [replace(event, face=None) for event in events]
        ordered = sorted(events, key=lambda event: (event.onset_ms, event.au))
        return ElanCoding(tuple((au, face) for face in faces for au in self._aus), tuple(ordered), seen)

    def write(self, path: Path, media: Path) -> None:
        """Write the file; ``media`` is the video.

        Raises:
            UserError: it cannot be written.
        """
        write_elan(path, self.coding(), media)
