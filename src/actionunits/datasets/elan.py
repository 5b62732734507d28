"""ELAN files (``.eaf``): AU events on a line of time for a human coder to review, and what a coder left.

A tier holds one AU: ``AU12``, or ``AU12@1`` for face 1 where there are several. An annotation is an event,
from the first frame that shows the AU to the first that does not; its text is the intensity at its peak, A to
E as in FACS, and when that was: ``C peak 3.420`` (seconds). Either part may be missing. The tier ``face`` (or
``face@1``) holds when the face was seen; outside of it nothing is known. Without such a tier all is coded.

ELAN counts whole milliseconds. A frame's time is rounded to them in the same way when a file is written and
when it is read, so that every frame comes back as it was, up to 1000 frames a second.
"""

from __future__ import annotations

import hashlib
import mimetypes
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actionunits.atomic import replace_when_done
from actionunits.errors import UserError
from actionunits.facs.units import ACTION_UNITS, au_column
from actionunits.records import LabelIndex

if TYPE_CHECKING:
    from pympi.Elan import Eaf

__all__ = [
    "CodedEvent",
    "ElanCoding",
    "elan_index",
    "is_as_written",
    "milliseconds",
    "read_elan",
    "write_elan",
]

_TIER = re.compile(
    r"\s*(?:AU[ _]?0*(?P<au>\d{1,2})|(?P<seen>face))\s*(?:@\s*(?P<face>\d+)\s*)?", re.IGNORECASE
)
_VALUE = re.compile(
    r"\s*(?:(?:AU)?[ ]?0*(?P<au>\d{1,2}))?\s*(?P<letter>[A-E])?\s*"
    r"(?:peak\s+(?P<peak>\d+(?:[.,]\d*)?)\s*s?)?\s*",
    re.IGNORECASE,
)
_LETTERS = "ABCDE"
#: The property of a file that tells what its annotations were when it was written.
_DIGEST = "actionunits.annotations"


def milliseconds(times_s: ArrayLike) -> NDArray[np.int64]:
    """Times as ELAN holds them: rounded to microseconds, as in our tables, then to milliseconds, halves up.

    >>> milliseconds([0.0325, 0.03250000004, 1 / 30]).tolist()
    [33, 33, 33]
    """
    microseconds = np.rint(np.asarray(times_s, np.float64) * 1e6).astype(np.int64)
    return (microseconds + 500) // 1000


@dataclass(frozen=True)
class CodedEvent:
    """One AU that is shown from an onset to an offset.

    Attributes:
        au: its number.
        onset_ms: the first moment that shows it.
        offset_ms: the first that does not.
        intensity: 1 to 5 (A to E) at the peak; None where it was not coded.
        peak_ms: when it is strongest; None where that was not coded.
        face: whose; None where the tier does not say.
    """

    au: int
    onset_ms: int
    offset_ms: int
    intensity: int | None = None
    peak_ms: int | None = None
    face: int | None = None

    @property
    def text(self) -> str:
        """As it stands in an annotation.

        >>> CodedEvent(12, 3000, 4000, 3, 3420).text
        'C peak 3.420'
        """
        letter = "" if self.intensity is None else _LETTERS[self.intensity - 1]
        peak = "" if self.peak_ms is None else f"peak {self.peak_ms / 1000:.3f}"
        return f"{letter} {peak}".strip()


