"""The same photograph showing Action Units: skin warped, lids and lips moved, mouth drawn, furrows shaded."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actionunits.facs.motion import (
    LIP_PAIRS,
    MOVING_AUS,
    POINT_INDEX,
    TEMPLATE_POINTS,
    face_frame,
    intensity_of_share,
    intensity_share,
    place_points,
)
from actionunits.records import Expression, FloatArray, ImageArray, Portrait
from actionunits.synthesis.eyes import EYES, Eye, eye_opening
from actionunits.synthesis.furrows import shade_furrows
from actionunits.synthesis.mouth import Mouth, mouth_opening
from actionunits.synthesis.openings import shift_edge
from actionunits.synthesis.targets import jaw_shift, move_points
from actionunits.synthesis.warp import Window, backward_map, resample

__all__ = ["ANIMATION_VERSION", "AnimatedFace", "PortraitAnimator"]

#: Of how both animators draw AUs, and by which chance; pictures that were made by another are not mixed with
#: new ones.
ANIMATION_VERSION = "2"

# What of the picture takes part, in template coordinates.
_REACH = np.array([[-1.75, -1.55], [1.75, -1.55], [-1.75, 2.6], [1.75, 2.6]])

# Points that the skin's smooth warp leaves out: the folds of the upper lids slide with them.
_CREASES = [POINT_INDEX[f"lid_crease_{part}_{side}"] for part in ("inner", "mid", "outer") for side in "LR"]
_LIDS_MID = [POINT_INDEX[f"upper_lid_{side}"] for side in "LR"]
_SKIN = np.setdiff1d(np.arange(len(TEMPLATE_POINTS)), _CREASES + _LIDS_MID)

# From the brow's points to the lower edge of its hair, in inter-ocular units.
_BROW_BELOW_POINTS = 0.08


@dataclass(frozen=True)
class AnimatedFace:
    """A face that shows an expression.

    Attributes:
        image: u8[H,W,3] RGB.
        points: f32[68,2], where the 68 points now are, px.
    """

    image: ImageArray
    points: FloatArray


class PortraitAnimator:
    """A photograph that shows expressions by being warped.

    The fit is made once; each picture is then drawn from it. Only the part around the face changes.

    Args:
        portrait: a face, best neutral with the mouth closed. An open mouth keeps its own teeth, and AUs
            act on what it shows.
        seed: of the furrows' places and strengths; None takes it from the subject, so that all pictures of a
            person share their furrows.
    """

    def __init__(self, portrait: Portrait, *, seed: int | None = None) -> None:
        self.portrait = portrait
        self._seed = zlib.crc32(portrait.subject.encode()) if seed is None else seed
        landmarks = portrait.landmarks.points
        origin, self._axes = face_frame(landmarks)
        self._unit_px = float(np.hypot(*self._axes[0]))
        self._window = Window.around(origin + _REACH @ self._axes, portrait.image.shape)
        self._photograph = np.ascontiguousarray(portrait.image[self._window.slices])
        self._rest = place_points(landmarks).astype(np.float64) - self._window.origin
        self._eyes = tuple(Eye.fit(self._photograph, self._rest[:68], side, self._unit_px) for side in (0, 1))
        self._mouth = Mouth.fit(self._photograph, self._rest[:68], self._axes)

    def show(
        self,
        expression: Expression,
        *,
        blink: float = 0.0,
        gaze: tuple[float, float] = (0.0, 0.0),
        furrow_strength: float = 1.0,
        rng: np.random.Generator | None = None,
    ) -> AnimatedFace:
        """Draw the face with an expression; without any, the photograph itself.

        Args:
            expression: the AUs.
            blink: 0 (open as in the photograph) to 1 (shut).
            gaze: (to the subject's left, up), -1 to 1, on top of AU61 to 64.
            furrow_strength: 0 as little as any skin folds, 1 as usual.
            rng: randomness of the furrows; None for those of this portrait's seed.
        """
        shown, looking = _with_blink(expression, blink), _gaze(expression, gaze)
        if not set(shown.aus) & set(MOVING_AUS) and looking == (0.0, 0.0):
            return AnimatedFace(self.portrait.image.copy(), self.portrait.landmarks.points.copy())
        moved = move_points(self._rest @ np.linalg.inv(self._axes), shown, looking) @ self._axes
        face = self._draw(moved, looking, jaw_shift(shown) @ self._axes)
        points = moved[:68].astype(np.float32)
        chance = rng if rng is not None else np.random.default_rng(self._seed)
        face = shade_furrows(face, points, shown, furrow_strength, chance)
        image = self.portrait.image.copy()
        image[self._window.slices] = face
        return AnimatedFace(image, points + self._window.origin.astype(np.float32))

    def _draw(
        self, moved: NDArray[np.float64], gaze: tuple[float, float], jaw_px: NDArray[np.float64]
    ) -> ImageArray:
        """The face window with every point where it is to be."""
        skin = self._skin_points(moved)
        height, width = self._photograph.shape[:2]
        maps = backward_map(skin[_SKIN], self._rest[_SKIN], (width, height), self._unit_px)
        self._move_edges(maps, skin[:68], moved[:68])
        face = resample(self._photograph, *maps)
        for eye in self._eyes:
            carried = self._carried(eye, moved)
            lids = [*EYES[eye.side][1], *EYES[eye.side][2]]
            if gaze == (0.0, 0.0) and np.allclose(moved[lids], self._rest[lids] + carried, atol=0.02):
                continue  # the skin's warp has carried the eye whole
            eye.cover_lid(face, eye_opening(skin[:68], eye.side), eye_opening(moved[:68], eye.side))
            eye.draw(face, self._photograph, eye_opening(moved[:68], eye.side), carried, gaze)
        self._mouth.draw(face, self._photograph, mouth_opening(self._parted(moved)), jaw_px)
        return face

    def _skin_points(self, moved: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where the smooth warp takes the points: nothing shuts in it, for it cannot hide skin.

        The upper lids go only where their eye's corners go, and the lips keep at least the opening of the
        photograph; :func:`shift_edge` does the rest.
        """
        skin = moved.copy()
        for eye in self._eyes:
            upper = list(EYES[eye.side][1])
            skin[upper] = self._rest[upper] + self._carried(eye, moved)
        down = self._axes[1] / self._unit_px
        for above, below in LIP_PAIRS:
            missing = (self._rest[below] - self._rest[above] - moved[below] + moved[above]) @ down
            if missing > 0:
                skin[above] -= missing / 2 * down
                skin[below] += missing / 2 * down
        return skin

    def _move_edges(
        self,
        maps: tuple[FloatArray, FloatArray],
        skin: NDArray[np.float64],
        moved: NDArray[np.float64],
    ) -> None:
        for eye in self._eyes:
            opening = eye_opening(moved, eye.side)
            fold_px = self._lid_px(eye, skin, moved)
            eye.move_lids(maps, eye_opening(skin, eye.side), opening, fold_px)
        lips = [point for pair in LIP_PAIRS for point in pair]
        if not np.allclose(skin[lips], moved[lips], atol=1e-3):
            reach = 0.2 * self._unit_px
            inset = 0.012 * self._unit_px if self._mouth.own.any() else 0.0
            shift_edge(maps, mouth_opening(skin), mouth_opening(moved), reach, reach, inset)

    def _carried(self, eye: Eye, moved: NDArray[np.float64]) -> NDArray[np.float64]:
        """f64[2], how far the eye's corners have taken it, px."""
        corners = list(EYES[eye.side][0])
        shift: NDArray[np.float64] = (moved[corners] - self._rest[corners]).mean(axis=0)
        return shift

    def _lid_px(self, eye: Eye, skin: NDArray[np.float64], moved: NDArray[np.float64]) -> float:
        """From the moved upper lid's edge up to the brow's hair, px."""
        down = eye.rest.down
        brow = skin[[18, 19, 20] if eye.side == 0 else [23, 24, 25]].mean(axis=0)
        lid = list(EYES[eye.side][1])
        seen_px = float((skin[lid].mean(axis=0) - brow) @ down) - _BROW_BELOW_POINTS * self._unit_px
        dropped_px = max(0.0, float((moved[lid] - skin[lid]).mean(axis=0) @ down))
        return max(0.06 * self._unit_px, seen_px) + dropped_px

    def _parted(self, moved: NDArray[np.float64]) -> NDArray[np.float64]:
        """The 68 points with the inner lips' edges where the inside of the mouth begins.

        The points of closed lips lie a little apart; that rest is lip, not opening.
        """
        points = moved[:68].copy()
        if self._mouth.own.any():
            return points
        down = self._axes[1] / self._unit_px
        for above, below in LIP_PAIRS:
            apart = (moved[below] - moved[above]) @ down
            rest = min(max(float((self._rest[below] - self._rest[above]) @ down), 0.0), apart)
            points[above] += rest / 2 * down
            points[below] -= rest / 2 * down
        return points


def _with_blink(expression: Expression, blink: float) -> Expression:
    """The expression with both eyes shut by at least a share."""
    if blink <= 0:
        return expression
    shut = intensity_of_share(min(blink, 1.0))
    left, right = ({**side, 45: max(shut, side.get(45, 0.0))} for side in (expression.left, expression.right))
    return Expression(left, right)


def _gaze(expression: Expression, gaze: tuple[float, float]) -> tuple[float, float]:
    """(to the subject's left, up), -1 to 1, of AU61 to 64 and what is asked for beside them."""
    left, right, up, down = (float(intensity_share(expression.intensity(n))) for n in (61, 62, 63, 64))
    return (
        float(np.clip(gaze[0] + left - right, -1, 1)),
        float(np.clip(gaze[1] + up - down, -1, 1)),
    )
