"""Items of seed 001 that are geometry only: masks and boxes on faces, their mean places and areas."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import pandas as pd

from actionunits.analysis.published import published
from actionunits.errors import UserError
from actionunits.experiments.au_rcnn_boxes import box_table, boxes_of_faces
from actionunits.experiments.crops import data_line, open_crops
from actionunits.experiments.recipe import DataSettings
from actionunits.experiments.reproduced import Maker, Product, Request, Scale
from actionunits.faces.align import crop_by_points, to_crop
from actionunits.faces.region_drawing import draw_boxes, draw_mask, draw_rois
from actionunits.faces.regions import au_group_regions, lift_in_crop, regions_of
from actionunits.facs.groups import AU_GROUPS
from actionunits.facs.sets import au_set
from actionunits.models.au_rcnn.region_net import au_rcnn_spec
from actionunits.records import FloatArray, ImageArray, InputSpec, Landmarks
from actionunits.reports.figures import contact_sheet
from actionunits.reports.tables import beside
from actionunits.synthesis.painting import paint_portrait

__all__ = ["BOX_MAKERS", "REGION_MAKERS", "png_of"]

SIDE_PX = 512

#: Painted people that are measured at each scale.
PEOPLE: Mapping[Scale, int] = {"tiny": 5, "small": 30, "paper": 100}


def _spec(set_name: str) -> InputSpec:
    """The paper's crop, with an AU set."""
    return au_rcnn_spec(au_set(set_name), SIDE_PX, "points", needs_regions=True)


def _painted(seed: int, size_px: int) -> tuple[ImageArray, Landmarks]:
    """A painted face cropped as the paper does, and its points."""
    portrait = paint_portrait(seed, size_px=size_px)
    crop = crop_by_points(portrait.image, portrait.landmarks, SIDE_PX)
    return crop.image, Landmarks(to_crop(portrait.landmarks.points, crop))


def _line(count: int) -> str:
    faces = "one painted face" if count == 1 else f"{count} painted faces"
    return (
        f"Data: synthetic, {faces}; ours are not meant to equal the paper's numbers, which are of its own "
        "data set."
    )


def _masks(request: Request) -> Product:
    """Figure 4: each group's mask over a face; and Figure 2, the RoIs."""
    face, landmarks = _painted(1, 800)
    lift = lift_in_crop(_spec("bp4d-22"), landmarks)
    masks = [draw_mask(face, group, landmarks, lift) for group in AU_GROUPS]
    titles = [f"group {n}: AU {' '.join(map(str, group.aus))}" for n, group in AU_GROUPS.items()]
    pictures = {
        "": png_of(contact_sheet(masks, titles, 4, tile_px=290)),
        "-rois": png_of(draw_rois(face, landmarks, lift)),
    }
    note = "The eight groups' masks; below them the 43 RoIs that they are made of (the paper's Fig. 2)."
    return Product(_line(1), pictures=pictures, notes=(note,))


def _boxes(request: Request) -> Product:
    """Figure 5: the boxes of BP4D's 22 AUs and of DISFA's 12 on a face."""
    face, landmarks = _painted(1, 800)
    shown, titles = [], []
    for name in ("bp4d-22", "disfa-12"):
        boxes = regions_of(_spec(name), landmarks).boxes
        shown.append(draw_boxes(face, boxes))
        titles.append(f"{name.upper()}: {len(boxes)} boxes")
    return Product(_line(1), pictures={"": png_of(contact_sheet(shown, titles, 2, tile_px=SIDE_PX))})


def _measured(request: Request, data: str, set_name: str) -> tuple[FloatArray, str, str]:
    """The boxes of every face f32[N,R,4], a line on the data, and how many faces gave all their boxes."""
    spec = _spec(set_name)
    if request.data is None:
        count = PEOPLE[request.scale]
        faces = [_painted(seed, 200)[1] for seed in range(count)]
        whole = sum(_gives_every_box(spec, points) for points in faces)
        boxes = np.stack([regions_of(spec, points).boxes for points in faces])
        return boxes, _line(count), f"{whole} of {count} faces gave every box by itself."
    if request.data[0] != data:
        raise UserError(f"these boxes are of {data}, got {request.data[0]}: give --data {data}=FOLDER")
    settings = DataSettings(name=data, root=str(request.data[1]))
    crops = open_crops(settings, spec, request.folder / "data", request.stage)
    boxes = boxes_of_faces(crops, spec, crops.index)
    return boxes, data_line(settings, crops.index), f"{len(boxes):,} faces."


def _gives_every_box(spec: InputSpec, landmarks: Landmarks) -> bool:
    """Whether the masks of a face have exactly the parts that the paper names."""
    lift = lift_in_crop(spec, landmarks)
    try:
        found = au_group_regions(landmarks, (spec.size_px, spec.size_px), spec.aus, lift)
    except ValueError:  # a group without a part of 1 %
        return False
    return len(found.boxes) == len(regions_of(spec, landmarks).boxes)


def _mean_boxes(data: str, set_name: str) -> Maker:
    def make(request: Request) -> Product:
        boxes, line, whole = _measured(request, data, set_name)
        printed = published("mean_boxes")
        printed = printed[printed["data"] == data]
        paper = printed.drop(columns="data").rename(columns={"group": "AU group"}).reset_index(drop=True)
        mean = box_table(_spec(set_name), boxes.mean(axis=0))
        note = f"{whole} Pixels of a 512 px crop; group 1 has two boxes."
        return Product(line, {"": mean, "-published": paper}, notes=(note,))

    return make


def _areas(data: str, set_name: str) -> Maker:
    def make(request: Request) -> Product:
        boxes, line, whole = _measured(request, data, set_name)
        sides = boxes[..., 2:] - boxes[..., :2]
        area = pd.Series(sides.prod(axis=-1).mean(axis=0, dtype=np.float64))
        groups = box_table(_spec(set_name), boxes.mean(axis=0))["AU group"]
        ours = pd.DataFrame({"area_px": area, "share": area / SIDE_PX**2}).groupby(groups).mean()
        printed = published("box_areas")
        paper = printed[printed["data"] == data].set_index("group")[["area_px", "share"]]
        note = f"{whole} Mean area of a group's box; group 1: mean of its two."
        return Product(line, {"": beside(ours, paper.astype(float))}, notes=(note,))

    return make


def png_of(image: ImageArray) -> bytes:
    """A picture u8[H,W,3] RGB as PNG."""
    done, data = cv2.imencode(".png", image[:, :, ::-1])
    assert done
    return bytes(data.tobytes())


REGION_MAKERS: Mapping[tuple[str, str], Maker] = {
    ("au_rcnn", "fig4"): _masks,
    ("au_rcnn", "fig5"): _boxes,
}

#: On a licensed set too.
BOX_MAKERS: Mapping[tuple[str, str], Maker] = {
    ("au_rcnn", "table9"): _areas("bp4d", "bp4d-22"),
    ("au_rcnn", "table10"): _areas("disfa", "disfa-12"),
    ("au_rcnn", "table12"): _mean_boxes("bp4d", "bp4d-22"),
    ("au_rcnn", "table13"): _mean_boxes("disfa", "disfa-12"),
}
