"""Maps of AUs over the face that they belong to."""

from __future__ import annotations

import io
from collections.abc import Sequence

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from actionunits.facs.units import action_unit
from actionunits.records import FloatArray, ImageArray
from actionunits.reports.figures import au_label

__all__ = ["draw_map", "draw_maps"]

#: The colours reach at least so far, so that rounding error does not look like an effect.
LEAST_SPAN = 0.02

_COLOURS = "jet"  # the paper's: blue, green, yellow, red
_INK = "#333333"


def draw_map(
    face: ImageArray,
    values: FloatArray,
    au: int,
    probability: float,
    *,
    unit: str = "fall of the probability",
) -> bytes:
    """A PNG of the face beside the face under the map; blue is no effect, red the strongest.

    Args:
        face: u8[S,S] or u8[S,S,3] RGB, the aligned crop.
        values: f32[S,S], the map of one AU on the crop's pixels.
        au: its number.
        probability: of the AU with nothing hidden.
        unit: what the map shows.
    """
    figure = _new_figure(8.4, 4.3)
    plain, mapped = figure.subplots(1, 2)
    plain.imshow(_in_colour(face), interpolation="nearest")
    plain.set_title("what the model saw", fontsize=10)
    image = _blend(mapped, face, values, *_span(values))
    mapped.set_title(f"{unit} when hidden there", fontsize=10)
    figure.colorbar(image, ax=mapped, shrink=0.85)
    plain.set_axis_off()
    figure.suptitle(
        f"AU{au} {action_unit(au).name}: probability {probability:.2f} with nothing hidden", fontsize=12
    )
    return _render(figure, "png", 110)


def draw_maps(
    face: ImageArray,
    values: FloatArray,
    aus: Sequence[int],
    positives: NDArray[np.int64],
    *,
    unit: str = "fall of the share of positive frames found",
    title: str = "",
    columns: int = 4,
    one_scale: bool = False,
    file_format: str = "png",
) -> bytes:
    """A panel an AU, its map over the mean face, as in seed 003's Fig. 4; blue is no effect, red strong.

    What is below 0, where hiding the place helps, is blue too. A bar says what the colours mean. An AU that
    no frame shows has a panel that says so.

    Args:
        face: u8[S,S] or u8[S,S,3] RGB, the mean of the aligned crops.
        values: f32[S,S,A], the maps on the crop's pixels (see ``PatchGrid.interpolated``); NaN: no map.
        aus: the A AUs.
        positives: i64[A], the number of frames that show each.
        unit: what the maps show, larger where the place matters more.
        title: stands above.
        columns: panels in a row.
        one_scale: one bar for all panels, so that AUs can be compared; else each panel has its own, so that
            a weak AU's map can be seen as well.
        file_format: ``png`` or ``svg``.
    """
    if values.shape != (*face.shape[:2], len(aus)) or len(positives) != len(aus):
        raise ValueError(f"maps of {len(aus)} AUs on a face {face.shape[:2]} expected, got {values.shape}")
    rows = -(-len(aus) // columns)
    figure = _new_figure(2.1 * columns, 2.05 * rows + 0.3 + 0.3 * bool(title))
    shared = _span(values) if one_scale else None
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    drawn = []
    for number, axes in enumerate(panels):
        axes.set_axis_off()
        if number < len(aus):
            axes.set_title(_heading(aus[number], int(positives[number])), fontsize=8, color=_INK, pad=3)
            drawn.append(_panel(axes, face, values[..., number], shared))
    images = [image for image in drawn if image is not None]
    if one_scale and images:
        _bar(figure, images[0], list(panels))
    elif not one_scale:
        for image in images:
            _bar(figure, image, [image.axes])
    if title:
        figure.suptitle(title, fontsize=11, color=_INK)
    figure.supxlabel(f"Colours: {unit} when the patch hides the place", fontsize=8.5, color=_INK)
    return _render(figure, file_format, 200)


def _heading(au: int, positives: int) -> str:
    return f"{au_label(au)}\n{positives:,} positive frame{'' if positives == 1 else 's'}"


def _panel(
    axes: Axes, face: ImageArray, values: FloatArray, shared: tuple[float, float] | None
) -> AxesImage | None:
    """The map over the face; None, and words, where there is no map."""
    if np.isfinite(values).any():
        return _blend(axes, face, values, *(shared or _span(values)))
    axes.imshow(_in_colour(face), alpha=0.35, interpolation="bilinear")
    words = "no positive frame:\nno map"
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", fontsize=8, color=_INK)
    return None


def _bar(figure: Figure, image: AxesImage, panels: list[Axes]) -> None:
    """What the colours of some panels mean; beside a single one there is room for the ends."""
    alone = len(panels) == 1
    width, ticks = (0.045, list(image.get_clim())) if alone else (0.02, None)
    bar = figure.colorbar(image, ax=panels, fraction=width, pad=0.02, ticks=ticks)
    bar.ax.tick_params(labelsize=6.5, length=2, pad=1.5, colors=_INK)
    bar.ax.yaxis.set_major_formatter("{x:.2f}")
    bar.outline.set_visible(False)


def _span(values: FloatArray) -> tuple[float, float]:
    """Where the colours start and end: no effect is blue on every map, and so is what is below it."""
    if not np.isfinite(values).any():
        return 0.0, LEAST_SPAN
    return 0.0, max(float(np.nanmax(values)), LEAST_SPAN)


def _blend(axes: Axes, face: ImageArray, values: FloatArray, low: float, high: float) -> AxesImage:
    axes.imshow(_in_colour(face), interpolation="bilinear")
    axes.set_axis_off()
    return axes.imshow(values, cmap=_COLOURS, vmin=low, vmax=high, alpha=0.5, interpolation="bilinear")


def _in_colour(face: ImageArray) -> ImageArray:
    return face if face.ndim == 3 else np.asarray(cv2.cvtColor(face, cv2.COLOR_GRAY2RGB), np.uint8)


def _new_figure(width_in: float, height_in: float) -> Figure:
    engine = ConstrainedLayoutEngine(h_pad=0.05, w_pad=0.03)  # inches around each panel
    figure = Figure(figsize=(width_in, height_in), facecolor="white", layout=engine)
    FigureCanvasAgg(figure)
    return figure


def _render(figure: Figure, file_format: str, dots_per_inch: int) -> bytes:
    undated = {"png": {"Software": None}, "svg": {"Date": None}}
    if file_format not in undated:
        raise ValueError(f"a figure is png or svg, not {file_format}")
    memory = io.BytesIO()
    figure.savefig(memory, format=file_format, dpi=dots_per_inch, metadata=undated[file_format])
    return memory.getvalue()
