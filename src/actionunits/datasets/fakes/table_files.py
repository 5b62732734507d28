"""A table of pictures with AU columns."""

from __future__ import annotations

from actionunits.datasets.fakes.writer import FakeWriter, write_text
from actionunits.facs.sets import AU_SETS

__all__ = ["VARIANTS", "write"]

VARIANTS = ("csv",)


def write(fake: FakeWriter) -> None:
    """Write it: ``labels.csv`` with intensities 0 to 5, 9 for unknown in the last frame."""
    aus = AU_SETS["disfa-8"]
    lines = ["subject,sequence,frame,path," + ",".join(f"AU{au}" for au in aus)]
    for person in range(1, fake.subjects + 1):
        for number in range(1, fake.sequences + 1):
            story = fake.story(f"person {person}", number, aus)
            for frame in range(story.frames):
                path = f"pictures/p{person:02d}/{number}/{frame}.jpg"
                fake.picture(path, f"person {person}", story.expression(frame))
                last = frame == story.frames - 1
                codes = ",".join("9" if last else str(story.intensity(au, frame)) for au in aus)
                lines.append(f"p{person:02d},{number},{frame},{path},{codes}")
    write_text(fake.folder / "labels.csv", lines)
