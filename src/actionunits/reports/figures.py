"""Figures as PNG or SVG bytes: AU timelines, heat maps, bars, scatter plots, curves, contact sheets.

Drawn with matplotlib's object interface, without its global state. Colours are Okabe and Ito's, which
colour-blind readers can tell apart, and every series also differs in its line or marker.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from actionunits.facs.units import ACTION_UNITS, au_column
from actionunits.records import ImageArray

__all__ = [
    "COLOURS",
    "CaptionLine",
    "au_label",
    "au_timeline",
    "bars",
    "clock",
    "contact_sheet",
    "curves",
    "heat_map",
    "scatter",
]

#: Okabe and Ito's colours, in the order in which series take them.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

_MARKERS = "osD^vPX"
_INK = "#333333"
_TOP = {"probability": 1.0, "intensity": 5.0}
_TICK_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)


def au_label(number: int) -> str:
    """The AU with its FACS name, for axes and tables.

    >>> au_label(12)
    'AU12 Lip Corner Puller'
    """
    unit = ACTION_UNITS.get(number)
    return f"AU{number} {unit.name}" if unit else au_column(number)


def clock(time_s: float) -> str:
    """Seconds as ``m:ss`` or ``h:mm:ss``.

    >>> clock(75), clock(3725.4)
    ('1:15', '1:02:05')
    """
    whole = round(time_s)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def _new_figure(width_in: float, height_in: float, *, constrained: bool = True) -> Figure:
    layout: Literal["constrained"] | None = "constrained" if constrained else None
    figure = Figure(figsize=(width_in, height_in), dpi=110, facecolor="white", layout=layout)
    FigureCanvasAgg(figure)
    return figure


def _render(figure: Figure, file_format: str) -> bytes:
    if file_format not in ("png", "svg"):
        raise ValueError(f"a figure is png or svg, not {file_format}")
    buffer = io.BytesIO()
    undated = {"png": {"Software": None}, "svg": {"Date": None}}  # the same input gives the same bytes
    figure.savefig(buffer, format=file_format, metadata=undated[file_format])
    return buffer.getvalue()


def _plain_axes(figure: Figure, title: str) -> Axes:
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_INK, labelsize=9)
    if title:
        axes.set_title(title, fontsize=11, loc="left", color=_INK)
    return axes


def _peak_per_column(
    times_s: NDArray[np.float64], values: NDArray[np.float64], columns: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The largest value in each of ``columns`` equal spans of time: (times [C], values [C,A])."""
    if len(times_s) <= columns:
        return times_s, values
    first, last = times_s[0], times_s[-1]
    column = np.minimum(((times_s - first) / (last - first) * columns).astype(int), columns - 1)
    peaks = np.full((columns, values.shape[1]), -np.inf)
    np.maximum.at(peaks, column, np.where(np.isnan(values), -np.inf, values))
    centres = first + (np.arange(columns) + 0.5) * (last - first) / columns
    peaks[np.isneginf(peaks)] = np.nan
    empty = np.bincount(column, minlength=columns) == 0  # spans shorter than a frame: not a gap
    return centres[~empty], peaks[~empty]


def _time_axis(axes: Axes, first_s: float, last_s: float) -> None:
    length = last_s - first_s
    step = next((s for s in _TICK_STEPS_S if length / s <= 12), _TICK_STEPS_S[-1])
    ticks = np.arange(np.ceil(first_s / step - 1e-9), np.floor(last_s / step + 1e-9) + 1) * step + 0.0
    if length < 120:
        axes.set_xticks(ticks, [f"{tick:g}" for tick in np.round(ticks, 3)])
        axes.set_xlabel("time (s)", fontsize=10, color=_INK)
    else:
        axes.set_xticks(ticks, [clock(tick) for tick in ticks])
        axes.set_xlabel("time (h:mm:ss)" if last_s >= 3600 else "time (m:ss)", fontsize=10, color=_INK)


