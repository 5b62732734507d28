"""``au synthesize``: labelled clips of animated portraits, single pictures, and painted portraits."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actionunits.cli.progress import progress_bar
from actionunits.errors import UserError
from actionunits.facs.sets import AU_SETS, au_set
from actionunits.facs.units import ACTION_UNITS, INTENSITY_LETTERS, action_unit, parse_au

if TYPE_CHECKING:
    from actionunits.records import Expression, ImageArray, Portrait
    from actionunits.synthesis.clip import Animator

__all__ = ["app", "parse_aus", "parse_expression"]

#: Frames a second below which a micro-expression has too few frames: CAS(ME)^2's cameras give 30.
MICRO_RATE_HZ = 30.0

app = typer.Typer(
    help="Faces that show given Action Units: labelled clips, pictures, painted portraits.\n\n"
    "Example: au synthesize clips faces --portraits painted --clips 10",
    no_args_is_help=True,
)

_FaceModel = Annotated[
    Path | None,
    typer.Option(help="3-D face model (.npz, ICT-FaceKit's layout) for better motion.", show_default=False),
]


class _Table(StrEnum):
    csv = "csv"
    parquet = "parquet"


@app.command()
def clips(
    out: Annotated[Path, typer.Argument(help="Folder of the clips; made if it is missing.")],
    portraits: Annotated[
        list[str],
        typer.Option(help="Folder or picture of neutral faces; repeat for more; 'painted' paints them."),
    ] = ["painted"],  # noqa: B006
    face_model: _FaceModel = None,
    people: Annotated[
        int | None,
        typer.Option(min=1, help="Number of painted people; without it one a clip.", show_default=False),
    ] = None,
    count: Annotated[int, typer.Option("--clips", min=1, help="Number of clips.")] = 10,
    seconds: Annotated[float, typer.Option(min=0.5, max=600.0, help="Length of a clip.")] = 6.0,
    rate: Annotated[float, typer.Option(min=1.0, max=1000.0, help="Frames a second.")] = 25.0,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    aus: Annotated[
        str, typer.Option(help=f"AUs, such as 1,2,12, or a set: {', '.join(AU_SETS)}.")
    ] = "default-17",
    micro: Annotated[
        bool, typer.Option("--micro", help="Micro-expressions (0.04 to 0.5 s) instead of spontaneous ones.")
    ] = False,
    table: Annotated[_Table, typer.Option(help="Kind of index table.")] = _Table.csv,
) -> None:
    """A folder of labelled clips: what the faces show, and when, is known exactly.

    Writes clips/NNNN.mp4, clips/NNNN_labels.csv and one index of all frames (subject, sequence, frame,
    time_s, path, AU01_c.. occurrence, AU01_r.. intensity 0 to 5). Each portrait is one subject; its picture's
    name up to the first _ names it, and where a folder has *_neutral* pictures only those are used. Run again
    with more --clips to go on: complete clips are kept.

    Example: au synthesize clips faces --portraits painted --clips 10 --seconds 6
    """
    from actionunits.synthesis.dataset import Plan, synthesize

    if micro and rate < MICRO_RATE_HZ:
        raise UserError(
            f"a micro-expression may last 0.04 s and is missed at {rate:g} frames a second: give --rate 60 "
            f"or more (at least {MICRO_RATE_HZ:g})"
        )
    plan = Plan(rate_hz=rate, seconds=seconds, aus=parse_aus(aus), micro=micro, seed=seed)
    faces = _faces(portraits, people, seed)
    animate = _animator(face_model)
    with progress_bar(f"clips in {out}", "clips") as move:
        done = synthesize(out, faces, count, plan, animate=animate, table=table.value, on_progress=move)
    for problem in done.skipped:
        print(f"au: {problem}", file=sys.stderr)
    what = f"{done.clips} clips ({done.made} new) of {done.subjects} subjects, {done.frames} frames"
    print(f"{what} -> {done.index}")


@app.command()
def picture(
    portrait: Annotated[
        str, typer.Argument(help="Picture of a neutral face, 'astronaut', or 'painted:SEED'.")
    ],
    out: Annotated[Path, typer.Argument(help="Picture to write (.png, .jpg).")],
    au: Annotated[
        list[str],
        typer.Option(metavar="AU=INTENSITY", help="Such as 12=3, 6=B, 14=4L (subject's left); repeat."),
    ],
    face_model: _FaceModel = None,
    beside: Annotated[bool, typer.Option("--beside", help="The neutral face to the left of it.")] = False,
) -> None:
    """One picture of a face that shows the given Action Units.

    Intensities are 0 to 5 or FACS's letters A to E; L or R behind them means the subject's own side only.

    Example: au synthesize picture astronaut frown.png --au 4=4 --au 15=3 --beside
    """
    import numpy as np

    expression = parse_expression(au)
    _check_suffix(out)
    neutral = _portrait(portrait)
    face = _animator(face_model)(neutral).show(expression)
    image = np.hstack([neutral.image, face.image]) if beside else face.image
    _write_picture(out, image)
    shown = " ".join(f"AU{number}={expression.intensity(number):g}" for number in expression.aus)
    print(f"{neutral.subject} {shown or 'neutral'} -> {out}")


@app.command()
def paint(
    out: Annotated[Path, typer.Argument(help="Folder of the pictures; made if it is missing.")],
    count: Annotated[int, typer.Option("--people", min=1, help="Number of portraits.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of the first one; the others follow.")] = 0,
    size: Annotated[int, typer.Option(help="Side of a picture in px, at least 200.")] = 400,
) -> None:
    """Painted portraits of people who do not exist, and their 68 points.

    Writes SEED_neutral.png, and SEED_points.csv with columns x, y (px, iBUG's order).

    Example: au synthesize paint people --people 24
    """
    import pandas as pd

    from actionunits.atomic import make_directory, replace_when_done
    from actionunits.synthesis.painting import paint_portrait

    make_directory(out)
    with progress_bar(f"portraits in {out}", "portraits") as move:
        for number in range(count):
            painted = paint_portrait(seed + number, size)
            _write_picture(out / f"{seed + number:05d}_neutral.png", painted.image)
            with replace_when_done(out / f"{seed + number:05d}_points.csv") as partial:
                points = pd.DataFrame(painted.landmarks.points, columns=["x", "y"])
                points.to_csv(partial, index=False, float_format="%.2f")
            move(number + 1, count)
    print(f"{count} portraits -> {out}")


def parse_aus(text: str) -> tuple[int, ...]:
    """AUs out of ``1,2,AU12`` or the name of a set.

    Raises:
        UserError: not AUs, or an unknown set.

    >>> parse_aus("1, AU12"), parse_aus("disfa-8")
    ((1, 12), (1, 2, 4, 6, 9, 12, 25, 26))
    """
    if not re.match(r"\s*(AU)?\s*\d", text, re.IGNORECASE):
        return au_set(text.strip())
    numbers = [action_unit(parse_au(part)).number for part in text.split(",") if part.strip()]
    return tuple(dict.fromkeys(numbers))


_SETTING = re.compile(r"(?P<au>[^=]+)=(?P<value>\d*\.?\d+|[A-E])(?P<side>[LRB]?)", re.IGNORECASE)


def parse_expression(settings: Sequence[str]) -> Expression:
    """An expression out of ``12=3``, ``6=B``, ``14=4L`` ...

    Raises:
        UserError: a setting is not of that form, the AU is not known or has no sides, or the intensity is
            above 5.

    >>> face = parse_expression(["12=3", "AU14=DL"])
    >>> face.sides(12), face.sides(14)
    ((3.0, 3.0), (4.0, 0.0))
    """
    from actionunits.records import Expression

    left: dict[int, float] = {}
    right: dict[int, float] = {}
    for text in settings:
        found = _SETTING.fullmatch(text.strip().replace(" ", ""))
        if found is None:
            raise UserError(f"--au {text!r} is not AU=INTENSITY: expected such as 12=3, 6=B or 14=4L")
        number, side = parse_au(found["au"]), found["side"].upper() or "B"
        value = found["value"].upper()
        intensity = INTENSITY_LETTERS.index(value) + 1.0 if value.isalpha() else float(value)
        if not action_unit(number).paired and side != "B":
            raise UserError(f"AU{number} ({ACTION_UNITS[number].name}) has no sides; write {number}={value}")
        if intensity > 5:
            raise UserError(f"--au {text!r}: the intensity must be within 0 to 5 (A to E)")
        for name, values in (("L", left), ("R", right)):
            if side in ("B", name):
                values[number] = max(values.get(number, 0.0), intensity)
    return Expression(left, right)


#: More painted people than anyone asks for; they are painted only when needed.
_MANY = 1_000_000


def _faces(names: Sequence[str], people: int | None, seed: int) -> Sequence[Portrait]:
    from actionunits.synthesis.painting import PaintedPeople
    from actionunits.synthesis.portraits import PortraitFiles

    if names == ["painted"]:
        return PaintedPeople(people or _MANY, first_seed=seed)
    if "painted" in names or people is not None:
        raise UserError("painted people and pictures go into two folders: leave out 'painted' or --people")
    return PortraitFiles(names)


def _portrait(name: str) -> Portrait:
    from actionunits.synthesis.painting import paint_portrait
    from actionunits.synthesis.portraits import astronaut, read_portrait

    if name == "astronaut":
        return astronaut()
    if name.startswith("painted:"):
        if not name[8:].isdecimal():
            raise UserError(f"{name!r} names no painted portrait: expected painted:SEED such as painted:7")
        return paint_portrait(int(name[8:]))
    return read_portrait(name)


def _animator(face_model: Path | None) -> Callable[[Portrait], Animator]:
    from actionunits.synthesis.animate import PortraitAnimator

    if face_model is None:
        return PortraitAnimator
    from actionunits.synthesis.face_model import load_face_model
    from actionunits.synthesis.model_animator import ModelAnimator

    model = load_face_model(face_model)
    return lambda portrait: ModelAnimator(portrait, model)


def _check_suffix(out: Path) -> None:
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise UserError(f"cannot tell the picture's format from {out.name!r}: use .png or .jpg")


def _write_picture(path: Path, image: ImageArray) -> None:
    import cv2

    from actionunits.atomic import replace_when_done

    done, encoded = cv2.imencode(path.suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not done:
        raise UserError(f"{path} cannot be encoded; use .png")
    with replace_when_done(path) as beside:
        beside.write_bytes(encoded.tobytes())
