"""What the fakes share: pictures, videos, and who shows which AUs when."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np

from actionunits.errors import UserError
from actionunits.facs.units import ACTION_UNITS
from actionunits.records import Expression, ImageArray, OnProgress

if TYPE_CHECKING:
    import openpyxl

__all__ = ["FakeWriter", "Paint", "Story", "new_workbook", "write_text"]

#: Gives u8[H,W,3] RGB of a person with an expression; AUs that it cannot show it leaves out.
Paint = Callable[[str, Expression], ImageArray]


@dataclass(frozen=True)
class Story:
    """An expression that comes and goes.

    Attributes:
        peaks: AU to intensity 1 to 5 at the apex.
        frames: how long it takes.
        side: AU to ``L`` or ``R`` where only one side shows it.
    """

    peaks: dict[int, int]
    frames: int
    side: dict[int, str]

    @property
    def apex(self) -> int:
        """The strongest frame, from 0."""
        return self.frames // 2

    def intensity(self, au: int, frame: int) -> int:
        """0 to 5 at a frame from 0."""
        rise = 1.0 - abs(frame - self.apex) / max(self.apex, self.frames - 1 - self.apex, 1)
        return round(self.peaks.get(au, 0) * min(1.0, 1.5 * max(rise, 0.0)))

    def expression(self, frame: int) -> Expression:
        """What the face shows at a frame from 0."""
        values = {au: float(self.intensity(au, frame)) for au in self.peaks}
        return Expression(
            {au: v for au, v in values.items() if v and self.side.get(au) != "R"},
            {au: v for au, v in values.items() if v and self.side.get(au) != "L"},
        )


@dataclass
class FakeWriter:
    """Writes a fake.

    Attributes:
        folder: its root.
        paint: gives the pictures.
        subjects: people.
        sequences: recordings of each.
        frames: pictures of a recording.
        variant: the form of the layout.
        seed: of the labels.
        on_progress: called with the pictures written.
        written: the pictures written.
    """

    folder: Path
    paint: Paint
    subjects: int
    sequences: int
    frames: int
    variant: str
    seed: int
    on_progress: OnProgress | None = None
    written: int = 0

    def story(self, who: str, number: int, aus: Sequence[int], *, sides: bool = False) -> Story:
        """What a person shows in a recording: two to four AUs, such that all of them occur in turn."""
        rng = np.random.default_rng([self.seed, zlib.crc32(who.encode()), number])
        first = (zlib.crc32(who.encode()) % 97 + 3 * number) % len(aus)
        chosen = [aus[(first + 5 * k) % len(aus)] for k in range(int(rng.integers(2, 5)))]
        peaks = {au: int(rng.integers(3, 6)) for au in chosen}
        paired = [au for au in peaks if au in ACTION_UNITS and ACTION_UNITS[au].paired]
        side = {paired[0]: "LR"[number % 2]} if sides and paired and number % 3 == 0 else {}
        return Story(peaks, self.frames, side)

    def picture(
        self,
        path: str,
        who: str,
        expression: Expression,
        change: Callable[[ImageArray], ImageArray] | None = None,
    ) -> None:
        """Write a picture, changed if asked for; the name's end says its kind."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        shown = self.paint(who, expression)
        image = cv2.cvtColor(shown if change is None else change(shown), cv2.COLOR_RGB2BGR)
        done, data = cv2.imencode(file.suffix.lower(), image)
        if not done:
            raise UserError(f"cannot encode {file}")
        file.write_bytes(data.tobytes())
        self._count()

    def video(self, path: str, rate_hz: float, images: Iterable[ImageArray]) -> None:
        """Write a video."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(file), "w") as container:
            stream = container.add_stream("mpeg4", rate=Fraction(rate_hz).limit_denominator(1000))
            stream.bit_rate = 4_000_000
            for number, image in enumerate(images):
                if number == 0:
                    stream.height, stream.width = (side // 2 * 2 for side in image.shape[:2])
                    stream.pix_fmt = "yuv420p"
                cut = np.ascontiguousarray(image[: stream.height, : stream.width])
                container.mux(stream.encode(av.VideoFrame.from_ndarray(cut, "rgb24")))
                self._count()
            container.mux(stream.encode(None))

    def _count(self) -> None:
        self.written += 1
        if self.on_progress is not None:
            self.on_progress(self.written, None)


def write_text(path: Path, lines: Iterable[str]) -> None:
    """Write lines, with their folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def new_workbook() -> openpyxl.Workbook:
    """An empty .xlsx workbook.

    Raises:
        UserError: the library that writes it is not installed.
    """
    try:
        import openpyxl
    except ImportError as problem:
        raise UserError("spreadsheets need openpyxl: pip install 'actionunits[train]'") from problem
    return openpyxl.Workbook()