def au_timeline(
    times_s: ArrayLike,
    values: ArrayLike,
    aus: Sequence[int],
    *,
    truth: ArrayLike | None = None,
    thresholds: ArrayLike | None = None,
    absent: Sequence[tuple[float, float]] = (),
    title: str = "",
    unit: str = "probability",
    file_format: str = "png",
) -> bytes:
    """A row for each AU over a shared time axis: its value as a line, the truth as a shaded area.

    Args:
        times_s: f64[N], ascending, in seconds.
        values: [N,A]; a gap where NaN. Long recordings are drawn by the largest value of each pixel column,
            so that no short event is lost.
        aus: the A AU numbers.
        truth: [N,A] on the scale of ``values`` (0 or 1 for a probability, 0 to 5 for an intensity); nothing
            is shaded where NaN.
        thresholds: [A], from which an AU counts as shown: a dashed line in each row.
        absent: spans of time (from, to) without a face: shaded grey over all rows.
        title: stands above.
        unit: ``probability`` (rows from 0 to 1), ``intensity`` (0 to 5), or any other name
            (0 to the largest).
        file_format: ``png`` or ``svg``.

    Raises:
        ValueError: the shapes do not agree, or the values leave the unit's range.
    """
    times = np.asarray(times_s, np.float64)
    lines = np.asarray(values, np.float64)
    areas = np.full_like(lines, np.nan) if truth is None else np.asarray(truth, np.float64)
    if times.ndim != 1 or lines.shape != (len(times), len(aus)) or areas.shape != lines.shape or not len(aus):
        raise ValueError(
            f"a timeline of {len(aus)} AUs got times {times.shape}, values {lines.shape}, truth {areas.shape}"
        )
    highest = float(np.nanmax(np.concatenate([lines, areas]), initial=0.0))
    top = _TOP.get(unit, highest if highest > 0 else 1.0)
    if highest > top * 1.001:
        raise ValueError(f"a timeline of unit {unit} reaches {top:g}, got {highest:g}")

    figure = _new_figure(11.0, 1.1 + 0.4 * max(len(aus), 2), constrained=False)
    axes = _plain_axes(figure, "")
    columns = 900
    line_times, lines = _peak_per_column(times, lines, columns)
    area_times, areas = _peak_per_column(times, areas, columns)
    for row in range(len(aus)):
        base = float(len(aus) - 1 - row)
        axes.axhline(base, color="#cccccc", linewidth=0.6, zorder=0)
        _draw_row(axes, base, 0.82 / top, (line_times, lines[:, row]), (area_times, areas[:, row]))
    if thresholds is not None:
        limits = np.arange(len(aus) - 1, -1, -1) + np.asarray(thresholds, np.float64) * 0.82 / top
        style: dict[str, Any] = {"color": _INK, "linewidth": 0.6, "alpha": 0.6}
        ends = (float(times[0]), float(times[-1])) if len(times) else axes.get_xlim()
        axes.hlines(limits, *ends, linestyles=(0, (5, 4)), **style)
        axes.plot([], [], linestyle=(0, (5, 4)), label="threshold", **style)
    for start, end in absent:
        axes.axvspan(start, end, color="#ebebeb", linewidth=0, zorder=0)
    if absent:
        axes.fill_between([], [], color="#ebebeb", label="no face")
    _finish_timeline(figure, axes, aus, times, unit, top, title, truth is not None)
    return _render(figure, file_format)


