"""The face regions and AU groups of AU R-CNN (Ma, Chen & Yong), its Fig. 2 and Table 2, as data.

43 regions of interest (RoIs) are polygons over the 68 points (0-based). A vertex is a point, the midpoint of
two, or a point moved up. A group of AUs looks at the union of its RoIs. The fixed 20 px of the paper's
lift belong to pictures of BP4D's size; here the lift is a share of the inter-ocular distance.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "AU_GROUPS",
    "LABEL_FETCH",
    "LIFT_OF_INTER_OCULAR",
    "ROIS",
    "AUGroup",
    "Vertex",
    "box_aus",
    "box_groups",
    "boxes_carry",
    "group_of",
    "groups_of_set",
    "roi_polygon",
]

#: One lift in inter-ocular distances: the paper's 20 px on faces of its size, whose eyes are 200 px apart.
LIFT_OF_INTER_OCULAR = 0.1


@dataclass(frozen=True)
class Vertex:
    """A corner of a RoI: the mean of its points, moved up.

    Attributes:
        points: one or two of the 68 points.
        lifts: how many lifts it is moved up, 0 to 2.
    """

    points: tuple[int, ...]
    lifts: int = 0


_VERTEX = re.compile(r"(\d+)(?:~(\d+))?(u*)")


def _vertices(text: str) -> tuple[Vertex, ...]:
    found = [_VERTEX.fullmatch(word) for word in text.split()]
    return tuple(Vertex(tuple(int(n) for n in m.groups()[:2] if n), len(m[3])) for m in found if m)


#: RoI number (1 to 43) to its vertices; ``17u`` is point 17 moved up once, ``4~33`` a midpoint.
ROIS: dict[int, tuple[Vertex, ...]] = {
    number: _vertices(text)
    for number, text in enumerate(
        """\
        17u 19u 19 17
        19u 21u 21 19
        21u 27uu 27 21
        27uu 22u 27 22
        22u 24u 24 22
        24u 26u 26 24
        1 17 36
        17 19 37 36
        19 38 39 21
        21 27 28 39
        22 27 28 42
        22 42 43 24
        24 44 45 26
        26 16 15 45
        2 41~2 3~29 3
        41 2~41 3~29 39
        39 3~29 29 28
        28 29 13~29 42
        42 46 14~46 13~29
        14~46 14 13 13~29
        3 3~29 4~33 4
        4~33 3~29 29 33
        33 29 13~29 12~33
        13~29 13 12 12~33
        4 4~33 5~59 5
        5~59 4~33 33 59
        33 55 11~55 12~33
        11~55 12~33 12 11
        59 58 6~58 5~59
        6~58 58 57 8~57
        57 8~57 10~56 56
        56 10~56 11~55 55
        5 5~59 6~58 6
        6 6~58 8~57 8
        8~57 10~56 10 8
        10~56 10 11 11~55
        33 55 56 57 58 59
        1 2 36 37
        14 15 44 45
        19 37 38
        24 43 44
        36 37 38 39 40 41
        42 43 44 45 46 47""".splitlines(),
        start=1,
    )
}


@dataclass(frozen=True)
class AUGroup:
    """AUs whose muscles move the same part of the face.

    Attributes:
        number: 1 to 8.
        aus: its own AUs.
        rois: the RoIs whose union is its mask. Group 1's falls into a part for either eye: two boxes.
    """

    number: int
    aus: tuple[int, ...]
    rois: tuple[int, ...]


#: Table 2 of the paper.
AU_GROUPS: dict[int, AUGroup] = {
    group.number: group
    for group in (
        AUGroup(1, (1, 2, 5, 7), (1, 2, 5, 6, 8, 9, 12, 13, 40, 41, 42, 43)),
        AUGroup(2, (4,), (1, 2, 3, 4, 5, 6, 8, 9, 12, 13, 40, 41)),
        AUGroup(3, (6,), (16, 17, 18, 19, 42, 43)),
        AUGroup(4, (9,), (10, 11, 17, 18, 22, 23)),
        AUGroup(5, (10, 11, 12, 13, 14, 15), (21, 22, 23, 24, 25, 26, 27, 28, 37)),
        AUGroup(6, (16, 20, 25, 26, 27), (25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37)),
        AUGroup(7, (17,), (29, 30, 31, 32, 33, 34, 35, 36)),
        AUGroup(8, (18, 22, 23, 24, 28), (26, 27, 29, 30, 31, 32, 37)),
    )
}

#: Group to the groups whose labels its boxes carry too, for their regions overlap. One step, not transitive.
LABEL_FETCH: dict[int, tuple[int, ...]] = {2: (1,), 3: (4,), 5: (6, 8), 6: (5, 7, 8)}


def group_of(au: int) -> int | None:
    """The number of the group that owns an AU; None for an AU of no group (43, 45 ...).

    >>> group_of(12), group_of(45)
    (5, None)
    """
    return next((group.number for group in AU_GROUPS.values() if au in group.aus), None)


def groups_of_set(aus: Sequence[int]) -> tuple[int, ...]:
    """The groups whose boxes carry a label of an AU set, in order: those with an own or a fetched AU.

    All 8 (9 boxes) for BP4D's 22 AUs, 7 (8 boxes) for DISFA's 12, and 6 (7 boxes) without AU17, as in the
    paper. Of BP4D's 12 AUs none belongs to group 4, whose box would carry no label.

    >>> groups_of_set((1, 2, 4, 6, 9, 12, 25, 26))
    (1, 2, 3, 4, 5, 6)
    """
    return tuple(number for number in AU_GROUPS if box_aus(number, aus))


def box_aus(group: int, aus: Sequence[int]) -> tuple[int, ...]:
    """The AUs of a set that a group's box carries: its own and the fetched ones, in the set's order.

    >>> box_aus(3, (1, 6, 9, 12))
    (6, 9)
    """
    carried = {au for number in (group, *LABEL_FETCH.get(group, ())) for au in AU_GROUPS[number].aus}
    return tuple(au for au in aus if au in carried)


def box_groups(aus: Sequence[int]) -> tuple[int, ...]:
    """The group of each box of a face, in the paper's order: group 1 has two boxes, the others one.

    >>> box_groups((1, 2, 4, 6, 9, 12, 25, 26))
    (1, 1, 2, 3, 4, 5, 6)
    """
    return tuple(number for group in groups_of_set(aus) for number in (group,) * (2 if group == 1 else 1))


def boxes_carry(aus: Sequence[int]) -> NDArray[np.bool_]:
    """bool[R,A]: whether each box (:func:`box_groups`) carries each AU of a set, its own or a fetched one.

    >>> boxes_carry((1, 4)).astype(int).tolist()
    [[1, 0], [1, 0], [1, 1]]
    """
    rows = [[au in box_aus(group, aus) for au in aus] for group in box_groups(aus)]
    return np.array(rows, bool).reshape(len(rows), len(aus))


def roi_polygon(roi: int, points: NDArray[np.floating], lift_px: float) -> NDArray[np.float64]:
    """The corners of a RoI, f64[V,2] (x, y) in pixels, ordered by angle about their mean (convex).

    Args:
        roi: 1 to 43.
        points: [68,2] in pixels, y down.
        lift_px: one lift; the paper's 20 px is ``LIFT_OF_INTER_OCULAR`` times the inter-ocular distance.
    """
    if points.shape != (68, 2):
        raise ValueError(f"points are [68,2], got {points.shape}")
    corners = np.array(
        [points[list(v.points)].mean(axis=0) - (0.0, lift_px * v.lifts) for v in ROIS[roi]], np.float64
    )
    apart = corners - corners.mean(axis=0)
    return np.asarray(corners[np.argsort(np.arctan2(apart[:, 1], apart[:, 0]), kind="stable")])
