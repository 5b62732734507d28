"""The neutral face on which motion is described: the 68 points and named points between them.

Coordinates are in units of the inter-ocular distance, x to the picture's right (the subject's left), y down,
with the origin midway between the eyes' centres. The numbers are rounded proportions of an adult face seen
from the front, made symmetric.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actionunits.facs.expression import FloatArray
from actionunits.facs.points import MIRROR_68

__all__ = [
    "FacePlaces",
    "NAMED_POINTS",
    "POINT_INDEX",
    "TEMPLATE_POINTS",
    "face_frame",
    "mirror_name",
    "place_points",
]

# The midline and the subject's left half, by number.
_LEFT_68: dict[int, tuple[float, float]] = {
    8: (0.0, 1.82), 9: (0.30, 1.78), 10: (0.56, 1.65), 11: (0.78, 1.46), 12: (0.93, 1.22), 13: (1.02, 0.94),
    14: (1.07, 0.65), 15: (1.12, 0.35), 16: (1.14, 0.05),
    22: (0.19, -0.33), 23: (0.39, -0.40), 24: (0.61, -0.42), 25: (0.82, -0.36), 26: (0.95, -0.21),
    27: (0.0, -0.08), 28: (0.0, 0.10), 29: (0.0, 0.28), 30: (0.0, 0.47), 33: (0.0, 0.70), 34: (0.105, 0.68),
    35: (0.20, 0.65),
    42: (0.296, 0.006), 43: (0.43, -0.095), 44: (0.585, -0.095), 45: (0.704, -0.006), 46: (0.595, 0.049),
    47: (0.435, 0.045),
    51: (0.0, 0.95), 52: (0.11, 0.923), 53: (0.255, 0.978), 54: (0.405, 1.08), 55: (0.257, 1.172),
    56: (0.118, 1.212), 57: (0.0, 1.22), 62: (0.0, 1.052), 63: (0.11, 1.045), 64: (0.332, 1.078),
    65: (0.11, 1.051), 66: (0.0, 1.062),
}  # fmt: skip

# Named points of the midline, then of the subject's left half (each has its twin on the right).
_MIDLINE: dict[str, tuple[float, float]] = {
    "forehead_top": (0.0, -1.15), "forehead_centre": (0.0, -0.74), "glabella": (0.0, -0.32),
    "philtrum": (0.0, 0.82), "chin_crease": (0.0, 1.34), "chin_boss": (0.0, 1.55), "throat": (0.0, 2.15),
}  # fmt: skip
_LEFT: dict[str, tuple[float, float]] = {
    "forehead_inner": (0.26, -0.74), "forehead_mid": (0.56, -0.75), "forehead_outer": (0.86, -0.62),
    "hairline": (0.55, -1.12), "temple": (1.10, -0.30),
    "brow_fold_inner": (0.29, -0.23), "brow_fold_mid": (0.52, -0.27), "brow_fold_outer": (0.78, -0.18),
    "lid_crease_inner": (0.38, -0.11), "lid_crease_mid": (0.51, -0.155), "lid_crease_outer": (0.66, -0.10),
    "upper_lid": (0.508, -0.107), "lower_lid": (0.515, 0.057),
    "lid_pouch_inner": (0.34, 0.13), "lid_pouch_mid": (0.52, 0.185), "lid_pouch_outer": (0.71, 0.13),
    "crows_foot": (0.86, 0.02),
    "nose_root": (0.11, 0.03), "nose_side": (0.13, 0.27), "nose_wing": (0.245, 0.57),
    "cheek_inner": (0.34, 0.40), "cheek_apex": (0.62, 0.47), "cheek_outer": (0.90, 0.42),
    "cheek_hollow": (0.62, 0.86), "cheek_side": (0.86, 0.86), "jaw_cheek": (0.70, 1.20),
    "nasolabial_top": (0.29, 0.66), "nasolabial_mid": (0.41, 0.83), "nasolabial_low": (0.51, 1.02),
    "mouth_side": (0.57, 1.13), "below_corner": (0.44, 1.31), "chin_side": (0.22, 1.53),
    "throat_side": (0.50, 2.05),
}  # fmt: skip


def mirror_name(name: str) -> str:
    """The twin of a named point on the other side; a midline point is its own.

    >>> mirror_name("cheek_apex_L"), mirror_name("glabella")
    ('cheek_apex_R', 'glabella')
    """
    sides = {"_L": "_R", "_R": "_L"}
    return name[:-2] + sides[name[-2:]] if name[-2:] in sides else name


#: Names of the points after the 68: the midline's, then ``_L`` (subject's left) and ``_R``.
NAMED_POINTS: tuple[str, ...] = (
    *_MIDLINE,
    *(f"{name}_L" for name in _LEFT),
    *(f"{name}_R" for name in _LEFT),
)

#: Name or number of a point to its row.
POINT_INDEX: dict[str | int, int] = {
    **{number: number for number in range(68)},
    **{name: 68 + row for row, name in enumerate(NAMED_POINTS)},
}


def _template() -> FloatArray:
    points = np.zeros((68 + len(NAMED_POINTS), 2), np.float32)
    for number, place in _LEFT_68.items():
        points[number] = place
        points[MIRROR_68[number]] = (-place[0], place[1])
    for name, place in _MIDLINE.items():
        points[POINT_INDEX[name]] = place
    for name, place in _LEFT.items():
        points[POINT_INDEX[f"{name}_L"]] = place
        points[POINT_INDEX[f"{name}_R"]] = (-place[0], place[1])
    points.setflags(write=False)
    return points


#: f32[68+N,2]: the 68 points, then the named points, in inter-ocular units.
TEMPLATE_POINTS: FloatArray = _template()


def face_frame(landmarks: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the template's origin lies in the picture and what its two unit vectors are.

    Args:
        landmarks: [68,2], px.

    Returns:
        ``(origin f64[2], axes f64[2,2])``: a template point ``p`` lies at ``origin + p @ axes``. Each row of
        ``axes`` is as long as the inter-ocular distance in pixels.
    """
    eyes = np.asarray(landmarks, np.float64)
    right, left = eyes[[36, 39]].mean(axis=0), eyes[[42, 45]].mean(axis=0)
    across = left - right
    return (left + right) / 2, np.stack([across, [-across[1], across[0]]])


