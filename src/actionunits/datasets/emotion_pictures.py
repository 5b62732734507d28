"""Which pictures of a data set show one of the eight emotions that seed 002 learns."""

from __future__ import annotations

from actionunits.errors import UserError
from actionunits.facs.emotions import EMOTIONS
from actionunits.records import LabelIndex

__all__ = ["emotion_pictures"]


def emotion_pictures(name: str, index: LabelIndex) -> LabelIndex:
    """The frames with one of the eight emotions.

    Of CK+ that is each sequence's first picture (neutral) and the peak of those with an emotion; of Bosphorus
    the posed emotions and the frontal neutral faces, without turned and covered ones, which pose none; of
    RaFD everything, every camera and gaze.

    Args:
        name: of the data set.
        index: its frames.

    Raises:
        UserError: it has none.
    """
    if "emotion" not in index.table:
        raise UserError(f"{name} has no emotions: join data sets such as ckplus, bosphorus and rafd")
    named = index.table["emotion"].isin(EMOTIONS).to_numpy(bool, copy=True)
    if name == "bosphorus":
        named &= (index.table["view"] == "frontal").to_numpy(bool)
    if not named.any():
        raise UserError(f"{name} has no picture with one of the emotions {', '.join(EMOTIONS)}")
    return index.take(named)
