"""The openings of the face, eyes and mouth: their edges as curves, and skin that follows a moved edge."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from actionunits.records import FloatArray
from actionunits.synthesis.warp import Window

__all__ = ["Opening", "shift_edge"]

_RIM = 0.14  # of the reach moves whole with the edge


@dataclass(frozen=True)
class Opening:
    """An opening between two corners, in a frame laid along them.

    A place is ``(u, v)``: u from 0 at the corner on the picture's left to 1 at the other, v in pixels, down.
    An edge is ``u (1 - u)`` times a polynomial that meets the edge's points.

    Attributes:
        start: f64[2], the corner on the picture's left, px.
        along: f64[2], from it to the other corner, px.
        upper: coefficients of the upper edge, lowest power first.
        lower: the same of the lower edge.
    """

    start: NDArray[np.float64]
    along: NDArray[np.float64]
    upper: NDArray[np.float64]
    lower: NDArray[np.float64]

    @classmethod
    def through(
        cls,
        corners: NDArray[np.floating],
        upper: NDArray[np.floating],
        lower: NDArray[np.floating],
    ) -> Opening:
        """From points: corners [2,2], upper [K,2] and lower [K,2], left to right in the picture."""
        ends = np.asarray(corners, np.float64)
        empty = np.zeros(0)
        frame = cls(ends[0], ends[1] - ends[0], empty, empty)
        return cls(frame.start, frame.along, frame._edge(upper), frame._edge(lower))

    def _edge(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        u, v = self.place(points[:, 0], points[:, 1])
        inside = np.clip(u, 0.12, 0.88)
        powers = np.vander(inside, len(points), increasing=True)
        coefficients: NDArray[np.float64] = np.linalg.solve(
            powers + 1e-9 * np.eye(len(points)), v / (inside * (1 - inside))
        )
        return coefficients

    @property
    def length_px(self) -> float:
        """Between the corners."""
        return float(np.hypot(*self.along))

    @property
    def down(self) -> NDArray[np.float64]:
        """f64[2], the unit vector of v."""
        return np.array([-self.along[1], self.along[0]]) / self.length_px

    def place(
        self, x: NDArray[np.floating], y: NDArray[np.floating]
    ) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """(u, v) of pixels."""
        dx, dy = x - self.start[0], y - self.start[1]
        e, n = self.along / self.length_px**2, self.down
        return dx * e[0] + dy * e[1], dx * n[0] + dy * n[1]

    def edge(self, which: NDArray[np.float64], u: NDArray[np.floating]) -> NDArray[np.floating]:
        """V of an edge (``upper`` or ``lower``) at u; 0 beyond the corners."""
        within = np.clip(u, 0, 1)
        value = np.zeros_like(within)
        for coefficient in which[::-1]:
            value = value * within + np.float32(coefficient)
        curve: NDArray[np.floating] = within * (1 - within) * value
        return curve

    def cover(self, u: NDArray[np.floating], v: NDArray[np.floating], soft_px: float = 0.7) -> FloatArray:
        """How much of each pixel lies inside the opening, 0 to 1."""
        above = v - self.edge(self.upper, u)
        below = self.edge(self.lower, u) - v
        inside = np.clip(np.minimum(above, below) / (2 * soft_px) + 0.5, 0, 1)
        # An opening lower than a pixel covers only its height's share.
        inside = np.minimum(inside, np.clip((above + below) / (2 * soft_px), 0, 1))
        covered: FloatArray = np.where((u > 0) & (u < 1), inside, 0).astype(np.float32)
        return covered

    def window(self, size: tuple[int, int], margin_px: float) -> Window:
        """The part of a picture of ``size`` (width, height) that holds the opening and a margin."""
        u = np.linspace(0, 1, 9)
        corners = np.stack([self.start, self.start + self.along])
        edges = [self.start + u[:, None] * self.along + self.edge(c, u)[:, None] * self.down
                 for c in (self.upper, self.lower)]  # fmt: skip
        points = np.concatenate([corners, *edges])
        around = np.concatenate([points - margin_px, points + margin_px])
        return Window.around(around, (size[1], size[0]))


def shift_edge(
    maps: tuple[FloatArray, FloatArray],
    rest: Opening,
    moved: Opening,
    upper_reach_px: float,
    lower_reach_px: float,
    inset_px: float = 0.0,
) -> None:
    """Let the skin beside an opening follow its edges, in place in a backward map.

    The skin above the upper edge is stretched or gathered evenly between the edge and ``upper_reach_px``
    above, that below the lower edge likewise; a reach of 0 leaves that side.

    Args:
        maps: x and y of the window, in which the edges still lie at ``rest``.
        rest: where the edges are under the maps.
        moved: where they shall be.
        upper_reach_px: how far above the upper edge the skin takes part.
        lower_reach_px: the same below the lower edge.
        inset_px: what lies this far outside an edge that moves is taken for the edge, so that nothing of what
            is inside the opening is smeared over the skin.
    """
    height, width = maps[0].shape
    window = moved.window((width, height), max(upper_reach_px, lower_reach_px) + 2)
    x, y = window.grid()
    x, y = x + np.float32(window.left), y + np.float32(window.top)
    u, v = moved.place(x, y)
    offset = np.zeros_like(v)
    halfway = (moved.edge(moved.upper, u) + moved.edge(moved.lower, u)) / 2
    fade = np.clip(8 * np.minimum(u, 1 - u), 0, 1)
    for which, reach, outward in (("upper", upper_reach_px, -1.0), ("lower", lower_reach_px, 1.0)):
        if reach <= 0:
            continue
        edge = moved.edge(getattr(moved, which), u)
        slip = moved.edge(getattr(rest, which), u) - edge
        slip += outward * fade * np.minimum(inset_px, np.abs(slip))
        outside = np.clip((v - edge) * outward, 0, reach)
        here = (v >= halfway) if outward > 0 else (v < halfway)
        rim = _RIM * reach  # lashes and lip borders keep their width
        share = np.clip((outside - rim) / (reach - rim), 0, 1)
        offset += np.where(here, slip * (1 - share), 0)
    n = moved.down.astype(np.float32)
    from_x = (x + offset * n[0]).astype(np.float32)
    from_y = (y + offset * n[1]).astype(np.float32)
    for values in maps:
        values[window.slices] = cv2.remap(
            values, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
