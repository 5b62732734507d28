"""``au explain``: where a model looks for an AU."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from actionunits.cli.progress import progress_bar
from actionunits.errors import UserError

__all__ = ["explain"]


def explain(
    picture: Annotated[Path, typer.Argument(help="A picture with a face.", show_default=False)],
    au: Annotated[str | None, typer.Option(help="The AU, such as 12 or AU12.", show_default=False)] = None,
    out: Annotated[Path, typer.Option(help="The PNG file.")] = Path("map.png"),
    model: Annotated[
        Path | None,
        typer.Option(
            help="Model file (.onnx, .safetensors) or run of `au train`; without it the embedded model.",
            show_default=False,
        ),
    ] = None,
    regions: Annotated[
        str | None,
        typer.Option(
            help="Draw the regions of a paper instead: cooccurrence (brow, nose, lip) or au_rcnn.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Hide patch after patch of the largest face and draw how far the AU's probability falls.

    A model that also takes the 68 points keeps them: the map shows what it reads from the pixels.

    Examples: au explain portrait.jpg --au 12 --out smile.png
    au explain portrait.jpg --regions cooccurrence --out regions.png
    """
    if (au is None) == (regions is None):
        raise UserError("say what to draw: --au NUMBER for a map, or --regions PAPER for its boxes")
    if au is None:
        _draw_regions(picture, str(regions), out)
        return
    from actionunits.atomic import replace_when_done
    from actionunits.detect.backends import load_backend
    from actionunits.explain.draw import draw_map
    from actionunits.explain.picture import explain_picture
    from actionunits.facs.units import parse_au

    number = parse_au(au)
    with progress_bar("hiding patches", "places") as move:
        found = explain_picture(picture, number, load_backend(model), on_progress=move)
    drawing = draw_map(found.face, found.values, number, found.probability)
    with replace_when_done(out) as beside:
        beside.write_bytes(drawing)
    print(f"{out}  AU{number}: probability {found.probability:.2f}, falls by up to {found.values.max():.3f}")


def _draw_regions(picture: Path, paper: str, out: Path) -> None:
    import cv2

    from actionunits.atomic import replace_when_done
    from actionunits.explain.draw_regions import regions_of_picture

    drawing = regions_of_picture(picture, paper)
    _, data = cv2.imencode(".png", cv2.cvtColor(drawing, cv2.COLOR_RGB2BGR))
    with replace_when_done(out) as beside:
        beside.write_bytes(data.tobytes())
    print(f"{out}  the regions of {paper}")
