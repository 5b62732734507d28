"""A data set of painted people who show eight emotions in five views: stand-in for CK+, Bosphorus and RaFD.

Every person shows every emotion in every view in turn. What they show is the emotion's prototype
(:data:`~actionunits.facs.emotions.PROTOTYPES`) as people show it: weak or strong, now and then with an AU
more or less, with traces of others, on a resting face of their own
(:class:`~actionunits.synthesis.coded_faces.Difficulty`). Views are turns of the head
(:func:`~actionunits.synthesis.turn.turn_face`) of up to 30 degrees; RaFD's are up to a profile, which a
picture from the front cannot give. Cameras are those of laboratories: even light and a sharp picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from actionunits.facs.emotions import EMOTIONS, PROTOTYPES, prototype
from actionunits.records import Expression
from actionunits.synthesis.animate import AnimatedFace
from actionunits.synthesis.coded_faces import shown_with
from actionunits.synthesis.coded_set import CodedSet
from actionunits.synthesis.degrade import Camera
from actionunits.synthesis.turn import turn_face

__all__ = ["EMOTION_AUS", "LABORATORY_EYES_PX", "VIEWS_DEG", "EmotionSet"]

#: The turns of the head, to the subject's left.
VIEWS_DEG = (-30.0, -15.0, 0.0, 15.0, 30.0)
#: Px between the eyes that the cameras resolve; those of CK+, Bosphorus and RaFD see more than is drawn here.
LABORATORY_EYES_PX = (40.0, 60.0)
#: The AUs of the prototypes.
EMOTION_AUS: tuple[int, ...] = tuple(sorted({au for aus in PROTOTYPES.values() for au in aus}))


@dataclass(frozen=True)
class EmotionSet(CodedSet):
    """Stills: each of a person's ``sequences`` is a picture; 40 of them show each emotion in each view.

    Emotions and views both go on from picture to picture, and 8 and 5 have no common divisor.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frames != 1 or self.table is not None:
            raise ValueError("emotions are shown in stills, and not by a table of patterns")

    def emotion(self, sequence: int) -> str:
        """What a picture shows."""
        return EMOTIONS[sequence % len(EMOTIONS)]

    def yaw_deg(self, sequence: int) -> float:
        """How far the head is turned."""
        return VIEWS_DEG[sequence % len(VIEWS_DEG)]

    def _shown(self, subject: int, sequence: int) -> Expression:
        rng = np.random.default_rng([self.seed, subject, sequence])
        emotion = self.emotion(sequence)
        return prototype(emotion, shown_with(rng, PROTOTYPES[emotion], EMOTION_AUS, self.difficulty))

    def _camera(self, rng: np.random.Generator) -> Camera:
        """A camera of a laboratory: even light, a sharp picture, little noise."""
        contrast, brightness, gamma = rng.uniform((0.85, 0.9, 0.85), (1.15, 1.1, 1.15))
        tilt = rng.normal(0.0, self.difficulty.tilt, 2)
        return Camera(
            field=np.zeros((3, 3), np.float32),
            contrast=float(contrast),
            brightness=float(brightness),
            gamma=float(gamma),
            eyes_px=float(rng.uniform(*LABORATORY_EYES_PX)),
            blur_px=float(rng.uniform(0.0, 0.5)),
            noise=float(rng.uniform(0.0, 0.01)),
            jpeg=int(rng.integers(80, 96)) if rng.random() < 0.5 else None,
            tilt=(float(tilt[0]), float(tilt[1])),
        )

    def _seen(self, face: AnimatedFace, sequence: int) -> AnimatedFace:
        return AnimatedFace(*turn_face(face.image, face.points, self.yaw_deg(sequence)))
