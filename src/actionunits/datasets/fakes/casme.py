"""A fake of CASME: an .xls table, one or two apexes or none, sides, doubts, and names that differ in case."""

from __future__ import annotations

from actionunits.datasets.fakes.writer import FakeWriter, Story
from actionunits.errors import UserError
from actionunits.facs.sets import AU_SETS

__all__ = ["VARIANTS", "au_text", "write"]

VARIANTS = ("sections", "cropped")

_HEADER = ("Subject", "Filename", "", "OnsetF", "ApexF1", "ApexF2", "OffsetF", "", "AU", "Emotion")
_EMOTIONS = ("happiness", "disgust", "repression", "tense", "surprise", "sadness")
_ONSET = 97  # 99 to 100 must sort


def write(fake: FakeWriter) -> None:
    """Write it."""
    try:
        import xlwt
    except ImportError as problem:
        raise UserError("spreadsheets need xlwt: pip install 'actionunits[train]'") from problem
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet1")
    rows = [_HEADER, *_clips(fake)]
    for line, row in enumerate(rows):
        for column, cell in enumerate(row):
            sheet.write(line, column, cell)
    book.save(str(fake.folder / "CASME.xls"))


def _clips(fake: FakeWriter) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for person in range(1, fake.subjects + 1):
        for number in range(1, fake.sequences + 1):
            story = fake.story(f"casme {person}", len(rows), AU_SETS["casme-13"], sides=True)
            clip = f"EP{number:02d}_{person}"
            for frame in range(-2, story.frames + 2):
                name = f"{clip}-{_ONSET + frame}.jpg"
                shown = story.expression(min(max(frame, 0), story.frames - 1))
                fake.picture(_path(fake, person, number, clip, name), f"casme {person}", shown)
            apex = _ONSET + story.apex
            first: object = 0 if len(rows) % 5 == 4 else apex
            second: object = apex + 1 if len(rows) % 4 == 1 else ""
            offset = _ONSET + story.frames - 1
            emotion = _EMOTIONS[len(rows) % len(_EMOTIONS)]
            rows.append(
                (person, clip, "", _ONSET, first, second, offset, "", au_text(story, len(rows)), emotion)
            )
    return rows


def _path(fake: FakeWriter, person: int, number: int, clip: str, name: str) -> str:
    if fake.variant == "cropped":
        return f"Cropped/sub{person:02d}/{clip}/reg_{name}"
    folder = clip.lower() if number == 2 else clip
    return f"Section {'AB'[person % 2]}/sub{person:02d}/{folder}/{name}"


def au_text(story: Story, number: int) -> str:
    """An AU string such as ``4+L12``; every third has a doubtful AU at its end."""
    tokens = [f"{story.side.get(au, '')}{au}" for au in story.peaks]
    return "+".join(tokens) + ("?" if number % 3 == 2 and len(tokens) > 1 else "")
