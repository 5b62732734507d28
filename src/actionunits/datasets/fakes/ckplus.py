"""A fake of CK+: neutral to peak, intensity 0 for "not given", an emotion for about half the sequences."""

from __future__ import annotations

from actionunits.datasets.fakes.writer import FakeWriter, write_text
from actionunits.facs.sets import AU_SETS

__all__ = ["VARIANTS", "write"]

VARIANTS = ("images",)


def write(fake: FakeWriter) -> None:
    """Write it."""
    for number in range(fake.subjects):
        who = f"S{5 * number + 5:03d}"
        for sequence in range(1, fake.sequences + 1):
            name = f"{sequence:03d}"
            story = fake.story(who, sequence, AU_SETS["disfa-12"])
            last = story.apex + 1
            for frame in range(1, last + 1):
                path = f"cohn-kanade-images/{who}/{name}/{who}_{name}_{frame:08d}.png"
                fake.picture(path, who, story.expression(0 if frame == 1 else frame - 1))
            peak = f"{who}/{name}/{who}_{name}_{last:08d}"
            given = [(au, level if k % 2 else 0) for k, (au, level) in enumerate(story.peaks.items())]
            lines = [f"   {au:.7e}   {level:.7e}" for au, level in given]
            write_text(fake.folder / "FACS" / f"{peak}_facs.txt", lines)
            if sequence % 2:
                emotion = 1 + (number + sequence) % 7
                write_text(fake.folder / "Emotion" / f"{peak}_emotion.txt", [f"   {emotion:.7e}"])
