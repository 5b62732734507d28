"""What `landmarks.onnx` was made of and what it is worth: as JSON and as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actionunits.experiments.landmarks.fit import EpochNote
from actionunits.experiments.landmarks.hand_points import SAME_PLACE
from actionunits.experiments.landmarks.net import PointNet
from actionunits.experiments.landmarks.pictures import PlacedFace
from actionunits.experiments.landmarks.recipe import PointRecipe
from actionunits.facs.points import POINT_PARTS
from actionunits.models.config import to_plain

__all__ = ["card_page", "make_card"]


def make_card(
    model: PointNet,
    recipe: PointRecipe,
    faces: Sequence[PlacedFace],
    found: Sequence[PlacedFace],
    errors: NDArray[np.float64],
    notes: Sequence[EpochNote],
) -> dict[str, Any]:
    """Plain values.

    Args:
        model: the network.
        recipe: how it was trained.
        faces: whose hand-placed points were learnt from.
        found: whose points the network before found.
        errors: f64[N,68] on the validation people's photographs, in inter-ocular distances.
        notes: of each epoch.
    """
    return {
        "name": "landmarks",
        "version": recipe.version,
        "parameters": sum(each.numel() for each in model.parameters()),
        "recipe": to_plain(recipe),
        "people placed by hand": sorted({face.subject for face in faces}),
        "people found by the network before": len({face.subject for face in found}),
        "validation": {
            "faces": len(errors),
            "all points": float(errors.mean()),
            "common places": float(errors[:, list(SAME_PLACE)].mean()),
            "by part": {part: float(errors[:, list(points)].mean()) for part, points in POINT_PARTS.items()},
        },
        "animated validation error": notes[-1].validation,
    }


def card_page(card: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    scores = card["validation"]
    data = card["recipe"]["data"]
    found = card["people found by the network before"]
    parts = "\n".join(f"| {part} | {value:.3f} |" for part, value in scores["by part"].items())
    more = (
        f"""A network trained on those alone found the points of other portraits, smiling or at rest; those of
which it was sure joined the training of the next one, and so on: {len(card["recipe"]["rounds"])} rounds. For
the last, this one, they were portraits of {found} people in {data["found_pictures"]:,} pictures,
{100 * data["found_real_share"]:.0f} % as they are and the others animated. Where colours
showed the teeth of a smile, its inner lips were placed by them. """
        if found
        else ""
    )
    return f"""# The points of our own

Version {card["version"]}: a network of {card["parameters"]:,} parameters that places the 68 points of a face
in a grey crop of {card["recipe"]["model"]["size_px"]} px.

## How it was made

Neutral photographs of {len(card["people placed by hand"])} people, whose points were placed by hand
(webmorph's 189, brought to the 68 places), animated through a 3-D face model into {data["pictures"]:,}
pictures whose points are known; {100 * data["real_share"]:.0f} % of them are the photographs as they are.
{more}No point of dlib's predictor and no picture of 300-W was used.

## What it is worth

On the neutral photographs of {scores["faces"]} people who were not trained on, found by the HOG detector:
mean distance from the hand-placed points in inter-ocular distances {scores["all points"]:.3f}, at the places
that any scheme has in common {scores["common places"]:.3f}. On animated faces of them, degraded and partly
covered, {card["animated validation error"]:.3f}.

| part | error |
| --- | --- |
{parts}

Beside dlib's predictor: docs/benchmarks/landmarks.md.

## What it cannot do

It was trained on faces turned up to 30 degrees sideways and tilted up to 25, with 15 px and more between
the eyes. Its people are those of two collections of portraits of adults, and politicians. In open smiles it
places the lips nearer to one another than they are. Points of the jaw on the far side of a turned head are
where the bone is, not on the outline. It places points in anything: whether a face is there is the
detector's to say.
"""
