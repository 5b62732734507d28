"""A fake of CAS(ME)^2: long videos with two expressions, naming rules, missing apexes and offsets."""

from __future__ import annotations

from actionunits.datasets.fakes.casme import au_text
from actionunits.datasets.fakes.writer import FakeWriter, new_workbook
from actionunits.facs.sets import AU_SETS

__all__ = ["VARIANTS", "write"]

VARIANTS = ("rawpic",)

_VIDEOS = (
    ("disgust1", "0101", "disgustingteeth"),
    ("happy1", "0401", "girlcrashing"),
    ("anger1", "0502", "funnyerrors"),
)
_EMOTIONS = ("disgust", "happiness", "anger")
_REST = 8


def write(fake: FakeWriter) -> None:
    """Write it; each video has two expressions with rest between them."""
    book = new_workbook()
    rows = book.active
    rows.title = "CASFEcode_final"
    count = 0
    for person in range(1, fake.subjects + 1):
        who = person + 14
        for number, (name, digits, title) in enumerate(_VIDEOS[: fake.sequences]):
            start = 1 + _REST
            folder = f"rawpic/s{who}/{who}_{digits}{title}"
            shown = 1
            for part in (1, 2):
                story = fake.story(f"casme_squared {who}", count, AU_SETS["casme-13"], sides=True)
                for frame in range(shown, start + story.frames + _REST):
                    at = min(max(frame - start, 0), story.frames - 1)
                    fake.picture(f"{folder}/img{frame}.jpg", f"casme_squared {who}", story.expression(at))
                shown = start + story.frames + _REST
                apex = 0 if count % 5 == 3 else start + story.apex
                offset = 0 if count % 7 == 6 and apex else start + story.frames - 1
                kind = ("micro-expression", "macro-expression")[part - 1]
                cells = [person, f"{name}_{part}", start, apex, offset, au_text(story, count)]
                rows.append([*cells, _EMOTIONS[number], kind, _EMOTIONS[number]])
                start = shown
                count += 1
    rule1, rule2 = book.create_sheet("naming rule1"), book.create_sheet("naming rule2")
    for name, digits, _ in _VIDEOS:
        rule1.append([digits, name])
    for person in range(1, fake.subjects + 1):
        rule2.append([person, f"s{person + 14}"])
    book.save(fake.folder / "CAS(ME)^2code_final.xlsx")
