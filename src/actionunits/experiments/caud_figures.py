"""Picture sheets of seed 002's figures 5 and 6, drawn from a run's test predictions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from actionunits.datasets.cache import KEYS, CropCache
from actionunits.experiments.crops import open_crops
from actionunits.experiments.cross_validate import spec_of
from actionunits.experiments.emotions import emotion_names
from actionunits.experiments.recipe import Recipe
from actionunits.experiments.reproduced import Request
from actionunits.experiments.scores import read_predictions
from actionunits.records import ImageArray
from actionunits.reports.figures import CaptionLine, contact_sheet

__all__ = ["detections_sheet", "emotions_sheet"]

GREEN, RED, INK = (0, 120, 40), (190, 30, 30), (40, 40, 40)
_EMPTY = np.full((8, 8, 3), 215, np.uint8)


def _crops_of(cache: CropCache, rows: pd.DataFrame) -> list[ImageArray]:
    """The crop of each row of a table of predictions."""
    frames = cache.frames.set_index(list(KEYS))
    keys = rows.assign(view=rows["view"].astype(str) if "view" in rows else "")
    places = frames.loc[pd.MultiIndex.from_frame(keys[list(KEYS)])]
    return [
        np.asarray(cache.crops(int(part))[int(row)])
        for part, row in zip(places["part"], places["row"], strict=True)
    ]


def _png(sheet: ImageArray) -> bytes:
    _, data = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    return data.tobytes()


def emotions_sheet(request: Request, recipe: Recipe, run: Path) -> tuple[bytes, pd.DataFrame]:
    """Fig. 5: a PNG of pictures with their two likeliest emotions, and the table of all test pictures."""
    predictions, _ = read_predictions(run)
    predictions = predictions[predictions["emotion"] != ""].reset_index(drop=True)
    names = np.array(emotion_names(predictions))
    values = predictions[[f"emotion_{name}" for name in names]].to_numpy(np.float64)
    order = np.argsort(-values, axis=1)[:, :2]
    sure = np.take_along_axis(values, order, axis=1)
    table = pd.DataFrame(
        {
            "person": predictions["subject"],
            "view": predictions.get("view", ""),
            "shown": predictions["emotion"],
            "first": names[order[:, 0]],
            "its probability": sure[:, 0],
            "second": names[order[:, 1]],
            "probability of it": sure[:, 1],
        }
    )
    cache = open_crops(recipe.data, spec_of(recipe), request.folder / "data", request.stage)
    images, captions = [], []
    for right in (True, False):
        for name in names:
            chosen = table[(table["shown"] == name) & ((table["first"] == name) == right)]
            if not len(chosen):
                images.append(_EMPTY)
                captions.append([(f"{name}: none {'right' if right else 'wrong'}", INK)])
                continue
            at = int(chosen["its probability"].idxmax())
            images += _crops_of(cache, predictions.iloc[[at]])
            captions.append([(f"shown: {name}", INK), *_two_lines(table.iloc[at])])
    return _png(contact_sheet(images, captions, len(names), tile_px=150)), table


def _two_lines(row: pd.Series) -> list[CaptionLine]:
    said = (row["first"], row["its probability"]), (row["second"], row["probability of it"])
    return [(f"{name} {value:.0%}", GREEN if name == row["shown"] else RED) for name, value in said]


def detections_sheet(request: Request, recipe: Recipe, run: Path) -> tuple[bytes, pd.DataFrame]:
    """Fig. 6: a PNG of the surest true positive, false positive and false negative of each AU, and counts."""
    predictions = read_predictions(run)[0].reset_index(drop=True)
    aus = [name for name in predictions.columns if f"{name}_p" in predictions.columns]
    cache = open_crops(recipe.data, spec_of(recipe), request.folder / "data", request.stage)
    images: list[ImageArray] = []
    captions: list[Sequence[CaptionLine]] = []
    counts = pd.DataFrame(0, index=aus, columns=["true positives", "false positives", "false negatives"])
    kinds = {"true positives": (1, True), "false positives": (0, True), "false negatives": (1, False)}
    for kind, (label, said) in kinds.items():
        for au in aus:
            sure = predictions[f"{au}_p"]
            rows = predictions[(predictions[au] == label) & ((sure >= 0.5) == said)]
            counts.loc[au, kind] = len(rows)
            if not len(rows):
                images.append(_EMPTY)
                captions.append([(f"{au}: no {kind[:-1]}", INK)])
                continue
            values = rows[f"{au}_p"].to_numpy()
            at = int(rows.index.to_numpy()[values.argmax() if said else values.argmin()])
            images += _crops_of(cache, predictions.iloc[[at]])
            colour = GREEN if kind == "true positives" else RED
            captions.append([(f"{au} {kind[:-1]} {sure[at]:.0%}", colour)])
    return _png(contact_sheet(images, captions, len(aus), tile_px=112)), counts
