"""The codebook of AU patterns: which 0/1 vectors are classes, and from pattern posteriors back to AUs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actionunits.atomic import replace_when_done
from actionunits.errors import UserError
from actionunits.facs.patterns import UNKNOWN_PATTERN, decode, encode, parse_pattern, pattern_text

__all__ = ["Codebook"]


@dataclass(frozen=True)
class Codebook:
    """The patterns that are classes, most frequent first.

    Attributes:
        aus: the columns of the patterns.
        patterns: for each class its 0/1 vector; no two alike.
        counts: frames of each in the labels it was made from; 0 where that is not known.

    Raises:
        UserError: no pattern, one twice, or one of another length than the AUs.
    """

    aus: tuple[int, ...]
    patterns: tuple[tuple[int, ...], ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.patterns or len(self.counts) != len(self.patterns):
            raise UserError("a codebook needs patterns, each with its count")
        wrong = [pattern for pattern in self.patterns if len(pattern) != len(self.aus)]
        if wrong:
            raise UserError(
                f"a pattern over AUs {', '.join(map(str, self.aus))} has {len(self.aus)} digits, got "
                f"{''.join(map(str, wrong[0]))!r}: give the patterns of these AUs"
            )
        if len(set(self.patterns)) != len(self.patterns) or len(set(self.aus)) != len(self.aus):
            raise UserError("a codebook holds each pattern and each AU once")
        if min(self.counts) < 0:
            raise UserError("the frames of a pattern are 0 or more")

    def __len__(self) -> int:
        return len(self.patterns)

    @classmethod
    def from_labels(cls, aus: tuple[int, ...], labels: NDArray[np.int8], at_least: int = 397) -> Codebook:
        """The patterns that stand in at least so many frames; the paper's 397 gives 66 on BP4D.

        Ties stand in the order of their 0/1 vectors. Frames with an unknown label (-1) are left out.

        Args:
            aus: the columns.
            labels: i8[N,A].
            at_least: frames that a class needs.

        Raises:
            UserError: no pattern is that frequent.

        >>> labels = np.array([[1, 0], [1, 0], [0, 0], [0, 1], [-1, 0]], np.int8)
        >>> Codebook.from_labels((1, 2), labels, at_least=1).patterns
        ((1, 0), (0, 0), (0, 1))
        """
        found = encode(labels)
        codes, counts = np.unique(found[found != UNKNOWN_PATTERN], return_counts=True)
        rows = decode(codes, len(aus))
        kept = [i for i in np.argsort(-counts, kind="stable") if counts[i] >= at_least]
        if not kept:
            raise UserError(f"no pattern stands in {at_least} frames: lower at_least or take more data")
        patterns = tuple(tuple(int(v) for v in rows[i]) for i in kept)
        return cls(tuple(aus), patterns, tuple(int(counts[i]) for i in kept))

    @classmethod
    def from_digits(cls, aus: Sequence[int], digits: Sequence[str]) -> Codebook:
        """The codebook of patterns written as digits, first AU first; its counts are not known.

        Raises:
            UserError: a pattern that is not one digit 0 or 1 for each AU, one twice, or none.

        >>> Codebook.from_digits((1, 2), ["00", "10"]).patterns
        ((0, 0), (1, 0))
        """
        for text in digits:
            parse_pattern(text)
        patterns = tuple(tuple(int(digit) for digit in text.strip()) for text in digits)
        return cls(tuple(aus), patterns, (0,) * len(patterns))

    @property
    def digits(self) -> tuple[str, ...]:
        """The patterns as digits, first AU first: what a network's configuration holds."""
        return tuple(pattern_text(int(code), len(self.aus)) for code in self.codes())

    def most_frequent(self, count: int) -> Codebook:
        """The first ``count`` patterns; 0 = all."""
        if not count:
            return self
        return replace(self, patterns=self.patterns[:count], counts=self.counts[:count])

    def save(self, path: str | Path) -> None:
        """Write it as JSON; the file appears whole or not at all.

        Raises:
            UserError: the file cannot be written.
        """
        classes = [
            {"pattern": text, "frames": frames} for text, frames in zip(self.digits, self.counts, strict=True)
        ]
        with replace_when_done(path) as beside:
            text = json.dumps({"aus": list(self.aus), "classes": classes}, indent=1)
            beside.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Codebook:
        """Read what :meth:`save` wrote.

        Raises:
            UserError: no such file, or it is no codebook.
        """
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8"))
            aus = [int(au) for au in values["aus"]]
            book = cls.from_digits(aus, [row["pattern"] for row in values["classes"]])
            return replace(book, counts=tuple(int(row["frames"]) for row in values["classes"]))
        except UserError as problem:
            raise UserError(f"{path}: {problem}") from problem
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
            raise UserError(f"{path} is no codebook of AU patterns ({problem})") from problem

    def codes(self) -> NDArray[np.int64]:
        """i64[K]: the patterns as numbers (:func:`actionunits.facs.patterns.encode`)."""
        return encode(np.array(self.patterns).reshape(len(self.patterns), len(self.aus)))

    def classes(self, labels: NDArray[np.int8]) -> NDArray[np.int64]:
        """i64[N]: the class of each row of i8[N,A]; -1 for a pattern that is not in the book."""
        codes = self.codes()
        order = np.argsort(codes)
        wanted = encode(labels)
        place = np.minimum(np.searchsorted(codes, wanted, sorter=order), len(codes) - 1)
        found = order[place]
        return np.where(codes[found] == wanted, found, -1)

    def unseen(self, labels: NDArray[np.int8]) -> NDArray[np.bool_]:
        """bool[N]: rows of i8[N,A] whose pattern is known and is not in the book."""
        return np.asarray((encode(labels) != UNKNOWN_PATTERN) & (self.classes(labels) < 0))

    def matrix(self) -> NDArray[np.float32]:
        """f32[K,A]: the patterns as rows."""
        return np.array(self.patterns, dtype=np.float32).reshape(len(self.patterns), len(self.aus))

    def au_scores(self, posterior: NDArray[np.float32]) -> NDArray[np.float32]:
        """f32[N,A]: for each AU the sum of the posterior f32[N,K] over the patterns that hold it."""
        return posterior @ self.matrix()

    def au_decisions(self, posterior: NDArray[np.float32]) -> NDArray[np.int8]:
        """i8[N,A]: the AUs of the most probable pattern; the more frequent one of equally probable ones."""
        chosen: NDArray[np.int8] = self.matrix()[posterior.argmax(axis=1)].astype(np.int8)
        return chosen
