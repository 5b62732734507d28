"""Whose faces the embedded model learns from, is chosen by, and is tested on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from actionunits.errors import UserError
from actionunits.experiments.embedded.rule import smile_by_points
from actionunits.faces.finders import DEFAULT_LANDMARKS
from actionunits.faces.landmarks import load_landmarks
from actionunits.facs.motion import lip_gap
from actionunits.records import Landmarks, Portrait
from actionunits.synthesis.portraits import pictures_in, portrait_files, read_portrait, subject_of

__all__ = ["People", "Photograph", "find_people", "groups_of", "load_portrait", "sort_by_points"]

SMILING_MARK = "_smiling"

#: Columns of a table of people, and what they tell.
ATTRIBUTES = {"face_gender": "sex", "face_eth": "apparent ethnicity"}

#: What of :func:`~actionunits.experiments.embedded.rule.smile_by_points` and of the lips' gap, both in
#: inter-ocular distances, is a neutral face and what a smile; between them nothing is said.
NEUTRAL_BELOW = (0.9, 0.03)
SMILE_ABOVE = (0.95, 0.07)


@dataclass(frozen=True)
class Photograph:
    """A picture file of one person.

    Attributes:
        path: the file.
        subject: ``FOLDER/PERSON``, unique over several folders.
        smiling: shown smiling (file names with ``_smiling``), else neutral.
        doubtful: neutral, or a smile that shows hardly any teeth; nobody knows.
        by_points: its points, not its source, say what it shows.
        group: ``apparent ethnicity: black`` and the like, as the photographs' source says; empty where it
            says nothing (unsorted portraits are not asked).
    """

    path: Path
    subject: str
    smiling: bool = False
    doubtful: bool = False
    by_points: bool = False
    group: str = ""

    @property
    def neutral(self) -> bool:
        """Neutral for sure."""
        return not self.smiling and not self.doubtful

    @property
    def folder(self) -> str:
        """The collection: the name of the folder."""
        return self.path.parent.name


@dataclass(frozen=True)
class People:
    """Photographs by the use that is made of their subjects; no subject has two uses."""

    train: tuple[Photograph, ...]
    validation: tuple[Photograph, ...]
    test: tuple[Photograph, ...]

    @property
    def coded(self) -> tuple[Photograph, ...]:
        """Those to train on of which the source says what they show."""
        return tuple(photo for photo in self.train if not photo.by_points)

    def with_validation_learnt(self) -> People:
        """The same with those for validation among those to train on."""
        return People((*self.validation, *self.train), (), self.test)

    def __post_init__(self) -> None:
        names = [{p.subject for p in part} for part in (self.train, self.validation, self.test)]
        for one in range(3):
            for other in range(one):
                both = sorted(names[one] & names[other])
                if both:
                    raise UserError(f"subjects on two sides of the split: {', '.join(both)}")


def find_people(
    folders: Sequence[Path],
    *,
    validation: Sequence[str],
    test: Sequence[str],
    unsorted: Sequence[Path] = (),
    doubtful: bool = False,
    seed: int = 0,
    landmarks: str = DEFAULT_LANDMARKS,
) -> People:
    """Sort the photographs of folders of portraits by the split.

    Where not one of the named subjects is among the portraits (they are another collection), a fifth of the
    subjects is drawn for the test and a sixth for validation.

    Neutral ones are those of :func:`~actionunits.synthesis.portraits.portrait_files`; a file whose name holds
    ``_smiling`` beside them is a smile of the same person.

    Args:
        folders: of neutral (and smiling) portraits.
        validation: subjects that choose; none where the choice is made.
        test: subjects that are scored once.
        unsorted: folders of other people, of whom nobody said what they show; :func:`sort_by_points` does,
            and all of them are trained on.
        doubtful: take those of them, too, whose lips are together but who may smile.
        seed: of a drawn split.
        landmarks: what finds the points that sort them.

    Raises:
        UserError: a folder is missing or empty, a subject of the split is not there, or none is left to
            train on.
    """
    found: list[Photograph] = []
    for folder in folders:
        neutral = [path for path in portrait_files(folder) if SMILING_MARK not in path.stem]
        found += [Photograph(path, f"{path.parent.name}/{subject_of(path)}") for path in neutral]
        smiling = [p for p in pictures_in(folder) if SMILING_MARK in p.stem] if folder.is_dir() else []
        found += [Photograph(p, f"{p.parent.name}/{subject_of(p)}", True) for p in smiling]
    found = _with_groups(found)
    subjects = sorted({photo.subject for photo in found})
    held = {*validation, *test}
    missing = sorted(held - set(subjects))
    if len(missing) == len(held):
        validation, test = _draw_split(subjects, seed)
        held = {*validation, *test}
    elif missing:
        raise UserError(f"the split names subjects that are not among the portraits: {', '.join(missing)}")
    others = [photo for photo in sort_by_points(unsorted, landmarks) if doubtful or not photo.doubtful]
    people = People(
        train=(*(p for p in found if p.subject not in held), *others),
        validation=tuple(p for p in found if p.subject in set(validation)),
        test=tuple(p for p in found if p.subject in set(test)),
    )
    needed = ("train", "validation", "test") if validation else ("train", "test")
    for use in needed:
        if not any(photo.neutral for photo in getattr(people, use)):
            raise UserError(
                f"no neutral portrait is left for {use}: name other subjects under [split] of the recipe, "
                "as FOLDER/PERSON"
            )
    return people


def sort_by_points(folders: Sequence[Path], landmarks: str = DEFAULT_LANDMARKS) -> list[Photograph]:
    """The photographs of folders with a neutral face, lips together or a broad smile, by their 68 points.

    The others (lips a little apart, no face found) are left out.

    Raises:
        UserError: a folder is missing or empty.
    """
    load_landmarks(landmarks)  # what is missing is told here; below it would look like a face not found
    sorted_out = []
    for path in (path for folder in folders for path in portrait_files(folder)):
        subject = f"{path.parent.name}/{subject_of(path)}"
        try:
            points = read_portrait(path, subject, landmarks=landmarks).landmarks.points
        except UserError:
            continue
        rule, gap = smile_by_points(points), lip_gap(points)
        if rule < NEUTRAL_BELOW[0] and gap < NEUTRAL_BELOW[1]:
            sorted_out.append(Photograph(path, subject, by_points=True))
        elif gap < NEUTRAL_BELOW[1]:
            sorted_out.append(Photograph(path, subject, doubtful=True, by_points=True))
        elif rule > SMILE_ABOVE[0] and gap > SMILE_ABOVE[1]:
            sorted_out.append(Photograph(path, subject, smiling=True, by_points=True))
    return sorted_out


def groups_of(photographs: Sequence[Photograph]) -> dict[str, frozenset[str]]:
    """``sex: female`` and the like -> the subjects of whom their source says so.

    It stands in ``FOLDER_people.csv`` beside a folder of portraits: ``person`` and, of :data:`ATTRIBUTES`,
    those columns that are there.
    """
    groups: dict[str, set[str]] = {}
    for folder in sorted({photo.path.parent for photo in photographs}):
        table = folder.with_name(f"{folder.name}_people.csv")
        if not table.is_file():
            continue
        known = {photo.subject for photo in photographs}
        for row in pd.read_csv(table, dtype=str, keep_default_na=False).to_dict("records"):
            subject = f"{folder.name}/{row.get('person', '')}"
            for column, attribute in ATTRIBUTES.items():
                if subject in known and row.get(column):
                    groups.setdefault(f"{attribute}: {row[column].replace('_', ' ')}", set()).add(subject)
    return {name: frozenset(subjects) for name, subjects in sorted(groups.items())}


def _with_groups(photographs: Sequence[Photograph]) -> list[Photograph]:
    named = {
        subject: name
        for name, subjects in groups_of(photographs).items()
        if name.startswith(f"{ATTRIBUTES['face_eth']}: ")
        for subject in subjects
    }
    return [replace(photo, group=named.get(photo.subject, "")) for photo in photographs]


def _draw_split(subjects: Sequence[str], seed: int) -> tuple[list[str], list[str]]:
    """Subjects for (validation, test), in an order drawn from ``seed``."""
    if len(subjects) < 3:
        raise UserError(
            f"training needs portraits of 3 people or more (to learn from, to choose by, to test on), got "
            f"{len(subjects)}"
        )
    order = [subjects[i] for i in np.random.default_rng(seed).permutation(len(subjects))]
    tested, chosen_by = max(1, len(subjects) // 5), max(1, len(subjects) // 6)
    return order[tested : tested + chosen_by], order[:tested]


def load_portrait(
    photo: Photograph, *, inter_ocular_px: float, landmarks: str = DEFAULT_LANDMARKS
) -> Portrait:
    """Read a photograph and bring it to an inter-ocular distance.

    Raises:
        UserError: it cannot be read or holds no face.
    """
    portrait = read_portrait(photo.path, subject=photo.subject, landmarks=landmarks)
    points = portrait.landmarks.points
    eyes = (points[[36, 39]].mean(axis=0), points[[42, 45]].mean(axis=0))
    share = inter_ocular_px / max(float(((eyes[1] - eyes[0]) ** 2).sum() ** 0.5), 1.0)
    height, width = portrait.image.shape[:2]
    size = (max(1, round(width * share)), max(1, round(height * share)))
    image = cv2.resize(portrait.image, size, interpolation=cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC)
    moved = (points + 0.5) * (size[0] / width, size[1] / height) - 0.5
    return Portrait(image.astype("uint8"), Landmarks(moved.astype("float32")), portrait.subject)
