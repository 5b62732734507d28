"""A fake of CASME II: an .xlsx table, missing apexes, numbers without leading zeros."""

from __future__ import annotations

from actionunits.datasets.fakes.casme import au_text
from actionunits.datasets.fakes.writer import FakeWriter, new_workbook
from actionunits.facs.sets import AU_SETS

__all__ = ["VARIANTS", "write"]

VARIANTS = ("cropped", "raw")

_HEADER = (
    "Subject",
    "Filename",
    "",
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    "",
    "Action Units",
    "Estimated Emotion",
)
_EMOTIONS = ("happiness", "others", "disgust", "repression", "surprise")
_ONSET = 6  # 9 to 10 must sort


def write(fake: FakeWriter) -> None:
    """Write it."""
    book = new_workbook()
    book.active.append(_HEADER)
    folder, before = ("Cropped", "reg_img") if fake.variant == "cropped" else ("CASME2-RAW", "img")
    count = 0
    for person in range(1, fake.subjects + 1):
        for number in range(1, fake.sequences + 1):
            story = fake.story(f"casme2 {person}", count, AU_SETS["casme-13"], sides=True)
            clip = f"EP{number:02d}_0{person}f"
            for frame in range(-2, story.frames + 2):
                shown = story.expression(min(max(frame, 0), story.frames - 1))
                path = f"{folder}/sub{person:02d}/{clip}/{before}{_ONSET + frame}.jpg"
                fake.picture(path, f"casme2 {person}", shown)
            apex: object = (None, "/")[count % 2] if count % 6 > 3 else _ONSET + story.apex
            emotion, codes = _EMOTIONS[count % len(_EMOTIONS)], au_text(story, count)
            last = _ONSET + story.frames - 1
            only = int(codes) if codes.isdecimal() else codes
            book.active.append([f"{person:02d}", clip, None, _ONSET, apex, last, None, only, emotion])
            count += 1
    book.save(fake.folder / "CASME2-coding-20140508.xlsx")
