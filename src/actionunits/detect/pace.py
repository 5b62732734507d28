"""Whether a video's frames follow one another as those that a model of clips learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actionunits.errors import UserError
from actionunits.records import InputSpec

__all__ = ["FRAMES_HZ", "frames_hz_of", "pace_note"]

#: Where a card says how many frames a second a model of clips learnt from.
FRAMES_HZ = "frames_hz"

#: A rate that is farther off than this factor is told.
_NEAR = 1.25


def frames_hz_of(card: Mapping[str, Any]) -> float | None:
    """What a card says under :data:`FRAMES_HZ`; None where it says nothing.

    Raises:
        UserError: it is not a number above 0.
    """
    given = card.get(FRAMES_HZ)
    if given is None:
        return None
    if not isinstance(given, (int, float)) or not given > 0:
        raise UserError(
            f"the model's card says {given!r} frames a second, expected a number: export it again"
        )
    return float(given)


def pace_note(spec: InputSpec, learnt_hz: float | None, rate_hz: float | None) -> str | None:
    """One line where a model of clips meets a clearly other frame rate than it learnt from; else None.

    Args:
        spec: of the model.
        learnt_hz: frames a second of its training, if known.
        rate_hz: of the video; None for pictures.

    >>> spec = InputSpec((12,), 64, 1, clip_length=5)
    >>> pace_note(spec, 25.0, 29.97) is None
    True
    >>> pace_note(spec, 25.0, 60.0)
    'the model learnt from 25 frames/s and this has 60: movements look slower to it than they are'
    """
    if spec.clip_length == 1 or not learnt_hz or not rate_hz:
        return None
    if 1 / _NEAR <= rate_hz / learnt_hz <= _NEAR:
        return None
    how = "slower" if rate_hz > learnt_hz else "faster"
    return (
        f"the model learnt from {learnt_hz:g} frames/s and this has {rate_hz:g}: movements look {how} to it "
        "than they are"
    )
