"""Occurrence patterns: which AUs of a set are shown together, as rows of labels, codes, text and AU sets.

A pattern over A AUs is a row of 0 and 1. Its code is that row read as a binary number, the first AU the
highest bit, so that the code's binary digits are the pattern's text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actionunits.errors import UserError

__all__ = [
    "UNKNOWN_PATTERN",
    "decode",
    "encode",
    "parse_pattern",
    "pattern_aus",
    "pattern_code",
    "pattern_name",
    "pattern_text",
]

#: The code of a row with an unknown label.
UNKNOWN_PATTERN = -1


def _bits(aus: int) -> NDArray[np.int64]:
    if not 0 < aus <= 62:
        raise ValueError(f"a pattern has 1 to 62 AUs, got {aus}")
    return 1 << np.arange(aus - 1, -1, -1, dtype=np.int64)


def encode(labels: ArrayLike) -> NDArray[np.int64]:
    """The codes of rows of labels, i64[N] from [N,A]; -1 where a label of the row is unknown (-1).

    >>> encode([[0, 0, 1], [1, 0, 1], [1, -1, 0]]).tolist()
    [1, 5, -1]
    """
    rows = np.asarray(labels)
    if rows.ndim != 2:
        raise ValueError(f"labels are [N,A], got {rows.shape}")
    codes = (rows == 1).astype(np.int64) @ _bits(rows.shape[1])
    codes[(rows < 0).any(axis=1)] = UNKNOWN_PATTERN
    return np.asarray(codes)


def decode(codes: ArrayLike, aus: int) -> NDArray[np.int8]:
    """The rows of labels of codes, i8[N,A]: the inverse of :func:`encode`; all -1 for an unknown pattern.

    >>> decode([1, 5], 3).tolist()
    [[0, 0, 1], [1, 0, 1]]
    """
    numbers = np.asarray(codes, np.int64)
    if numbers.size and (numbers.max() >= 1 << aus or numbers.min() < UNKNOWN_PATTERN):
        raise ValueError(f"a code of {aus} AUs is below {1 << aus}")
    rows = np.asarray((numbers[:, None] & _bits(aus)) != 0, np.int8)
    rows[numbers == UNKNOWN_PATTERN] = -1
    return rows


def pattern_code(shown: Iterable[int], aus: Sequence[int]) -> int:
    """The code of the pattern that shows exactly ``shown``, over the AU set ``aus``.

    Raises:
        ValueError: an AU that is not in the set.

    >>> pattern_code([25, 26], (1, 2, 4, 25, 26))
    3
    """
    bits = dict(zip(aus, _bits(len(aus)).tolist(), strict=True))
    outside = sorted(set(shown) - set(aus))
    if outside:
        raise ValueError(f"AU {outside} is not in the set {tuple(aus)}")
    return sum(bits[au] for au in set(shown))


def pattern_aus(code: int, aus: Sequence[int]) -> tuple[int, ...]:
    """The AUs that a pattern shows, in the set's order.

    >>> pattern_aus(3, (1, 2, 4, 25, 26))
    (25, 26)
    """
    row = decode([code], len(aus))[0]
    return tuple(au for au, shown in zip(aus, row.tolist(), strict=True) if shown == 1)


def pattern_name(code: int, aus: Sequence[int]) -> str:
    """The AUs joined by ``+``, ``none`` where nothing is shown, ``unknown`` for -1.

    >>> pattern_name(3, (1, 2, 4, 25, 26)), pattern_name(0, (1, 2))
    ('25+26', 'none')
    """
    if code == UNKNOWN_PATTERN:
        return "unknown"
    return "+".join(str(au) for au in pattern_aus(code, aus)) or "none"


def pattern_text(code: int, aus: int) -> str:
    """The pattern's digits, first AU first.

    >>> pattern_text(3, 5)
    '00011'
    """
    if not 0 <= code < 1 << aus:
        raise ValueError(f"a code of {aus} AUs is 0 to {(1 << aus) - 1}, got {code}")
    return format(code, f"0{aus}b")


def parse_pattern(text: str) -> int:
    """The code of a pattern's digits.

    Raises:
        UserError: the text holds anything but 0 and 1.

    >>> parse_pattern("00011")
    3
    """
    digits = text.strip()
    if not digits or set(digits) - {"0", "1"}:
        raise UserError(f"{text!r} is not a pattern: expected one digit 0 or 1 for each AU, such as 000110")
    return int(digits, 2)
