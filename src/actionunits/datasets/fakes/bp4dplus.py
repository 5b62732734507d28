"""A fake of BP4D+ with EB+: 34 AUs, four coded tasks, and the coding of F041 T7 that is too long."""

from __future__ import annotations

from actionunits.datasets.fakes.bp4d import write_recording
from actionunits.datasets.fakes.writer import FakeWriter
from actionunits.facs.sets import AU_SETS

__all__ = ["VARIANTS", "write"]

VARIANTS = ("2D+3D",)


def write(fake: FakeWriter) -> None:
    """Write it."""
    people = ["F041", *(f"{sex}{n:03d}" for n in range(1, 41) for sex in "FM")]
    for who in people[: fake.subjects]:
        tasks = ["T7", "T1", "T6", "T8"][: fake.sequences]
        for number, task in enumerate(tasks):
            story = fake.story(who, number, AU_SETS["bp4d-12"])
            write_recording(
                fake,
                story,
                who,
                task,
                f"2D+3D/{who}/{task}",
                digits=3,
                legacy=False,
                surplus_codes=3 if (who, task) == ("F041", "T7") else 0,
                graded=task != "T8",
            )
