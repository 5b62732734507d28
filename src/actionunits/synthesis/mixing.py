"""A face between two people's: there are few openly licensed neutral portraits, and many pairs of them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.faces.align import eye_centres, inter_ocular_distance
from actionunits.records import FloatArray, ImageArray, Landmarks, Portrait
from actionunits.synthesis.warp import Window, backward_map, resample

__all__ = ["mixed_portrait"]

#: How far beyond the points the face is taken to reach, in inter-ocular distances: forehead, sides.
_ABOVE, _BESIDE = 0.55, 0.05
#: Over which distance one person's skin fades into the other's.
_FADE = 0.3
#: The picture around the points that may be bent.
_AROUND = 1.2


def mixed_portrait(first: Portrait, second: Portrait, *, shape: float, texture: float) -> Portrait:
    """``first`` with a share of the second's shape and of the second's skin.

    The second is turned and scaled until its eyes lie on the first's; both are bent until their points are
    between the two, and one is faded into the other within the face. Hair, neck and background stay the
    first's, and the second takes on the first's brightness and colour, so that no seam is seen.

    Args:
        first: who is changed; the result has the size of its picture and its subject.
        second: who is mixed in; best at about the same scale.
        shape: 0 (the first's points) to 1 (the second's).
        texture: 0 (the first's skin) to 1 (the second's).
    """
    own = first.landmarks.points.astype(np.float64)
    scale = inter_ocular_distance(first.landmarks)
    window = Window.around(np.concatenate([own - _AROUND * scale, own + _AROUND * scale]), first.image.shape)
    own = own - window.origin
    shown = first.image[window.slices]
    size = (window.width, window.height)
    other, theirs = _laid_on(second, eye_centres(first.landmarks) - window.origin, size)
    target = own + shape * (theirs - own)
    bent = resample(shown, *backward_map(target, own, size, scale)).astype(np.float32)
    face = texture * _face_mask(target, size, scale)[..., None]
    if texture > 0.0:
        skin = resample(other, *backward_map(target, theirs, size, scale)).astype(np.float32)
        inside = face[..., 0] > texture / 2
        bent += face * (_toned(skin, bent, inside) - bent)
    image = first.image.copy()
    image[window.slices] = np.clip(np.rint(bent), 0, 255).astype(np.uint8)
    return Portrait(image, Landmarks((target + window.origin).astype(np.float32)), first.subject)


def _laid_on(
    portrait: Portrait, eyes: NDArray[np.float64], size: tuple[int, int]
) -> tuple[ImageArray, NDArray[np.float64]]:
    """The picture turned, scaled and shifted so that its eyes' centres lie on ``eyes``, with its points."""
    theirs = portrait.landmarks.points.astype(np.float64)
    (x0, y0), (x1, y1) = eye_centres(portrait.landmarks)
    (u0, v0), (u1, v1) = eyes
    turn = complex(u1 - u0, v1 - v0) / complex(x1 - x0, y1 - y0)
    rotation = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    affine = np.column_stack([rotation, np.array([u0, v0]) - rotation @ np.array([x0, y0])])
    image = cv2.warpAffine(
        portrait.image, affine, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(image, np.uint8), theirs @ rotation.T + affine[:, 2]


def _face_mask(points: NDArray[np.float64], size: tuple[int, int], scale: float) -> FloatArray:
    """f32[h,w]: 1 within the face and its forehead, fading to 0 at its border."""
    grown = points.copy()
    grown[17:27, 1] -= _ABOVE * scale  # from the brows up
    middle = points.mean(axis=0)
    grown[:, 0] += np.sign(points[:, 0] - middle[0]) * _BESIDE * scale
    mask = np.zeros((size[1], size[0]), np.float32)
    hull = cv2.convexHull(np.rint(grown).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 1.0)
    inwards = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3) / (_FADE * scale)
    return np.asarray(np.clip(inwards, 0.0, 1.0), np.float32)


def _toned(skin: FloatArray, like: FloatArray, inside: NDArray[np.bool_]) -> FloatArray:
    """``skin`` with the mean and the spread of each colour that ``like`` has there."""
    if not inside.any():
        return skin
    mean, deviation = skin[inside].mean(axis=0), skin[inside].std(axis=0)
    wanted, spread = like[inside].mean(axis=0), like[inside].std(axis=0)
    return np.asarray((skin - mean) * (spread / np.maximum(deviation, 1.0)) + wanted, np.float32)
