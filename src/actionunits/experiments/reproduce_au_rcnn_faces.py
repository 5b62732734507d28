"""Fig. 7 of seed 001: what AR_res says of test faces."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from actionunits.datasets.cache import CropCache
from actionunits.experiments.au_rcnn_runs import OURS, au_rcnn_outcomes, protocol
from actionunits.experiments.compare import FRAME, Outcome
from actionunits.experiments.crops import open_crops
from actionunits.experiments.cross_validate import spec_of
from actionunits.experiments.reproduce_regions import png_of
from actionunits.experiments.reproduced import Maker, Product, Request
from actionunits.faces.region_drawing import draw_boxes
from actionunits.faces.regions import regions_of
from actionunits.records import ImageArray, InputSpec, Landmarks
from actionunits.reports.figures import contact_sheet

__all__ = ["FACE_MAKERS"]

#: Faces that are shown, and the side of each in px.
SHOWN_FACES, TILE_PX = 8, 290


def _examples(request: Request) -> Product:
    """Fig. 7: test faces with their boxes, what they show and what AR_res says."""
    outcomes, recipes, line = au_rcnn_outcomes(request, "bp4d", (OURS,))
    outcome, recipe = outcomes[OURS], recipes[OURS]
    spec = spec_of(recipe)
    crops = open_crops(recipe.data, spec, request.folder / "data")
    rows = _chosen_faces(outcome)
    tiles = _faces_with_boxes(crops, spec, outcome.predictions.iloc[rows])
    captions, told = [], {}
    for number, row in enumerate(rows, start=1):
        shown, said = (_listed(outcome, part[row] == 1) for part in (outcome.labels, outcome.decisions))
        captions.append(f"{number}: shown {shown}; said {said}")
        told[f"face {number}"] = (str(outcome.subjects[row]), shown, said)
    table = pd.DataFrame.from_dict(told, orient="index", columns=["subject", "shown", "said"])
    note = (
        "Test faces of all folds, each the one that shows most AUs of its person (the first of these), with "
        "the boxes and the AUs that are shown and that AR_res says; none was chosen for its result."
    )
    sheet = contact_sheet(tiles, captions, 4, tile_px=TILE_PX)
    return Product(line, {"": table}, {"": png_of(sheet)}, (note, protocol(recipe)), (outcome.run,))


def _faces_with_boxes(crops: CropCache, spec: InputSpec, frames: pd.DataFrame) -> list[ImageArray]:
    """The crops of some frames, enlarged, with the boxes of their points."""
    names = crops.index.table[FRAME].astype(dict.fromkeys(FRAME[:3], "str"))
    places = pd.MultiIndex.from_frame(names).get_indexer(pd.MultiIndex.from_frame(frames[FRAME]))
    parts, lines, _ = crops.locate(crops.index)
    tiles = []
    for part, line in zip(parts[places].tolist(), lines[places].tolist(), strict=True):
        face = cv2.resize(crops.crops(part)[line], (TILE_PX, TILE_PX), interpolation=cv2.INTER_CUBIC)
        boxes = regions_of(spec, Landmarks(crops.points(part)[line])).boxes
        tiles.append(draw_boxes(np.asarray(face, np.uint8), boxes * (TILE_PX / spec.size_px)))
    return tiles


def _chosen_faces(outcome: Outcome) -> list[int]:
    """Of each of the first people the frame that shows most AUs."""
    count = (outcome.labels == 1).sum(axis=1)
    rows = []
    for subject in dict.fromkeys(outcome.subjects.tolist()):
        own = np.flatnonzero(outcome.subjects == subject)
        rows.append(int(own[np.argmax(count[own])]))
    return rows[:SHOWN_FACES]


def _listed(outcome: Outcome, chosen: NDArray[np.bool_]) -> str:
    return " ".join(str(au) for au, yes in zip(outcome.scores.aus, chosen, strict=True) if yes) or "none"


FACE_MAKERS: Mapping[tuple[str, str], Maker] = {("au_rcnn", "fig7"): _examples}
