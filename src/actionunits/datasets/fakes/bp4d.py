"""A fake of BP4D: both picture folders (3 and 4 digits), both headers, code 9, intensity files."""

from __future__ import annotations

from itertools import chain, zip_longest

from actionunits.datasets.bp4d import INTENSITY_AUS
from actionunits.datasets.fakes.writer import FakeWriter, Story, write_text
from actionunits.datasets.folds import named_folds
from actionunits.facs.sets import AU_SETS

__all__ = ["CODED_AUS", "VARIANTS", "write", "write_recording"]

VARIANTS = ("sequences", "training")

#: The columns of the second release.
CODED_AUS = (1, 2, 4, 5, 6, 7, *range(9, 21), 22, 23, 24, *range(27, 40))

_FIRST_FRAME = 95  # coding begins within a video, and 99 to 100 must sort


def write(fake: FakeWriter) -> None:
    """Write it."""
    parts = [fold.test for fold in named_folds("bp4d-3").folds]
    people = [who for who in chain.from_iterable(zip_longest(*parts)) if who is not None]
    for who in people[: fake.subjects]:
        for task in range(1, min(fake.sequences, 8) + 1):
            story = fake.story(who, task, AU_SETS["bp4d-12"])
            if fake.variant == "sequences":
                pictures = f"Sequences(2D+3D)/{who}/T{task}"
                write_recording(fake, story, who, f"T{task}", pictures, digits=4, legacy=True)
            else:
                pictures = f"BP4D-training/{who}/T{task}"
                write_recording(fake, story, who, f"T{task}", pictures, digits=3, legacy=False)


def write_recording(
    fake: FakeWriter,
    story: Story,
    who: str,
    task: str,
    pictures: str,
    *,
    digits: int,
    legacy: bool,
    surplus_codes: int = 0,
    graded: bool = True,
) -> None:
    """Pictures, one before the first coded frame, and codes; ``surplus_codes`` rows have no picture."""
    suffix = ".JPG" if task == "T2" else ".jpg"
    for frame in range(-1, story.frames):
        name = f"{_FIRST_FRAME + frame:0{digits}d}{suffix}"
        fake.picture(f"{pictures}/{name}", who, story.expression(max(frame, 0)))
    columns = tuple(range(1, 100)) if legacy else CODED_AUS
    header = list(range(100)) if legacy else [1, *columns]
    lines = [",".join(map(str, header))]
    for frame in range(story.frames + surplus_codes):
        codes = [_occurrence(story, au, frame) for au in columns]
        lines.append(",".join(map(str, [_FIRST_FRAME + frame, *codes])))
    coding = fake.folder / "AUCoding"
    write_text((coding if legacy else coding / "AU_OCC") / f"{who}_{task}.csv", lines)
    for au in INTENSITY_AUS if graded else ():
        rows = []
        for frame in range(story.frames):
            code = 9 if frame == story.frames - 1 else story.intensity(au, frame)
            rows.append(f"{_FIRST_FRAME + frame},{code}")
        write_text(coding / "AU_INT" / f"AU{au:02d}" / f"{who}_{task}_AU{au:02d}.csv", rows)


def _occurrence(story: Story, au: int, frame: int) -> int:
    """0, 1, or 9: where an AU is not coded, and of all in a last frame that shows no face."""
    if au not in CODED_AUS or au >= 29 or frame == story.frames - 1:
        return 9
    return int(story.intensity(au, frame) >= 1)
