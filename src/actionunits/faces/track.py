"""Following each face from frame to frame.

A face that was found once is followed by its points: the box that belongs to the last points is where the
next are looked for. The detector looks again at that place every few frames, and at once when something is
suspicious; now and then it searches for new faces, where the picture has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import cv2
import numpy as np

from actionunits.faces.align import align, inter_ocular_distance
from actionunits.faces.changes import PictureChanges
from actionunits.faces.detect import LEAST_PART, FaceDetector, overlap
from actionunits.faces.finders import DEFAULT_LANDMARKS, known_finder
from actionunits.faces.landmarks import face_box_from, find_landmarks
from actionunits.records import Face, FloatArray, Frame, ImageArray, Landmarks

__all__ = ["FaceTracker", "Glance", "TrackedFace"]

#: The small picture by which a face is compared with itself: size and inter-ocular distance.
_PATCH_PX, _PATCH_EYES_PX = 32, 14.0
#: Likeness (correlation of two such pictures) above which it is surely the same face in the same place ...
_SAME = 0.8
#: ... below which something has happened: look again ...
_ODD = 0.65
#: ... and below which, when it comes suddenly, it is another person. Measured: one person in neighbouring
#: frames 0.62 and more, neutral against smiling 0.77 and more; two people in the same light 0.63 (median).
_OTHER = 0.5
#: A confidence of the detector with which it is surely a face.
_SURE = 0.8
#: Likeness at which a lost face may take its number again.
_AGAIN = 0.7
#: Mean change of the grey values of the whole frame that counts as a cut.
_CUT = 20.0
#: So many looks in a row may miss a face that still looks the same (a hand before the mouth, a turned head).
_MOST_FAILED = 10
#: The whole frame is searched, changed or not, after so many times the usual wait.
_WHOLE_AFTER = 5
#: With only the largest face kept, a new one must be this much wider to replace it.
_LARGER = 1.15


@dataclass(frozen=True)
class TrackedFace:
    """A face in a frame of a video.

    Attributes:
        face: its box (the one that belongs to the points), last score, and track number.
        landmarks: its points in pixels of the frame.
        confidence: 0 to 1, how sure it is that a face is there: the detector's confidence when it looked
            last, times the likeness to that view.
    """

    face: Face
    landmarks: Landmarks
    confidence: float


@dataclass(frozen=True)
class Glance:
    """What a frame shows without knowing what was followed until then.

    Attributes:
        cut: the whole picture is another than the frame before it; the first frame is one, too.
        faces: all faces of a frame that is a cut, the largest first; of others None, not looked for.
    """

    cut: bool
    faces: list[Face] | None = None


@dataclass
class _Track:
    number: int
    landmarks: Landmarks
    patch: FloatArray  # what it looks like: the confirmed views, the newer the more
    last_patch: FloatArray
    score: float
    seen_s: float
    likeness: float = 1.0
    since_check: int = 0
    failed: int = 0  # looks of the detector in a row that did not find it
    box: FloatArray = field(init=False)  # the one that belongs to the points

    def __post_init__(self) -> None:
        self.box = face_box_from(self.landmarks)

    @property
    def visible(self) -> bool:
        return self.failed == 0 or self.likeness >= _SAME

    def move(self, frame: Frame, landmarks: Landmarks, patch: FloatArray) -> None:
        self.landmarks, self.last_patch, self.seen_s = landmarks, patch, frame.time_s
        self.box = face_box_from(landmarks)
        self.likeness = _likeness(patch, self.patch)

    def confirm(self, score: float) -> None:
        self.score, self.failed = score, 0
        mixed = 0.6 * self.patch + 0.4 * self.last_patch
        self.patch = np.asarray(mixed / max(float(cv2.norm(mixed)), 1e-6), dtype=np.float32)


class FaceTracker:
    """Follows the faces of one video; give it the frames in order.

    A number (``Face.track``) belongs to a face as long as it stays. A face that is lost and comes back within
    ``memory_s`` seconds near its place, at a similar size and looking alike takes its number again; after a
    cut every face has a new number unless it looks the same in the same place.

    Args:
        detector: finds faces and confirms them.
        scout: another detector, where :meth:`glance` runs in another thread than :meth:`update`.
        keep: ``largest`` follows only the largest face; a new one must be 1.15 times as wide to replace it.
        tracking: False for pictures that do not belong together: each is searched, and its faces are numbered
            from 0 by falling size.
        check_every: frames between two looks of the detector at a followed face.
        search_every_s: seconds between two searches for new faces while one is followed: where the picture
            has changed, but of the whole frame while a face is missing, and every fifth time.
        memory_s: how long a lost face's number is kept for it.
        landmarks: what finds the points: see :func:`~actionunits.faces.landmarks.find_landmarks`.
    """

    def __init__(
        self,
        detector: FaceDetector,
        keep: Literal["all", "largest"] = "all",
        *,
        tracking: bool = True,
        check_every: int = 6,
        search_every_s: float = 1.0,
        memory_s: float = 2.0,
        scout: FaceDetector | None = None,
        landmarks: str = DEFAULT_LANDMARKS,
    ) -> None:
        self.detector = detector
        self.scout = scout or detector
        self.landmarks = known_finder(landmarks)
        self.keep = keep
        self.tracking = tracking
        self.check_every = check_every
        self.search_every_s = search_every_s
        self.memory_s = memory_s
        #: Other faces that were seen in the last frame, where it was searched for them (a still, at a cut,
        #: and now and then), and are not followed.
        self.left_out = 0
        self._tracks: list[_Track] = []
        self._lost: list[_Track] = []
        self._next_number = 0
        self._view: FloatArray | None = None
        self._searched_s = self._whole_searched_s = -np.inf
        self._since_search = 0
        self._changes = PictureChanges()

    def glance(self, frame: Frame) -> Glance:
        """Search the next frame if it is a cut, where nothing that was followed matters any more.

        It needs no frame's :meth:`update`, and may be ahead of it in a thread of its own.
        """
        cut = self._is_cut(frame.grey) or not self.tracking
        return Glance(cut, self.scout.find(frame.grey) if cut else None)

    def update(self, frame: Frame, glance: Glance | None = None) -> list[TrackedFace]:
        """The faces of the next frame, ordered by their numbers.

        Args:
            frame: the picture.
            glance: what :meth:`glance` gave for it, if that was asked before.
        """
        glance = glance or self.glance(frame)
        self.left_out = 0
        if not self.tracking:
            return self._still(frame, glance.faces or [])
        if glance.cut:
            self._lose(self._tracks)
        followed = len(self._tracks)
        for track in list(self._tracks):
            self._follow(track, frame)
        lost_one = len(self._tracks) < followed
        if glance.cut or lost_one or self._search_due(frame):
            self._search(frame, glance.faces)
        shown = [t for t in self._tracks if t.visible]
        return [_reported(t, self.detector) for t in sorted(shown, key=lambda t: t.number)]

    def _points(self, frame: Frame, face: Face) -> Landmarks:
        return find_landmarks(frame.grey, face, self.landmarks)

    def _still(self, frame: Frame, faces: list[Face]) -> list[TrackedFace]:
        result = []
        kept = faces[:1] if self.keep == "largest" else faces
        self.left_out = self._beside(faces, [face.box for face in kept])
        for number, face in enumerate(kept):
            landmarks = self._points(frame, face)
            confidence = self.detector.confidence(face.score)
            result.append(TrackedFace(replace(face, track=number), landmarks, confidence))
        return result

    def _is_cut(self, grey: ImageArray) -> bool:
        """Whether the whole picture changed since the last frame."""
        step = max(1, min(grey.shape) // 32)
        view = grey[step // 2 :: step, step // 2 :: step].astype(np.float32)
        before, self._view = self._view, view
        if before is None or before.shape != view.shape:
            return True
        return float(np.abs(view - before).mean()) > _CUT

    def _follow(self, track: _Track, frame: Frame) -> None:
        """Find the face's points in the next frame; drop it when it is gone."""
        landmarks = self._points(frame, Face(track.box, track.score))
        patch = _patch(frame.grey, landmarks)
        likeness = _likeness(patch, track.patch)
        track.since_check += 1
        due = track.failed > 0 or track.since_check >= self.check_every
        if due or likeness < _ODD or _jumped(track.landmarks, landmarks):
            self._check(track, frame, landmarks, patch)
        else:
            track.move(frame, landmarks, patch)

    def _check(self, track: _Track, frame: Frame, landmarks: Landmarks, patch: FloatArray) -> None:
        """Let the detector look at the place."""
        likeness = _likeness(patch, track.patch)
        place = face_box_from(landmarks) if likeness >= _ODD else track.box
        face = self.detector.check(frame.grey, place)
        track.since_check = 0
        if face is None:
            track.failed += 1
            if likeness >= _SAME:
                track.move(frame, landmarks, patch)
            track.likeness = likeness
            if track.failed >= (_MOST_FAILED if likeness >= _SAME else 2):
                self._lose([track])
            return
        if overlap(face.box, face_box_from(landmarks)) < 0.5:
            landmarks = self._points(frame, face)
            patch = _patch(frame.grey, landmarks)
            likeness = _likeness(patch, track.patch)
        sudden = _likeness(patch, track.last_patch) < _ODD
        if likeness < _OTHER and sudden and self.detector.confidence(face.score) > _SURE:
            self._lose([track])
            return
        track.move(frame, landmarks, patch)
        track.confirm(face.score)

    def _search_due(self, frame: Frame) -> bool:
        """Now and then while a face is followed; else every third frame, or each if they are far apart."""
        self._since_search += 1
        waited_s = frame.time_s - self._searched_s
        if any(t.visible for t in self._tracks):
            return waited_s >= self.search_every_s or self._since_search >= 90
        return waited_s >= 0.12 or self._since_search >= 3

    def _search(self, frame: Frame, found: list[Face] | None) -> None:
        """Look for faces, unless they are found already, and follow the new ones."""
        self._searched_s, self._since_search = frame.time_s, 0
        self._lost = [t for t in self._lost if frame.time_s - t.seen_s <= self.memory_s]
        present = [t for t in self._tracks if t.visible]
        least_px = 0.0
        if self.keep == "largest" and present:
            least_px = _LARGER * max(_width(t.box) for t in present)
        if found is None:
            found = self._new_faces(frame, least_px, present)
        else:
            self._note_search(frame)
        for face in found:
            if _width(face.box) < least_px or any(overlap(face.box, t.box) > 0.2 for t in present):
                continue
            landmarks = self._points(frame, face)
            if overlap(face_box_from(landmarks), face.box) < 0.4:
                continue
            if self.keep == "largest":
                self.left_out = len(present)
                self._lose(self._tracks)
            patch = _patch(frame.grey, landmarks)
            number = self._number_for(landmarks, patch)
            self._tracks.append(_Track(number, landmarks, patch, patch, face.score, frame.time_s))
            if self.keep == "largest":
                break
        self._drop_doubles()
        if self.keep == "largest":
            self.left_out += self._beside(found, [t.box for t in self._tracks] + [t.box for t in present])

    def _beside(self, found: Iterable[Face], boxes: Sequence[FloatArray]) -> int:
        """How many of the faces that were found are surely faces, and none of these."""
        sure = [face for face in found if self.detector.confidence(face.score) > _SURE]
        return sum(all(overlap(face.box, box) < 0.2 for box in boxes) for face in sure)

    def _new_faces(self, frame: Frame, least_px: float, present: list[_Track]) -> list[Face]:
        """Those of the whole frame, or while no face is missing, of the part of it that has changed."""
        waited_s = frame.time_s - self._whole_searched_s
        missing = not present or self._lost or len(present) < len(self._tracks)
        if missing or waited_s >= _WHOLE_AFTER * self.search_every_s:
            self._note_search(frame)
            # the whole frame now and then for smaller ones, too: who else is in view is told
            return self.detector.find(frame.grey, least_px if missing else 0.0)
        region = self._changes.region(frame.grey, [track.box for track in present])
        if region is None:
            return []
        self._changes.searched(frame.grey, region)
        left, top, right, bottom = region
        part = np.ascontiguousarray(frame.grey[top:bottom, left:right])
        corner = np.array([left, top, left, top], np.float32)
        # in a part alone, smaller ones would be looked for than in the whole frame
        least_px = max(least_px, LEAST_PART * min(frame.grey.shape))
        return [replace(face, box=face.box + corner) for face in self.detector.find(part, least_px)]

    def _note_search(self, frame: Frame) -> None:
        self._whole_searched_s = frame.time_s
        self._changes.searched(frame.grey)

    def _number_for(self, landmarks: Landmarks, patch: FloatArray) -> int:
        """The number of a lost face that this one continues, or a new one."""
        box = face_box_from(landmarks)
        size = _width(box)
        best, best_likeness = None, _AGAIN
        for track in self._lost + [t for t in self._tracks if not t.visible]:
            other = track.box
            ratio = size / max(_width(other), 1.0)
            away = float(np.abs(other[:2] + other[2:] - box[:2] - box[2:]).max()) / 2
            likeness = _likeness(patch, track.patch)
            if 0.67 < ratio < 1.5 and away < size and likeness > best_likeness:
                best, best_likeness = track, likeness
        if best is None:
            self._next_number += 1
            return self._next_number - 1
        self._lost = [t for t in self._lost if t is not best]
        self._tracks = [t for t in self._tracks if t is not best]
        return best.number

    def _lose(self, tracks: Iterable[_Track]) -> None:
        gone = list(tracks)
        self._lost += gone
        self._tracks = [t for t in self._tracks if all(t is not g for g in gone)]

    def _drop_doubles(self) -> None:
        """Of two tracks on one face the older stays."""
        kept: list[_Track] = []
        for track in sorted(self._tracks, key=lambda t: t.number):
            if all(overlap(track.box, t.box) < 0.4 for t in kept):
                kept.append(track)
        self._tracks = kept


