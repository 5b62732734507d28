"""The eight emotions of the data sets, and the AUs that FACS's authors think typical of each."""

from __future__ import annotations

from collections.abc import Mapping

from actionunits.facs.expression import Expression

__all__ = ["EMOTIONS", "PROTOTYPES", "prototype"]

#: The emotions by their names in an index, in the order of seed 002's tables.
EMOTIONS = ("neutral", "happy", "sadness", "anger", "fear", "disgust", "surprise", "contempt")

#: Emotion to its typical AUs (Ekman and Friesen's table of predictions, the shortest full form). Those of
#: contempt stand on the subject's right side only.
PROTOTYPES: Mapping[str, tuple[int, ...]] = {
    "neutral": (),
    "happy": (6, 12),
    "sadness": (1, 4, 15),
    "anger": (4, 5, 7, 23),
    "fear": (1, 2, 4, 5, 7, 20, 26),
    "disgust": (9, 15),
    "surprise": (1, 2, 5, 26),
    "contempt": (12, 14),
}

_ONE_SIDED = ("contempt",)


def prototype(emotion: str, intensities: Mapping[int, float]) -> Expression:
    """An emotion shown with these intensities, contempt on the right side only.

    Args:
        emotion: one of :data:`EMOTIONS`.
        intensities: AU to intensity, 0 to 5.

    >>> prototype("contempt", {12: 3.0, 14: 2.5}).sides(14)
    (0.0, 2.5)
    """
    return Expression({}, dict(intensities)) if emotion in _ONE_SIDED else Expression.both(intensities)
