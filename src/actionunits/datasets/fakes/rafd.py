"""A fake of RaFD: emotion, gaze and camera in the pictures' names."""

from __future__ import annotations

from actionunits.datasets.fakes.writer import FakeWriter
from actionunits.facs.expression import Expression

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
    """Write it; all cameras show the face from the front."""
    cameras = ("090",) if fake.variant == "frontal" else ("045", "090", "135")
    gazes = ("frontal", "left", "right")[: fake.sequences]
    for number in range(1, fake.subjects + 1):
        for emotion, aus in _EMOTIONS.items():
            for gaze in gazes:
                for camera in cameras:
                    name = f"Rafd{camera}_{number:02d}_{_GROUPS[number % 4]}_{emotion}_{gaze}.jpg"
                    fake.picture(name, f"rafd {number}", Expression.both(aus))
