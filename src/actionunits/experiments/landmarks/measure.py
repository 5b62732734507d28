"""How far a finder's points lie from hand-placed ones on real faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from actionunits.experiments.landmarks.pictures import PlacedFace
from actionunits.faces.align import inter_ocular_distance
from actionunits.faces.detect import HogDetector
from actionunits.faces.pictures import read_picture
from actionunits.records import Face, ImageArray, Landmarks

__all__ = ["error_on_photographs"]


def error_on_photographs(
    find: Callable[[ImageArray, Face], Landmarks], faces: Sequence[PlacedFace]
) -> NDArray[np.float64]:
    """f64[N,68]: distance from the placed points in inter-ocular distances, of faces that the detector finds.

    Args:
        find: the finder, of a grey picture and a face's box.
        faces: whose points were placed by hand.
    """
    detector, errors = HogDetector(), []
    for face in faces:
        grey = read_picture(face.path).grey
        boxes = detector.find(grey)
        if boxes:
            off = find(grey, boxes[0]).points - face.points
            errors.append(np.linalg.norm(off, axis=1) / inter_ocular_distance(Landmarks(face.points)))
    return np.array(errors, np.float64).reshape(-1, 68)
