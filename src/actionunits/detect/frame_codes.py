"""Models that look at each frame by itself first: each frame is encoded once, however many clips it is in."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, TypeVar

from actionunits.detect.backends import Backend, BackendOutput, TorchBackend
from actionunits.records import Batch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["FrameCodes", "frame_codes"]

_Name = TypeVar("_Name", bound=Hashable)

#: Frames that are encoded at once, and codes that are looked at in clips at once, are at most so many bytes.
_ENCODED_BYTES, _CLIP_BYTES = 24_000_000, 64_000_000


class FrameCodes:
    """The codes of the latest frames of one source, from which a model says what its clips show.

    Args:
        backend: of a :class:`~actionunits.models.interface.CodedModel`.
    """

    def __init__(self, backend: TorchBackend) -> None:
        self._backend = backend
        self._held: dict[Hashable, Tensor] = {}

    def predict(
        self,
        clips: Sequence[Sequence[_Name]],
        stills: Callable[[Sequence[_Name]], Batch],
        people: int = 1,
    ) -> BackendOutput:
        """What the model says of clips, as if it were given them whole.

        Args:
            clips: B times the names of T frames. Clips come in the order of the source: of its last frames
                so many are held that clips that reach further back are complete.
            stills: gives frames as clips of one frame each, N of them.
            people: how many faces are followed side by side.

        Returns:
            As :meth:`~actionunits.detect.backends.Backend.predict`, [B,T,A].
        """
        import torch

        from actionunits.detect.backends import joined_outputs

        spec = self._backend.spec
        wanted = list(dict.fromkeys(name for clip in clips for name in clip))
        self._encode([name for name in wanted if name not in self._held], stills)
        self._held |= {name: self._held.pop(name) for name in wanted}  # the latest used stand last
        some = self._held[wanted[0]]
        at_once = max(1, _CLIP_BYTES // (some.nbytes * spec.clip_length))
        found = [
            self._backend.predict_codes(
                torch.stack([torch.stack([self._held[name] for name in clip]) for clip in part])
            )
            for part in (clips[first : first + at_once] for first in range(0, len(clips), at_once))
        ]
        most = len(wanted) + people * spec.clip_length * spec.frame_step
        for old in list(self._held)[: max(0, len(self._held) - most)]:
            del self._held[old]
        return joined_outputs(found)

    def _encode(self, names: Sequence[_Name], stills: Callable[[Sequence[_Name]], Batch]) -> None:
        spec = self._backend.spec
        at_once = max(1, min(16, _ENCODED_BYTES // (4 * spec.channels * spec.size_px**2)))
        for first in range(0, len(names), at_once):
            some = names[first : first + at_once]
            self._held.update(zip(some, self._backend.encode(stills(some)), strict=True))


def frame_codes(backend: Backend) -> FrameCodes | None:
    """A holder of codes, if the model is one that looks at each frame by itself first; else None."""
    return FrameCodes(backend) if isinstance(backend, TorchBackend) and backend.coded else None
