"""AU strings such as ``4+L12+14?`` and the names of emotions, to codes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from actionunits.errors import UserError
from actionunits.facs.emotions import EMOTIONS
from actionunits.facs.units import INTENSITY_LETTERS

__all__ = ["EMOTIONS", "AUCode", "emotion_name", "parse_au_string"]


@dataclass(frozen=True)
class AUCode:
    """What a coder wrote of one AU.

    Attributes:
        side: ``L`` or ``R`` (the subject's own) where only that one shows it, else empty.
        doubtful: a ``?`` stands behind it: neither shown nor not shown for certain.
        intensity: 1 to 5 where a letter A to E stands behind it, else None.
    """

    side: str = ""
    doubtful: bool = False
    intensity: int | None = None


_TOKEN = re.compile(
    r"(?P<side>[LR]?)\s*(?:AU)?\s*(?P<au>\d{1,2})(?P<letter>[A-E]?)(?P<doubt>\??)", re.IGNORECASE
)
_BETWEEN = re.compile(r"[+,;&]")
_NOTHING = ("", "0", "-", "/", "none", "neutral", "nan", "n")


def parse_au_string(text: str) -> dict[int, AUCode] | None:
    """The codes of an AU string: AUs joined by ``+``, ``L``/``R`` before, intensity letter and ``?`` behind.

    Returns:
        AU to code; None for a ``?`` alone: nothing is known. The two sides of an AU written apart are both.

    Raises:
        UserError: a part is no AU.

    >>> codes = parse_au_string("4 + L12+14?")
    >>> codes[12].side, codes[14].doubtful, sorted(codes)
    ('L', True, [4, 12, 14])
    >>> parse_au_string("L2+R2")[2].side
    ''
    """
    stripped = text.strip()
    if stripped.lower() in _NOTHING:
        return {}
    if set(stripped) == {"?"}:
        return None
    codes: dict[int, AUCode] = {}
    for token in _BETWEEN.split(stripped):
        if not token.strip():
            continue
        match = _TOKEN.fullmatch(token.strip())
        if match is None or int(match["au"]) == 0:
            raise UserError(f"{token.strip()!r} in {text!r} is no AU: expected such as 12, L12, R14 or 12?")
        letter = match["letter"].upper()
        code = AUCode(
            match["side"].upper(),
            bool(match["doubt"]),
            INTENSITY_LETTERS.index(letter) + 1 if letter else None,
        )
        au = int(match["au"])
        codes[au] = _both(codes[au], code) if au in codes else code
    return codes


def _both(one: AUCode, other: AUCode) -> AUCode:
    """An AU that is written twice."""
    side = one.side if one.side == other.side else ""
    graded = [code.intensity for code in (one, other) if code.intensity is not None]
    return AUCode(side, one.doubtful and other.doubtful, max(graded) if graded else None)


#: A data set's other words for the emotions of :data:`~actionunits.facs.emotions.EMOTIONS`; what is none of
#: them (``repression``, ``tense``) stays as it is.
_SAME = {
    "angry": "anger",
    "contemptuous": "contempt",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "joy": "happy",
    "sad": "sadness",
    "surprised": "surprise",
    "other": "others",
}


def emotion_name(text: str) -> str:
    """One name for each emotion, in small letters.

    >>> emotion_name("Happiness"), emotion_name("angry"), emotion_name("Repression ")
    ('happy', 'anger', 'repression')
    """
    plain = text.strip().lower()
    return _SAME.get(plain, plain)
