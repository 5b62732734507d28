"""The mean boxes of seed 001's AU groups, its Tables 12 and 13, as data.

A box is (ymin, xmin, ymax, xmax) in pixels of a crop of 512 px by the face's points. The tables leave out the
groups that carry no AU of the paper's evaluation; groups 4 and 6 of BP4D and 7 of DISFA are measured ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from actionunits.facs.groups import box_groups

__all__ = ["MEAN_BOXES", "mean_boxes"]

_Box = tuple[float, float, float, float]
_SIDE_PX = 512

#: Data set to AU group to its boxes: two for group 1, the one on the picture's left first.
MEAN_BOXES: dict[str, dict[int, tuple[_Box, ...]]] = {
    "bp4d": {
        1: ((30.4, 58.1, 140.3, 222.5), (30.1, 297.2, 140.9, 456.5)),
        2: ((23.9, 57.8, 139.0, 455.9),),
        3: ((109.4, 79.8, 264.5, 431.8),),
        4: ((67.0, 147.6, 335.3, 366.3),),
        5: ((198.9, 35.2, 437.0, 472.6),),
        6: ((282.7, 57.4, 510.9, 451.9),),
        7: ((378.7, 94.5, 510.9, 416.6),),
        8: ((282.7, 145.5, 455.0, 368.3),),
    },
    "disfa": {
        1: ((55.5, 71.3, 168.6, 220.0), (53.5, 277.6, 167.6, 431.4)),
        2: ((48.5, 58.7, 165.1, 444.0),),
        3: ((141.4, 86.7, 281.5, 418.9),),
        4: ((107.8, 152.2, 348.8, 352.8),),
        5: ((236.9, 53.5, 433.3, 454.4),),
        6: ((316.4, 73.8, 511.0, 433.4),),
        7: ((394.1, 106.0, 511.0, 400.6),),
    },
}


def mean_boxes(data: Literal["bp4d", "disfa"], aus: Sequence[int]) -> NDArray[np.float64]:
    """f64[R,4]: left, top, right, bottom as shares of the crop's side, of the boxes of an AU set.

    Raises:
        ValueError: the set has an AU whose group has no mean box in that data set.

    >>> mean_boxes("bp4d", (12,)).round(2).tolist()
    [[0.07, 0.39, 0.92, 0.85], [0.11, 0.55, 0.88, 1.0]]
    """
    table = MEAN_BOXES[data]
    groups = box_groups(aus)
    if missing := sorted(set(groups) - set(table)):
        raise ValueError(f"{data} has no mean box of AU group {', '.join(map(str, missing))}")
    rows = [box for group in dict.fromkeys(groups) for box in table[group]]
    return np.array(rows)[:, [1, 0, 3, 2]] / _SIDE_PX