@dataclass(frozen=True)
class ElanCoding:
    """What an ELAN file says of AUs.

    Attributes:
        aus: (AU, face) of each tier, also of those without an event; face is None where the tier names none.
        events: in order of time.
        seen: face to the spans (from, to) in which it was seen, ms; a face without an entry was always seen.
        other_tiers: names of the tiers that are neither.
    """

    aus: tuple[tuple[int, int | None], ...]
    events: tuple[CodedEvent, ...]
    seen: Mapping[int | None, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    other_tiers: tuple[str, ...] = ()

    @property
    def faces(self) -> tuple[int, ...]:
        """The faces that tiers name, sorted."""
        return tuple(sorted({face for _, face in self.aus if face is not None}))


def write_elan(path: Path, coding: ElanCoding, media: Path | None = None) -> None:
    """Write a file for ELAN; it appears whole or not at all.

    Args:
        path: the ``.eaf`` file.
        coding: what it says; a tier without an event is there, too, for a coder to fill.
        media: the video, which the file names by its path from the file's folder.

    Raises:
        UserError: the file cannot be written.
    """
    from pympi.Elan import Eaf

    document = Eaf(author="actionunits")
    document.remove_tier("default")
    if media is not None:
        place = _relative(media, path.parent)
        kind = mimetypes.guess_type(media.name)[0] or "unknown"
        document.add_linked_file(place, relpath=place, mimetype=kind)
    for face, spans in coding.seen.items():
        _add_tier(document, "face", face)
        for start, end in spans:
            document.add_annotation(_tier("face", face), start, end, "seen")
    for au, face in coding.aus:
        _add_tier(document, f"AU{au}", face)
    for event in coding.events:
        name = _tier(f"AU{event.au}", event.face)
        document.add_annotation(name, event.onset_ms, event.offset_ms, event.text)
    # ELAN numbers the annotations that a coder adds from here on
    document.properties = [("lastUsedAnnotationId", document.maxaid), (_DIGEST, _digest(document))]
    with replace_when_done(path) as beside:
        document.to_file(str(beside))


def is_as_written(path: Path) -> bool:
    """Whether the annotations of a file are those that :func:`write_elan` wrote: nobody's work is in it.

    False also for a file that it did not write, or that cannot be read.
    """
    try:
        document = _open(path)
        return dict(document.properties).get(_DIGEST) == _digest(document)
    except UserError:
        return False


def _digest(document: Eaf) -> str:
    said = sorted(
        (name, *(str(part) for part in annotation[:3]))
        for name in document.get_tier_names()
        for annotation in document.get_annotation_data_for_tier(name)
    )
    tiers = sorted(document.get_tier_names())
    return hashlib.sha256(repr((tiers, said)).encode()).hexdigest()


def _tier(name: str, face: int | None) -> str:
    return name if face is None else f"{name}@{face}"


def _add_tier(document: Eaf, name: str, face: int | None) -> None:
    document.add_tier(_tier(name, face), part=None if face is None else f"face {face}")


def _relative(media: Path, folder: Path) -> str:
    """With ``/``, and ``./`` in front, as ELAN has it; the whole path where there is none (another drive)."""
    from actionunits.faces.video import named_path

    named = named_path(media)
    media = named.parent.resolve() / named.name  # a link's own name, in the folder where it lies
    try:
        place = Path(os.path.relpath(media, folder.resolve())).as_posix()
    except ValueError:
        return media.as_uri()
    return place if place.startswith("../") else f"./{place}"


def read_elan(path: str | os.PathLike[str]) -> ElanCoding:
    """Read what a file of ELAN says of AUs.

    Raises:
        UserError: it is no such file, has no tier of an AU, or an annotation cannot be read: the message
            names tier and time.
    """
    place = Path(path)
    document = _open(place)
    aus: list[tuple[int, int | None]] = []
    events: list[CodedEvent] = []
    seen: dict[int | None, tuple[tuple[int, int], ...]] = {}
    others: list[str] = []
    for name in document.get_tier_names():
        match = _TIER.fullmatch(name)
        if match is None or (match["au"] and int(match["au"]) not in ACTION_UNITS):
            others.append(name)
            continue
        face = None if match["face"] is None else int(match["face"])
        spans = _annotations(document, name, place)
        if match["seen"]:
            seen[face] = tuple((start, end) for start, end, _ in spans)
            continue
        key = (int(match["au"]), face)
        if key in aus:
            raise UserError(
                f"{place} has two tiers of AU{key[0]}, the second is {name!r}: join or rename one"
            )
        aus.append(key)
        events += [_event(key, span, f"{place}, tier {name}") for span in spans]
    if not aus:
        raise UserError(f"{place} has no tier of an AU: expected names such as AU12, got {', '.join(others)}")
    return ElanCoding(
        tuple(aus), tuple(sorted(events, key=lambda e: (e.onset_ms, e.au))), seen, tuple(others)
    )


def _open(place: Path) -> Eaf:
    from pympi.Elan import Eaf

    if not place.is_file():
        raise UserError(f"no ELAN file at {place}: expected an .eaf file with tiers such as AU12")
    try:
        return Eaf(str(place), suppress_version_warning=True)
    except OSError as problem:
        raise UserError(f"cannot read {place}: {problem.strerror or problem}") from problem
    except Exception as problem:  # pympi raises bare Exception for bad XML, and KeyError for what is missing
        raise UserError(
            f"{place} cannot be read as an ELAN file ({problem}): does ELAN open it?"
        ) from problem


def _annotations(document: Eaf, name: str, place: Path) -> list[tuple[int, int, str]]:
    found = []
    for start, end, *rest in document.get_annotation_data_for_tier(name):
        if not isinstance(start, int) or not isinstance(end, int):
            raise UserError(
                f"{place}, tier {name}: an annotation has no time of its own: make the tier's type free"
            )
        found.append((start, end, str(rest[0])))
    return sorted(found)


def _event(key: tuple[int, int | None], span: tuple[int, int, str], where: str) -> CodedEvent:
    start, end, text = span
    match = _VALUE.fullmatch(text)
    if match is None or (match["au"] and int(match["au"]) != key[0]):
        raise UserError(
            f"{where} at {start / 1000:.3f} s: {text!r} is no code of AU{key[0]}: expected A to E, then "
            "'peak SECONDS', or either, or nothing"
        )
    letter = match["letter"]
    intensity = None if letter is None else _LETTERS.index(letter.upper()) + 1
    peak = None if match["peak"] is None else int(milliseconds(float(match["peak"].replace(",", "."))))
    inside = peak is not None and start <= peak < end
    return CodedEvent(key[0], start, end, intensity, peak if inside else None, key[1])


def elan_index(
    path: str | os.PathLike[str],
    frame: Sequence[int] | NDArray[np.int64],
    times_s: ArrayLike,
    *,
    face: int | None = None,
) -> tuple[LabelIndex, list[str]]:
    """The codes of a file at the frames of a table, and what a reader has to know about them.

    A frame shows an AU if its time is within an event. Its intensity is known at the frame nearest to the
    peak of an event with a letter, and 0 where the AU is not shown; elsewhere within an event it is unknown.

    Args:
        path: the ``.eaf`` file.
        frame: i64[N], the frames' numbers.
        times_s: f64[N], their times.
        face: which face's tiers, where the file names several.

    Raises:
        UserError: the file cannot be read, names several faces and none was chosen, or lacks the one that
            was.
    """
    import pandas as pd

    place = Path(path)
    coding = read_elan(place)
    chosen = _face_of(coding, face, place)
    at = milliseconds(times_s)
    known = _within(at, coding.seen[chosen]) if chosen in coding.seen else np.ones(len(at), bool)
    rows: dict[str, Any] = {"dataset": "elan", "subject": place.stem, "sequence": place.stem}
    rows |= {"frame": np.asarray(frame, np.int64), "time_s": np.asarray(times_s, np.float64)}
    for au in sorted(au for au, of in coding.aus if of == chosen):
        own = [event for event in coding.events if event.au == au and event.face == chosen]
        shown = _within(at, [(event.onset_ms, event.offset_ms) for event in own])
        rows[au_column(au)] = np.where(known, shown, -1).astype(np.int8)
        if any(event.intensity and event.peak_ms is not None for event in own):
            rows[f"{au_column(au)}_r"] = _intensity(at, own, known, shown)
    notes = (
        [f"tiers that are no AU are left out: {', '.join(coding.other_tiers)}"] if coding.other_tiers else []
    )
    return LabelIndex.make(pd.DataFrame(rows, index=range(len(at)))), notes


def _face_of(coding: ElanCoding, face: int | None, place: Path) -> int | None:
    faces = coding.faces
    if not faces:
        return None
    if face is None and len(faces) == 1:
        return faces[0]
    names = ", ".join(map(str, faces))
    if face is None:
        raise UserError(f"{place} codes several faces ({names}): choose one with --face")
    if face not in faces:
        raise UserError(f"{place} codes no face {face}: its faces are {names}")
    return face


def _within(at: NDArray[np.int64], spans: Iterable[tuple[int, int]]) -> NDArray[np.bool_]:
    inside = np.zeros(len(at), bool)
    for start, end in spans:
        inside |= (at >= start) & (at < end)
    return inside


def _intensity(
    at: NDArray[np.int64], events: Sequence[CodedEvent], known: NDArray[np.bool_], shown: NDArray[np.bool_]
) -> NDArray[np.float32]:
    values = np.where(known & ~shown, 0.0, np.nan)
    for event in events:
        own = np.flatnonzero(known & (at >= event.onset_ms) & (at < event.offset_ms))
        if len(own) and event.intensity and event.peak_ms is not None:
            values[own[np.argmin(np.abs(at[own] - event.peak_ms))]] = event.intensity
    return values.astype(np.float32)
