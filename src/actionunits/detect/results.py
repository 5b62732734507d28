"""What the detector says of a frame and of each face in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from actionunits.detect.tested import TestedRange
from actionunits.faces.finders import DEFAULT_LANDMARKS
from actionunits.faces.pose import head_pose
from actionunits.records import Finder, FloatArray, Frame, Landmarks

__all__ = ["FaceResult", "FrameResult"]


@dataclass(frozen=True)
class FaceResult:
    """One face of one frame.

    Attributes:
        track: number of the person in the source, from 0, the same while the face stays in view.
        confidence: how sure the face was found, 0 to 1.
        box: f32[4], left, top, right, bottom in pixels of the frame.
        landmarks: f32[68,2], (x, y) in pixels of the frame.
        probability: f32[A], 0 to 1, in the order of the detector's AUs.
        intensity: f32[A], 0 to 5, or None where the model gives none.
        tested: the poses and sizes that the model was tested on, where its card says so.
        regions: f32[R,4,2], the corners of the AU groups' boxes in pixels of the frame, clockwise from the
            top left, or None where the model takes no boxes.
        emotion: f32[E], probability of each of the detector's emotions, or None where the model gives none.
        sides: f32[A,2], intensity of the subject's left and right side, 0 to 5, NaN for AUs that FACS does
            not code by side, or None where the model gives none.
        finder: what found the landmarks.
    """

    track: int
    confidence: float
    box: FloatArray
    landmarks: FloatArray
    probability: FloatArray
    intensity: FloatArray | None
    tested: TestedRange | None = None
    regions: FloatArray | None = None
    emotion: FloatArray | None = None
    sides: FloatArray | None = None
    finder: Finder = DEFAULT_LANDMARKS

    @cached_property
    def pose_deg(self) -> FloatArray:
        """f32[3]: pitch, yaw and roll; see :func:`actionunits.faces.pose.head_pose`."""
        return head_pose(Landmarks(self.landmarks), self.finder)

    @cached_property
    def outside_pose(self) -> bool | None:
        """Whether the head is turned farther than what was tested; None where nothing says what that was."""
        return None if self.tested is None else self.tested.outside_pose(self.pose_deg)

    @cached_property
    def outside_size(self) -> bool | None:
        """Whether the face is smaller than what was tested; None where nothing says what that was."""
        return None if self.tested is None else self.tested.outside_size(Landmarks(self.landmarks))


@dataclass(frozen=True)
class FrameResult:
    """One frame; without faces where none was found.

    Attributes:
        frame_index: number of the frame in its source, from 0.
        time_s: presentation time in seconds.
        faces: ordered by ``track``.
        frame: the picture itself where it was asked for, else None.
        left_out: how many other faces were seen, where all of the frame was searched, and not read.
    """

    frame_index: int
    time_s: float
    faces: tuple[FaceResult, ...]
    frame: Frame | None = field(default=None, repr=False)
    left_out: int = 0
