"""AR_mean_box of seed 001: AR_res that looks at the same boxes on every face.

Paper: Ma, Chen and Yong, "AU R-CNN", section 4.3.1: a trained AR_res is evaluated with the data set's mean
boxes (Tables 12, 13) instead of those of each face's points: :func:`mean_box_of`. No boxes are drawn then,
and an exported file takes frames alone. This network can be trained too.

Departures: as AR_res. The tables leave groups out (:mod:`actionunits.facs.mean_boxes` says which); the crop
still comes from the points.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from actionunits.facs.groups import box_groups
from actionunits.facs.mean_boxes import mean_boxes
from actionunits.models.au_rcnn.ar_res import ArRes, ArResConfig

__all__ = ["MeanBoxConfig", "build", "mean_box_of"]


@dataclass(frozen=True)
class MeanBoxConfig(ArResConfig):
    """AR_res's sizes, and the boxes.

    Attributes:
        data: whose mean boxes are taken: of ``bp4d`` (Table 12) or ``disfa`` (Table 13).
        boxes: others: left, top, right, bottom as shares of the crop's side, in the order of the boxes.
    """

    data: Literal["bp4d", "disfa"] = "bp4d"
    boxes: tuple[tuple[float, float, float, float], ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.boxes and self.crop != "points":
            raise ValueError("the mean boxes are of crops by the points: give boxes, or crop = points")
        wanted = len(box_groups(self.aus))
        if self.boxes and len(self.boxes) != wanted:
            raise ValueError(f"these AUs have {wanted} boxes, got {len(self.boxes)}")
        self.fixed_boxes()

    def fixed_boxes(self) -> NDArray[np.float64]:
        """f64[R,4] as shares of the crop's side."""
        return np.array(self.boxes, np.float64) if self.boxes else mean_boxes(self.data, self.aus)


def mean_box_of(model: ArRes, boxes: NDArray[np.floating]) -> ArRes:
    """A trained AR_res's weights with the same boxes on every face, as ``au_rcnn/mean_box``.

    Args:
        model: stays as it is.
        boxes: f[R,4], left, top, right, bottom as shares of the crop's side.

    Raises:
        ValueError: there are not as many boxes as the network has.
    """
    given = {field.name: getattr(model.config, field.name) for field in fields(ArResConfig)}
    rows = [(float(left), float(top), float(right), float(bottom)) for left, top, right, bottom in boxes]
    fixed = build(MeanBoxConfig(**given, boxes=tuple(rows)))
    fixed.load_state_dict(model.state_dict())
    return fixed.train(model.training)


def build(config: MeanBoxConfig) -> ArRes:
    """The network of a configuration, with random weights."""
    return ArRes(config)
