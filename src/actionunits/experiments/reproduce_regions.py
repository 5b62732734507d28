"""Items of seed 001 that are geometry only: masks and boxes on painted faces."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import pandas as pd

from actionunits.analysis.published import published
from actionunits.experiments.reproduced import Maker, Product, Request, Scale
from actionunits.faces.align import inter_ocular_distance
from actionunits.faces.regions import au_group_mask, au_group_regions
from actionunits.facs.groups import AU_GROUPS, groups_of_set
from actionunits.facs.sets import au_set
from actionunits.records import FloatArray, ImageArray, Landmarks, Portrait
from actionunits.reports.tables import beside
from actionunits.synthesis.painting import paint_portrait

__all__ = ["REGION_MAKERS", "paper_crop"]

SIDE_PX = 512

#: Painted people that are measured at each scale.
PEOPLE: Mapping[Scale, int] = {"tiny": 5, "small": 30, "paper": 100}

#: Inter-ocular distance, in px, of the faces for which the paper's fixed margins are meant.
PAPER_INTER_OCULAR_PX = 200.0

INK = (
    (214, 39, 40),
    (31, 119, 180),
    (44, 160, 44),
    (255, 127, 14),
    (148, 103, 189),
    (23, 190, 207),
    (227, 119, 194),
)


def paper_crop(portrait: Portrait) -> tuple[ImageArray, Landmarks, float]:
    """A face cropped as the paper does.

    The crop reaches 20 px beside and 50 px above the points and is resized to 512x512 without keeping the
    aspect. The margins are for faces whose eyes are 200 px apart; here they go with the face.

    Returns:
        the crop u8[512,512,3], its points, and the paper's 20 px lift in pixels of the crop.
    """
    height, width = portrait.image.shape[:2]
    points = portrait.landmarks.points.astype(np.float64)
    unit = inter_ocular_distance(portrait.landmarks) / PAPER_INTER_OCULAR_PX
    low = np.maximum(np.floor(points.min(axis=0) - (20 * unit, 50 * unit)), 0).astype(int)
    reach = np.array([points[:, 0].max() + 20 * unit, points[:, 1].max()])
    high = np.minimum(np.ceil(reach), (width, height)).astype(int)
    part = portrait.image[low[1] : high[1], low[0] : high[0]]
    scale = SIDE_PX / (high - low)
    crop = cv2.resize(part, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)
    moved = (points - low + 0.5) * scale - 0.5
    return np.asarray(crop, np.uint8), Landmarks(moved.astype(np.float32)), float(20 * unit * scale[1])


def _line(count: int) -> str:
    faces = "one painted face" if count == 1 else f"{count} painted faces"
    return (
        f"Data: synthetic, {faces}; ours are not meant to equal the paper's numbers, which are of its own "
        "data set."
    )


def _masks(request: Request) -> Product:
    """Figure 4: each group's mask over a face."""
    face, landmarks, lift = paper_crop(paint_portrait(1, size_px=800))
    shown = []
    for group in AU_GROUPS:
        mask = au_group_mask(group, landmarks, face.shape[:2], lift) > 0
        tinted = face.copy()
        tinted[mask] = (0.45 * face[mask] + 0.55 * np.array(INK[(group - 1) % len(INK)])).astype(np.uint8)
        title = f"group {group}: AU {' '.join(map(str, AU_GROUPS[group].aus))}"
        shown.append(_titled(tinted, title))
    return Product(_line(1), pictures={"": _png(_sheet(shown, 4))})


def _boxes(request: Request) -> Product:
    """Figure 5: the boxes of BP4D's 22 AUs and of DISFA's 12 on a face."""
    face, landmarks, lift = paper_crop(paint_portrait(1, size_px=800))
    shown = []
    for name in ("bp4d-22", "disfa-12"):
        aus = au_set(name)
        regions = au_group_regions(landmarks, face.shape[:2], aus, lift)
        drawn = face.copy()
        for index, box in enumerate(regions.boxes):
            left, top, right, bottom = (int(edge) for edge in box)
            cv2.rectangle(drawn, (left, top), (right - 1, bottom - 1), INK[index % len(INK)], 3)
        shown.append(_titled(drawn, f"{name.upper()}: {len(regions.boxes)} boxes"))
    return Product(_line(1), pictures={"": _png(_sheet(shown, 2))})


