"""The Action Units of FACS: number, name, muscles, and whether the two sides can move apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

from actionunits.errors import UserError

__all__ = ["ACTION_UNITS", "INTENSITY_LETTERS", "ActionUnit", "action_unit", "au_column", "parse_au"]

#: FACS's letters for the intensities 1 to 5 (trace, slight, pronounced, severe, maximum).
INTENSITY_LETTERS = "ABCDE"


@dataclass(frozen=True)
class ActionUnit:
    """One Action Unit.

    Attributes:
        number: the FACS number.
        name: FACS's English name.
        muscles: the muscles behind it.
        region: ``upper``, ``lower`` or ``eyes``.
        paired: whether left and right are coded apart (FACS's L, R, B).
    """

    number: int
    name: str
    muscles: tuple[str, ...]
    region: str
    paired: bool


def _unit(number: int, name: str, muscles: str, region: str, paired: bool = True) -> ActionUnit:
    return ActionUnit(number, name, tuple(muscles.split("; ")), region, paired)


#: Every AU that one of the data sets or papers names, by number.
ACTION_UNITS: dict[int, ActionUnit] = {
    unit.number: unit
    for unit in (
        _unit(1, "Inner Brow Raiser", "frontalis, pars medialis", "upper"),
        _unit(2, "Outer Brow Raiser", "frontalis, pars lateralis", "upper"),
        _unit(4, "Brow Lowerer", "corrugator supercilii; depressor supercilii; procerus", "upper"),
        _unit(5, "Upper Lid Raiser", "levator palpebrae superioris", "upper"),
        _unit(6, "Cheek Raiser", "orbicularis oculi, pars orbitalis", "upper"),
        _unit(7, "Lid Tightener", "orbicularis oculi, pars palpebralis", "upper"),
        _unit(9, "Nose Wrinkler", "levator labii superioris alaeque nasi", "lower"),
        _unit(10, "Upper Lip Raiser", "levator labii superioris", "lower"),
        _unit(11, "Nasolabial Deepener", "zygomaticus minor", "lower"),
        _unit(12, "Lip Corner Puller", "zygomaticus major", "lower"),
        _unit(13, "Sharp Lip Puller", "levator anguli oris", "lower"),
        _unit(14, "Dimpler", "buccinator", "lower"),
        _unit(15, "Lip Corner Depressor", "depressor anguli oris", "lower"),
        _unit(16, "Lower Lip Depressor", "depressor labii inferioris", "lower"),
        _unit(17, "Chin Raiser", "mentalis", "lower", False),
        _unit(18, "Lip Pucker", "incisivii labii superioris; incisivii labii inferioris", "lower", False),
        _unit(20, "Lip Stretcher", "risorius; platysma", "lower"),
        _unit(22, "Lip Funneler", "orbicularis oris", "lower", False),
        _unit(23, "Lip Tightener", "orbicularis oris", "lower", False),
        _unit(24, "Lip Pressor", "orbicularis oris", "lower", False),
        _unit(
            25, "Lips Part", "depressor labii inferioris; mentalis, relaxed; orbicularis oris", "lower", False
        ),
        _unit(
            26, "Jaw Drop", "masseter, relaxed; temporalis and internal pterygoid, relaxed", "lower", False
        ),
        _unit(27, "Mouth Stretch", "pterygoids; digastric", "lower", False),
        _unit(28, "Lip Suck", "orbicularis oris", "lower", False),
        _unit(30, "Jaw Sideways", "pterygoids", "lower", False),
        _unit(43, "Eyes Closed", "levator palpebrae superioris, relaxed; orbicularis oculi", "eyes"),
        _unit(45, "Blink", "levator palpebrae superioris, relaxed; orbicularis oculi", "eyes"),
        _unit(46, "Wink", "orbicularis oculi", "eyes"),
        _unit(61, "Eyes Turn Left", "lateral and medial recti", "eyes", False),
        _unit(62, "Eyes Turn Right", "lateral and medial recti", "eyes", False),
        _unit(63, "Eyes Up", "superior rectus", "eyes", False),
        _unit(64, "Eyes Down", "inferior rectus", "eyes", False),
    )
}

_AU_NAME = re.compile(r"(?:AU)?\s*0*(\d{1,2})", re.IGNORECASE)


def parse_au(text: str | int) -> int:
    """The number in ``12``, ``"12"``, ``"AU12"``, ``"au 06"`` or ``"AU06"``.

    Raises:
        UserError: the text names no AU.

    >>> parse_au("AU06"), parse_au("au 12"), parse_au(4)
    (6, 12, 4)
    """
    match = _AU_NAME.fullmatch(str(text).strip())
    if match is None:
        raise UserError(f"{text!r} is not an Action Unit: expected a number such as 12 or AU12")
    return int(match.group(1))


def action_unit(number: int) -> ActionUnit:
    """The AU of a number.

    Raises:
        UserError: the number is not in the list; the message gives the known ones.

    >>> action_unit(12).name
    'Lip Corner Puller'
    """
    unit = ACTION_UNITS.get(number)
    if unit is None:
        known = ", ".join(str(n) for n in ACTION_UNITS)
        raise UserError(f"AU{number} is not known: the AUs of this package are {known}")
    return unit


def au_column(number: int) -> str:
    """OpenFace's and py-feat's two-digit column name.

    >>> au_column(6), au_column(12)
    ('AU06', 'AU12')
    """
    return f"AU{number:02d}"
