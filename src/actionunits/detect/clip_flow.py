"""Optical flow within the clips of faces that are followed: each pair of crops once, not once a clip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from actionunits.detect.clips import AskedClip
from actionunits.records import InputSpec

__all__ = ["ClipFlow"]


class ClipFlow:
    """Gives the flow of one source's clips; what later clips may need again is held, and no more.

    Args:
        spec: of the model: how clips lie and how flow is found.
    """

    def __init__(self, spec: InputSpec) -> None:
        self._method = spec.flow
        self._reach = spec.frame_step * (spec.clip_length - 1 if spec.scored == "all" else spec.place)
        self._held: dict[tuple[int, int, int], NDArray[np.float16]] = {}

    def of_clips(self, clips: Sequence[AskedClip]) -> list[NDArray[np.float16]]:
        """f16[T,S,S,2] of each: from each frame's predecessor in the clip to it; 0 where a frame is repeated.

        Args:
            clips: come in the order of the source.
        """
        found = [self._of_clip(each) for each in clips]
        begin = max(frame for each in clips for _, frame in each.scored) - self._reach
        self._held = {pair: field for pair, field in self._held.items() if pair[1] >= begin}
        return found

    def _of_clip(self, asked: AskedClip) -> NDArray[np.float16]:
        from actionunits.faces.flow import crop_flow

        crops = [c.image if c.image.ndim == 3 else c.image[:, :, None] for c, _ in asked.clip]
        flow = np.zeros((len(crops), *crops[0].shape[:2], 2), np.float16)
        for at in range(1, len(crops)):
            pair = (asked.track, asked.frames[at - 1], asked.frames[at])
            if pair[1] == pair[2]:
                continue
            if pair not in self._held:
                self._held[pair] = crop_flow(crops[at - 1], crops[at], self._method)
            flow[at] = self._held[pair]
        return flow