def _mean_boxes(data: str, set_name: str) -> Maker:
    def make(request: Request) -> Product:
        count = PEOPLE[request.scale]
        mean, whole = _measured(count, set_name)
        printed = published("mean_boxes")
        printed = printed[printed["data"] == data]
        paper = printed.drop(columns="data").rename(columns={"group": "AU group"}).reset_index(drop=True)
        note = f"{whole} of {count} faces gave every box. Pixels of a 512 px crop; group 1 has two boxes."
        return Product(_line(count), {"": mean, "-published": paper}, notes=(note,))

    return make


def _measured(count: int, set_name: str) -> tuple[pd.DataFrame, int]:
    """The mean box of each group, and how many faces had all of them."""
    aus = au_set(set_name)
    names = [1, *groups_of_set(aus)]
    found: list[FloatArray] = []
    for seed in range(count):
        _, landmarks, lift = paper_crop(paint_portrait(seed, size_px=200))
        boxes = au_group_regions(landmarks, (SIDE_PX, SIDE_PX), aus, lift).boxes
        if len(boxes) == len(names):
            found.append(boxes)
    mean = np.mean(found, axis=0) if found else np.full((len(names), 4), np.nan)
    table = pd.DataFrame(mean[:, [1, 0, 3, 2]], columns=["ymin", "xmin", "ymax", "xmax"])
    table.insert(0, "AU group", names)
    return table, len(found)


def _areas(data: str, set_name: str) -> Maker:
    def make(request: Request) -> Product:
        count = PEOPLE[request.scale]
        mean, whole = _measured(count, set_name)
        area = (mean["ymax"] - mean["ymin"]) * (mean["xmax"] - mean["xmin"])
        ours = pd.DataFrame({"area_px": area, "share": area / SIDE_PX**2}).groupby(mean["AU group"]).mean()
        printed = published("box_areas")
        paper = printed[printed["data"] == data].set_index("group")[["area_px", "share"]]
        note = f"{whole} of {count} faces gave every box. Area of the mean box; group 1: mean of its two."
        return Product(_line(count), {"": beside(ours, paper.astype(float))}, notes=(note,))

    return make


def _titled(image: ImageArray, title: str) -> ImageArray:
    band = np.full((34, image.shape[1], 3), 255, np.uint8)
    cv2.putText(band, title, (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.62, (20, 20, 20), 1, cv2.LINE_AA)
    return np.vstack([band, image])


def _sheet(pictures: list[ImageArray], columns: int) -> ImageArray:
    rows = [np.hstack(pictures[i : i + columns]) for i in range(0, len(pictures), columns)]
    sheet = np.vstack(rows)
    if sheet.shape[1] > 1200:
        size = (1200, round(sheet.shape[0] * 1200 / sheet.shape[1]))
        sheet = np.asarray(cv2.resize(sheet, size, interpolation=cv2.INTER_AREA), np.uint8)
    return sheet


def _png(image: ImageArray) -> bytes:
    done, data = cv2.imencode(".png", image[:, :, ::-1])
    assert done
    return data.tobytes()


REGION_MAKERS: Mapping[tuple[str, str], Maker] = {
    ("au_rcnn", "fig4"): _masks,
    ("au_rcnn", "fig5"): _boxes,
    ("au_rcnn", "table9"): _areas("bp4d", "bp4d-22"),
    ("au_rcnn", "table10"): _areas("disfa", "disfa-12"),
    ("au_rcnn", "table12"): _mean_boxes("bp4d", "bp4d-22"),
    ("au_rcnn", "table13"): _mean_boxes("disfa", "disfa-12"),
}