def _draw_row(
    axes: Axes,
    base: float,
    scale: float,
    line: tuple[NDArray[np.float64], NDArray[np.float64]],
    area: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    if np.isfinite(area[1]).any():
        height = base + np.clip(area[1], 0, None) * scale
        axes.fill_between(
            area[0], base, height, where=np.isfinite(area[1]), color=COLOURS[4], alpha=0.55, linewidth=0
        )
    height = base + np.clip(line[1], 0, None) * scale
    axes.plot(line[0], height, color=COLOURS[0], linewidth=1.1)
    known = np.isfinite(height)
    alone = known & ~np.concatenate([[False], known[:-1]]) & ~np.concatenate([known[1:], [False]])
    axes.plot(line[0][alone], height[alone], linestyle="", marker=".", markersize=3, color=COLOURS[0])


def _finish_timeline(
    figure: Figure,
    axes: Axes,
    aus: Sequence[int],
    times: NDArray[np.float64],
    unit: str,
    top: float,
    title: str,
    with_truth: bool,
) -> None:
    rows = len(aus)
    bases = np.arange(rows - 1, -1, -1, dtype=float)
    first, last = (float(times[0]), float(times[-1])) if len(times) else (0.0, 1.0)
    axes.set_xlim(first, last if last > first else first + 1.0)
    axes.set_ylim(-0.12, rows)
    axes.set_yticks(bases + 0.35, [au_label(number) for number in aus], fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    scale = axes.secondary_yaxis("right")
    scale.set_yticks(
        np.concatenate([bases, bases + 0.82]),
        ["0"] * rows + [f"{top:.3g}"] * rows,
        fontsize=6.5,
        color="#777777",
    )
    scale.spines["right"].set_visible(False)
    scale.tick_params(length=0, pad=2)
    _time_axis(axes, *axes.get_xlim())
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.plot([], [], color=COLOURS[0], label=f"{unit} (each row 0 to {top:.3g})")
    if with_truth:
        axes.fill_between([], [], color=COLOURS[4], alpha=0.55, label="truth")
    height_in = figure.get_figheight()
    figure.legend(
        loc="upper right", bbox_to_anchor=(0.965, 1 - 0.06 / height_in), ncols=4, frameon=False, fontsize=9
    )
    figure.text(0.015, 1 - 0.13 / height_in, title, fontsize=12, va="top", color=_INK)
    figure.subplots_adjust(left=0.19, right=0.965, top=1 - 0.42 / height_in, bottom=0.5 / height_in)


def heat_map(
    values: ArrayLike,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str = "",
    label: str = "",
    limits: tuple[float, float] | None = None,
    digits: int = 2,
    file_format: str = "png",
) -> bytes:
    """A matrix in colours with its numbers; an undefined cell is grey with a dash.

    Args:
        values: [R,C].
        rows: R names, top down.
        columns: C names.
        title: stands above.
        label: what the colours measure, with its unit.
        limits: the values of the two ends of the colour scale; None = those of the data. Limits of opposite
            sign give a scale with white at its middle.
        digits: decimals of the printed numbers.
        file_format: ``png`` or ``svg``.
    """
    matrix = np.asarray(values, np.float64)
    if matrix.shape != (len(rows), len(columns)):
        raise ValueError(f"a heat map of {len(rows)} x {len(columns)} names got values {matrix.shape}")
    finite = matrix[np.isfinite(matrix)]
    low, high = limits or ((float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0))
    high = high if high > low else low + 1.0
    figure = _new_figure(2.6 + 0.5 * len(columns), 1.3 + 0.42 * len(rows))
    axes = _plain_axes(figure, title)
    axes.set_facecolor("#d9d9d9")
    picture = axes.imshow(
        np.ma.masked_invalid(matrix),
        cmap="RdBu_r" if low < 0 < high else "cividis",
        vmin=low,
        vmax=high,
        aspect="auto",
    )
    axes.set_xticks(
        range(len(columns)), columns, rotation=0 if max(map(len, columns), default=0) <= 5 else 45
    )
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    for (row, column), value in np.ndenumerate(matrix):
        text = "–" if np.isnan(value) else f"{value:.{digits}f}"
        shade = 0.0 if np.isnan(value) else (value - low) / (high - low)
        dark = abs(shade - 0.5) > 0.35 if low < 0 < high else shade < 0.55
        axes.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            fontsize=7.5,
            color="white" if dark and np.isfinite(value) else "black",
        )
    bar = figure.colorbar(picture, ax=axes, fraction=0.04, pad=0.02)
    bar.set_label(label, fontsize=9, color=_INK)
    return _render(figure, file_format)


def bars(
    names: Sequence[str],
    values: Mapping[str, ArrayLike],
    *,
    title: str = "",
    axis: str = "",
    errors: Mapping[str, ArrayLike] | None = None,
    file_format: str = "png",
) -> bytes:
    """Horizontal bars, one group a name, one bar of the group a series, with the numbers at their ends.

    Args:
        names: the N groups, top down.
        values: series name to [N]; NaN draws no bar.
        title: stands above.
        axis: what is measured, with its unit.
        errors: for some series [N] half-widths, or [2,N] (below, above), of an error bar.
        file_format: ``png`` or ``svg``.
    """
    figure = _new_figure(8.0, 1.2 + (0.16 + 0.2 * max(len(values), 1)) * len(names))
    axes = _plain_axes(figure, title)
    thickness = 0.8 / max(len(values), 1)
    for i, (series, numbers) in enumerate(values.items()):
        lengths = np.asarray(numbers, np.float64)
        places = np.arange(len(names)) + (i - (len(values) - 1) / 2) * thickness
        spread = None if errors is None or series not in errors else np.asarray(errors[series], np.float64)
        drawn = axes.barh(
            places,
            lengths,
            thickness * 0.92,
            color=COLOURS[i % 7],
            label=series,
            xerr=spread,
            ecolor="#777777",
            capsize=2,
        )
        if spread is None:
            axes.bar_label(
                drawn,
                ["–" if np.isnan(v) else f"{v:.3g}" for v in lengths],
                padding=3,
                fontsize=7.5,
                color=_INK,
            )
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel(axis, fontsize=10, color=_INK)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.margins(x=0.08)
    if len(values) > 1:
        axes.legend(frameon=False, fontsize=9)
    return _render(figure, file_format)


def scatter(
    x: ArrayLike,
    y: ArrayLike,
    names: Sequence[str],
    *,
    title: str = "",
    x_axis: str = "",
    y_axis: str = "",
    file_format: str = "png",
) -> bytes:
    """Named points, the line of least squares and Pearson's r; points with a NaN are left out.

    Args:
        x: [N].
        y: [N].
        names: N labels, beside the points.
        title: stands above.
        x_axis: what x is, with its unit.
        y_axis: what y is, with its unit.
        file_format: ``png`` or ``svg``.
    """
    across, up = np.asarray(x, np.float64), np.asarray(y, np.float64)
    known = np.isfinite(across) & np.isfinite(up)
    figure = _new_figure(6.4, 4.6)
    axes = _plain_axes(figure, title)
    axes.plot(across[known], up[known], linestyle="", marker="o", markersize=5, color=COLOURS[0])
    for i in np.flatnonzero(known).tolist():
        axes.annotate(
            names[i], (across[i], up[i]), (5, 3), textcoords="offset points", fontsize=8, color=_INK
        )
    if known.sum() >= 3 and np.ptp(across[known]) > 0 and np.ptp(up[known]) > 0:
        slope, start = np.polyfit(across[known], up[known], 1)
        ends = np.array([across[known].min(), across[known].max()])
        r = float(np.corrcoef(across[known], up[known])[0, 1])
        label = f"least squares, r = {r:.3f}, n = {int(known.sum())}"
        axes.plot(ends, start + slope * ends, color=COLOURS[1], linewidth=1.2, linestyle="--", label=label)
        axes.legend(frameon=False, fontsize=9)
    axes.set_xlabel(x_axis, fontsize=10, color=_INK)
    axes.set_ylabel(y_axis, fontsize=10, color=_INK)
    axes.grid(color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.margins(0.08)
    return _render(figure, file_format)


def curves(
    x: Sequence[str] | Sequence[float],
    series: Mapping[str, ArrayLike],
    *,
    title: str = "",
    x_axis: str = "",
    y_axis: str = "",
    file_format: str = "png",
) -> bytes:
    """Lines over numbers, or over names (AUs) in their order; a gap where NaN.

    Args:
        x: N numbers or names.
        series: name to [N]; each gets its own colour, marker and line.
        title: stands above.
        x_axis: what x is, with its unit.
        y_axis: what y is, with its unit.
        file_format: ``png`` or ``svg``.
    """
    figure = _new_figure(8.4, 4.4)
    axes = _plain_axes(figure, title)
    named = any(isinstance(value, str) for value in x)
    places = np.arange(len(x)) if named else np.asarray(x, np.float64)
    marker_every = max(1, len(x) // 25)
    for i, (name, values) in enumerate(series.items()):
        style = ("-", "--", ":", "-.")[i // len(COLOURS) % 4]
        axes.plot(
            places,
            np.asarray(values, np.float64),
            style,
            color=COLOURS[i % len(COLOURS)],
            marker=_MARKERS[i % len(_MARKERS)],
            markersize=4,
            markevery=marker_every,
            linewidth=1.2,
            label=name,
        )
    if named:
        axes.set_xticks(
            places, [str(value) for value in x], rotation=45 if max(len(str(v)) for v in x) > 6 else 0
        )
    axes.set_xlabel(x_axis, fontsize=10, color=_INK)
    axes.set_ylabel(y_axis, fontsize=10, color=_INK)
    axes.grid(color="#e6e6e6", linewidth=0.6)
    if len(series) > 1:
        axes.legend(
            frameon=False,
            fontsize=8,
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            ncols=1 + len(series) // 20,
        )
    return _render(figure, file_format)


#: A line of a caption and its colour, RGB.
CaptionLine = tuple[str, tuple[int, int, int]]
_CAPTION = (40, 40, 40)


def contact_sheet(
    images: Sequence[ImageArray],
    captions: Sequence[str | Sequence[CaptionLine]],
    columns: int,
    *,
    tile_px: int = 180,
) -> ImageArray:
    """Pictures in a grid with a caption under each, as u8[H,W,3] RGB.

    Args:
        images: u8[h,w,3] RGB or u8[h,w] grey, of any size: each is fitted into a square tile.
        captions: as many texts (ASCII), each one line, or lines with the colour of each; a long one is set
            smaller.
        columns: tiles in a row.
        tile_px: side of a tile.

    Raises:
        ValueError: no image, or another number of captions.
    """
    if not images or len(captions) != len(images) or columns < 1:
        raise ValueError(
            f"a contact sheet got {len(images)} images, {len(captions)} captions, {columns} columns"
        )
    lines = [[(each, _CAPTION)] if isinstance(each, str) else list(each) for each in captions]
    strip, gap = 6 + 16 * max(map(len, lines)), 6
    rows = -(-len(images) // columns)
    height, width = rows * (tile_px + strip + gap) + gap, min(columns, len(images)) * (tile_px + gap) + gap
    sheet = np.full((height, width, 3), 255, np.uint8)
    for i, (image, caption) in enumerate(zip(images, lines, strict=True)):
        top, left = gap + i // columns * (tile_px + strip + gap), gap + i % columns * (tile_px + gap)
        tile = _fit(image, tile_px)
        y, x = top + (tile_px - tile.shape[0]) // 2, left + (tile_px - tile.shape[1]) // 2
        sheet[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
        for row, (text, colour) in enumerate(caption):
            _write_caption(sheet, text, colour, left, top + tile_px + 15 + 16 * row, tile_px)
    return sheet


def _fit(image: ImageArray, side_px: int) -> ImageArray:
    colour = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image
    scale = side_px / max(colour.shape[:2])
    size = (max(1, round(colour.shape[1] * scale)), max(1, round(colour.shape[0] * scale)))
    return np.asarray(
        cv2.resize(colour, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8
    )


def _write_caption(
    sheet: ImageArray, text: str, colour: tuple[int, int, int], left: int, baseline: int, width_px: int
) -> None:
    font = cv2.FONT_HERSHEY_SIMPLEX
    wide = cv2.getTextSize(text, font, 0.42, 1)[0][0]
    size = 0.42 * min(1.0, (width_px - 4) / max(wide, 1))
    cv2.putText(sheet, text, (left + 2, baseline), font, size, colour, 1, cv2.LINE_AA)