_REACH = 0.6  # inter-ocular units over which a face's own proportions spread from the 68 points


def _kernel(to: NDArray[np.floating]) -> NDArray[np.float64]:
    known = TEMPLATE_POINTS[:68].astype(np.float64)
    ratio = np.linalg.norm(np.asarray(to, np.float64)[:, None] - known, axis=2) / _REACH
    weights: NDArray[np.float64] = (1 + ratio) * np.exp(-ratio)
    return weights


_SOLVE = np.linalg.inv(_kernel(TEMPLATE_POINTS[:68]) + 1e-3 * np.eye(68))
_AFFINE_SOLVE = np.linalg.pinv(np.column_stack([TEMPLATE_POINTS[:68], np.ones(68)]).astype(np.float64))


class FacePlaces:
    """Places of the template, ready to be carried onto one face after another.

    An affine fit of the 68 points, and what it leaves interpolated with a smooth kernel that fades out away
    from the points, so that the forehead follows the head and not a single brow point.

    Args:
        places: [K,2] in template coordinates.
    """

    def __init__(self, places: NDArray[np.floating]) -> None:
        wanted = np.asarray(places, np.float64)
        affine = np.column_stack([wanted, np.ones(len(wanted))]) @ _AFFINE_SOLVE
        known = np.column_stack([TEMPLATE_POINTS[:68], np.ones(68)]) @ _AFFINE_SOLVE
        # All steps are linear in the 68 points: one matrix does them.
        self._weights = affine + _kernel(wanted) @ _SOLVE @ (np.eye(68) - known)

    def on(
        self, landmarks: NDArray[np.floating], chosen: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Where the places, or the chosen ones, lie on the face with these 68 points: f64[K,2], px."""
        weights = self._weights if chosen is None else self._weights[chosen]
        placed: NDArray[np.float64] = weights @ np.asarray(landmarks, np.float64)
        return placed


_NAMED_PLACES = FacePlaces(TEMPLATE_POINTS[68:])


def place_points(landmarks: NDArray[np.floating]) -> FloatArray:
    """A person's 68 points followed by the named points placed on the face.

    Args:
        landmarks: [68,2], px.

    Returns:
        f32[68+N,2], px; the first 68 rows are ``landmarks``.
    """
    person = np.asarray(landmarks, np.float64)
    if person.shape != (68, 2):
        raise ValueError(f"landmarks must be [68, 2], got {list(person.shape)}")
    named = _NAMED_PLACES.on(person)
    return np.concatenate([person, named]).astype(np.float32)
