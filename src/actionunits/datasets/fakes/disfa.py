"""A fake of DISFA: a left and a right video a person, intensities 0 to 5 in a file an AU, frames from 1."""

from __future__ import annotations

from itertools import chain, zip_longest

from actionunits.datasets.fakes.writer import FakeWriter, write_text
from actionunits.datasets.folds import named_folds
from actionunits.facs.sets import AU_SETS

__all__ = ["VARIANTS", "write"]

VARIANTS = ("videos",)


def write(fake: FakeWriter) -> None:
    """Write it; each person's video holds as many expressions as the size has sequences."""
    parts = [fold.test for fold in named_folds("disfa-3").folds]
    people = [who for who in chain.from_iterable(zip_longest(*parts)) if who is not None]
    aus = AU_SETS["disfa-12"]
    for who in people[: fake.subjects]:
        stories = [fake.story(who, number, aus) for number in range(fake.sequences)]
        images = [
            fake.paint(who, story.expression(frame)) for story in stories for frame in range(story.frames)
        ]
        fake.video(f"Videos_LeftCamera/LeftVideo{who}_comp.avi", 20.0, images)
        fake.video(f"Video_RightCamera/RightVideo{who}_Comp.avi", 20.0, images)
        for au in aus:
            codes = [story.intensity(au, frame) for story in stories for frame in range(story.frames)]
            lines = (f"{frame},{code}" for frame, code in enumerate(codes, start=1))
            write_text(fake.folder / "ActionUnit_Labels" / who / f"{who}_au{au}.txt", lines)
