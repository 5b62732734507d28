"""Whose faces the point network learns from and is chosen by."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from actionunits.errors import UserError
from actionunits.experiments.embedded.pictures import jittered_box
from actionunits.experiments.embedded.recipe import SplitSettings
from actionunits.experiments.landmarks.hand_points import from_hand
from actionunits.experiments.landmarks.lips import lips_by_colour
from actionunits.experiments.landmarks.pictures import PlacedFace
from actionunits.faces.detect import HogDetector, overlap
from actionunits.faces.landmarks import face_box_from
from actionunits.faces.pictures import read_picture
from actionunits.faces.point_network import PointNetwork
from actionunits.facs.points import MIRROR_68
from actionunits.records import Face, FloatArray, ImageArray, Landmarks
from actionunits.synthesis.portraits import portrait_files, subject_of

__all__ = ["placed_faces", "unplaced_faces"]

#: Ways in which a photograph is shown to the network that places its points.
_VIEWS = 8

#: Points that wander further between those views, in sides of the face's box, are not learnt from.
_WANDER = 0.01

#: How far the box that the points imply must be the detector's (intersection over union).
_OVERLAP = 0.6


def placed_faces(
    folders: Sequence[Path], hand: Mapping[str, FloatArray], split: SplitSettings, seed: int = 0
) -> tuple[list[PlacedFace], list[PlacedFace]]:
    """The neutral portraits of folders whose points were placed by hand: to learn from, and to choose by.

    Where none of the split's subjects is among them (they are other portraits), every sixth is chosen by.

    Args:
        folders: of portraits.
        hand: the template's points f32[189,2], by ``FOLDER/FILE``.
        split: who is not trained on.
        seed: of a drawn split.

    Raises:
        UserError: a folder is missing, or there are too few faces.
    """
    faces = []
    for path in (path for folder in folders for path in portrait_files(folder)):
        name = f"{path.parent.name}/{path.name}"
        if name in hand:
            faces.append(PlacedFace(path, f"{path.parent.name}/{subject_of(path)}", from_hand(hand[name])))
    subjects = sorted({face.subject for face in faces})
    choose, test = set(split.validation), set(split.test)
    if not (choose | test) & set(subjects):
        choose = {subjects[i] for i in np.random.default_rng(seed).permutation(len(subjects))[::6]}
    learn = [face for face in faces if face.subject not in choose | test]
    chosen_by = [face for face in faces if face.subject in choose]
    if not (learn and chosen_by):
        raise UserError(
            f"of these portraits {len(faces)} have hand-placed points (named FOLDER/FILE): expected two "
            "people or more, some of them not held back"
        )
    return learn, chosen_by


def unplaced_faces(
    folders: Sequence[Path], network: PointNetwork, placed: Sequence[PlacedFace], held: Collection[str]
) -> list[PlacedFace]:
    """Portraits with points that a network finds in them, where it is sure of them.

    Where colours show the teeth of a smile, the inner lips are placed by them.

    Args:
        folders: of portraits, resting or smiling.
        network: finds their points.
        placed: faces at rest whose smiles, in files of the same names with ``_smiling``, are taken as well.
        held: subjects, as ``FOLDER/PERSON``, that are not trained on.

    Raises:
        UserError: a folder is missing or empty, or the network is sure of none.
    """
    smiles = [face.path.with_name(face.path.name.replace("_neutral", "_smiling")) for face in placed]
    paths = [
        *portrait_files(folders),
        *(path for path in smiles if "_smiling" in path.name and path.is_file()),
    ]
    detector, rng, faces = HogDetector(), np.random.default_rng(0), []
    for path in paths:
        subject = f"{path.parent.name}/{subject_of(path)}"
        picture = read_picture(path)
        grey = picture.grey
        boxes = [] if subject in held else detector.find(grey)
        if not boxes:
            continue
        views = _views(grey, boxes[0], network, rng)
        points = np.asarray(views.mean(axis=0), np.float32)
        wander = float(np.sqrt(views.var(axis=0).sum(axis=1)).mean())
        box = boxes[0].box
        sure = wander < _WANDER * float(box[2] - box[0])
        if sure and overlap(face_box_from(Landmarks(points)), box) > _OVERLAP:
            parted = lips_by_colour(picture.image, points)
            faces.append(PlacedFace(path, subject, points if parted is None else parted))
    if not faces:
        raise UserError(
            "the network is not sure of the points of any portrait without hand-placed ones: are there faces "
            "in them, and was it trained long enough?"
        )
    return faces


def _views(grey: ImageArray, face: Face, network: PointNetwork, rng: np.random.Generator) -> FloatArray:
    """f32[V,68,2]: the points with the box a little off, in the picture and in its mirror."""
    mirrored, last = np.ascontiguousarray(grey[:, ::-1]), grey.shape[1] - 1
    views = []
    for view in range(_VIEWS):
        box = jittered_box(face.box, rng)
        if view % 2 == 0:
            views.append(network.find(grey, Face(box, face.score)).points)
            continue
        other = np.array([last - box[2], box[1], last - box[0], box[3]], np.float32)
        points = network.find(mirrored, Face(other, face.score)).points[list(MIRROR_68)]
        views.append(np.column_stack([last - points[:, 0], points[:, 1]]).astype(np.float32))
    return np.stack(views)
