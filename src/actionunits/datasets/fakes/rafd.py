"""A fake of RaFD: emotion, gaze and camera in the pictures' names."""

from __future__ import annotations

import cv2
import numpy as np

from actionunits.datasets.fakes.writer import FakeWriter
from actionunits.facs.expression import Expression
from actionunits.records import ImageArray

__all__ = ["VARIANTS", "write"]

VARIANTS = ("frontal", "cameras")

_EMOTIONS = {
    "angry": {4: 4.0, 5: 2.0, 7: 3.0, 23: 3.0},
    "contemptuous": {14: 4.0},
    "disgusted": {9: 4.0, 10: 3.0},
    "fearful": {1: 4.0, 2: 3.0, 5: 4.0, 20: 4.0, 25: 3.0},
    "happy": {6: 3.0, 12: 4.0},
    "neutral": {},
    "sad": {1: 4.0, 4: 3.0, 15: 4.0},
    "surprised": {1: 4.0, 2: 4.0, 5: 3.0, 26: 4.0},
}
_GROUPS = ("Caucasian_female", "Caucasian_male", "Kid_female", "Moroccan_male")


def write(fake: FakeWriter) -> None:
    """Write it; 045 and 135 show the face from the front, 000 and 180 half of it: no face is found there."""
    cameras = ("090",) if fake.variant == "frontal" else ("000", "045", "090", "135", "180")
    gazes = ("frontal", "left", "right")[: fake.sequences]
    for number in range(1, fake.subjects + 1):
        for emotion, aus in _EMOTIONS.items():
            for gaze in gazes:
                for camera in cameras:
                    name = f"Rafd{camera}_{number:02d}_{_GROUPS[number % 4]}_{emotion}_{gaze}.jpg"
                    fake.picture(name, f"rafd {number}", Expression.both(aus), _PROFILES.get(camera))


def _profile(image: ImageArray) -> ImageArray:
    """In place of a face from the side: the left half of a frontal one, half as wide, on one colour."""
    height, width = image.shape[:2]
    half = cv2.resize(
        image[:, : max(width // 2, 1)], (max(width // 4, 1), height), interpolation=cv2.INTER_AREA
    )
    out = np.broadcast_to(image[0, 0], image.shape).copy()
    first = (width - half.shape[1]) // 2
    out[:, first : first + half.shape[1]] = half
    return out


def _other_profile(image: ImageArray) -> ImageArray:
    """The same of the right half."""
    return np.ascontiguousarray(_profile(np.ascontiguousarray(image[:, ::-1]))[:, ::-1])


_PROFILES = {"000": _profile, "180": _other_profile}