def _reported(track: _Track, detector: FaceDetector) -> TrackedFace:
    confidence = detector.confidence(track.score) * min(max(track.likeness, 0.0), 1.0)
    return TrackedFace(Face(track.box, track.score, track.number), track.landmarks, confidence)


def _width(box: FloatArray) -> float:
    return float(box[2] - box[0])


def _patch(grey: ImageArray, landmarks: Landmarks) -> FloatArray:
    """A small aligned picture of the face, mean 0, length 1."""
    small = align(grey, landmarks, _PATCH_PX, _PATCH_EYES_PX, 0.3).image.astype(np.float32)
    small -= small.mean()
    return np.asarray(small / max(float(cv2.norm(small)), 1e-6), dtype=np.float32)


def _likeness(one: FloatArray, other: FloatArray) -> float:
    """Correlation, -1 to 1."""
    return float(np.vdot(one, other))


def _jumped(before: Landmarks, after: Landmarks) -> bool:
    """Whether a face moved by over a third of its inter-ocular distance or changed its size by a fifth."""
    distance = inter_ocular_distance(before)
    moved = float(np.hypot(*(after.points.mean(axis=0) - before.points.mean(axis=0))))
    ratio = inter_ocular_distance(after) / max(distance, 1e-6)
    return moved > distance / 3 or not 0.8 < ratio < 1.25
