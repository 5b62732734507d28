"""Who trains, who validates, who tests: folds by subject, checked, written to a plain file.

A subject is named as in its data set (``F001``), or ``dataset/subject`` when several sets are joined.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.atomic import replace_when_done
from actionunits.errors import UserError, unknown_name
from actionunits.records import LabelIndex

__all__ = [
    "NAMED_FOLDS",
    "Fold",
    "Folds",
    "k_fold",
    "keys_of",
    "leave_one_subject_out",
    "named_folds",
    "read_folds",
    "subject_keys",
    "thirds",
    "with_validation",
    "write_folds",
]


@dataclass(frozen=True)
class Fold:
    """One division of the subjects.

    Attributes:
        train: who the model learns from.
        validation: who thresholds and stopping are chosen on.
        test: who it is scored on.

    Raises:
        UserError: a subject stands on two sides.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        sides = {"train": self.train, "validation": self.validation, "test": self.test}
        seen: dict[str, str] = {}
        for side, subjects in sides.items():
            for subject in subjects:
                if subject in seen:
                    sides_named = f"{seen[subject]} and in {side}"
                    raise UserError(
                        f"subject {subject} stands in {sides_named}: each belongs to one side of a fold"
                    )
                seen[subject] = side

    def rows(
        self, subjects: NDArray[np.str_]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """Masks (train, validation, test), each bool[N], of rows whose subjects are given.

        Raises:
            UserError: a row's subject is on no side.
        """
        masks = [np.isin(subjects, side) for side in (self.train, self.validation, self.test)]
        left = ~np.logical_or.reduce(masks)
        if left.any():
            raise UserError(f"subject {subjects[left][0]} is in the data but in no part of the fold")
        return masks[0], masks[1], masks[2]


@dataclass(frozen=True)
class Folds:
    """The folds of a cross-validation.

    Attributes:
        name: such as ``bp4d-3``.
        folds: no subject is tested twice.

    Raises:
        UserError: a subject is tested in two folds.
    """

    name: str
    folds: tuple[Fold, ...]

    def __post_init__(self) -> None:
        tested: dict[str, int] = {}
        for number, fold in enumerate(self.folds, start=1):
            for subject in fold.test:
                if subject in tested:
                    raise UserError(
                        f"subject {subject} is tested in fold {tested[subject]} and in fold {number}"
                    )
                tested[subject] = number

    @property
    def subjects(self) -> tuple[str, ...]:
        """Everyone, sorted."""
        return tuple(sorted({s for fold in self.folds for s in (*fold.train, *fold.validation, *fold.test)}))

    def restricted_to(self, subjects: Iterable[str]) -> Folds:
        """The same folds among the subjects that are there (a part of a data set, a fake).

        Raises:
            UserError: one of them is in no fold, or a fold is left without anyone to train on or to test.
        """
        present = set(subjects)
        if strange := sorted(present - set(self.subjects)):
            raise UserError(f"folds {self.name} do not know subject {', '.join(strange[:5])}")
        folds = []
        for number, fold in enumerate(self.folds, start=1):
            sides = [
                tuple(s for s in side if s in present) for side in (fold.train, fold.validation, fold.test)
            ]
            if not sides[0] or not sides[2]:
                raise UserError(
                    f"fold {number} of {self.name} is left without subjects to train on or to test on"
                )
            folds.append(Fold(*sides))
        return Folds(self.name, tuple(folds))


def _from_parts(name: str, parts: Sequence[Sequence[str]]) -> Folds:
    """Each part is tested once; the others train."""
    folds = []
    for i, part in enumerate(parts):
        train = tuple(subject for j, other in enumerate(parts) if j != i for subject in other)
        folds.append(Fold(train, (), tuple(part)))
    return Folds(name, tuple(folds))


_BP4D_3 = (
    "F001 F002 F008 F009 F010 F016 F018 F023 M001 M004 M007 M008 M012 M014",
    "F003 F005 F011 F013 F020 F022 M002 M005 M010 M011 M013 M016 M017 M018",
    "F004 F006 F007 F012 F014 F015 F017 F019 F021 M003 M006 M009 M015",
)
_DISFA_3 = (
    "SN001 SN002 SN009 SN010 SN016 SN026 SN027 SN030 SN032",
    "SN006 SN011 SN012 SN013 SN018 SN021 SN024 SN028 SN031",
    "SN003 SN004 SN005 SN007 SN008 SN017 SN023 SN025 SN029",
)

#: Published divisions by name: the split of DRML, EAC-Net, JAA-Net and ME-GraphAU (which numbers BP4D's parts
#: the other way round).
NAMED_FOLDS: dict[str, Folds] = {
    "bp4d-3": _from_parts("bp4d-3", [part.split() for part in _BP4D_3]),
    "disfa-3": _from_parts("disfa-3", [part.split() for part in _DISFA_3]),
}


def named_folds(name: str) -> Folds:
    """A published division.

    Raises:
        UserError: no such name; the message lists the known ones.

    >>> [len(fold.test) for fold in named_folds("bp4d-3").folds]
    [14, 14, 13]
    """
    if name not in NAMED_FOLDS:
        raise unknown_name("folds", name, NAMED_FOLDS)
    return NAMED_FOLDS[name]


def _dealt(subjects: Iterable[str], parts: int, seed: int) -> list[list[str]]:
    """Deal shuffled subjects to parts, each data set by itself, so that every part has its share of each."""
    everyone = sorted(set(subjects))
    if len(everyone) < parts:
        raise UserError(f"{parts} parts need as many subjects, got {len(everyone)}")
    by_set: dict[str, list[str]] = defaultdict(list)
    for subject in everyone:
        by_set[subject.rpartition("/")[0]].append(subject)
    generator = np.random.default_rng(seed)
    hands: list[list[str]] = [[] for _ in range(parts)]
    turn = 0
    for name in sorted(by_set):
        for place in generator.permutation(len(by_set[name])):
            hands[turn % parts].append(by_set[name][int(place)])
            turn += 1
    return [sorted(hand) for hand in hands]


def k_fold(subjects: Iterable[str], k: int, seed: int) -> Folds:
    """K parts of (nearly) as many subjects each, every part tested once.

    Raises:
        UserError: fewer than k subjects, or k below 2.
    """
    if k < 2:
        raise UserError(f"a cross-validation has 2 folds or more, got {k}")
    return _from_parts(f"{k}-fold-seed{seed}", _dealt(subjects, k, seed))


def thirds(subjects: Iterable[str], seed: int) -> Folds:
    """One fold of a third each to train, validate and test.

    Raises:
        UserError: fewer than 3 subjects.
    """
    train, validation, test = _dealt(subjects, 3, seed)
    return Folds(f"thirds-seed{seed}", (Fold(tuple(train), tuple(validation), tuple(test)),))


def leave_one_subject_out(subjects: Iterable[str]) -> Folds:
    """A fold a subject.

    Raises:
        UserError: fewer than 2 subjects.
    """
    everyone = sorted(set(subjects))
    if len(everyone) < 2:
        raise UserError(f"leaving one subject out needs 2 or more, got {len(everyone)}")
    return _from_parts("leave-one-subject-out", [[subject] for subject in everyone])


def with_validation(folds: Folds, share: float, seed: int) -> Folds:
    """Cut a validation part out of the training subjects of each fold; test subjects stay where they are.

    Args:
        folds: folds without validation subjects, or whose validation joins the training first.
        share: of the training subjects, above 0 and below 1; at least one subject.
        seed: of the choice; each fold has its own.

    Raises:
        UserError: a fold has fewer than 2 training subjects, or the share is out of range.
    """
    if not 0 < share < 1:
        raise UserError(f"the validation share must be above 0 and below 1, got {share}")
    cut = []
    for number, fold in enumerate(folds.folds):
        pool = sorted((*fold.train, *fold.validation))
        if len(pool) < 2:
            raise UserError(
                f"fold {number + 1} of {folds.name} has too few subjects to validate on one of them"
            )
        size = min(max(1, round(share * len(pool))), len(pool) - 1)
        chosen = set(np.random.default_rng([seed, number]).permutation(pool)[:size].tolist())
        train = tuple(s for s in pool if s not in chosen)
        cut.append(Fold(train, tuple(sorted(chosen)), fold.test))
    return Folds(folds.name, tuple(cut))


def subject_keys(index: LabelIndex) -> NDArray[np.str_]:
    """The subject of each row as folds name it, [N]: with its data set where the index joins several."""
    return keys_of(index.table)


def keys_of(table: pd.DataFrame) -> NDArray[np.str_]:
    """The same of a table with the columns ``dataset`` and ``subject``, such as predictions."""
    subjects = table["subject"].to_numpy(str)
    datasets = table["dataset"].to_numpy(str)
    if len(np.unique(datasets)) < 2:
        return subjects
    return np.char.add(np.char.add(datasets, "/"), subjects)


def write_folds(path: str | os.PathLike[str], folds: Folds) -> None:
    """Write folds as JSON that one can read and edit.

    Raises:
        UserError: the place cannot be written to.
    """
    with replace_when_done(path) as part:
        part.write_text(json.dumps(asdict(folds), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_folds(path: str | os.PathLike[str]) -> Folds:
    """Read what :func:`write_folds` wrote.

    Raises:
        UserError: no such file, not folds, or a subject on two sides.
    """
    place = Path(path)
    try:
        values = json.loads(place.read_text(encoding="utf-8"))
        folds = tuple(
            Fold(*(_names(fold[side]) for side in ("train", "validation", "test")))
            for fold in values["folds"]
        )
        return Folds(str(values["name"]), folds)
    except UserError as problem:
        raise UserError(f"{place}: {problem}") from problem
    except (OSError, ValueError, KeyError, TypeError) as problem:
        wanted = "JSON with name and folds of train, validation and test"
        raise UserError(f"{place} holds no folds: expected {wanted} ({problem!r})") from problem


def _names(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError("subjects are a list of texts")
    return tuple(values)
