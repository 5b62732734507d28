"""What poses and sizes of face a model was tested on, and which faces lie outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actionunits.errors import UserError
from actionunits.faces.align import inter_ocular_distance
from actionunits.records import FloatArray, Landmarks

__all__ = ["TestedRange"]

_KEYS = ("pitch_deg", "yaw_deg", "inter_ocular_px")


@dataclass(frozen=True)
class TestedRange:
    """The poses and sizes that a model's scores were taken on; its card holds them under ``tested``.

    Attributes:
        pitch_deg: the largest pitch, up or down, as :func:`~actionunits.faces.pose.head_pose` estimates it.
        yaw_deg: the largest yaw to either side, likewise.
        inter_ocular_px: the smallest distance between the eyes' centres in the frame.
    """

    __test__ = False  # no test of pytest's, whatever its name

    pitch_deg: float
    yaw_deg: float
    inter_ocular_px: float

    @classmethod
    def from_card(cls, card: Mapping[str, Any]) -> TestedRange | None:
        """What a card says under ``tested``; None where it says nothing.

        Raises:
            UserError: it does not give the three numbers.
        """
        given = card.get("tested")
        if given is None:
            return None
        numbers = isinstance(given, Mapping) and all(isinstance(v, (int, float)) for v in given.values())
        if not numbers or set(given) != set(_KEYS):
            raise UserError(
                f"the model's card says {given!r} of what was tested, expected numbers for "
                f"{', '.join(_KEYS)}: export it again"
            )
        return cls(**{key: float(given[key]) for key in _KEYS})

    def outside_pose(self, pose_deg: FloatArray) -> bool:
        """Whether a face is turned farther than what was tested; f32[3] pitch, yaw, roll in degrees."""
        pitch, yaw, _ = pose_deg.tolist()
        return not (abs(pitch) <= self.pitch_deg and abs(yaw) <= self.yaw_deg)

    def outside_size(self, landmarks: Landmarks) -> bool:
        """Whether a face is smaller than what was tested."""
        return inter_ocular_distance(landmarks) < self.inter_ocular_px
