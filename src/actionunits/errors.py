"""The errors that a user can mend: one clear line each, never a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["UserError", "unknown_name"]

#: Of more names than this the list is left out where the nearest are told.
_MANY = 12


class UserError(Exception):
    """A mistake in the input that its giver can mend.

    The message is one line that says what was expected, what came and what to do. The command line prints
    it without a traceback and ends with ``exit_code`` 2.
    """

    exit_code = 2


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """An error for a name that is not in a list: it gives the nearest names, and of a short list all.

    >>> print(unknown_name("format", "opnface", ["openface", "pyfeat", "long"]))
    unknown format 'opnface': did you mean 'openface'? Known: long, openface, pyfeat
    >>> print(unknown_name("model", "caud", ["caud/heads", "embedded"]))
    unknown model 'caud': did you mean 'caud/heads'? Known: caud/heads, embedded
    """
    names = sorted(known)
    near = [each for each in names if each.startswith(f"{name}/")]
    near = near[:4] or difflib.get_close_matches(name, names, n=2)
    hint = f"did you mean {' or '.join(repr(n) for n in near)}? " if near else ""
    listed = "" if hint and len(names) > _MANY else f"{'K' if hint else 'k'}nown: {', '.join(names)}"
    return UserError(f"unknown {kind} {name!r}: {hint}{listed}".rstrip())
